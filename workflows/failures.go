package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/tally"
)

// failureOf reads the reason out of what Temporal says of a failed activity.
func failureOf(order flow.Order, err error) tally.Failure {
	failure := tally.Failure{ID: order.ID, BillNumber: order.BillNumber, Reason: "unknown", Message: err.Error()}
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &application):
		failure.Reason, failure.Message = application.Type(), application.Message()
		var details FailureDetails
		if application.HasDetails() && application.Details(&details) == nil {
			failure.Field = details.Field
		}
	case errors.As(err, &timeout):
		failure.Reason = "timeout"
		failure.Message = "保存超时，单据可能已存在；重跑会先查询，不会重复。 Saving took too long and the bill may exist; run the range again, which looks first: " + timeout.Error()
	}
	return failure
}

// toApplicationError gives a failure of the reading the form in which workflows fail.
func toApplicationError(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError(f.Error(), f.Reason, nil)
}

// detailsOf reads the details of a failure or a cancellation.
func detailsOf[T any](err error) (T, bool) {
	var details T
	var application *temporal.ApplicationError
	var canceled *temporal.CanceledError
	switch {
	case errors.As(err, &application) && application.HasDetails():
		return details, application.Details(&details) == nil
	case errors.As(err, &canceled) && canceled.HasDetails():
		return details, canceled.Details(&details) == nil
	}
	return details, false
}

// isType reports whether a workflow or an activity failed for a reason of ours.
func isType(err error, reason string) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && application.Type() == reason
}

// isTimeout reports whether an activity ended because its workers did not.
func isTimeout(err error) bool {
	var timeout *temporal.TimeoutError
	return errors.As(err, &timeout)
}

// messageOf is what the innermost teller of a failure says of it, without the
// frames that Temporal puts around it.
func messageOf(err error) string {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return application.Message()
	}
	return err.Error()
}

// reasonOf is the reason nearest to the cause of a failure; "" for none.
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
