package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// TooManyFailures is the type of the error that stops a run in which too many orders fail
// for one cause.
const TooManyFailures = "too_many_failures"

// fewestFailures keeps a small page from stopping a run: two bad orders out of two are just
// two bad orders.
const fewestFailures = 10

// parkFailures parks the failed orders of a batch. If too many failed for one cause, it
// stops the run instead: ten thousand parked orders would only hide a wrong setting.
func (w *syncWindow) parkFailures(ctx workflow.Context, b *batch) {
	if cause := w.commonCause(b); cause != nil && w.stopped == nil {
		w.stopped = cause
	}
	for _, failed := range b.failed {
		w.park(ctx, b, failed)
		failed.decided.SetValue(nil)
	}
}

// park records a failed order, and parks it unless the run has stopped.
func (w *syncWindow) park(ctx workflow.Context, b *batch, failed failedOrder) {
	if w.stopped != nil {
		w.record(failed.order.ID, tally.Failed, failed.failure)
		return
	}
	result, err := parkOrder(ctx, ParkOrderParams{
		Plan:        w.plan,
		PickVersion: b.pickVersion,
		Order:       failed.order,
		Failure:     failed.failure,

		AlsoDiscarded: w.discardsAsOf.IsZero(),
	})
	switch {
	case err != nil:
		failed.failure.Message = text.New("%s It could not be parked either: %s", failed.failure.Message, MessageOf(err))
		w.record(failed.order.ID, tally.Unparked, failed.failure)
	case result.Discarded:
		w.record(failed.order.ID, tally.LeftOut, tally.Failure{Reason: contract.ReasonDiscarded})
	case result.AlreadyWaiting:
		w.record(failed.order.ID, tally.Parked, failed.failure)
	default:
		w.record(failed.order.ID, tally.NewlyParked, failed.failure)
	}
}

// ofEachOrder are reasons that do not indicate a wrong setting, however often they occur:
// the first run after a month was closed, or after the flow was edited, can meet hundreds of
// such orders, and a person must look at each.
var ofEachOrder = []string{contract.ReasonClosedPeriod, tally.OrderChanged, tally.OrderWithdrawn, tally.DoubleBill, tally.BillVoid, tally.BillsIncomplete}

// commonCause is the error that stops the run if one failure shows that no order may be
// saved, or if too many orders fail for one cause, which is a reason and its field.
func (w *syncWindow) commonCause(b *batch) error {
	for _, failed := range b.failed {
		if reason := failed.failure.Reason; tally.StopsRun(reason) {
			return newFailure(reason, text.New(
				"saving page %d showed that further bills would not be found later, so the run stopped and parked nothing; fix the cause and run the same range again: %s",
				b.page, failed.failure.Message), nil, FailureDetails{})
		}
	}
	if w.plan.TooManyFailures == 0 || len(b.failed) < fewestFailures {
		return nil
	}
	orders, counts := b.booked+b.dispatched, map[string]int{}
	for _, failed := range b.failed {
		if slices.Contains(ofEachOrder, failed.failure.Reason) {
			continue
		}
		cause := failed.failure.Reason + " " + failed.failure.Field
		counts[cause]++
		if count := counts[cause]; count >= fewestFailures && 100*count >= w.plan.TooManyFailures*orders {
			return newFailure(TooManyFailures, text.New(
				"at least %d of the %d orders of page %d failed for one cause, so the run stopped and parked none of them; fix the cause and run the same range again: %s",
				count, orders, b.page, failed.failure.Message), nil, FailureDetails{})
		}
	}
	return nil
}

// commonCause is the error that stops a run in which too many orders were parked for one
// reason: the pages of small windows have too few orders to show that.
func (r *syncFlow) commonCause() error {
	sum := r.state.Tally
	attempted := sum.Saved + sum.Updated + sum.AlreadySaved + sum.Parked + sum.Failed
	for _, reason := range tally.Reasons(sum.NewlyParked) {
		count := sum.NewlyParked[reason]
		if r.state.Plan.TooManyFailures == 0 || slices.Contains(ofEachOrder, reason) ||
			count < fewestFailures || 100*count < r.state.Plan.TooManyFailures*attempted {
			continue
		}
		return newFailure(TooManyFailures, text.New(
			"%d of the %d orders of this run were parked for one reason (%s), so the run stopped; fix the cause and run the same range again (parked orders are retried automatically): %s",
			count, attempted, reason, sum.Example(reason)), nil, FailureDetails{})
	}
	return nil
}
