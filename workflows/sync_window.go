package workflows

import (
	"cmp"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// WindowCut is the type of the error with which a window ends that has more orders than
// one should, before any was saved. Its details hold the number of these orders; its
// run reads them as several windows. It is an error, so that nobody takes it for done.
const WindowCut = "window_cut"

// WindowUnfinished is the type of the error with which a window, and with it its run,
// ends when the source, or the list of bills that exist, can't be read. Its details
// hold the [tally.Tally] of what was done before.
const WindowUnfinished = "window_unfinished"

// SyncWindowInput is a window of a run.
type SyncWindowInput struct {
	Plan   Plan   `json:"plan"`
	Window Window `json:"window"`
	// Grain is contract.GrainOrder or contract.GrainPage.
	Grain string `json:"grain"`
	// Tried tells that workers have died of a SyncPages of the window: what became of the
	// orders that it was saving is not known.
	Attempted bool `json:"attempted,omitempty"`
	// Control is how a person steers the run when the window begins.
	Control Control `json:"control,omitzero"`
	// Reading is how far the window is read; it is carried over continue-as-new.
	Reading paging.Window `json:"reading"`
}

// SyncWindowResult is what a window did.
type SyncWindowResult struct {
	tally.Tally
	// RowVersions is nil for a window of time.
	RowVersions *paging.Versions `json:"row_versions,omitempty"`
}

// SyncWindowProgress is the answer to [ProgressQuery].
type SyncWindowProgress struct {
	Window Window `json:"window"`
	// PageCount and DataCount are how many pages and orders the source counts
	// in the window, 0 before the first page is read.
	PageCount int         `json:"page_count"`
	DataCount int         `json:"data_count"`
	Tally     tally.Tally `json:"tally"`
	Control   Control     `json:"control,omitzero"`
}

// SyncWindow reads the pages of one window, and sees to it that each of their orders
// becomes one bill. In the grain of orders it has a page read, and each of its orders
// saved by a SaveOrder activity of its own. In the grain of pages a SyncPages activity
// reads and saves several pages, and only what does not succeed there goes by SaveOrder.
// An order that can't be saved is parked with its reason, and stops no other.
//
// It ends with a *temporal.ApplicationError of type [WindowCut] if it has too many
// orders, and of type [WindowUnfinished] if the source or Kingdee's list of bills can't
// be read, or if most orders of a page fail for one cause, and with a
// *temporal.CanceledError when cancelled: what is in flight is finished first.
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
			in.Reading, in.Control, in.Grain, in.Attempted = w.reading, w.control, w.grain, w.tried
			return SyncWindowResult{}, workflow.NewContinueAsNewError(ctx, SyncWindowName, in)
		}
		err = workflow.Await(ctx, func() bool { return w.control.Paused == nil || w.over() })
		if err == nil && !w.over() {
			err = w.readOn(ctx)
		}
	}
	w.drain(ctx)
	err = cmp.Or(err, w.stopped, ctx.Err())
	return SyncWindowResult{Tally: w.reading.Orders.Tally, RowVersions: w.reading.Versions}, w.ended(err)
}

type syncWindow struct {
	plan    Plan
	window  Window
	grain   string
	tried   bool // as in SyncWindowInput
	reading paging.Window

	// inFlight bounds the orders that are being saved, across pages.
	inFlight *limit
	// undecided holds, of each order that was given out, when it is decided what becomes
	// of its latest version.
	undecided map[string]workflow.Future
	work      workflow.WaitGroup
	// givingOut tells that orders of a page wait for their turn to be saved.
	givingOut bool
	// stopped is why no more orders are given out, nil while they are; over tells that
	// none is, for that reason or because the run is cancelled.
	stopped error
	over    func() bool

	control    Control
	controlled *controlled
	// interrupt ends a SyncPages under way, so that a change of the control takes effect.
	interrupt workflow.CancelFunc

	measure func(outcome, reason string) // adds one to [OrdersMetric]
}

func newSyncWindow(ctx workflow.Context, in SyncWindowInput) (*syncWindow, error) {
	w := &syncWindow{
		plan: in.Plan, window: in.Window, grain: in.Grain, tried: in.Attempted, reading: in.Reading, control: in.Control,
		undecided: map[string]workflow.Future{}, work: workflow.NewWaitGroup(ctx),
		interrupt: func() {}, measure: counterOf(ctx, OrdersMetric, in.Plan.Flow),
	}
	w.over = func() bool { return w.stopped != nil || ctx.Err() != nil }
	w.inFlight = newLimit(func() int { return w.control.inFlight(w.plan) }, w.over)
	w.controlled = newControlled(ctx, &w.control, func(ctx workflow.Context) {
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

// readOn reads what comes next, and gives out what it leaves to be done. The page after
// it is read meanwhile, unless orders of the one before still wait for their turn.
func (w *syncWindow) readOn(ctx workflow.Context) error {
	read := w.readPage
	if w.grain == contract.GrainPage {
		read = w.syncPages
	}
	batch, end := read(ctx)
	if batch == nil {
		return end
	}
	if err := workflow.Await(ctx, func() bool { return !w.givingOut || w.over() }); err != nil {
		return err
	}
	w.giveOut(ctx, batch)
	return end
}

// readPage reads the next page. What ends the reading does not keep its orders from
// being saved.
func (w *syncWindow) readPage(ctx workflow.Context) (*batch, error) {
	params := FetchPageParams{Flow: w.plan.Flow, Window: w.window, PageIndex: w.reading.Next, Rows: w.reading.Rest}
	if w.reading.Versions != nil {
		params.StartTS = &w.reading.Versions.Reached
	}
	opens := w.reading.Orders.Len() == 0 && w.reading.Versions == nil
	var page paging.Page
	if err := fetchPage(ctx, w.plan, params).Get(ctx, &page); err != nil {
		return nil, err
	}
	if most := mostOrders(w.grain, w.window); opens && !w.tried && page.DataCount > most {
		return nil, w.cut(page.DataCount)
	}
	work, end := w.reading.Take(page, w.count)
	w.showProgress(ctx)
	return &batch{page: params.PageIndex, pickVersion: page.PickVersion, work: work}, toApplicationError(end)
}

// syncPages has pages read and saved by one activity, and takes in what came of them.
// Where one can't be brought to its end, because workers die of it, the rest of the
// window is read and saved order by order.
func (w *syncWindow) syncPages(ctx workflow.Context) (*batch, error) {
	if err := workflow.Await(ctx, func() bool { return w.inFlight.free() > 0 || w.over() }); err != nil || w.over() {
		return nil, err
	}
	params := SyncPagesParams{
		Flow: w.plan.Flow, Window: w.window, Reading: w.reading,
		MostOrders: mostOrders(w.grain, w.window), InFlight: w.inFlight.free(),
	}
	callCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	w.interrupt = cancel
	var result SyncPagesResult
	err := syncPages(callCtx, w.plan, params).Get(ctx, &result)
	w.interrupt = func() {}
	switch {
	case isTimeout(err):
		w.grain, w.tried = contract.GrainOrder, true
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

// cut ends a window that has too many orders for one, before any is saved.
func (w *syncWindow) cut(orders int) error {
	return newFailure(WindowCut, text.New("window %s has %d orders and goes on as several; nothing is wrong", w.window, orders),
		nil, FailureDetails{Orders: orders})
}

// ended gives the error that stopped the reading what was done before.
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
