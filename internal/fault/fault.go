// Package fault is the type of all failures of the outside systems. The clients classify
// them, the activities turn the class into a Temporal retry or a final failure, and
// nothing else decides.
package fault

import (
	"errors"
	"strings"
	"time"

	"refundsync/internal/text"
)

// Class says how to handle a failure.
type Class string

const (
	// Retry is transient: the call may be repeated after Delay. It may have taken
	// effect; look that up first.
	Retry Class = "retry"
	// RateLimited is a refusal because of too many calls. The call took no effect and
	// may be repeated after Delay.
	RateLimited Class = "rate_limited"
	// SessionLost means that the Kingdee session is gone. The call took no effect; the
	// client logs in once more before it returns this.
	SessionLost Class = "session_lost"
	// Final fails until a person changes something.
	Final Class = "final"
)

// Error is a failure of one call to an outside system, or of one order or bill in it.
type Error struct {
	Class Class
	// Reason is a stable short code to group by, such as "unknown_material".
	Reason string
	// System and Call say where it happened, such as Jushuitan and
	// "jushuitan.refund.list.query". Both are empty for a failure of our own, such as an
	// order that can't be mapped.
	System text.Text
	Call   string
	// Code and Message are the vendor's own words, in its language.
	Code, Message string
	// Field is the vendor's name of the field at fault, if known.
	Field string
	// Advice says what to do.
	Advice text.Text
	// Delay is the wait before the next attempt; 0 leaves it to the retry policy.
	Delay time.Duration
	// Err is the cause. If there is no Message, it says what happened, in our words.
	Err error
}

// Error says where it happened, what happened and what to do, in that order.
func (e *Error) Error() string { return e.AsText().String() }

// AsText is [Error.Error] in any language.
func (e *Error) AsText() text.Text {
	where := text.Join(" ", e.System, e.Call)
	if e.Code != "" {
		where = text.Join(" ", where, "["+e.Code+"]")
	}
	what := e.What()
	if !strings.Contains(what.String(), e.Field) {
		what = text.Join(": ", e.Field, what)
	}
	return text.Join(" — ", text.Join(": ", where, what), e.Advice)
}

// What is what happened, without where and what to do.
func (e *Error) What() text.Text {
	if e.Message == "" {
		return text.Of(e.Err)
	}
	return text.Literal(e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// As gives the fault in err's chain, or nil.
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
