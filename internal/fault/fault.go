// Package fault is the one place where failures of the outside systems get a
// type. The clients classify what they meet, the activities turn the class
// into a Temporal retry or a final failure, and nobody else decides.
package fault

import (
	"errors"
	"strings"
	"time"

	"refundsync/internal/text"
)

// Class says what may be done about a failure.
type Class string

const (
	// Retry passes by itself: the same call may be made again after Delay.
	// It says nothing about whether the call took effect; look first.
	Retry Class = "retry"
	// RateLimited is a refusal because of too many calls. The call took no
	// effect and may be made again after Delay.
	RateLimited Class = "rate_limited"
	// SessionLost means that the Kingdee session is gone. The call took no
	// effect; the client logs in again once before it gives this up.
	SessionLost Class = "session_lost"
	// Final will fail again until a person changes something.
	Final Class = "final"
)

// Error is a failure of one call to an outside system, or of one order or bill
// in it. Its text is for people: Chinese first, English second.
type Error struct {
	Class Class
	// Reason is a stable short code to group by, such as "unknown_material".
	Reason string
	// System and Call name where it happened: "聚水潭 Jushuitan",
	// "jushuitan.refund.list.query". Both are empty for a failure of ours,
	// such as an order that can't be mapped.
	System text.Text
	Call   string
	// Code and Message are the vendor's own, unchanged.
	Code, Message string
	// Field is the vendor's name of the field at fault, where known.
	Field string
	// Advice says what to do, Chinese first, English second.
	Advice text.Text
	// Delay is how long to wait before the next attempt; 0 leaves it to the
	// retry policy.
	Delay time.Duration
	// Err is the cause, where there is one.
	Err error
}

// Error gives where, what and what to do, in that order.
func (e *Error) Error() string { return e.AsText().String() }

// AsText is [Error.Error] in any language.
func (e *Error) AsText() text.Text {
	where := text.Join(" ", e.System, e.Call)
	if e.Code != "" {
		where = text.Join(" ", where, "["+e.Code+"]")
	}
	what := text.Literal(e.Message)
	if e.Message == "" {
		what = text.Of(e.Err)
	}
	if !strings.Contains(what.String(), e.Field) {
		what = text.Join(": ", e.Field, what)
	}
	return text.Join(" — ", text.Join(": ", where, what), e.Advice)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// As finds the fault in err's chain, or nil.
func As(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// Is reports whether err is a fault of the class.
func Is(err error, class Class) bool {
	f := As(err)
	return f != nil && f.Class == class
}
