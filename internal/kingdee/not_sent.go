package kingdee

import (
	"context"

	"refundsync/internal/fault"
)

// Failures of a caller that decides by itself not to make a call, or can't tell what
// became of one. method is the call's name.

// NumberUsed is for a bill that was not sent because its number is in use.
func NumberUsed(method, message string) *fault.Error { return numberUsed.failure(method, message) }

// NotOperable is for a bill that was not sent because of its state.
func NotOperable(method, message string) *fault.Error { return notOperable.failure(method, message) }

// LookUpTooOld is for bills that were not sent because the look-up that allowed it no
// longer holds.
func LookUpTooOld(method, message string) *fault.Error { return lookUpTooOld.failure(method, message) }

// Unclear is for a bill that may have been saved: it is to be looked up first.
func Unclear(method, message string) *fault.Error { return unclear.failure(method, message) }

// Malformed is for a reply that err says was not understood.
func Malformed(method string, err error) *fault.Error { return malformed(method, err) }

// NotSent is for a caller whose ctx ended with err before its call was made.
func NotSent(method string, err error) error { return waitFailure(method, err) }

// Interrupted is for a caller whose ctx ended while its call was under way.
func Interrupted(ctx context.Context, method string) error {
	return connectionFailure(ctx, method, ctx.Err())
}
