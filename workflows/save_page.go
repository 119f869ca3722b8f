package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/flow"
)

// mostBytesTogether bounds the orders in SavePage activities. All may have to be
// given to SaveOrder at one moment, when Kingdee is down, beside those of the next
// page, and Temporal refuses a request over 4 MiB.
const mostBytesTogether = 1 << 20

// giveOutTogether starts SavePage for the orders of a page, and more than one where
// fewer may be in flight.
func (w *syncWindow) giveOutTogether(ctx workflow.Context, batch *pageOrders, orders []flow.Order) error {
	most := cmp.Or(w.control.Rate.InFlight, w.plan.InFlight)
	for part := range slices.Chunk(orders, most) {
		count, bytes := int64(len(part)), bytesOf(part)
		if err := w.together.Acquire(ctx, bytes); err != nil {
			return err
		}
		if err := w.inFlight.Acquire(ctx, count); err != nil {
			w.together.Release(bytes)
			return err
		}
		if w.stopped != nil {
			w.inFlight.Release(count)
			w.together.Release(bytes)
			break
		}
		w.state.Tally.Fetched += len(part)
		batch.tried += len(part)
		w.saveTogether(ctx, batch, part)
	}
	return nil
}

// bytesOf is what travels of orders before it is compressed, which need not come
// out alike on every worker.
func bytesOf(orders []flow.Order) (bytes int64) {
	for _, order := range orders {
		bytes += int64(len(order.Fields))
	}
	return bytes
}

// saveTogether runs SavePage beside everything else, and then SaveOrder for each
// order that did not succeed in it. Each order holds its place of inFlight until
// it is decided what became of it.
func (w *syncWindow) saveTogether(ctx workflow.Context, batch *pageOrders, orders []flow.Order) {
	// As in saveAfter.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	w.orders.Add(1)
	for _, order := range orders {
		w.given[order.ID]++
	}
	workflow.GoNamed(ctx, fmt.Sprintf("page %d together", batch.index), func(ctx workflow.Context) {
		defer cancel()
		defer w.orders.Done()
		defer w.together.Release(bytesOf(orders))
		// Of a page that failed as a whole, nothing is known of any order.
		result, _ := savePage(ctx, w.plan, batch.index, SavePageParams{Flow: w.plan.Flow, PickVersion: batch.pickVersion, Orders: orders})
		left := slices.DeleteFunc(slices.Clone(orders), func(order flow.Order) bool {
			done, ok := result.Done[order.ID]
			if ok {
				w.settle(order.ID, fateOf(done.Outcome), Failure{Reason: done.Reason})
				batch.settled++
				w.inFlight.Release(1)
			}
			return ok
		})
		w.showProgress(ctx)
		if len(left) == 0 {
			return
		}
		// Nothing cancels this context.
		_ = workflow.NewTimerWithOptions(ctx, w.waitAfter(result, left), workflow.TimerOptions{
			Summary: fmt.Sprintf("第 %d 页的 %d 单稍后各自重试 orders of page %[1]d wait for an attempt of their own: %[2]d", batch.index, len(left)),
		}).Get(ctx, nil)
		for _, order := range left {
			w.saveAfter(ctx, batch, SaveOrderParams{Flow: w.plan.Flow, PickVersion: batch.pickVersion, Order: order, Tried: true}, 0)
		}
	})
}

// waitAfter is how long the orders that SavePage left wait for their SaveOrder, as
// they would between two attempts: the longest that one of them has to.
func (w *syncWindow) waitAfter(result SavePageResult, left []flow.Order) (wait time.Duration) {
	for _, order := range left {
		if failure := result.NotDone[order.ID]; !failure.Final {
			wait = max(wait, cmp.Or(failure.Delay, w.plan.Retry.First))
		}
	}
	return wait
}
