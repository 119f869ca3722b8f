package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/workflows"
)

// toTemporal is the one place where a fault becomes what Temporal acts on:
// final ones are not retried, the others after the delay that they ask for or,
// without one, after the retry policy's.
func toTemporal(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := fault.As(err)
	if f == nil {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), f.Reason, temporal.ApplicationErrorOptions{
		NonRetryable:   f.Class == fault.Final,
		Details:        []any{workflows.FailureDetails{Field: f.Field}},
		NextRetryDelay: f.Delay,
	})
}
