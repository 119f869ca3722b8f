package kingdee

import (
	"context"

	"refundsync/internal/fault"
)

// Failures of a caller that decides not to make a call, or doesn't know its outcome.
// method is the call's name, and err says what happened.

// NumberUsed is for a bill that was not sent because its number is in use.
func NumberUsed(method string, err error) *fault.Error { return numberUsed.failure(method, err) }

// NotOperable is for a bill that was not sent because of its state.
func NotOperable(method string, err error) *fault.Error { return notOperable.failure(method, err) }

// LookUpTooOld is for bills that were not sent because their look-up is too old.
func LookUpTooOld(method string, err error) *fault.Error { return lookUpTooOld.failure(method, err) }

// Unclear is for a bill that may have been saved: look it up first.
func Unclear(method string, err error) *fault.Error { return unclear.failure(method, err) }

// Malformed is for a reply that was not understood.
func Malformed(method string, err error) *fault.Error { return malformed(method, err) }

// NotSent is for a caller whose ctx ended with err before its call was made.
func NotSent(method string, err error) error { return waitFailure(method, err) }

// Interrupted is for a caller whose ctx ended while its call was under way.
func Interrupted(ctx context.Context, method string) error {
	return connectionFailure(ctx, method, ctx.Err())
}
