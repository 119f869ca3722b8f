package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// batch is orders that were read together and wait to be saved.
type batch struct {
	page        int // the first
	pickVersion string
	work        paging.Work
	// attempted are orders that SyncPages has attempted, which wait before the next attempt.
	attempted []contract.Order
	wait      time.Duration

	// booked counts the orders that have their bill without a SaveOrder: a later run over
	// the range retries only the bad ones, and must not take them for a page on which
	// everything fails.
	booked int
	// dispatched counts the orders that were dispatched, and ended those that have ended.
	dispatched, ended int
	failed            []failedOrder
}

type failedOrder struct {
	order   contract.Order
	failure tally.Failure
	decided workflow.Settable
}

// take takes in the result of a SyncPages.
func (w *syncWindow) take(result SyncPagesResult) *batch {
	b := &batch{page: w.reading.Next, pickVersion: result.PickVersion, wait: result.Wait}
	messages := map[string]tally.Failure{}
	for _, failure := range result.Failed {
		messages[failure.ID] = failure
	}
	for _, order := range result.Outcomes {
		w.reading.Orders.Show(order.Version)
		w.reading.Orders.NotBooked(order.ID, order.NotBooked)
		failure, ok := messages[order.ID]
		if !ok {
			failure.Reason = order.Reason
		}
		w.record(order.ID, order.Outcome, failure)
		if order.Outcome.HasBill() {
			b.booked++
		}
	}
	w.reading.Orders.Tally.AddSaved(result.SavedAmount)
	w.reading.Orders.Tally.Unlinked += result.Unlinked
	for _, differences := range result.Differences {
		w.reading.Orders.Tally.AddDifferences(differences)
	}
	for _, pending := range result.Pending {
		w.reading.Orders.Show(paging.VersionOf(pending.Order))
		w.reading.Orders.NotBooked(pending.Order.ID, pending.Order.NotBooked)
		if pending.Attempted {
			b.attempted = append(b.attempted, pending.Order)
		} else {
			b.work.Newer = append(b.work.Newer, pending.Order)
		}
	}
	w.reading.Reader = result.Reader
	w.reading.Orders.Tally.Pages = w.reading.Pages
	return b
}

// dispatch has the orders of a batch saved concurrently, and those parked that fail.
func (w *syncWindow) dispatch(ctx workflow.Context, b *batch) {
	w.dispatching = true
	w.begin(ctx, fmt.Sprintf("page %d", b.page), func(ctx workflow.Context) {
		if err := w.lookUp(ctx, b); err != nil && w.stopped == nil {
			w.stopped = err
		}
		w.saveAll(ctx, b, b.work.New, SaveOrderParams{})
		w.saveAll(ctx, b, b.work.Newer, SaveOrderParams{Exists: true})
		if len(b.attempted) > 0 {
			// Nothing cancels this context.
			_ = workflow.NewTimerWithOptions(ctx, b.wait, workflow.TimerOptions{
				Summary: text.Sprintf("%d orders wait to be retried", len(b.attempted)),
			}).Get(ctx, nil)
		}
		w.saveAll(ctx, b, b.attempted, SaveOrderParams{Attempted: true})
		w.dispatching = false
		_ = workflow.Await(ctx, func() bool { return b.ended == b.dispatched })
		w.parkFailures(ctx, b)
		w.showProgress(ctx)
	})
}

// lookUp asks Kingdee which of the orders have a bill, and records the outcomes of those
// that need no saving. Orders with an unfinished bill, or with one that they should not
// have, join the newer ones: their SaveOrder looks first.
func (w *syncWindow) lookUp(ctx workflow.Context, b *batch) error {
	var bills []OrderBill
	for _, order := range b.work.New {
		// An order whose bill number can't be computed fails in SaveOrder.
		if order.BillNumber != "" {
			bills = append(bills, BillOf(order))
		}
	}
	for _, skipped := range b.work.LeftOut {
		bills = append(bills, BillOfLeftOut(*skipped.Order, skipped.Reason))
	}
	if len(bills) == 0 || w.over() {
		return nil
	}
	found, err := findBills(ctx, w.plan, b.page, bills)
	if err != nil {
		b.work = paging.Work{}
		return err
	}
	var unsaved []contract.Order
	for _, order := range b.work.New {
		switch {
		case slices.Contains(found.Finished, order.ID):
			b.booked++
			w.record(order.ID, tally.AlreadySaved, tally.Failure{})
		case slices.Contains(found.Unfinished, order.ID):
			b.work.Newer = append(b.work.Newer, order)
		default:
			unsaved = append(unsaved, order)
		}
	}
	b.work.New = unsaved
	for _, skipped := range b.work.LeftOut {
		if slices.Contains(found.Unfinished, skipped.ID) {
			b.work.Newer = append(b.work.Newer, *skipped.Order)
		} else {
			w.record(skipped.ID, tally.LeftOut, tally.Failure{Reason: skipped.Reason})
		}
	}
	return nil
}

// saveAll dispatches orders, each as soon as there is room for it, until the window stops.
// Orders that were attempted are dispatched all the same: they may have a bill by now.
func (w *syncWindow) saveAll(ctx workflow.Context, b *batch, orders []contract.Order, params SaveOrderParams) {
	params.Flow, params.PickVersion, params.DiscardsAsOf = w.plan.Flow, b.pickVersion, w.discardsAsOf
	for _, order := range orders {
		// Nothing cancels this context.
		_ = w.inFlight.Acquire(ctx)
		if w.over() && !params.Attempted {
			w.inFlight.Release()
			return
		}
		params.Order = order
		w.save(ctx, b, params)
	}
}

// save runs SaveOrder concurrently, once the earlier version of the order has its outcome:
// an older version is never saved after a newer one. It holds a place of inFlight.
func (w *syncWindow) save(ctx workflow.Context, b *batch, params SaveOrderParams) {
	id := params.Order.ID
	params.Attempted = params.Attempted || w.attempted
	w.reading.Orders.Fetch(id)
	b.dispatched++
	earlier := w.undecided[id]
	future, decided := workflow.NewFuture(ctx)
	w.undecided[id] = future
	w.begin(ctx, id, func(ctx workflow.Context) {
		defer w.inFlight.Release()
		defer w.showProgress(ctx)
		if earlier != nil {
			_ = earlier.Get(ctx, nil)
		}
		result, err := saveOrder(ctx, w.plan, params)
		if b.ended++; err != nil {
			b.failed = append(b.failed, failedOrder{params.Order, failureOf(params.Order, err), decided})
			return
		}
		w.reading.Orders.Tally.AddDifferences(result.Differences)
		if result.Unlinked {
			w.reading.Orders.Tally.Unlinked++
		}
		w.reading.Orders.AddSaved(id, result.Outcome, result.Amount)
		w.record(id, result.Outcome, tally.Failure{Reason: result.Reason})
		decided.SetValue(nil)
	})
}

// record records the outcome of an order.
func (w *syncWindow) record(id string, outcome tally.Outcome, failure tally.Failure) {
	if now, changed := w.reading.Orders.Record(id, outcome, failure); changed {
		w.count(id, now, failure)
	}
}

// count adds an outcome to the metrics.
func (w *syncWindow) count(_ string, now tally.Outcome, failure tally.Failure) {
	if now != tally.Outside {
		w.measure(now.Label(), failure.Reason)
	}
}

// begin runs work concurrently. Cancelling a run stops its reading; work that has begun is
// finished, so that its outcome is known.
func (w *syncWindow) begin(ctx workflow.Context, name string, work func(workflow.Context)) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	w.work.Add(1)
	workflow.GoNamed(ctx, name, func(ctx workflow.Context) {
		defer cancel()
		defer w.work.Done()
		work(ctx)
	})
}

// drain waits for all work in flight, even when the run is cancelled.
func (w *syncWindow) drain(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	w.work.Wait(ctx)
	w.showProgress(ctx)
}
