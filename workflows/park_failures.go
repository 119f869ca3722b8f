package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// TooManyFailures is the type of the error that stops a run in which most
// orders of a page fail for one cause.
const TooManyFailures = "too_many_failures"

// fewestFailures keeps a small page from stopping a run: two bad orders out of
// two are two bad orders.
const fewestFailures = 10

// discardedReason is what an order is counted under that a person has
// discarded.
const discardedReason = "已由人工放弃 (discarded by a person)"

// parkFailures parks the orders of a batch that failed. If they are too many, for one
// cause, it stops the run instead: ten thousand parked orders would only hide a wrong
// setting.
func (w *syncWindow) parkFailures(ctx workflow.Context, b *batch) {
	if cause := w.commonCause(b); cause != nil && w.stopped == nil {
		w.stopped = cause
	}
	for _, failed := range b.failed {
		w.park(ctx, b, failed)
		failed.decided.SetValue(nil)
	}
}

// park counts one order that failed, and parks it unless the run has stopped.
func (w *syncWindow) park(ctx workflow.Context, b *batch, failed failedOrder) {
	if w.stopped != nil {
		w.settle(failed.order.ID, tally.Failed, failed.failure)
		return
	}
	result, err := parkOrder(ctx, ParkOrderParams{
		Plan:        w.plan,
		PickVersion: b.pickVersion,
		Order:       failed.order,
		Failure:     failed.failure,
	})
	switch {
	case err != nil:
		failed.failure.Message = text.New("%s It could not be parked either: %s", failed.failure.Message, MessageOf(err))
		w.settle(failed.order.ID, tally.Unparked, failed.failure)
	case result.Discarded:
		w.settle(failed.order.ID, tally.LeftOut, tally.Failure{Reason: discardedReason})
	case result.AlreadyWaiting:
		w.settle(failed.order.ID, tally.Parked, failed.failure)
	default:
		w.settle(failed.order.ID, tally.NewlyParked, failed.failure)
	}
}

// ofEachOrder are reasons that are no wrong setting, however often they come: the
// first run after a month was closed, or after the flow was edited, can meet
// hundreds of such orders, and each wants a person's look.
var ofEachOrder = []string{contract.ReasonClosedPeriod, tally.OrderChanged, tally.OrderWithdrawn, tally.DoubleBill, tally.BillVoid, tally.BillsIncomplete}

// commonCause is the error that stops the run if one of the orders shows that
// none may be saved, or they fail too often for one cause, which is a reason and the
// field that it is about.
func (w *syncWindow) commonCause(b *batch) error {
	for _, failed := range b.failed {
		if reason := failed.failure.Reason; tally.StopsRun(reason) {
			return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
				"第 %[1]d 页保存时发现，再保存的单据会找不回来，已停止，没有挂起；改正后重跑同一时段。"+
					" What is saved from page %[1]d on would not be found again, so the run stopped and parked nothing; mend it and run the range again: %[2]s",
				b.page, failed.failure.Message), reason, nil)
		}
	}
	if w.plan.TooManyFailures == 0 || len(b.failed) < fewestFailures {
		return nil
	}
	orders, counts := b.booked+b.given, map[string]int{}
	for _, failed := range b.failed {
		if slices.Contains(ofEachOrder, failed.failure.Reason) {
			continue
		}
		cause := failed.failure.Reason + " " + failed.failure.Field
		counts[cause]++
		if count := counts[cause]; count >= fewestFailures && 100*count >= w.plan.TooManyFailures*orders {
			return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
				"第 %[1]d 页的 %[2]d 单中至少 %[3]d 单因同一原因失败，已停止，没有挂起；改正后重跑同一时段。"+
					" At least %[3]d of the %[2]d orders of page %[1]d failed for one cause, so the run stopped and parked none of them; mend it and run the range again: %[4]s",
				b.page, orders, count, failed.failure.Message), TooManyFailures, nil)
		}
	}
	return nil
}

// commonCause is the error that stops a run in whose windows most orders were parked
// for one reason: windows can be too small for a page of one to tell.
func (r *syncRefunds) commonCause() error {
	sum := r.state.Tally
	tried := sum.Saved + sum.Updated + sum.AlreadySaved + sum.Parked + sum.Failed
	for _, reason := range tally.Reasons(sum.NewlyParked) {
		count := sum.NewlyParked[reason]
		if r.state.Plan.TooManyFailures == 0 || slices.Contains(ofEachOrder, reason) ||
			count < fewestFailures || 100*count < r.state.Plan.TooManyFailures*tried {
			continue
		}
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"本次运行的 %[1]d 单中已有 %[2]d 单因同一原因（%[3]s）挂起，已停止；改正后重跑同一时段，挂起的单会自行重试。"+
				" %[2]d of the %[1]d orders of this run were parked for one reason (%[3]s), so it stopped; mend the cause and run the range again. The parked ones are tried again by themselves: %[4]s",
			tried, count, reason, sum.Example(reason)), TooManyFailures, nil)
	}
	return nil
}
