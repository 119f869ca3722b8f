// Package faults decides what goes wrong in the simulated systems, and when:
// each fault strikes with a probability of its own, drawn from a seed.
package faults

import "slices"

// Name names a fault.
type Name string

// The faults of Jushuitan and its gateway.
const (
	// SourceCallLimit refuses a call as one too many, in one of the vendors'
	// ways: by a code or by a text.
	SourceCallLimit Name = "source-call-limit"
	// SourceServerError answers a 5xx before anything is done.
	SourceServerError Name = "source-server-error"
	// SourceHang never answers: the connection is cut after the hang time.
	SourceHang Name = "source-hang"
	// SourceMalformedJSON answers with a text that is no JSON.
	SourceMalformedJSON Name = "source-malformed-json"
	// SourceNoPage answers with a text and no code, or with less than that, in
	// the place of a page.
	SourceNoPage Name = "source-no-page"
	// SourceNotUTF8 writes a page in GBK.
	SourceNotUTF8 Name = "source-not-utf8"
	// SourceOddCounts leaves the counts out of a page, or writes them as "", null
	// or 0 beside its orders.
	SourceOddCounts Name = "source-odd-counts"
	// SourceOddList writes the orders of a page and their lines as some
	// serialisers do: wrapped once more, one without a list, none as "", {} or null.
	SourceOddList Name = "source-odd-list"
	// SourceOddTimes writes the times of a page with slashes, single digits or
	// without seconds, and no time as 0001-01-01 or 1900-01-01.
	SourceOddTimes Name = "source-odd-times"
	// SourceTruncatedBody cuts the connection in the middle of the reply.
	SourceTruncatedBody Name = "source-truncated-body"
	// SourceClockOff reads the clock wrong by the clock error, so that the
	// gateway refuses a timestamp that is right.
	SourceClockOff Name = "source-clock-off"
	// SourceClockBehind has all of the source by a clock that is behind by the clock
	// error, for as long as the fault is on: the orders' times, the Date of replies
	// and what timestamps are held against.
	SourceClockBehind Name = "source-clock-behind"
	// SourceOrderMoves changes, after a page was served, when an order of the
	// range asked for was modified: it leaves the range, and the orders behind
	// it move up by a place.
	SourceOrderMoves Name = "source-order-moves"
	// SourceOrderChanges changes an order after its bill was stored: more is
	// received, or it gets a remark or its products other names, which book nothing.
	SourceOrderChanges Name = "source-order-changes"
	// SourceOrderWithdrawn has an order cancelled, un-confirmed or merged into a new one
	// after its bill was stored.
	SourceOrderWithdrawn Name = "source-order-withdrawn"
)

// The faults of Kingdee.
const (
	// KingdeeCallLimit refuses a call as one too many.
	KingdeeCallLimit Name = "kingdee-call-limit"
	// KingdeeServerError answers a 5xx before anything is done.
	KingdeeServerError Name = "kingdee-server-error"
	// KingdeeHang never answers, and does nothing: the connection is cut after
	// the hang time.
	KingdeeHang Name = "kingdee-hang"
	// KingdeeReplyLost cuts the connection after all was done.
	KingdeeReplyLost Name = "kingdee-reply-lost"
	// KingdeeSaveLate loses the reply of a save, in one of several ways, and
	// saves later, by the rules that hold then.
	KingdeeSaveLate Name = "kingdee-save-late"
	// KingdeeSessionLost ends the session of a call. A caller with signed
	// headers is given a new one, any other must log in again.
	KingdeeSessionLost Name = "kingdee-session-lost"
	// KingdeeSessionRefused ends a login that has served a call before, and says so
	// in one of the ways of older versions and of web servers before Kingdee: 401,
	// 403, a redirect, a page, a text, another shape.
	KingdeeSessionRefused Name = "kingdee-session-refused"
	// KingdeeConflict refuses a call because of network control.
	KingdeeConflict Name = "kingdee-conflict"
	// KingdeeBillConflict refuses one bill of a call because of network
	// control.
	KingdeeBillConflict Name = "kingdee-bill-conflict"
	// KingdeeBillBusy refuses one bill of a call because of a deadlock or because
	// it is occupied, with the code of a validation that failed.
	KingdeeBillBusy Name = "kingdee-bill-busy"
	// KingdeeAuditRefused saves the bills of a call that is to submit and audit
	// them as well, and then refuses it as a whole, as it does for a user without
	// the right to audit.
	KingdeeAuditRefused Name = "kingdee-audit-refused"
	// KingdeeOtherShape answers in another shape: as JSON written twice or, where
	// it is no list of rows, with the status at the top or in a list.
	KingdeeOtherShape Name = "kingdee-other-shape"
	// KingdeeFrameworkError answers with the text of the framework behind the
	// API, before anything is done.
	KingdeeFrameworkError Name = "kingdee-framework-error"
	// KingdeePartialFailure fails one bill of a call with several, and says
	// IsSuccess true or false about the whole.
	KingdeePartialFailure Name = "kingdee-partial-failure"
	// KingdeeShuffled shuffles SuccessEntitys.
	KingdeeShuffled Name = "kingdee-shuffled"
	// KingdeeBillUnmentioned leaves a bill that was saved or changed out of
	// the reply.
	KingdeeBillUnmentioned Name = "kingdee-bill-unmentioned"
	// KingdeeBillForgotten leaves a bill out of the work and of the reply.
	KingdeeBillForgotten Name = "kingdee-bill-forgotten"
	// KingdeeMalformedJSON answers, after all was done, with a text that is no
	// JSON.
	KingdeeMalformedJSON Name = "kingdee-malformed-json"
	// KingdeeTruncatedBody cuts the connection in the middle of the reply,
	// after all was done.
	KingdeeTruncatedBody Name = "kingdee-truncated-body"
)

// The faults of the robots of group chats.
const (
	// RobotCallLimit refuses a message as one too many.
	RobotCallLimit Name = "robot-call-limit"
	// RobotRefusal refuses a message for good, with HTTP 200 where the vendor
	// does so.
	RobotRefusal Name = "robot-refusal"
	// RobotServerError answers a 5xx.
	RobotServerError Name = "robot-server-error"
	// RobotReplyLost cuts the connection after the message was taken.
	RobotReplyLost Name = "robot-reply-lost"
)

var names = []Name{
	SourceCallLimit, SourceServerError, SourceHang, SourceMalformedJSON, SourceTruncatedBody, SourceClockOff, SourceClockBehind,
	SourceNoPage, SourceNotUTF8, SourceOddCounts, SourceOddList, SourceOddTimes,
	SourceOrderMoves, SourceOrderChanges, SourceOrderWithdrawn,
	KingdeeCallLimit, KingdeeServerError, KingdeeHang, KingdeeReplyLost, KingdeeSaveLate, KingdeeSessionLost,
	KingdeeSessionRefused, KingdeeConflict, KingdeeBillConflict, KingdeeBillBusy, KingdeeAuditRefused, KingdeeOtherShape,
	KingdeeFrameworkError, KingdeePartialFailure, KingdeeShuffled,
	KingdeeBillUnmentioned, KingdeeBillForgotten, KingdeeMalformedJSON, KingdeeTruncatedBody,
	RobotCallLimit, RobotRefusal, RobotServerError, RobotReplyLost,
}

// Names are all faults.
func Names() []Name { return slices.Clone(names) }
