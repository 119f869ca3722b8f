package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/flow"
)

// mostBytesTogether bounds the orders in SavePage activities, and those that SyncPage
// left before it reads the next page. All may have to be given to SaveOrder at one
// moment, when Kingdee is down, and Temporal refuses a request over 4 MiB.
const mostBytesTogether = 1 << 20

// pagePart are orders of a page that one SavePage works on.
type pagePart struct {
	orders []flow.Order
	// leftOut are left out by the flow, each with its order: they may have a bill.
	leftOut []SkippedOrder
}

func (p pagePart) count() int { return len(p.orders) + len(p.leftOut) }

// bytes is what travels of the orders before it is compressed, which need not come
// out alike on every worker.
func (p pagePart) bytes() (bytes int64) {
	for _, order := range p.orders {
		bytes += int64(len(order.Fields))
	}
	return bytes
}

func (p pagePart) ids() (ids []string) {
	for _, order := range p.orders {
		ids = append(ids, order.ID)
	}
	for _, skipped := range p.leftOut {
		ids = append(ids, skipped.ID)
	}
	return ids
}

// parts cuts a part into some of at most so many orders.
func (p pagePart) parts(most int) (parts []pagePart) {
	for orders := range slices.Chunk(p.orders, most) {
		parts = append(parts, pagePart{orders: orders})
	}
	for leftOut := range slices.Chunk(p.leftOut, most) {
		if last := len(parts) - 1; last >= 0 && parts[last].count()+len(leftOut) <= most {
			parts[last].leftOut = leftOut
		} else {
			parts = append(parts, pagePart{leftOut: leftOut})
		}
	}
	return parts
}

// giveOutTogether starts SavePage for the orders of a page, and more than one where
// fewer may be in flight.
func (w *syncWindow) giveOutTogether(ctx workflow.Context, batch *pageOrders, orders pagePart) error {
	for _, part := range orders.parts(cmp.Or(w.control.Rate.InFlight, w.plan.InFlight)) {
		count, bytes := int64(part.count()), part.bytes()
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
		w.state.Tally.Fetched += part.count()
		batch.tried += part.count()
		w.saveTogether(ctx, batch, part)
	}
	return nil
}

// saveTogether runs SavePage beside everything else, and then SaveOrder for each
// order that did not succeed in it. Each order holds its place of inFlight until
// it is decided what became of it.
func (w *syncWindow) saveTogether(ctx workflow.Context, batch *pageOrders, part pagePart) {
	// As in saveAfter.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	w.orders.Add(1)
	for _, id := range part.ids() {
		w.given[id]++
	}
	params := SavePageParams{Flow: w.plan.Flow, PickVersion: batch.pickVersion, Orders: part.orders, LookUp: batch.looksUp, Tried: batch.again}
	for _, skipped := range part.leftOut {
		params.LeftOut = append(params.LeftOut, BillOfLeftOut(*skipped.Order))
	}
	workflow.GoNamed(ctx, fmt.Sprintf("page %d together", batch.index), func(ctx workflow.Context) {
		defer cancel()
		defer w.orders.Done()
		defer w.together.Release(part.bytes())
		result, err := savePage(ctx, w.plan, batch.index, params)
		if batch.looksUp && isRefusal(err) {
			w.takeBack(batch, part, err)
			return
		}
		// Of a page that failed as a whole, nothing is known of any order.
		exist, left := w.settleTogether(batch, part, result, err == nil)
		w.showProgress(ctx)
		w.saveLeft(ctx, leftOrders{batch: batch, exist: exist, tried: left, wait: w.waitAfter(result.NotDone, left)})
	})
}

// leftOrders are the orders of a page that want a SaveOrder of their own.
type leftOrders struct {
	batch *pageOrders
	// exist have a bill to be looked at, or may have one, and tried were tried already.
	exist, tried []flow.Order
	// wait is for how long the tried ones wait before their own attempt.
	wait time.Duration
	// earlier is how many earlier versions of an order were given out before.
	earlier map[string]int
}

// saveLeft runs SaveOrder for each of the orders, which hold their places of inFlight.
func (w *syncWindow) saveLeft(ctx workflow.Context, left leftOrders) {
	params := SaveOrderParams{Flow: w.plan.Flow, PickVersion: left.batch.pickVersion}
	for _, order := range left.exist {
		params := params
		params.Order, params.Exists = order, true
		w.saveAfter(ctx, left.batch, params, left.earlier[order.ID])
	}
	if len(left.tried) == 0 {
		return
	}
	// Nothing cancels this context.
	_ = workflow.NewTimerWithOptions(ctx, left.wait, workflow.TimerOptions{
		Summary: fmt.Sprintf("第 %d 页的 %d 单稍后各自重试 orders of page %[1]d wait for an attempt of their own: %[2]d", left.batch.index, len(left.tried)),
	}).Get(ctx, nil)
	for _, order := range left.tried {
		params := params
		params.Order, params.Tried = order, true
		w.saveAfter(ctx, left.batch, params, left.earlier[order.ID])
	}
}

// isRefusal reports whether SavePage could not work on any order: Kingdee's list of
// bills can't be read, or the worker has another flow. A worker that died says
// nothing of that kind.
func isRefusal(err error) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application)
}

// takeBack stops the window with the error, as where FindBills fails: the orders
// have not been touched, or what was done to them shows at the next look.
func (w *syncWindow) takeBack(batch *pageOrders, part pagePart, err error) {
	if w.stopped == nil {
		w.stopped = err
	}
	for _, id := range part.ids() {
		w.settled[id]++
	}
	w.state.Tally.Fetched -= part.count()
	batch.tried -= part.count()
	w.inFlight.Release(int64(part.count()))
}

// settleTogether counts what became of the orders of a part. Of the others, exist
// are those that have a bill to be looked at, or may have one that they are not to
// have, and left are to be tried again.
func (w *syncWindow) settleTogether(batch *pageOrders, part pagePart, result SavePageResult, looked bool) (exist, left []flow.Order) {
	settle := func(id string, now fate, reason string) {
		w.settle(id, now, Failure{Reason: reason})
		batch.settled++
		w.inFlight.Release(1)
	}
	for _, order := range part.orders {
		switch done, ok := result.Done[order.ID]; {
		case ok:
			w.state.Tally.tell(done.Differences)
			settle(order.ID, fateOf(done.Outcome), done.Reason)
		case slices.Contains(result.Found.Finished, order.ID):
			settle(order.ID, fateAlreadySaved, "")
		case slices.Contains(result.Found.Unfinished, order.ID):
			exist = append(exist, order)
		default:
			left = append(left, order)
		}
	}
	for _, skipped := range part.leftOut {
		if looked && !slices.Contains(result.Found.Unfinished, skipped.ID) {
			settle(skipped.ID, fateSkipped, skipped.Reason)
			continue
		}
		batch.orders++
		exist = append(exist, *skipped.Order)
	}
	return exist, left
}

// waitAfter is how long the orders that SavePage or SyncPage left wait for their SaveOrder, as
// they would between two attempts: the longest that one of them has to.
func (w *syncWindow) waitAfter(notDone map[string]NotDone, left []flow.Order) (wait time.Duration) {
	for _, order := range left {
		if failure := notDone[order.ID]; !failure.Final {
			wait = max(wait, cmp.Or(failure.Delay, w.plan.Retry.First))
		}
	}
	return wait
}
