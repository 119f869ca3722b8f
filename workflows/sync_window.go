package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/flow"
)

// passes is how often the pages of a window are read before its number of
// orders must have settled.
const passes = 5

const (
	// mostOrders bounds the orders of a window: they are carried over
	// continue-as-new, and Temporal refuses a payload over 2 MiB.
	mostOrders = 60_000
	// stalePages is how many pages without a new order are taken beyond those
	// that the orders seen explain: rows move while pages are read.
	stalePages = 20
)

const (
	// manyOrders is how many orders a window of time has at most, if it is longer
	// than a second: several windows are read at once, a large one by itself.
	manyOrders = 5000
	// cutOrders is about how many orders each of the windows has into which it is cut.
	cutOrders = 2500
	// mostParts bounds these windows; one that is still too large is cut again.
	mostParts = 24
)

// WindowCut is the type of the error with which a window ends that has more orders
// than [SyncWindow] reads in one. Its details hold the number of windows that its
// run cuts it into. An error, because a run that does not know of it must not take
// the window for done.
const WindowCut = "window_cut"

// WindowUnfinished is the type of the error with which a window, and with it
// its run, ends when the source, or the list of bills that exist, can't be
// read. Its details hold the [Tally] of what was done before.
const WindowUnfinished = "window_unfinished"

// SyncWindowInput is a window of a run.
type SyncWindowInput struct {
	Plan   Plan   `json:"plan"`
	Window Window `json:"window"`
	// Control is how a person steers the run when the window begins.
	Control Control `json:"control,omitzero"`
	// RowVersion is where a window of row versions begins; nil for one of time.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// SyncPages has one activity read a page and save its orders, instead of one for
	// each of the two. Older windows have it unset.
	SyncPages bool `json:"sync_pages,omitempty"`
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *WindowState `json:"carried,omitempty"`
}

// WindowState is how far the reading of a window has come.
type WindowState struct {
	Tally Tally `json:"tally"`
	// Seen are all orders that the source showed.
	Seen seenOrders `json:"seen"`
	// Page is the page to read next; 0 when all are read.
	Page int `json:"page"`
	// Pass counts the times that the pages were gone through.
	Pass int `json:"pass"`
	// PageCount and DataCount are the source's when the pass began; both 0
	// before it said anything.
	PageCount int `json:"page_count"`
	DataCount int `json:"data_count"`
	// Grew tells that the source had more pages in the course of the pass than
	// when it began.
	Grew bool `json:"grew,omitempty"`
	// Stale counts the pages in a row that showed nothing but repeats.
	Stale int `json:"stale,omitempty"`
	// RowVersions is nil in a window of time.
	RowVersions *RowVersions `json:"row_versions,omitempty"`
}

// SyncWindowProgress is the answer to [ProgressQuery].
type SyncWindowProgress struct {
	Window Window `json:"window"`
	// PageCount and DataCount are how many pages and orders the source counts
	// in the window, 0 before the first page is read.
	PageCount int     `json:"page_count"`
	DataCount int     `json:"data_count"`
	Tally     Tally   `json:"tally"`
	Control   Control `json:"control,omitzero"`
}

// SyncWindow reads the pages of one window and gives each order that has no
// bill yet to a SaveOrder activity of its own, or those of a page to SavePage
// first, as [Plan.Grain] says. An order that can't be saved is parked with its
// reason and stops no other.
//
// It ends with a *temporal.ApplicationError of type [WindowCut] if it has more orders
// than one window should, before any is given out, and of type [WindowUnfinished] if the
// source or Kingdee's list of bills can't be read, or if most orders of a page
// fail for one cause, and with a *temporal.CanceledError when cancelled, both
// with the [Tally] of what was done as details: orders in flight are finished
// first.
func SyncWindow(ctx workflow.Context, in SyncWindowInput) (SyncWindowResult, error) {
	w, err := newSyncWindow(ctx, in)
	if err != nil {
		return SyncWindowResult{}, err
	}
	for w.state.Page > 0 && err == nil && w.stopped == nil {
		if w.ahead == nil && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			w.drain(ctx)
			if err = ctx.Err(); err != nil || w.stopped != nil {
				break
			}
			w.controlled.take()
			in.Carried, in.Control = &w.state, w.control
			return SyncWindowResult{}, workflow.NewContinueAsNewError(ctx, SyncWindowName, in)
		}
		if err = w.controlled.untilResumed(ctx, w.over); err == nil && !w.over() {
			err = w.nextPage(ctx)
		}
	}
	w.drain(ctx)
	if err == nil {
		err = w.stopped
	}
	return SyncWindowResult{Tally: w.state.Tally, RowVersions: w.state.RowVersions}, w.ended(err)
}

type syncWindow struct {
	plan      Plan
	window    Window
	syncPages bool
	state     WindowState
	// seen gives the place of an order in state.Seen.
	seen map[string]int
	// given counts how often an order was given out, and settled how often it
	// was decided what became of it then.
	given, settled map[string]int

	// first is what SyncPage said of page 1, which is read again at the end.
	first []SettledOrder
	// ahead is the page to read next, where it is asked for already.
	ahead workflow.Future
	// inFlight bounds the orders that are being saved, across pages: the next page
	// is read and given out while the last is being saved.
	inFlight *limit
	// together bounds those in SavePage activities, in bytes.
	together *limit
	// leftBytes is the size of those that SyncPage left, until their SaveOrder begins.
	// Unlike together it keeps only the next page waiting: it holds places of inFlight.
	leftBytes int
	orders    workflow.WaitGroup
	// stopped is why no more orders are given out, nil while they are.
	stopped error

	control    Control
	controlled *controlled

	// measure adds one to [OrdersMetric].
	measure func(outcome, reason string)
}

func newSyncWindow(ctx workflow.Context, in SyncWindowInput) (*syncWindow, error) {
	w := &syncWindow{
		plan:      in.Plan,
		window:    in.Window,
		syncPages: in.SyncPages,
		state:     WindowState{Page: 1},
		seen:      map[string]int{},
		given:     map[string]int{},
		settled:   map[string]int{},
		orders:    workflow.NewWaitGroup(ctx),
		control:   in.Control,
		measure:   counterOf(ctx, OrdersMetric, in.Plan.Flow),
	}
	w.inFlight = newLimit(func() int { return w.control.inFlight(w.plan) }, w.over)
	w.together = newLimit(func() int { return mostBytesTogether }, w.over)
	w.controlled = newControlled(ctx, &w.control, w.showProgress)
	if in.Carried != nil {
		w.state = *in.Carried
	} else if in.RowVersion != nil {
		w.state.RowVersions = &RowVersions{Reached: *in.RowVersion, Settled: *in.RowVersion}
	}
	for i, order := range w.state.Seen {
		w.seen[order.ID] = i
	}
	w.showProgress(ctx)
	return w, workflow.SetQueryHandler(ctx, ProgressQuery, func() (SyncWindowProgress, error) {
		return SyncWindowProgress{Window: w.window, PageCount: w.state.PageCount, DataCount: w.state.DataCount, Tally: w.state.Tally, Control: w.control}, nil
	})
}

func (w *syncWindow) over() bool { return w.stopped != nil }

// readPage reads the next page, decides which follows and gives the orders out. again
// tells that SyncPage has tried to save them.
func (w *syncWindow) readPage(ctx workflow.Context, again bool) error {
	if w.ahead == nil {
		w.ahead = w.fetchNext(ctx)
	}
	var page FetchPageResult
	err := w.ahead.Get(ctx, &page)
	w.ahead = nil
	if err != nil {
		return err
	}
	if err := w.checkCut(ctx, page); err != nil {
		return err
	}
	if err := w.checkSize(ctx, page); err != nil {
		return err
	}
	index, before := w.state.Page, len(w.state.Seen)
	newer := w.leaveNew(ctx, &page)
	progressed := len(w.state.Seen) > before
	if !readsAhead(ctx) {
		if err := w.giveOut(ctx, index, page, newer, again); err != nil {
			return err
		}
		if err := w.checkProgress(ctx, progressed); err != nil {
			return err
		}
		return w.turn(index, page)
	}
	// What ends the reading does not keep the orders of this page from being saved.
	end := w.checkProgress(ctx, progressed)
	if end == nil {
		end = w.turn(index, page)
	}
	if end == nil && w.readsOn(ctx) {
		w.ahead = w.fetchNext(ctx)
	}
	if err := w.giveOut(ctx, index, page, newer, again); err != nil {
		return err
	}
	return end
}

// fetchNext asks for the next page. Pages are asked for one after the other: turn
// relies on it.
func (w *syncWindow) fetchNext(ctx workflow.Context) workflow.Future {
	return fetchPage(ctx, w.plan, FetchPageParams{Flow: w.plan.Flow, Window: w.window, PageIndex: w.state.Page, StartTS: w.state.startTS()})
}

// readsOn reports whether the next page may be asked for.
func (w *syncWindow) readsOn(ctx workflow.Context) bool {
	return w.state.Page > 0 && !w.syncPages && w.stopped == nil && w.control.Paused == nil && ctx.Err() == nil && !workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// giveOut has the orders of a page saved, as the grain says.
func (w *syncWindow) giveOut(ctx workflow.Context, index int, page FetchPageResult, newer map[string]bool, again bool) error {
	defer w.showProgress(ctx)
	if w.plan.Grain == flow.GrainPage && looksUpInSavePage(ctx) {
		return w.giveOutUnknown(ctx, index, page, newer, again)
	}
	return w.giveOutKnown(ctx, index, page, newer)
}

// leaveNew takes out of the page what was shown already: rows that move while
// pages are read come twice. An order that comes again in a newer version stays;
// newer names those.
func (w *syncWindow) leaveNew(ctx workflow.Context, page *FetchPageResult) (newer map[string]bool) {
	if repeats(page) && takesNewerVersions(ctx) {
		dropRepeats(page)
	}
	newer = map[string]bool{}
	page.Outside = slices.DeleteFunc(page.Outside, func(id string) bool { return !w.isNew(seenOrder{ID: id, Fate: fateOutside}) })
	page.Orders = slices.DeleteFunc(page.Orders, func(o flow.Order) bool {
		shown := seen(o)
		if w.isNew(shown) {
			return false
		}
		known := &w.state.Seen[w.seen[o.ID]]
		if !known.isNewer(shown) || !takesNewerVersions(ctx) {
			return true
		}
		newer[o.ID] = known.Fate != fateOutside
		known.ChangedAt, known.Content = shown.ChangedAt, shown.Content
		if known.Fate == fateOutside {
			known.Fate = fateOpen
		}
		return false
	})
	page.Skipped = slices.DeleteFunc(page.Skipped, func(s SkippedOrder) bool {
		return !w.isNew(seenOrder{ID: s.ID, ChangedAt: s.ChangedAt})
	})
	page.Failed = slices.DeleteFunc(page.Failed, func(f Failure) bool { return !w.isNew(seenOrder{ID: f.ID}) })
	return newer
}

// isNew remembers an order that was never shown before, and reports whether it
// was not.
func (w *syncWindow) isNew(order seenOrder) bool {
	if _, known := w.seen[order.ID]; known {
		return false
	}
	w.seen[order.ID] = len(w.state.Seen)
	w.state.Seen = append(w.state.Seen, order)
	return true
}

// settle counts what became of an order that was given out.
func (w *syncWindow) settle(id string, now fate, failure Failure) {
	w.settled[id]++
	w.count(id, now, failure)
}

// count counts what became of an order. What an earlier version of it was counted
// under is taken back: an order is counted once.
func (w *syncWindow) count(id string, now fate, failure Failure) {
	order, tally := &w.state.Seen[w.seen[id]], &w.state.Tally
	switch {
	case now == fateAlreadySaved && (order.Fate == fateSaved || order.Fate == fateUpdated), now == fateUpdated && order.Fate == fateSaved:
		return // by this very run
	case now == fateParked && order.Fate == fateNewlyParked:
		now = fateNewlyParked // by this very run
	}
	tally.withdraw(*order)
	order.Fate, order.Reason = now, failure.Reason
	w.measure(now.label(), failure.Reason)
	switch now {
	case fateSkipped:
		tally.skip(failure.Reason)
	case fateNewlyParked:
		tally.newlyParked(failure.Reason)
		tally.park(failure)
	case fateParked:
		tally.park(failure)
	case fateFailed:
		tally.fail(failure)
	case fateUnparked:
		tally.Unparked++
		tally.fail(failure)
	default:
		tally.saved(SaveOrderResult{Outcome: Outcome(now)})
	}
}

func (w *syncWindow) findBills(ctx workflow.Context, index int, page FetchPageResult) (FindBillsResult, error) {
	var bills []OrderBill
	for _, order := range page.Orders {
		// An order whose bill number can't be computed fails in SaveOrder.
		if order.BillNumber != "" {
			bills = append(bills, BillOf(order))
		}
	}
	for _, skipped := range page.Skipped {
		if skipped.Order != nil {
			bills = append(bills, BillOfLeftOut(*skipped.Order))
		}
	}
	if len(bills) == 0 {
		return FindBillsResult{}, nil
	}
	return findBills(ctx, w.plan, index, bills)
}

// BillOf is the bill that an order is to have.
func BillOf(order flow.Order) OrderBill {
	return OrderBill{OrderID: order.ID, Number: order.BillNumber, ChangedAt: order.ChangedAt, Hash: order.BillHash}
}

// BillOfLeftOut is the bill that an order is not to have. Without a hash it has none
// that would do: what makes it one to leave out need not stand in the bill.
func BillOfLeftOut(order flow.Order) OrderBill {
	bill := BillOf(order)
	bill.Hash, bill.LeftOut = "", true
	return bill
}

// giveOutKnown asks which bills exist, counts what needs no saving and has the rest
// saved. An order is counted as fetched when its fate is: the sum holds at every
// moment.
func (w *syncWindow) giveOutKnown(ctx workflow.Context, index int, page FetchPageResult, newer map[string]bool) error {
	found, err := w.findBills(ctx, index, page)
	if err != nil {
		return err
	}
	tally := &w.state.Tally
	batch := &pageOrders{index: index, pickVersion: page.PickVersion}
	defer w.finishPage(ctx, batch)
	orders := page.Orders
	for _, skipped := range page.Skipped {
		// Saved before, and to be left out since: SaveOrder compares the two.
		if skipped.Order != nil && slices.Contains(found.Unfinished, skipped.ID) {
			orders = append(orders, *skipped.Order)
			continue
		}
		tally.Fetched++
		w.count(skipped.ID, fateSkipped, Failure{Reason: skipped.Reason})
	}
	batch.orders = len(orders)
	for _, failed := range page.Failed {
		tally.Fetched++
		w.count(failed.ID, fateFailed, failed)
	}
	var together []flow.Order
	for _, order := range orders {
		// The bill of an order that comes again may be being saved: SaveOrder looks.
		if !newer[order.ID] && slices.Contains(found.Finished, order.ID) {
			tally.Fetched++
			w.count(order.ID, fateAlreadySaved, Failure{})
			continue
		}
		exists := newer[order.ID] || slices.Contains(found.Unfinished, order.ID)
		if w.plan.Grain == flow.GrainPage && !exists {
			together = append(together, order)
			continue
		}
		if err := w.giveOutAlone(ctx, batch, order, newer[order.ID], exists); err != nil {
			return err
		}
	}
	return w.giveOutTogether(ctx, batch, pagePart{orders: together})
}

// giveOutUnknown is giveOutKnown where SavePage asks which bills exist.
func (w *syncWindow) giveOutUnknown(ctx workflow.Context, index int, page FetchPageResult, newer map[string]bool, again bool) error {
	batch := &pageOrders{index: index, pickVersion: page.PickVersion, orders: len(page.Orders), looksUp: true, again: again}
	defer w.finishPage(ctx, batch)
	for _, failed := range page.Failed {
		w.state.Tally.Fetched++
		w.count(failed.ID, fateFailed, failed)
	}
	together := pagePart{}
	for _, skipped := range page.Skipped {
		if skipped.Order != nil {
			w.state.Seen[w.seen[skipped.ID]].Fate = fateLeftOut
			together.leftOut = append(together.leftOut, skipped)
			continue
		}
		w.state.Tally.Fetched++
		w.count(skipped.ID, fateSkipped, Failure{Reason: skipped.Reason})
	}
	for _, order := range page.Orders {
		if !newer[order.ID] {
			together.orders = append(together.orders, order)
			continue
		}
		// Its bill may be being saved: SaveOrder looks.
		if err := w.giveOutAlone(ctx, batch, order, true, true); err != nil {
			return err
		}
	}
	return w.giveOutTogether(ctx, batch, together)
}

// giveOutAlone starts SaveOrder for an order as soon as there is room for it, unless
// the window stops meanwhile. An order that comes again is counted as fetched
// already.
func (w *syncWindow) giveOutAlone(ctx workflow.Context, batch *pageOrders, order flow.Order, again, exists bool) error {
	if err := w.inFlight.Acquire(ctx, 1); err != nil {
		return err
	}
	if w.stopped != nil {
		w.inFlight.Release(1)
		return nil
	}
	if !again {
		w.state.Tally.Fetched++
	}
	batch.tried++
	w.save(ctx, batch, SaveOrderParams{Flow: w.plan.Flow, PickVersion: batch.pickVersion, Order: order, Exists: exists, Tried: batch.again})
	return nil
}

// finishPage parks what failed as soon as all orders that were given out are
// settled, beside the reading of further pages.
func (w *syncWindow) finishPage(ctx workflow.Context, batch *pageOrders) {
	w.orders.Add(1)
	workflow.GoNamed(ctx, fmt.Sprintf("page %d", batch.index), func(ctx workflow.Context) {
		defer w.orders.Done()
		w.parkFailures(ctx, batch)
	})
}

// save runs SaveOrder beside everything else. It holds one place of inFlight.
func (w *syncWindow) save(ctx workflow.Context, batch *pageOrders, params SaveOrderParams) {
	id := params.Order.ID
	earlier := w.given[id]
	w.given[id]++
	w.saveAfter(ctx, batch, params, earlier)
}

// saveAfter is save for an order that is given out already, after so many earlier
// versions of it.
func (w *syncWindow) saveAfter(ctx workflow.Context, batch *pageOrders, params SaveOrderParams, earlier int) {
	// Cancelling a run stops its reading. A bill that is being saved is
	// finished, so that what became of it is known.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	w.orders.Add(1)
	id := params.Order.ID
	workflow.GoNamed(ctx, id, func(ctx workflow.Context) {
		defer cancel()
		defer w.orders.Done()
		defer w.inFlight.Release(1)
		err := w.awaitEarlier(ctx, id, earlier)
		var result SaveOrderResult
		if err == nil {
			result, err = saveOrder(ctx, w.plan, params)
		}
		if err != nil {
			batch.failed = append(batch.failed, failedOrder{params.Order, failureOf(params.Order, err)})
		} else {
			w.state.Tally.tell(result.Differences)
			w.settle(id, fateOf(result.Outcome), Failure{Reason: result.Reason})
		}
		batch.settled++
		w.showProgress(ctx)
	})
}

// awaitEarlier waits until it is decided what became of the earlier versions of
// an order, so that an older one is never saved after a newer one.
func (w *syncWindow) awaitEarlier(ctx workflow.Context, id string, earlier int) error {
	if w.settled[id] >= earlier {
		return nil
	}
	return workflow.Await(ctx, func() bool { return w.settled[id] >= earlier })
}

// checkCut ends a window whose first page tells that it has many orders, before it
// has given one out.
func (w *syncWindow) checkCut(ctx workflow.Context, page FetchPageResult) error {
	if !w.mayBeCut() || page.DataCount <= manyOrders || !cutsWindows(ctx) {
		return nil
	}
	parts := min((page.DataCount+cutOrders-1)/cutOrders, mostParts)
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"%[1]s 有 %[2]d 单，拆成 %[3]d 个窗口继续，不是故障。 The window has %[2]d orders and goes on as %[3]d windows; nothing is wrong",
		w.window, page.DataCount, parts), WindowCut, nil, parts)
}

// mayBeCut reports whether the page to read is the first, and the window longer than
// a second.
func (w *syncWindow) mayBeCut() bool {
	return w.state.Pass == 0 && w.state.RowVersions == nil && !w.window.From.Equal(w.window.To)
}

// checkSize keeps a window from growing beyond what can be carried over
// continue-as-new.
func (w *syncWindow) checkSize(ctx workflow.Context, page FetchPageResult) error {
	count := max(page.DataCount, len(w.state.Seen))
	if count <= mostOrders || !boundsWindows(ctx) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"该时段有 %[1]d 单，一个窗口最多 %[2]d 单。请把流程文件里的 window 调小后重跑。"+
			" This window has %[1]d orders, and one can have %[2]d at most: shorten window in the flow file, then run again",
		count, mostOrders), "window_too_large", nil)
}

// checkProgress ends the reading of a source that shows the same orders over and
// over. A page holds one at least, so there can't be more pages of orders seen
// than there are such orders.
func (w *syncWindow) checkProgress(ctx workflow.Context, progressed bool) error {
	s := &w.state
	s.Stale++
	if progressed {
		s.Stale = 0
	}
	if s.Stale <= len(s.Seen)+stalePages || !boundsWindows(ctx) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"聚水潭连续 %[1]d 页都没有新的售后单，像是在重复同一页。请联系聚水潭，稍后重跑同一时段。"+
			" The last %[1]d pages of the source showed no new order, as if it repeated one page: ask Jushuitan's support, and run the range again later",
		s.Stale), "source_repeats", nil)
}

// turn decides which page is read next.
//
// Rows leave the window while it is read, and the rest move up. So the first
// page only tells how many there are; then they are read from the last to the
// first, where a row that leaves can shift others only into pages still to be
// read. Page 1 is read again at the end. If there are more rows then than were
// seen, rows have come in, which a window behind now does not expect, and the
// pages are gone through once more.
func (w *syncWindow) turn(index int, page FetchPageResult) error {
	s := &w.state
	if s.RowVersions != nil {
		return w.turnRowVersions(page)
	}
	opening := s.Pass == 0
	if opening {
		s.Pass, s.PageCount, s.DataCount = 1, page.PageCount, page.DataCount
	}
	if opening || s.Pass == 1 && index > 1 || index > s.Tally.Pages {
		s.Tally.Pages++
	}
	s.Grew = s.Grew || page.PageCount > s.PageCount || page.DataCount > s.DataCount
	switch {
	case opening && page.PageCount > 1:
		s.Page = page.PageCount
	case index > 1:
		s.Page = index - 1
	case !s.Grew && len(s.Seen) >= page.DataCount:
		s.Page = 0
	case s.Pass == passes:
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"聚水潭称该时段有 %d 单，读了 %d 遍只读到 %d 单。请缩短窗口或把结束时间放早几分钟后重跑。"+
				" The source counts %d orders in this window, but %d passes showed only %d: shorten the window or end the range some minutes earlier, then run again",
			page.DataCount, passes, len(s.Seen), page.DataCount, passes, len(s.Seen)), "source_unsettled", nil)
	default:
		s.Pass++
		s.Page, s.PageCount, s.DataCount, s.Grew, s.Stale = max(page.PageCount, 1), page.PageCount, page.DataCount, false, 0
	}
	return nil
}

// drain waits for the orders in flight, also when the run is cancelled.
func (w *syncWindow) drain(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	w.orders.Wait(ctx)
	w.showProgress(ctx)
}

// ended gives the error that stopped the reading what was done before.
func (w *syncWindow) ended(err error) error {
	if err == nil {
		return nil
	}
	if temporal.IsCanceledError(err) {
		return temporal.NewCanceledError(w.state.Tally)
	}
	if isType(err, WindowCut) {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("%s 的售后单没有读完：%s The window could not be read to its end", w.window, messageOf(err)),
		WindowUnfinished,
		temporal.ApplicationErrorOptions{NonRetryable: true, Cause: err, Details: []any{w.state.Tally}})
}

func (w *syncWindow) showProgress(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, windowDetails(w.window, w.state, w.control))
}
