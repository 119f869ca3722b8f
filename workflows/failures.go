package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// failureOf takes the reason out of the error of a failed activity.
func failureOf(order contract.Order, err error) tally.Failure {
	failure := tally.Failure{ID: order.ID, BillNumber: order.BillNumber, Reason: "unknown", Message: text.Of(err)}
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &application):
		failure.Reason, failure.Message = application.Type(), MessageOf(err)
		failure.Field = detailsOf(err).Field
	case errors.As(err, &timeout):
		failure.Reason = "timeout"
		failure.Message = text.New("saving took too long, and the bill may exist; run the range again, which looks first: %s", timeout)
	}
	return failure
}

// newFailure makes the error with which a workflow fails.
func newFailure(reason string, message text.Text, cause error, details FailureDetails) error {
	details.Message = message
	return temporal.NewApplicationErrorWithOptions(message.String(), reason, temporal.ApplicationErrorOptions{
		NonRetryable: true, Cause: cause, Details: []any{details},
	})
}

// toApplicationError turns a failure to read a window into an error of a workflow.
func toApplicationError(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	return newFailure(f.Reason, text.Of(f), nil, FailureDetails{})
}

// detailsOf reads the details of a failure; they are empty if the failure is not ours.
func detailsOf(err error) (details FailureDetails) {
	var application *temporal.ApplicationError
	if errors.As(err, &application) && application.HasDetails() && application.Details(&details) != nil {
		return FailureDetails{}
	}
	return details
}

// tallyOf is what a window did before it failed or was cancelled; false if unknown.
func tallyOf(err error) (tally.Tally, bool) { return doneBefore(err, detailsOf(err).Tally) }

// ResultOf is what a run did before it failed or was cancelled; false if unknown.
func ResultOf(err error) (SyncFlowResult, bool) { return doneBefore(err, detailsOf(err).Result) }

// doneBefore prefers the details of a failure to those of a cancellation.
func doneBefore[T any](err error, failed *T) (done T, ok bool) {
	if failed != nil {
		return *failed, true
	}
	var canceled *temporal.CanceledError
	if errors.As(err, &canceled) && canceled.HasDetails() {
		return done, canceled.Details(&done) == nil
	}
	return done, false
}

// isType reports whether a workflow or an activity failed for that reason.
func isType(err error, reason string) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && application.Type() == reason
}

// isTimeout reports whether an activity timed out.
func isTimeout(err error) bool {
	var timeout *temporal.TimeoutError
	return errors.As(err, &timeout)
}

// MessageOf is the message of a failure, without the frames that Temporal puts around it.
func MessageOf(err error) text.Text {
	var application *temporal.ApplicationError
	if !errors.As(err, &application) {
		return text.Of(err)
	}
	if message := detailsOf(err).Message; !message.IsZero() {
		return message
	}
	return text.Literal(application.Message())
}

// reasonOf is the reason closest to the cause of a failure; "" for no failure.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	reason := "unknown"
	for {
		var application *temporal.ApplicationError
		if !errors.As(err, &application) {
			break
		}
		reason, err = application.Type(), application.Unwrap()
	}
	if isTimeout(err) {
		return "timeout"
	}
	return reason
}
