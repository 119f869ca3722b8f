package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// WindowCut is the type of the error with which a window ends that has too many orders,
// before any is saved. Its details hold their number; the run reads them as several windows.
// It is an error so that the window does not count as done.
const WindowCut = "window_cut"

// WindowUnfinished is the type of the error with which a window, and its run, ends if the
// source or Kingdee's list of bills can't be read. Its details hold the [tally.Tally] of what
// was done before.
const WindowUnfinished = "window_unfinished"

// SyncWindowInput is a window of a run.
type SyncWindowInput struct {
	Plan   Plan   `json:"plan"`
	Window Window `json:"window"`
	// OrderIDs make it a window of these orders alone; see [FetchPageParams].
	OrderIDs []string `json:"order_ids,omitempty"`
	// AlsoDiscarded is as in [SyncFlowInput].
	AlsoDiscarded bool `json:"also_discarded,omitempty"`
	// Grain is contract.GrainOrder or contract.GrainPage.
	Grain string `json:"grain"`
	// Attempted means that workers died during a SyncPages of the window: the outcomes of
	// the orders that it was saving are unknown.
	Attempted bool `json:"attempted,omitempty"`
	// Control is how a person steers the run when the window begins.
	Control Control `json:"control,omitzero"`
	// NewSince is the time after which an order has changed that no earlier incremental run
	// has read, zero if there was none; nil unless the run is incremental.
	NewSince *time.Time `json:"new_since,omitempty"`
	// Reading is how far the window is read; it is carried over continue-as-new.
	Reading paging.Window `json:"reading"`
}

// SyncWindowResult is what a window did.
type SyncWindowResult struct {
	tally.Tally
	// RowVersions is nil for a window of time.
	RowVersions *paging.Versions `json:"row_versions,omitempty"`
	// EndedEarly means that the flow was disabled before the window was done.
	EndedEarly bool `json:"ended_early,omitempty"`
}

// SyncWindowProgress is the answer to [ProgressQuery].
type SyncWindowProgress struct {
	Window Window `json:"window"`
	// PageCount and DataCount are the source's counts of pages and orders in the window; 0
	// before the first page is read.
	PageCount int         `json:"page_count"`
	DataCount int         `json:"data_count"`
	Tally     tally.Tally `json:"tally"`
	Control   Control     `json:"control,omitzero"`
}

// SyncWindow reads the pages of one window, and ensures that each of their orders becomes
// one bill. With the grain order, it reads a page and saves each of its orders by a SaveOrder
// activity. With the grain page, a SyncPages activity reads and saves several pages, and only
// orders that fail there get a SaveOrder. An order that can't be saved is parked with its
// reason, and holds up no other.
//
// It ends with a *temporal.ApplicationError of type [WindowCut] if it has too many orders, and
// of type [WindowUnfinished] if the source or Kingdee's list of bills can't be read, or if too
// many orders of a page fail for one cause. When cancelled, it ends with a
// *temporal.CanceledError. What is in flight is finished first, also if the flow is disabled,
// which makes it end early.
func SyncWindow(ctx workflow.Context, in SyncWindowInput) (SyncWindowResult, error) {
	w, err := newSyncWindow(ctx, in)
	if err != nil {
		return SyncWindowResult{}, err
	}
	for err == nil && !w.over() && w.reading.Next > 0 {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			if w.drain(ctx); w.over() {
				break
			}
			w.controlled.take()
			in.Reading, in.Control, in.Grain, in.Attempted = w.reading, w.control, w.grain, w.attempted
			return SyncWindowResult{}, workflow.NewContinueAsNewError(ctx, SyncWindowName, in)
		}
		err = workflow.Await(ctx, func() bool { return !w.control.Waits() || w.over() })
		if err == nil && !w.over() {
			err = w.readOn(ctx)
		}
	}
	w.drain(ctx)
	err = cmp.Or(err, w.stopped, ctx.Err())
	if in.NewSince != nil {
		w.reading.Orders.Tally.NewlySkipped = w.reading.Orders.LeftOutSince(*in.NewSince)
	}
	return SyncWindowResult{Tally: w.reading.Orders.Tally, RowVersions: w.reading.Versions, EndedEarly: w.disabled}, w.ended(err)
}

type syncWindow struct {
	plan      Plan
	window    Window
	orderIDs  []string
	grain     string
	attempted bool // as in SyncWindowInput
	// discardsAsOf is as in [SaveOrderParams].
	discardsAsOf time.Time
	reading      paging.Window

	// inFlight bounds the orders that are being saved, across pages.
	inFlight *limit
	// undecided holds, for each dispatched order, a future that is set once its latest
	// version has an outcome.
	undecided map[string]workflow.Future
	work      workflow.WaitGroup
	// dispatching means that orders of a page wait to be dispatched.
	dispatching bool
	// stopped is why no more orders are dispatched, nil while they are; over means that none
	// is, for that reason, or because the run is cancelled or its flow disabled.
	stopped error
	over    func() bool

	control    Control
	controlled *controlled
	// disabled means that the flow was disabled, even if it is enabled by now.
	disabled bool
	// interrupt ends a running SyncPages, so that a change of the control takes effect.
	interrupt workflow.CancelFunc

	measure func(outcome, reason string) // adds one to [OrdersMetric]
}

func newSyncWindow(ctx workflow.Context, in SyncWindowInput) (*syncWindow, error) {
	w := &syncWindow{
		plan: in.Plan, window: in.Window, orderIDs: in.OrderIDs, grain: in.Grain, attempted: in.Attempted, reading: in.Reading, control: in.Control,
		undecided: map[string]workflow.Future{}, work: workflow.NewWaitGroup(ctx),
		interrupt: func() {}, measure: counterOf(ctx, OrdersMetric, in.Plan.Flow),
	}
	w.disabled = w.control.Disabled()
	if !in.AlsoDiscarded {
		w.discardsAsOf = workflow.Now(ctx)
	}
	w.over = func() bool { return w.stopped != nil || ctx.Err() != nil || w.disabled }
	w.inFlight = newLimit(func() int { return w.control.inFlight(w.plan) }, w.over)
	w.controlled = newControlled(ctx, &w.control, func(ctx workflow.Context) {
		w.disabled = w.disabled || w.control.Disabled()
		w.interrupt()
		w.showProgress(ctx)
	})
	w.showProgress(ctx)
	return w, workflow.SetQueryHandler(ctx, ProgressQuery, func() (SyncWindowProgress, error) {
		return SyncWindowProgress{
			Window: w.window, PageCount: w.reading.PageCount, DataCount: w.reading.DataCount, Tally: w.reading.Orders.Tally, Control: w.control,
		}, nil
	})
}

// readOn reads what comes next and dispatches its orders. The page after it is read
// meanwhile, unless orders of the one before still wait to be dispatched.
func (w *syncWindow) readOn(ctx workflow.Context) error {
	read := w.readPage
	if w.grain == contract.GrainPage {
		read = w.syncPages
	}
	batch, end := read(ctx)
	if batch == nil {
		return end
	}
	if err := workflow.Await(ctx, func() bool { return !w.dispatching || w.over() }); err != nil {
		return err
	}
	w.dispatch(ctx, batch)
	return end
}

// readPage reads the next page. Its orders are saved even if it ends the reading.
func (w *syncWindow) readPage(ctx workflow.Context) (*batch, error) {
	params := FetchPageParams{Flow: w.plan.Flow, Window: w.window, PageIndex: w.reading.Next, Rows: w.reading.Rest, OrderIDs: w.orderIDs}
	if w.reading.Versions != nil {
		params.StartTS = &w.reading.Versions.Reached
	}
	opens := w.reading.Orders.Len() == 0 && w.reading.Versions == nil
	var page paging.Page
	if err := fetchPage(ctx, w.plan, params).Get(ctx, &page); err != nil {
		return nil, err
	}
	if most := mostOrders(w.grain, w.window); opens && !w.attempted && page.DataCount > most {
		return nil, w.cut(page.DataCount)
	}
	work, end := w.reading.Take(page, w.count)
	w.showProgress(ctx)
	return &batch{page: params.PageIndex, pickVersion: page.PickVersion, work: work}, toApplicationError(end)
}

// syncPages has one activity read pages and save their orders, and takes in its result. If
// the activity times out because workers die of it, the rest of the window is read and saved
// order by order.
func (w *syncWindow) syncPages(ctx workflow.Context) (*batch, error) {
	if err := workflow.Await(ctx, func() bool { return w.inFlight.free() > 0 || w.over() }); err != nil || w.over() {
		return nil, err
	}
	params := SyncPagesParams{
		Flow: w.plan.Flow, Window: w.window, Reading: w.reading,
		MostOrders: mostOrders(w.grain, w.window), InFlight: w.inFlight.free(), DiscardsAsOf: w.discardsAsOf,
	}
	callCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	w.interrupt = cancel
	var result SyncPagesResult
	err := syncPages(callCtx, w.plan, params).Get(ctx, &result)
	w.interrupt = func() {}
	switch {
	case isTimeout(err):
		w.grain, w.attempted = contract.GrainOrder, true
		return nil, nil
	case temporal.IsCanceledError(err):
		return nil, ctx.Err() // interrupted before it began
	case err != nil:
		return nil, err
	case result.Crowded > 0:
		return nil, w.cut(result.Crowded)
	}
	defer w.showProgress(ctx)
	return w.take(result), nil
}

// cut ends a window that has too many orders, before any is saved.
func (w *syncWindow) cut(orders int) error {
	return newFailure(WindowCut, text.New("window %s has %d orders and is read as several windows; nothing is wrong", w.window, orders),
		nil, FailureDetails{Orders: orders})
}

// ended adds what was done to the error that stopped the reading.
func (w *syncWindow) ended(err error) error {
	switch {
	case err == nil, isType(err, WindowCut):
		return err
	case temporal.IsCanceledError(err):
		return temporal.NewCanceledError(w.reading.Orders.Tally)
	}
	return newFailure(WindowUnfinished, text.New("window %s could not be read to its end: %s", w.window, MessageOf(err)),
		err, FailureDetails{Tally: &w.reading.Orders.Tally})
}

func (w *syncWindow) showProgress(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, windowDetails(w.window, w.grain, w.reading, w.control))
}
