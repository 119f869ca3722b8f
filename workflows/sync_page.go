package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/flow"
)

// fewestBeside is how many windows of a run must be under way at a time for one
// activity to read a page and save it. With fewer, Kingdee would wait while a page is
// read, and the source while one is saved: there the next page is read ahead.
const fewestBeside = 4

// syncsPages reports whether the windows of the run have a page read and saved by one
// activity.
func (r *syncRefunds) syncsPages() bool {
	atOnce := min(r.state.Control.windowsAtOnce(r.state.Plan), r.progress().Windows)
	return r.state.Plan.Grain == flow.GrainPage && r.state.Plan.PageSize > 0 && r.state.RowVersions == nil && atOnce >= fewestBeside
}

// mostLeftAlone bounds the orders that a SyncPage is told to leave alone: they travel
// with each page.
const mostLeftAlone = 1000

// nextPage has the next page read and saved.
func (w *syncWindow) nextPage(ctx workflow.Context) error {
	if !w.syncsNext() {
		return w.readPage(ctx, false)
	}
	if err := w.checkSize(ctx, FetchPageResult{}); err != nil {
		return err
	}
	if err := workflow.Await(ctx, func() bool { return w.leftBytes < mostBytesTogether }); err != nil {
		return err
	}
	places := int64(w.plan.PageSize)
	if err := w.inFlight.Acquire(ctx, places); err != nil {
		return err
	}
	// Stopped or slowed down meanwhile: it is decided anew how the page is read.
	if w.over() || !w.syncsNext() {
		w.inFlight.Release(places)
		return nil
	}
	result, err := w.syncPage(ctx)
	if err != nil {
		w.inFlight.Release(places)
		if err := w.controlled.untilResumed(ctx, w.over); err != nil || w.over() {
			return err
		}
		return w.readPage(ctx, !isType(err, PageUntouched))
	}
	return w.takeSynced(ctx, result, places)
}

// syncsNext reports whether one activity may read the next page and save it. Where
// fewer orders may be in flight than a page has, it is given out in parts.
func (w *syncWindow) syncsNext() bool {
	return w.syncPages && w.control.inFlight(w.plan) >= w.plan.PageSize && len(w.leftAlone()) <= mostLeftAlone
}

// syncPage asks for the next page and its orders' bills.
func (w *syncWindow) syncPage(ctx workflow.Context) (SyncPageResult, error) {
	// As in saveAfter.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	params := SyncPageParams{
		FetchPageParams: FetchPageParams{Flow: w.plan.Flow, Window: w.window, PageIndex: w.state.Page},
		MostOrders:      mostOrders,
		LeaveAlone:      w.leftAlone(),
	}
	if w.mayBeCut() {
		params.MostOrders = manyOrders
	}
	if w.state.Page == 1 {
		params.Known = w.first
	}
	return syncPage(ctx, params)
}

// leftAlone are the orders that were given out and are not settled, and those that
// failed: they have had their attempts, and wait for the next run, or a person has
// discarded them.
func (w *syncWindow) leftAlone() (ids []string) {
	for _, id := range workflow.DeterministicKeys(w.given) {
		if w.settled[id] < w.given[id] {
			ids = append(ids, id)
		}
	}
	for _, order := range w.state.Seen {
		discarded := order.Fate == fateSkipped && order.Reason == discardedReason
		if (order.failed() || discarded) && w.settled[order.ID] == w.given[order.ID] {
			ids = append(ids, order.ID)
		}
	}
	return ids
}

// takeSynced counts what became of the page, decides which follows and gives out what
// was left. Of the places that the page held, each order that was left keeps one.
func (w *syncWindow) takeSynced(ctx workflow.Context, result SyncPageResult, places int64) error {
	defer w.showProgress(ctx)
	page := result.FetchPageResult
	left := leftOrders{batch: &pageOrders{index: w.state.Page, pickVersion: page.PickVersion}}
	defer func() { w.inFlight.Release(places - int64(len(left.exist)+len(left.tried))) }()
	if err := w.checkCut(ctx, page); err != nil {
		return err
	}
	if err := w.checkSize(ctx, page); err != nil {
		return err
	}
	if left.batch.index == 1 {
		w.first = settledOf(result)
	}
	before := len(w.state.Seen)
	w.countSettled(result.Settled)
	newer := w.leaveNew(ctx, &page)
	progressed := len(w.state.Seen) > before
	for _, failed := range page.Failed {
		w.state.Tally.Fetched++
		w.count(failed.ID, fateFailed, failed)
	}
	for _, skipped := range page.Skipped {
		w.state.Tally.Fetched++
		if skipped.Order == nil {
			w.count(skipped.ID, fateSkipped, Failure{Reason: skipped.Reason})
			continue
		}
		w.state.Seen[w.seen[skipped.ID]].Fate = fateLeftOut
		left.exist = append(left.exist, *skipped.Order)
	}
	for _, order := range page.Orders {
		if !newer[order.ID] {
			w.state.Tally.Fetched++
		}
		if _, tried := result.NotDone[order.ID]; tried {
			left.tried = append(left.tried, order)
		} else {
			left.exist = append(left.exist, order)
		}
	}
	left.wait = w.waitAfter(result.NotDone, left.tried)
	left.batch.orders = len(result.Settled) + len(left.exist) + len(left.tried)
	left.batch.tried = len(left.exist) + len(left.tried)
	w.giveOutLeft(ctx, left)
	if err := w.checkProgress(ctx, progressed); err != nil {
		return err
	}
	return w.turn(left.batch.index, page)
}

// settledOf are the orders of a page of which it is settled what becomes of them.
func settledOf(result SyncPageResult) []SettledOrder {
	settled := slices.Clone(result.Settled)
	for _, skipped := range result.Skipped {
		if skipped.Order == nil {
			settled = append(settled, SettledOrder{ID: skipped.ID, ChangedAt: skipped.ChangedAt, Outcome: LeftOut})
		}
	}
	return settled
}

// countSettled counts the orders of a page that have their bill. One that was shown
// before, in this version or a later one, is counted already.
func (w *syncWindow) countSettled(settled []SettledOrder) {
	for _, order := range settled {
		w.state.Tally.tell(order.Differences)
		shown := seenOrder{ID: order.ID, ChangedAt: order.ChangedAt, Content: order.Content}
		if w.isNew(shown) {
			w.state.Tally.Fetched++
		} else {
			known := &w.state.Seen[w.seen[order.ID]]
			if !known.isNewer(shown) {
				continue
			}
			if known.Fate == fateOutside {
				w.state.Tally.Fetched++
				known.Fate = fateOpen
			}
			known.ChangedAt, known.Content = shown.ChangedAt, shown.Content
		}
		w.count(order.ID, fateOf(order.Outcome), Failure{Reason: order.Reason})
	}
}

// giveOutLeft runs SaveOrder for what is left of a page, beside everything else, and
// parks what fails there.
func (w *syncWindow) giveOutLeft(ctx workflow.Context, left leftOrders) {
	if left.batch.tried == 0 {
		return
	}
	w.finishPage(ctx, left.batch)
	left.earlier = map[string]int{}
	bytes := 0
	for _, orders := range [][]flow.Order{left.exist, left.tried} {
		for _, order := range orders {
			left.earlier[order.ID] = w.given[order.ID]
			w.given[order.ID]++
			bytes += len(order.Fields)
		}
	}
	w.leftBytes += bytes
	// As in saveAfter.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	w.orders.Add(1)
	workflow.GoNamed(ctx, fmt.Sprintf("page %d left", left.batch.index), func(ctx workflow.Context) {
		defer cancel()
		defer w.orders.Done()
		defer func() { w.leftBytes -= bytes }()
		w.saveLeft(ctx, left)
	})
}
