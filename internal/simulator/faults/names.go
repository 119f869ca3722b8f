// Package faults decides what goes wrong in the simulated systems, and when: each fault
// strikes with its own probability, drawn from a seed.
package faults

import "slices"

// Name is the name of a fault.
type Name string

// The faults of Jushuitan and its gateway.
const (
	// SourceCallLimit refuses a call for exceeding the call limit, in one of the vendors'
	// ways: by a code or by a text.
	SourceCallLimit Name = "source-call-limit"
	// SourceServerError answers a 5xx without processing the call.
	SourceServerError Name = "source-server-error"
	// SourceHang never answers: the connection is cut after the hang time.
	SourceHang Name = "source-hang"
	// SourceMalformedJSON answers with malformed JSON.
	SourceMalformedJSON Name = "source-malformed-json"
	// SourceNoPage answers with a message and no code, or with even less, instead of a
	// page.
	SourceNoPage Name = "source-no-page"
	// SourceNotUTF8 writes a page in GBK.
	SourceNotUTF8 Name = "source-not-utf8"
	// SourceOddCounts omits the counts of a page, or writes them as "", null or 0 beside
	// its orders.
	SourceOddCounts Name = "source-odd-counts"
	// SourceOddList writes the orders of a page and their lines as some serialisers do:
	// in another level of nesting, a single one without a list, none as "", {} or null.
	SourceOddList Name = "source-odd-list"
	// SourceOddTimes writes the times of a page with slashes, single digits or without
	// seconds, and absent times as 0001-01-01 or 1900-01-01.
	SourceOddTimes Name = "source-odd-times"
	// SourceTruncatedBody cuts the connection in the middle of the reply.
	SourceTruncatedBody Name = "source-truncated-body"
	// SourceClockOff reads the clock wrong by the clock error, so that the gateway
	// refuses a correct timestamp.
	SourceClockOff Name = "source-clock-off"
	// SourceClockBehind puts the source's clock behind by the clock error for as long as
	// the fault is on. It affects the orders' times, the Date of replies and the check of
	// timestamps.
	SourceClockBehind Name = "source-clock-behind"
	// SourceTokenLost ends the open platform's token when it is used.
	SourceTokenLost Name = "source-token-lost"
	// SourceOrderMoves modifies an order of the requested range after a page was served:
	// it leaves the range, and the orders after it move up by one.
	SourceOrderMoves Name = "source-order-moves"
	// SourceOrderChanges changes an order after its bill was stored: more is received, or
	// a remark or the names of its products change, which affects no booking.
	SourceOrderChanges Name = "source-order-changes"
	// SourceOrderWithdrawn cancels, unconfirms or merges an order after its bill was
	// stored.
	SourceOrderWithdrawn Name = "source-order-withdrawn"
)

// The faults of Kingdee.
const (
	// KingdeeCallLimit refuses a call for exceeding the call limit.
	KingdeeCallLimit Name = "kingdee-call-limit"
	// KingdeeServerError answers a 5xx without processing the call.
	KingdeeServerError Name = "kingdee-server-error"
	// KingdeeHang neither answers nor processes the call: the connection is cut after the
	// hang time.
	KingdeeHang Name = "kingdee-hang"
	// KingdeeReplyLost cuts the connection after processing the call.
	KingdeeReplyLost Name = "kingdee-reply-lost"
	// KingdeeSaveLate loses the reply of a save, in one of several ways, and saves later,
	// by the rules in force then.
	KingdeeSaveLate Name = "kingdee-save-late"
	// KingdeeSessionLost ends the session of a call. A caller with signed headers gets a
	// new one; any other must log in again.
	KingdeeSessionLost Name = "kingdee-session-lost"
	// KingdeeSessionRefused ends a login that has served a call before, and reports it in
	// one of the ways of older versions and of web servers in front of Kingdee: 401, 403,
	// a redirect, a page, a text, another shape.
	KingdeeSessionRefused Name = "kingdee-session-refused"
	// KingdeeConflict refuses a call because of network control (网络控制).
	KingdeeConflict Name = "kingdee-conflict"
	// KingdeeBillConflict refuses one bill of a call because of network control (网络控制).
	KingdeeBillConflict Name = "kingdee-bill-conflict"
	// KingdeeBillBusy refuses one bill of a call because of a deadlock or a lock, with
	// the code of a failed validation.
	KingdeeBillBusy Name = "kingdee-bill-busy"
	// KingdeeAuditRefused saves the bills of a call that also submits and audits, and
	// then refuses the whole call, as for a user without the right to audit.
	KingdeeAuditRefused Name = "kingdee-audit-refused"
	// KingdeeOtherShape answers in another shape: as doubly encoded JSON or, except for
	// lists of rows, with the status at the top level or in a list.
	KingdeeOtherShape Name = "kingdee-other-shape"
	// KingdeeFrameworkError answers with the text of the framework behind the API,
	// without processing the call.
	KingdeeFrameworkError Name = "kingdee-framework-error"
	// KingdeePartialFailure fails one of several bills of a call, and sets IsSuccess to
	// true or false for the whole.
	KingdeePartialFailure Name = "kingdee-partial-failure"
	// KingdeeShuffled shuffles SuccessEntitys.
	KingdeeShuffled Name = "kingdee-shuffled"
	// KingdeeBillUnmentioned omits a bill that was saved or changed from the reply.
	KingdeeBillUnmentioned Name = "kingdee-bill-unmentioned"
	// KingdeeBillForgotten neither processes a bill nor mentions it in the reply.
	KingdeeBillForgotten Name = "kingdee-bill-forgotten"
	// KingdeeMalformedJSON answers with malformed JSON after processing the call.
	KingdeeMalformedJSON Name = "kingdee-malformed-json"
	// KingdeeTruncatedBody cuts the connection in the middle of the reply, after
	// processing the call.
	KingdeeTruncatedBody Name = "kingdee-truncated-body"
)

// The faults of the robots of group chats.
const (
	// RobotCallLimit refuses a message for exceeding the call limit.
	RobotCallLimit Name = "robot-call-limit"
	// RobotRefusal refuses a message permanently, with HTTP 200 where the vendor does so.
	RobotRefusal Name = "robot-refusal"
	// RobotServerError answers a 5xx.
	RobotServerError Name = "robot-server-error"
	// RobotReplyLost cuts the connection after accepting the message.
	RobotReplyLost Name = "robot-reply-lost"
)

var names = []Name{
	SourceCallLimit, SourceServerError, SourceHang, SourceMalformedJSON, SourceTruncatedBody, SourceClockOff, SourceClockBehind,
	SourceNoPage, SourceNotUTF8, SourceOddCounts, SourceOddList, SourceOddTimes, SourceTokenLost,
	SourceOrderMoves, SourceOrderChanges, SourceOrderWithdrawn,
	KingdeeCallLimit, KingdeeServerError, KingdeeHang, KingdeeReplyLost, KingdeeSaveLate, KingdeeSessionLost,
	KingdeeSessionRefused, KingdeeConflict, KingdeeBillConflict, KingdeeBillBusy, KingdeeAuditRefused, KingdeeOtherShape,
	KingdeeFrameworkError, KingdeePartialFailure, KingdeeShuffled,
	KingdeeBillUnmentioned, KingdeeBillForgotten, KingdeeMalformedJSON, KingdeeTruncatedBody,
	RobotCallLimit, RobotRefusal, RobotServerError, RobotReplyLost,
}

// Names returns all faults.
func Names() []Name { return slices.Clone(names) }
