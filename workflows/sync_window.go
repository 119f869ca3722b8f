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
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *WindowState `json:"carried,omitempty"`
}

// WindowState is how far the reading of a window has come.
type WindowState struct {
	Tally Tally `json:"tally"`
	// Seen are the ids of all orders that the source showed, in the order in
	// which it did.
	Seen []string `json:"seen"`
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
// bill yet to a SaveOrder activity of its own. An order that can't be saved is
// parked with its reason and stops no other.
//
// It ends with a *temporal.ApplicationError of type [WindowUnfinished] if the
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
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			w.drain(ctx)
			if err = ctx.Err(); err != nil || w.stopped != nil {
				break
			}
			w.controlled.take()
			in.Carried, in.Control = &w.state, w.control
			return SyncWindowResult{}, workflow.NewContinueAsNewError(ctx, SyncWindowName, in)
		}
		if err = w.controlled.untilResumed(ctx, w.over); err == nil && !w.over() {
			err = w.readPage(ctx, w.state.Page)
		}
	}
	w.drain(ctx)
	if err == nil {
		err = w.stopped
	}
	return SyncWindowResult{Tally: w.state.Tally, RowVersions: w.state.RowVersions}, w.ended(err)
}

type syncWindow struct {
	plan   Plan
	window Window
	state  WindowState
	seen   map[string]bool

	// inFlight bounds the SaveOrder activities under way, across pages: the
	// next page is read and given out while the last is being saved.
	inFlight *limit
	orders   workflow.WaitGroup
	// stopped is why no more orders are given out, nil while they are.
	stopped error

	control    Control
	controlled *controlled
}

func newSyncWindow(ctx workflow.Context, in SyncWindowInput) (*syncWindow, error) {
	w := &syncWindow{
		plan:    in.Plan,
		window:  in.Window,
		state:   WindowState{Page: 1},
		seen:    map[string]bool{},
		orders:  workflow.NewWaitGroup(ctx),
		control: in.Control,
	}
	w.inFlight = newLimit(func() int { return w.control.inFlight(w.plan) }, w.over)
	w.controlled = newControlled(ctx, &w.control, w.showProgress)
	if in.Carried != nil {
		w.state = *in.Carried
	} else if in.RowVersion != nil {
		w.state.RowVersions = &RowVersions{Reached: *in.RowVersion, Settled: *in.RowVersion}
	}
	for _, id := range w.state.Seen {
		w.seen[id] = true
	}
	w.showProgress(ctx)
	return w, workflow.SetQueryHandler(ctx, ProgressQuery, func() (SyncWindowProgress, error) {
		return SyncWindowProgress{Window: w.window, PageCount: w.state.PageCount, DataCount: w.state.DataCount, Tally: w.state.Tally, Control: w.control}, nil
	})
}

func (w *syncWindow) over() bool { return w.stopped != nil }

// readPage reads a page, gives its orders out and decides which page is next.
func (w *syncWindow) readPage(ctx workflow.Context, index int) error {
	page, err := fetchPage(ctx, w.plan, FetchPageParams{Flow: w.plan.Flow, Window: w.window, PageIndex: index, StartTS: w.state.startTS()})
	if err != nil {
		return err
	}
	w.leaveNew(&page)
	found, err := w.findBills(ctx, index, page)
	if err != nil {
		return err
	}
	if err := w.giveOut(ctx, index, page, found); err != nil {
		return err
	}
	w.showProgress(ctx)
	return w.turn(index, page)
}

// leaveNew takes out of the page what an earlier page showed already: rows
// that move while pages are read come twice.
func (w *syncWindow) leaveNew(page *FetchPageResult) {
	seenBefore := func(id string) bool {
		before := w.seen[id]
		if !before {
			w.seen[id] = true
			w.state.Seen = append(w.state.Seen, id)
		}
		return before
	}
	page.Outside = slices.DeleteFunc(page.Outside, seenBefore)
	page.Orders = slices.DeleteFunc(page.Orders, func(o flow.Order) bool { return seenBefore(o.ID) })
	page.Skipped = slices.DeleteFunc(page.Skipped, func(s SkippedOrder) bool { return seenBefore(s.ID) })
	page.Failed = slices.DeleteFunc(page.Failed, func(f Failure) bool { return seenBefore(f.ID) })
}

func (w *syncWindow) findBills(ctx workflow.Context, index int, page FetchPageResult) (FindBillsResult, error) {
	var numbers []string
	for _, order := range page.Orders {
		// An order whose bill number can't be computed fails in SaveOrder.
		if order.BillNumber != "" {
			numbers = append(numbers, order.BillNumber)
		}
	}
	if len(numbers) == 0 {
		return FindBillsResult{}, nil
	}
	return findBills(ctx, w.plan, index, numbers)
}

// giveOut counts what needs no saving and starts a SaveOrder for the rest. An
// order is counted as fetched when its fate is: the sum holds at every moment.
func (w *syncWindow) giveOut(ctx workflow.Context, index int, page FetchPageResult, found FindBillsResult) error {
	tally := &w.state.Tally
	batch := &pageOrders{index: index, pickVersion: page.PickVersion, orders: len(page.Orders)}
	defer w.finishPage(ctx, batch)
	for _, skipped := range page.Skipped {
		tally.Fetched++
		tally.skip(skipped.Reason)
	}
	for _, failed := range page.Failed {
		tally.Fetched++
		tally.fail(failed)
	}
	for _, order := range page.Orders {
		if slices.Contains(found.Finished, order.BillNumber) {
			tally.Fetched++
			tally.AlreadySaved++
			continue
		}
		if err := w.inFlight.Acquire(ctx, 1); err != nil {
			return err
		}
		if w.stopped != nil {
			w.inFlight.Release(1)
			break
		}
		tally.Fetched++
		batch.tried++
		w.save(ctx, batch, SaveOrderParams{
			Flow:        w.plan.Flow,
			PickVersion: page.PickVersion,
			Order:       order,
			Exists:      slices.Contains(found.Unfinished, order.BillNumber),
		})
	}
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
	// Cancelling a run stops its reading. A bill that is being saved is
	// finished, so that what became of it is known.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	w.orders.Add(1)
	workflow.GoNamed(ctx, params.Order.ID, func(ctx workflow.Context) {
		defer cancel()
		defer w.orders.Done()
		defer w.inFlight.Release(1)
		result, err := saveOrder(ctx, w.plan, params)
		if err != nil {
			batch.failed = append(batch.failed, failedOrder{params.Order, failureOf(params.Order, err)})
		} else {
			w.state.Tally.saved(result)
		}
		batch.settled++
		w.showProgress(ctx)
	})
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
		s.Page, s.PageCount, s.DataCount, s.Grew = max(page.PageCount, 1), page.PageCount, page.DataCount, false
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
	return temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("%s 的售后单没有读完：%s The window could not be read to its end", w.window, messageOf(err)),
		WindowUnfinished,
		temporal.ApplicationErrorOptions{NonRetryable: true, Cause: err, Details: []any{w.state.Tally}})
}

func (w *syncWindow) showProgress(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, windowDetails(w.window, w.state, w.control))
}
