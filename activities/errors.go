package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// toTemporal is the one place where a fault becomes a Temporal error: a final one is not
// retried, any other after its own delay or, without one, that of the retry policy. Its
// message is cut: a vendor's text has no bound, and goes into histories, memos and results.
func toTemporal(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := fault.As(err)
	if f == nil {
		return err
	}
	message := text.Of(err).Short(tally.LongestMessage)
	return temporal.NewApplicationErrorWithOptions(message.String(), f.Reason, temporal.ApplicationErrorOptions{
		NonRetryable:   f.Class == fault.Final,
		Details:        []any{workflows.FailureDetails{Field: f.Field, Message: message}},
		NextRetryDelay: f.Delay,
	})
}
