package workflows

import (
	"cmp"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// The types of the errors with which a run ends. Their messages say what to do.
const (
	// RunUnfinished: the run could not read all its windows. Its details hold the
	// [SyncFlowResult] of what was done.
	RunUnfinished = "run_unfinished"
	// FlowDisabled: the run is incremental, and the flow file disables the flow. SendAlert
	// fails with it as well.
	FlowDisabled = "flow_disabled"
	// WatermarkUnknown: the run is incremental and does not know where to start.
	WatermarkUnknown = "watermark_unknown"
	// UnknownGrain: the run's input names an unknown grain.
	UnknownGrain = "unknown_grain"
	// UnknownRate: the run's input, or an update, asks for a rate that is not possible.
	UnknownRate = "unknown_rate"
	// NoSweep: the run is a sweep of a flow without sweeps.
	NoSweep = "no_sweep"
)

// SyncFlowInput is a run of a flow.
type SyncFlowInput struct {
	Flow string `json:"flow"`
	// Range is a range given by hand, which never moves the watermark. Without one, the run
	// is incremental: from the last watermark to now.
	Range *Window `json:"range,omitempty"`
	// OrderIDs make the run one over these orders alone, named by the flow's key or by the
	// number of their bill. It is like a run over a range given by hand; Range is then when
	// they were last modified, by default the last 90 days.
	OrderIDs []string `json:"order_ids,omitempty"`
	// AlsoDiscarded: orders that a person has discarded are synced like any others.
	AlsoDiscarded bool `json:"also_discarded,omitempty"`
	// ByHand marks an incremental run that a person starts: it does not move the watermark
	// either.
	ByHand bool `json:"by_hand,omitempty"`
	// Sweep makes the run reread what the flow's checks.sweep says, slowly. It is like a run
	// over a range given by hand, except that it is reported.
	Sweep bool `json:"sweep,omitempty"`
	// Watermark is the one to continue from if no earlier run of this schedule has one: that
	// of a deleted schedule, for example.
	Watermark *time.Time `json:"watermark,omitempty"`
	// RowVersion is the counterpart of Watermark in a run by row versions; nil for none.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// Since is where the first incremental run starts, instead of the flow's since.
	Since *time.Time `json:"since,omitempty"`
	// Grain is what one activity saves, one of contract.Grains, instead of the flow's.
	Grain string `json:"grain,omitempty"`
	// Orders is about how many orders the run has, from [EstimateRun]; with nil the run asks
	// the source itself.
	Orders *int `json:"orders,omitempty"`
	// Rate is how much is in flight at a time from the beginning, instead of the flow's.
	Rate Rate `json:"rate,omitzero"`
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *RunState `json:"carried,omitempty"`
}

// RunState is the state of a run. It holds the watermark as well, because the last
// completion result does not survive continue-as-new.
type RunState struct {
	Plan Plan `json:"plan"`
	// Range is what the run covers.
	Range Window `json:"range"`
	// Watermark is the one that the run started with; nil for none.
	Watermark *time.Time `json:"watermark,omitempty"`
	// Next is where the next window begins; after Range.To when all have begun.
	Next time.Time `json:"next"`
	// OrderIDs are the given orders that have not begun.
	OrderIDs []string `json:"order_ids,omitempty"`
	// NotFound are those that the source does not show.
	NotFound []string `json:"not_found,omitempty"`
	// Unfinished are those of windows that did not finish.
	Unfinished []string `json:"unfinished,omitempty"`
	// Cut are the windows that larger ones were cut into and that have not begun.
	Cut         []Window    `json:"cut,omitempty"`
	WindowsDone int         `json:"windows_done"`
	Tally       tally.Tally `json:"tally"`
	// Orders is about how many orders the run has in all; 0 while unknown.
	Orders  int     `json:"orders,omitempty"`
	Control Control `json:"control,omitzero"`
	// RowVersions is nil in a run by time.
	RowVersions *paging.Versions `json:"row_versions,omitempty"`
	// RowVersion is the one that the run started with; nil in a run by time.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// SourceAhead and NotKept are as in [LoadFlowResult].
	SourceAhead time.Duration `json:"source_ahead,omitempty"`
	NotKept     text.Text     `json:"not_kept,omitzero"`
}

// SyncFlowResult says what a run covered, and the outcomes of its orders.
type SyncFlowResult struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Watermark is the time up to which the flow's incremental runs have missed nothing; nil
	// if there was none. A run by hand does not move it, nor does a run with orders that
	// could be neither saved nor parked.
	Watermark *time.Time `json:"watermark"`
	// RowVersion is the counterpart of Watermark in a run by row versions; nil for others.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// Found is how many orders a sweep found that had been missed or have changed: those
	// that it saved, updated or newly parked, or whose bill it deleted. nil for other runs.
	Found *int `json:"found,omitempty"`
	// NotFound are all given orders that the source does not show. They are counted as
	// failed.
	NotFound []string `json:"not_found,omitempty"`
	// Unfinished are the given orders that had not begun, or whose window did not finish, when
	// the run failed or was cancelled. A run over them repeats nothing.
	Unfinished []string `json:"unfinished,omitempty"`
	// Held are the holds for which the run ended at once, with a zero From, or ended early
	// because its flow was disabled. Watermark and RowVersion are those it began with. Empty
	// for other runs.
	Held []contract.Hold `json:"held,omitempty"`
	tally.Tally
}

// DidNothing reports whether the run read and saved nothing because its flow was held or
// disabled.
func (r SyncFlowResult) DidNothing() bool { return len(r.Held) > 0 && r.From.IsZero() }

// EndedEarly reports whether the run ended early because its flow was disabled.
func (r SyncFlowResult) EndedEarly() bool { return len(r.Held) > 0 && !r.From.IsZero() }

// SyncFlowProgress is the answer to [ProgressQuery].
type SyncFlowProgress struct {
	// Title is the flow's.
	Title       string          `json:"title,omitempty"`
	Range       Window          `json:"range"`
	Windows     int             `json:"windows"`
	WindowsDone int             `json:"windows_done"`
	Running     []RunningWindow `json:"running"`
	// Tally adds up the windows that are done; the running ones answer for themselves.
	Tally tally.Tally `json:"tally"`
	// Orders is about how many orders the run has in all; 0 while unknown.
	Orders int `json:"orders,omitempty"`
	// Grain is that of the windows to begin; GrainAuto means that the run chooses it.
	Grain     string     `json:"grain"`
	GrainAuto bool       `json:"grain_auto,omitempty"`
	Watermark *time.Time `json:"watermark"`
	// Control is how a person steers the run, and Rate how much may be in flight at a time
	// with that.
	Control Control `json:"control,omitzero"`
	Rate    Rate    `json:"rate"`
	// SourceAhead and NotKept are as in [LoadFlowResult].
	SourceAhead time.Duration `json:"source_ahead,omitempty"`
	NotKept     text.Text     `json:"not_kept,omitzero"`
}

// RunningWindow is a running window and its workflow.
type RunningWindow struct {
	Window     Window `json:"window"`
	WorkflowID string `json:"workflow_id"`

	orderIDs []string
}

// SyncFlow is a run of a flow: it works out the range, cuts it into windows, runs a
// SyncWindow for each, a few at a time, and adds up their results.
//
// If the flow is held or disabled, it ends at once with the watermark it began with. If it is
// disabled meanwhile, the run reads and dispatches nothing more, finishes what is in flight,
// and ends with that watermark.
//
// It fails with a *temporal.ApplicationError of one of the types above. If a window can't be
// read, no further one is begun, the running ones are finished, and the error holds what was
// done; the next run over the range neither loses nor repeats any of it. When cancelled, it
// ends with a *temporal.CanceledError that holds the same.
func SyncFlow(ctx workflow.Context, in SyncFlowInput) (SyncFlowResult, error) {
	if err := listRun(ctx, in.Flow); err != nil {
		return SyncFlowResult{}, err
	}
	r, err := newSyncFlow(ctx, in)
	if err != nil {
		return SyncFlowResult{}, cmp.Or(listEnd(ctx, in.Flow, SyncFlowResult{}, err, false), err)
	}
	if len(r.held) > 0 {
		result := SyncFlowResult{Watermark: r.state.Watermark, RowVersion: r.state.RowVersion, Held: r.held}
		return result, listEnd(ctx, in.Flow, result, nil, !r.byHand)
	}
	if r.state.RowVersions != nil {
		r.readRowVersions(ctx)
	}
	for r.hasMore(ctx) {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			r.drain(ctx)
			if r.failure == nil {
				r.failure = ctx.Err()
			}
			if r.failure != nil {
				break
			}
			if workflow.GetInfo(ctx).CronSchedule == "" {
				in.Carried = &r.state
				return SyncFlowResult{}, workflow.NewContinueAsNewError(ctx, SyncFlowName, in)
			}
			if len(r.state.Cut) == 0 {
				r.endEarly()
				break
			}
		}
		if err := r.beginWindow(ctx); err != nil {
			r.failure = err
		}
	}
	r.drain(ctx)
	result, err := r.ended(ctx)
	r.report(ctx, result, err)
	return result, err
}

type syncFlow struct {
	byHand bool
	sweep  bool
	// orders means that the run is over given orders.
	orders bool
	// alsoDiscarded is as in [SyncFlowInput].
	alsoDiscarded bool
	state         RunState

	windows workflow.WaitGroup
	atOnce  *limit
	running []RunningWindow
	// futures are those of the running windows, by workflow id.
	futures  map[string]workflow.ChildWorkflowFuture
	steering workflow.Mutex
	// failure is the first failure of a window; no window is begun after it.
	failure error
	// held are the holds that were on when the run began; it then does nothing.
	held []contract.Hold
	// disabled are those that were on when the flow was disabled, so that the run ends early,
	// even if the flow is enabled by now.
	disabled []contract.Hold
}

func newSyncFlow(ctx workflow.Context, in SyncFlowInput) (*syncFlow, error) {
	r := &syncFlow{sweep: in.Sweep, orders: len(in.OrderIDs) > 0, alsoDiscarded: in.AlsoDiscarded, windows: workflow.NewWaitGroup(ctx)}
	r.byHand = in.ByHand || in.Range != nil || in.Sweep || r.orders
	r.futures, r.steering = map[string]workflow.ChildWorkflowFuture{}, workflow.NewMutex(ctx)
	if err := r.takeUpdates(ctx); err != nil {
		return nil, err
	}
	if in.Carried != nil {
		r.state = *in.Carried
		r.lookForHolds(ctx)
		r.endIfDisabled()
	} else if err := r.begin(ctx, in); err != nil {
		r.report(ctx, SyncFlowResult{Watermark: r.state.Watermark}, err)
		return nil, err
	}
	if len(r.held) > 0 {
		return r, nil
	}
	r.atOnce = newLimit(
		func() int { return r.state.Control.windowsAtOnce(r.state.Plan) },
		func() bool { return r.failure != nil })
	r.showProgress(ctx)
	return r, workflow.SetQueryHandler(ctx, ProgressQuery, func() (SyncFlowProgress, error) {
		return r.progress(), nil
	})
}

// begin loads the flow and works out the range.
func (r *syncFlow) begin(ctx workflow.Context, in SyncFlowInput) error {
	loaded, err := loadFlow(ctx, in.Flow, in.OrderIDs)
	if err != nil {
		return err
	}
	plan, now := loaded.Plan, SlowerClock(workflow.Now(ctx), loaded.SourceTime)
	r.state.SourceAhead, r.state.NotKept = loaded.SourceAhead, loaded.NotKept
	if !plan.Enabled && (!r.byHand || in.Sweep) {
		return flowDisabled(plan.Flow)
	}
	plan.Grain = cmp.Or(in.Grain, plan.Grain)
	r.state.Plan, r.state.Control.Rate = plan, in.Rate
	if err := CheckGrain(in.Grain); err != nil {
		return newFailure(UnknownGrain, text.Of(err), nil, FailureDetails{})
	}
	if in.Rate != (Rate{}) {
		if err := checkRate(in.Rate); err != nil {
			return err
		}
	}
	if r.state.Watermark, err = lastWatermark(ctx); err != nil {
		return err
	}
	if len(loaded.Holds) > 0 {
		return r.hold(ctx, in, loaded.Holds)
	}
	if in.Sweep {
		if err := r.beginSweep(&in, now); err != nil {
			return err
		}
	}
	r.state.OrderIDs = loaded.OrderIDs
	if r.orders {
		r.beginOrders(&in, now)
	}
	if err := r.beginRowVersions(ctx, &in, now); err != nil {
		return err
	}
	if in.Range != nil {
		r.state.Range = GivenRange(*in.Range, now)
	} else if err := r.beginIncremental(in, now); err != nil {
		return err
	}
	r.state.Next = r.state.Range.From
	if r.orders {
		r.state.Next = r.state.Range.To.Add(time.Second)
	}
	return r.expect(ctx, in.Orders)
}

func flowDisabled(flowName string) error {
	return newFailure(FlowDisabled, text.New("flow %s is disabled and does not run automatically: set enabled to true in its file and restart the workers. A given range can be run by hand all the same", flowName),
		nil, FailureDetails{})
}

// hold makes the run end at once, where it began.
func (r *syncFlow) hold(ctx workflow.Context, in SyncFlowInput, holds []contract.Hold) (err error) {
	r.held = holds
	if r.state.Watermark == nil {
		r.state.Watermark = in.Watermark
	}
	if r.state.Plan.Cursor == contract.CursorRowVersion && !r.byHand {
		r.state.RowVersion, err = firstRowVersion(ctx, r.state.Plan, in)
	}
	workflow.SetCurrentDetails(ctx, heldDetails(holds))
	return err
}

// lookForHolds has a run that continued as new while it was held look whether it still is: the
// server lists it late, so that the end of the hold may not have reached it.
func (r *syncFlow) lookForHolds(ctx workflow.Context) {
	if len(r.state.Control.Held) == 0 {
		return
	}
	// It fails only if the run is cancelled.
	if holds, err := findHolds(ctx, r.state.Plan.Flow); err == nil {
		r.state.Control.Held = holds
	}
}

// sweepRate leaves room for other runs.
var sweepRate = Rate{InFlight: 20, WindowsAtOnce: 1}

// beginSweep makes the run cover the flow's sweep.
func (r *syncFlow) beginSweep(in *SyncFlowInput, now time.Time) error {
	if r.state.Plan.Sweep == nil {
		return newFailure(NoSweep, text.New("flow %s has no checks.sweep: add it and restart the workers, or remove its schedule with starter schedule update", in.Flow),
			nil, FailureDetails{})
	}
	span := sweepRange(*r.state.Plan.Sweep, now)
	in.Range = &span
	if in.Rate == (Rate{}) {
		r.state.Control.Rate = sweepRate
	}
	return nil
}

// found is how many orders a sweep has found that were missed or have changed.
func found(sum tally.Tally) int {
	return sum.Saved + sum.Updated + tally.Total(sum.NewlyParked) + sum.BillsDeleted
}

// expect estimates how many orders the run has, if that is unknown and the run has several
// windows.
func (r *syncFlow) expect(ctx workflow.Context, known *int) error {
	if known != nil {
		r.state.Orders = *known
	}
	if known != nil || r.state.RowVersions != nil || windowCount(r.state.Range, r.state.Plan.LongestWindow) <= 1 {
		return nil
	}
	estimate, err := estimateRange(ctx, r.state.Plan, r.state.Range)
	r.state.Orders = estimate.Orders
	return err
}

// grain is what one activity saves in the next window: an order in a run of up to
// [fewOrders], pages in a larger one, unless the flow or the run says otherwise.
func (r *syncFlow) grain() string {
	switch {
	case r.orders:
		return contract.GrainOrder
	case r.state.Plan.Grain != contract.GrainAuto:
		return r.state.Plan.Grain
	case r.state.RowVersions == nil && r.state.Orders > fewOrders:
		return contract.GrainPage
	}
	return contract.GrainOrder
}

func (r *syncFlow) beginIncremental(in SyncFlowInput, now time.Time) error {
	if r.state.Watermark == nil {
		r.state.Watermark = in.Watermark
	}
	since := in.Since
	if since == nil {
		since = r.state.Plan.Since
	}
	span, ok := IncrementalRange(r.state.Plan, r.state.Watermark, since, now)
	if !ok {
		return newFailure(WatermarkUnknown, text.New("there is no watermark of an earlier run and no start: say where the first run starts, with source.since in the flow file or with --since, or give a range"),
			nil, FailureDetails{})
	}
	r.state.Range = span
	return nil
}

// lastWatermark is the watermark of the last completed run of this schedule. If it can't be
// read, the run fails: any other start would leave a gap or repeat years.
func lastWatermark(ctx workflow.Context) (*time.Time, error) {
	if !workflow.HasLastCompletionResult(ctx) {
		return nil, nil
	}
	var last SyncFlowResult
	if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
		return nil, newFailure(WatermarkUnknown, text.New("the watermark of the last run cannot be read: run the range by hand and find the cause"), err, FailureDetails{})
	}
	return last.Watermark, nil
}

// CheckGrain says what is wrong with the grain that a person asks for. "" is right, and
// leaves it to the flow.
func CheckGrain(grain string) error {
	if grain == "" || slices.Contains(contract.Grains, grain) {
		return nil
	}
	return text.Errorf("unknown grain %q: expected %s, %s or %s", grain, contract.GrainAuto, contract.GrainOrder, contract.GrainPage)
}

// hasMore reports whether there is a window to begin. It waits for the running ones, as they
// may still be cut.
func (r *syncFlow) hasMore(ctx workflow.Context) bool {
	// A run that is cancelled when all its windows have begun waits for them.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	waits := func() bool {
		return len(r.state.OrderIDs) > 0 || len(r.state.Cut) > 0 || !r.state.Next.After(r.state.Range.To)
	}
	// Nothing cancels this context.
	_ = workflow.Await(ctx, func() bool { return r.failure != nil || waits() || len(r.running) == 0 })
	return r.failure == nil && waits()
}

// nextWindow is the next window to begin: the parts of a larger one come first.
func (r *syncFlow) nextWindow() Window {
	if len(r.state.Cut) > 0 {
		window := r.state.Cut[0]
		r.state.Cut = r.state.Cut[1:]
		return window
	}
	window := FirstWindow(r.remaining(), r.longestWindow())
	r.state.Next = window.To.Add(time.Second)
	return window
}

// remaining is what no window covers yet.
func (r *syncFlow) remaining() Window { return Window{From: r.state.Next, To: r.state.Range.To} }

// beginWindow starts the next window as soon as there is room for it.
func (r *syncFlow) beginWindow(ctx workflow.Context) error {
	if err := r.atOnce.Acquire(ctx); err != nil {
		return err
	}
	if r.failure != nil {
		return r.failure
	}
	running := r.nextOrders()
	if !r.orders {
		running.Window = r.nextWindow()
	}
	running.WorkflowID = workflow.GetInfo(ctx).WorkflowExecution.ID + "/" + r.windowName(running)
	r.running = append(r.running, running)
	r.showProgress(ctx)
	r.windows.Add(1)
	workflow.GoNamed(ctx, running.WorkflowID, func(ctx workflow.Context) {
		defer r.windows.Done()
		defer r.atOnce.Release()
		result, err := r.syncWindow(ctx, running)
		r.endWindow(running, result, err)
		if cause := r.commonCause(); cause != nil && r.failure == nil {
			r.failure = cause
		}
		r.showProgress(ctx)
	})
	return nil
}

func (r *syncFlow) syncWindow(ctx workflow.Context, running RunningWindow) (SyncWindowResult, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: running.WorkflowID,
		// A cancelled window finishes what is in flight and reports it.
		WaitForCancellation: true,
		// A terminated run terminates its windows; the next run does what they had not
		// done.
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_TERMINATE,
		StaticSummary:     r.windowSummary(running),
		StaticDetails:     text.Sprintf("A window of a run: its pages are read from the last to the first, until a pass shows nothing new. With the grain order, each bill is a SaveOrder activity; with the grain page, a SyncPages activity reads and saves several pages, and each order that fails there gets a SaveOrder."),
	})
	window := workflow.ExecuteChildWorkflow(ctx, SyncWindowName, SyncWindowInput{
		Plan: r.state.Plan, Window: running.Window, OrderIDs: running.orderIDs, Grain: r.grain(), Control: r.state.Control,
		AlsoDiscarded: r.alsoDiscarded,
		NewSince:      r.newSince(),
		Reading:       paging.Window{Reader: paging.New(r.state.RowVersions)},
	})
	r.futures[running.WorkflowID] = window
	defer delete(r.futures, running.WorkflowID)
	var result SyncWindowResult
	err := window.Get(ctx, &result)
	return result, err
}

// newSince is as in [SyncWindowInput].
func (r *syncFlow) newSince() *time.Time {
	switch {
	case r.byHand:
		return nil
	case r.state.Watermark == nil:
		return &time.Time{}
	}
	return r.state.Watermark
}

// endWindow adds up what a window did, whether it completed or not.
func (r *syncFlow) endWindow(ended RunningWindow, result SyncWindowResult, err error) {
	r.running = slices.DeleteFunc(r.running, func(w RunningWindow) bool { return w.WorkflowID == ended.WorkflowID })
	if err == nil {
		r.state.Tally.Add(result.Tally)
		r.state.NotFound = append(r.state.NotFound, notFound(result.Tally)...)
		if result.EndedEarly {
			r.state.Unfinished = append(r.state.Unfinished, ended.orderIDs...)
			return
		}
		r.state.WindowsDone++
		if result.RowVersions != nil {
			r.state.RowVersions = r.state.RowVersions.After(*result.RowVersions)
		}
		return
	}
	if isType(err, WindowCut) {
		if orders := detailsOf(err).Orders; orders > 0 {
			r.state.Orders = max(r.state.Orders, r.state.Tally.Fetched+orders)
			r.state.Cut = append(r.state.Cut, ended.Window.cut(partsOf(r.grain(), orders))...)
			return
		}
	}
	if done, ok := tallyOf(err); ok {
		r.state.Tally.Add(done)
		r.state.NotFound = append(r.state.NotFound, notFound(done)...)
	}
	r.state.Unfinished = append(r.state.Unfinished, ended.orderIDs...)
	if r.failure == nil {
		r.failure = err
	}
}

// endIfDisabled makes the run begin no further window if its flow is disabled. The windows under
// way end as well.
func (r *syncFlow) endIfDisabled() {
	if r.failure == nil && r.state.Control.Disabled() {
		r.disabled = r.state.Control.Held
		r.failure = newFailure(FlowDisabled, text.New("the flow was disabled"), nil, FailureDetails{})
	}
}

// drain waits for the running windows, even when the run is cancelled.
func (r *syncFlow) drain(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.windows.Wait(ctx)
	// Accepted updates are answered; nothing can interrupt that.
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	r.showProgress(ctx)
}

// endEarly cuts the range off after the windows that are done. A run by cron ends here,
// because continue-as-new would lose its cron schedule. The next run of the cron does the
// rest.
func (r *syncFlow) endEarly() {
	r.state.Range.To = r.state.Next.Add(-time.Second)
}

// ended returns the result of the run.
func (r *syncFlow) ended(ctx workflow.Context) (SyncFlowResult, error) {
	result := SyncFlowResult{
		From:       r.state.Range.From,
		To:         r.state.Range.To,
		Watermark:  r.state.Watermark,
		RowVersion: r.state.RowVersion,
		NotFound:   r.state.NotFound,
		Tally:      r.state.Tally,
	}
	if r.sweep {
		found := found(result.Tally)
		result.Found = &found
	}
	if r.failure == nil {
		// The next run must read orders anew that are neither saved nor parked.
		if !r.byHand && result.Unparked == 0 {
			result.Watermark, result.RowVersion = NextWatermark(r.state.Watermark, r.state.Range), r.state.rowVersion()
		}
		return result, listEnd(ctx, r.state.Plan.Flow, result, nil, !r.byHand)
	}
	result.Unfinished = slices.Concat(r.state.Unfinished, r.state.OrderIDs)
	if isType(r.failure, FlowDisabled) {
		result.Held = r.disabled
		return result, listEnd(ctx, r.state.Plan.Flow, result, nil, !r.byHand)
	}
	var failure error
	if temporal.IsCanceledError(r.failure) {
		failure = temporal.NewCanceledError(result)
	} else {
		failure = newFailure(RunUnfinished,
			text.New("%s. What was done stays: fix the cause and run the same range again; nothing is lost or booked twice", MessageOf(r.failure)),
			r.failure, FailureDetails{Result: &result})
	}
	return SyncFlowResult{}, cmp.Or(listEnd(ctx, r.state.Plan.Flow, result, failure, false), failure)
}

func (r *syncFlow) progress() SyncFlowProgress {
	return SyncFlowProgress{
		Title:       r.state.Plan.Title,
		Range:       r.state.Range,
		Windows:     r.state.WindowsDone + len(r.running) + len(r.state.Cut) + windowCount(r.remaining(), r.longestWindow()) + orderWindows(r.state.OrderIDs),
		WindowsDone: r.state.WindowsDone,
		Running:     r.running,
		Tally:       r.state.Tally,
		Orders:      r.state.Orders,
		Grain:       r.grain(),
		GrainAuto:   r.state.Plan.Grain == contract.GrainAuto && !r.orders,
		Watermark:   r.state.Watermark,
		Control:     r.state.Control,
		SourceAhead: r.state.SourceAhead,
		NotKept:     r.state.NotKept,
		Rate: Rate{
			InFlight:      cmp.Or(r.state.Control.Rate.InFlight, r.state.Plan.InFlight),
			WindowsAtOnce: cmp.Or(r.state.Control.Rate.WindowsAtOnce, r.state.Plan.WindowsAtOnce),
		},
	}
}

func (r *syncFlow) showProgress(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, runDetails(r.progress()))
}
