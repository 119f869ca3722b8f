package workflows

import (
	"cmp"
	"fmt"
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

// The types of the errors with which a run ends; each names what a person can
// do in its message.
const (
	// RunUnfinished is a run that could not read all its windows. Its details
	// hold the [SyncRefundsResult] of what was done.
	RunUnfinished = "run_unfinished"
	// FlowDisabled is an incremental run of a flow that is not enabled; SendAlert
	// fails with it as well.
	FlowDisabled = "flow_disabled"
	// WatermarkUnknown is an incremental run that does not know where to start.
	WatermarkUnknown = "watermark_unknown"
	// UnknownGrain is a run whose input names a grain that there is not, and
	// UnknownRate one with a rate that can't be.
	UnknownGrain = "unknown_grain"
	// NoSweep is a run that is to read again of a flow that does not.
	NoSweep     = "no_sweep"
	UnknownRate = "unknown_rate"
)

// SyncRefundsInput is a run of a flow.
type SyncRefundsInput struct {
	Flow string `json:"flow"`
	// Range is a range given by hand, which never moves the watermark. Without
	// one the run is incremental: from the last watermark to now.
	Range *Window `json:"range,omitempty"`
	// ByHand is an incremental run that a person starts: it does not move the
	// watermark either.
	ByHand bool `json:"by_hand,omitempty"`
	// Sweep has the run read again what the flow's checks.sweep says, slowly. It is as one
	// over a range given by hand, but for being told of.
	Sweep bool `json:"sweep,omitempty"`
	// Watermark is the one to go on from where no earlier run of this schedule
	// has left one: that of a schedule that was deleted, for example.
	Watermark *time.Time `json:"watermark,omitempty"`
	// RowVersion is what Watermark is, as a row version of the source; nil where it
	// is of no run by these.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// Since is where the first incremental run starts, instead of where the
	// flow says.
	Since *time.Time `json:"since,omitempty"`
	// Grain is what one activity saves, one of contract.Grains, instead of what the flow
	// says.
	Grain string `json:"grain,omitempty"`
	// Orders is about how many orders the run has, as [EstimateRun] says; nil has the
	// run ask the source itself.
	Orders *int `json:"orders,omitempty"`
	// Rate is how much is under way at a time from the beginning, where it is not
	// to be what the flow says.
	Rate Rate `json:"rate,omitzero"`
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *RunState `json:"carried,omitempty"`
}

// RunState is how far a run has come. It holds the watermark as well, because
// the last completion result does not survive continue-as-new.
type RunState struct {
	Plan Plan `json:"plan"`
	// Range is what the run covers.
	Range Window `json:"range"`
	// Watermark is the one that the run started with, nil for none.
	Watermark *time.Time `json:"watermark,omitempty"`
	// Next is where the next window begins; after Range.To when all have begun.
	Next time.Time `json:"next"`
	// Cut are the windows, still to begin, that larger ones were cut into.
	Cut         []Window    `json:"cut,omitempty"`
	WindowsDone int         `json:"windows_done"`
	Tally       tally.Tally `json:"tally"`
	// Orders is about how many orders the run has in all; 0 while that is not known.
	Orders  int     `json:"orders,omitempty"`
	Control Control `json:"control,omitzero"`
	// RowVersions is nil in a run by time.
	RowVersions *paging.Versions `json:"row_versions,omitempty"`
	// RowVersion is the one that the run started with; nil in a run by time.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// SourceAhead is that of [LoadFlowResult].
	SourceAhead time.Duration `json:"source_ahead,omitempty"`
}

// SyncRefundsResult says what a run covered and what became of the orders.
type SyncRefundsResult struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Watermark is the time up to which the flow's incremental runs have left
	// nothing out; nil where none has been. A run by hand keeps it, and so does
	// one with orders that could not even be parked.
	Watermark *time.Time `json:"watermark"`
	// RowVersion is what Watermark is, as a row version of the source, for the
	// runs that read by these; nil for others.
	RowVersion *int64 `json:"row_version,string,omitempty"`
	// Found is how many orders a sweep found that had been missed or have changed: those
	// that it saved, updated or was the first to park, or whose bill it deleted. nil for
	// another run.
	Found *int `json:"found,omitempty"`
	tally.Tally
}

// SyncRefundsProgress is the answer to [ProgressQuery].
type SyncRefundsProgress struct {
	Range       Window          `json:"range"`
	Windows     int             `json:"windows"`
	WindowsDone int             `json:"windows_done"`
	Running     []RunningWindow `json:"running"`
	// Tally adds up the windows that are done; ask the running ones for theirs.
	Tally tally.Tally `json:"tally"`
	// Orders is about how many orders the run has in all; 0 while that is not known.
	Orders int `json:"orders,omitempty"`
	// Grain is that of the windows to begin; GrainAuto tells that the run chooses it.
	Grain     string     `json:"grain"`
	GrainAuto bool       `json:"grain_auto,omitempty"`
	Watermark *time.Time `json:"watermark"`
	// Control is how a person steers the run, and Rate how much may be under
	// way at a time with that.
	Control Control `json:"control,omitzero"`
	Rate    Rate    `json:"rate"`
	// SourceAhead is by how much the source's clock is ahead of the worker's, as
	// [LoadFlowResult] says.
	SourceAhead time.Duration `json:"source_ahead,omitempty"`
}

// RunningWindow is a window under way, and the workflow that reads it.
type RunningWindow struct {
	Window     Window `json:"window"`
	WorkflowID string `json:"workflow_id"`
}

// SyncRefunds is a run of a flow: it works out the range, cuts it into windows,
// runs a SyncWindow for each, a few at a time, and adds up their results.
//
// It fails with a *temporal.ApplicationError of one of the types above. When a
// window can't be read, no further one is begun, those under way are finished,
// and the error holds what was done; nothing of it is lost or repeated by the
// next run over the range. When cancelled it ends with a
// *temporal.CanceledError that holds the same.
func SyncRefunds(ctx workflow.Context, in SyncRefundsInput) (SyncRefundsResult, error) {
	if err := listRun(ctx, in.Flow); err != nil {
		return SyncRefundsResult{}, err
	}
	r, err := newSyncRefunds(ctx, in)
	if err != nil {
		return SyncRefundsResult{}, cmp.Or(listEnd(ctx, in.Flow, SyncRefundsResult{}, err, false), err)
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
				return SyncRefundsResult{}, workflow.NewContinueAsNewError(ctx, SyncRefundsName, in)
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

type syncRefunds struct {
	byHand bool
	sweep  bool
	state  RunState

	windows workflow.WaitGroup
	atOnce  *limit
	running []RunningWindow
	// futures are those of the running windows, by workflow id.
	futures  map[string]workflow.ChildWorkflowFuture
	steering workflow.Mutex
	// failure is the first that a window met; none is begun after it.
	failure error
}

func newSyncRefunds(ctx workflow.Context, in SyncRefundsInput) (*syncRefunds, error) {
	r := &syncRefunds{byHand: in.ByHand || in.Range != nil || in.Sweep, sweep: in.Sweep, windows: workflow.NewWaitGroup(ctx)}
	r.futures, r.steering = map[string]workflow.ChildWorkflowFuture{}, workflow.NewMutex(ctx)
	if err := r.takeUpdates(ctx); err != nil {
		return nil, err
	}
	if in.Carried != nil {
		r.state = *in.Carried
	} else if err := r.begin(ctx, in); err != nil {
		r.report(ctx, SyncRefundsResult{Watermark: r.state.Watermark}, err)
		return nil, err
	}
	r.atOnce = newLimit(
		func() int { return r.state.Control.windowsAtOnce(r.state.Plan) },
		func() bool { return r.failure != nil })
	r.showProgress(ctx)
	return r, workflow.SetQueryHandler(ctx, ProgressQuery, func() (SyncRefundsProgress, error) {
		return r.progress(), nil
	})
}

// begin reads the flow and works out the range.
func (r *syncRefunds) begin(ctx workflow.Context, in SyncRefundsInput) error {
	loaded, err := loadFlow(ctx, in.Flow)
	if err != nil {
		return err
	}
	plan, now := loaded.Plan, SlowerClock(workflow.Now(ctx), loaded.SourceTime)
	r.state.SourceAhead = loaded.SourceAhead
	if !plan.Enabled && (!r.byHand || in.Sweep) {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"流程 %s 已停用，不会自动运行：把流程文件的 enabled 改为 true 并重启 worker；给定时段的手工运行不受影响。"+
				" Flow %s is disabled and does not run by itself: set enabled to true in its file and restart the worker; a range can be run by hand all the same", plan.Flow, plan.Flow),
			FlowDisabled, nil)
	}
	plan.Grain = cmp.Or(in.Grain, plan.Grain)
	r.state.Plan, r.state.Control.Rate = plan, in.Rate
	if err := CheckGrain(in.Grain); err != nil {
		return temporal.NewNonRetryableApplicationError(err.Error(), UnknownGrain, nil)
	}
	if in.Rate != (Rate{}) {
		if err := in.Rate.Validate(); err != nil {
			return temporal.NewNonRetryableApplicationError(err.Error(), UnknownRate, nil)
		}
	}
	if r.state.Watermark, err = lastWatermark(ctx); err != nil {
		return err
	}
	if in.Sweep {
		if err := r.beginSweep(&in, now); err != nil {
			return err
		}
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
	return r.expect(ctx, in.Orders)
}

// sweepRate leaves the two systems to others.
var sweepRate = Rate{InFlight: 20, WindowsAtOnce: 1}

// beginSweep has the run cover what the flow reads again.
func (r *syncRefunds) beginSweep(in *SyncRefundsInput, now time.Time) error {
	if r.state.Plan.Sweep == nil {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"流程 %[1]s 没有 checks.sweep：加上它并重启 worker，或用 starter schedule update 去掉复查的定时。"+
				" Flow %[1]s has no checks.sweep: add it and restart the worker, or have starter schedule update take its schedule away", in.Flow), NoSweep, nil)
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

// expect asks about how many orders the run has, where that is not known and a single
// window does not tell.
func (r *syncRefunds) expect(ctx workflow.Context, known *int) error {
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

// grain is what one activity saves in the next window: in a run of up to [fewOrders]
// an order, in a larger one pages, unless the flow or the run says otherwise.
func (r *syncRefunds) grain() string {
	switch {
	case r.state.Plan.Grain != contract.GrainAuto:
		return r.state.Plan.Grain
	case r.state.RowVersions == nil && r.state.Orders > fewOrders:
		return contract.GrainPage
	}
	return contract.GrainOrder
}

func (r *syncRefunds) beginIncremental(in SyncRefundsInput, now time.Time) error {
	if r.state.Watermark == nil {
		r.state.Watermark = in.Watermark
	}
	since := in.Since
	if since == nil {
		since = r.state.Plan.Since
	}
	span, ok := IncrementalRange(r.state.Plan, r.state.Watermark, since, now)
	if !ok {
		return temporal.NewNonRetryableApplicationError(
			"没有上次的水位，也没有给出起点：请在流程文件的 source.since 或用 --since 给出首次运行的起点，或给出时段。"+
				" There is no watermark of an earlier run and no point to start from: say where the first run starts, by source.since in the flow file or by --since, or give a range",
			WatermarkUnknown, nil)
	}
	r.state.Range = span
	return nil
}

// lastWatermark is the watermark of the last run of this schedule that
// completed. One that can't be read fails the run: starting from anywhere else
// would leave a gap or repeat years.
func lastWatermark(ctx workflow.Context) (*time.Time, error) {
	if !workflow.HasLastCompletionResult(ctx) {
		return nil, nil
	}
	var last SyncRefundsResult
	if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
		return nil, temporal.NewNonRetryableApplicationError(
			"上次运行的水位无法读取，请给出时段运行一次并检查。"+
				" The watermark of the last run can't be read: run the range by hand and look into it", WatermarkUnknown, err)
	}
	return last.Watermark, nil
}

// CheckGrain says what is wrong with the grain that a run is asked for with; none,
// which leaves it to the flow, is right.
func CheckGrain(grain string) error {
	if grain == "" || slices.Contains(contract.Grains, grain) {
		return nil
	}
	return fmt.Errorf("粒度 %q 不能用，应为 %v 之一。 There is no such grain; expected one of these", grain, contract.Grains)
}

// hasMore reports whether there is a window to begin. Of those under way, one may
// still be cut.
func (r *syncRefunds) hasMore(ctx workflow.Context) bool {
	// A run that is cancelled when all its windows have begun waits for them.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	waits := func() bool { return len(r.state.Cut) > 0 || !r.state.Next.After(r.state.Range.To) }
	// Nothing cancels this context.
	_ = workflow.Await(ctx, func() bool { return r.failure != nil || waits() || len(r.running) == 0 })
	return r.failure == nil && waits()
}

// nextWindow is the next window to begin: what a larger one was cut into comes first.
func (r *syncRefunds) nextWindow() Window {
	if len(r.state.Cut) > 0 {
		window := r.state.Cut[0]
		r.state.Cut = r.state.Cut[1:]
		return window
	}
	window := FirstWindow(r.left(), r.longestWindow())
	r.state.Next = window.To.Add(time.Second)
	return window
}

// left is what no window covers yet.
func (r *syncRefunds) left() Window { return Window{From: r.state.Next, To: r.state.Range.To} }

// beginWindow starts the next window as soon as there is room for it.
func (r *syncRefunds) beginWindow(ctx workflow.Context) error {
	if err := r.atOnce.Acquire(ctx); err != nil {
		return err
	}
	if r.failure != nil {
		return r.failure
	}
	window := r.nextWindow()
	running := RunningWindow{
		Window:     window,
		WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID + "/" + r.windowName(window),
	}
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

func (r *syncRefunds) syncWindow(ctx workflow.Context, running RunningWindow) (SyncWindowResult, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: running.WorkflowID,
		// A cancelled window finishes what is in flight and reports it.
		WaitForCancellation: true,
		// A terminated run takes its windows along; what they had not done is
		// found by the next run.
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_TERMINATE,
		StaticSummary:     r.windowSummary(running.Window),
		StaticDetails: "一次运行中的一个窗口：从最后一页读到第一页，直到一遍没有新的单。粒度 order：每张单据是一个 SaveOrder 活动；page：一个 SyncPages 活动读取并保存若干页，其中没成功的单据再各有一个 SaveOrder。\n\n" +
			"A window of a run: its pages are read from the last to the first, until a pass shows nothing new. In the grain order each bill is a SaveOrder activity; in the grain page a SyncPages activity reads and saves several pages, and each order that does not succeed in it has a SaveOrder.",
	})
	window := workflow.ExecuteChildWorkflow(ctx, SyncWindowName, SyncWindowInput{
		Plan: r.state.Plan, Window: running.Window, Grain: r.grain(), Control: r.state.Control,
		Reading: paging.Window{Reader: paging.New(r.state.RowVersions)},
	})
	r.futures[running.WorkflowID] = window
	defer delete(r.futures, running.WorkflowID)
	var result SyncWindowResult
	err := window.Get(ctx, &result)
	return result, err
}

// endWindow adds up what a window did, whether it came to its end or not.
func (r *syncRefunds) endWindow(ended RunningWindow, result SyncWindowResult, err error) {
	r.running = slices.DeleteFunc(r.running, func(w RunningWindow) bool { return w.WorkflowID == ended.WorkflowID })
	if err == nil {
		r.state.WindowsDone++
		r.state.Tally.Add(result.Tally)
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
	}
	if r.failure == nil {
		r.failure = err
	}
}

// drain waits for the windows under way, also when the run is cancelled.
func (r *syncRefunds) drain(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.windows.Wait(ctx)
	// An update that was taken is answered; nothing can interrupt that.
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	r.showProgress(ctx)
}

// endEarly cuts the range off behind the windows that are done. A run by cron
// ends here instead of continuing as new, which would end the cron with it: the
// new run would have no cron schedule. The next run of the cron takes the rest.
func (r *syncRefunds) endEarly() {
	r.state.Range.To = r.state.Next.Add(-time.Second)
}

// ended is the end of the run.
func (r *syncRefunds) ended(ctx workflow.Context) (SyncRefundsResult, error) {
	result := SyncRefundsResult{
		From:       r.state.Range.From,
		To:         r.state.Range.To,
		Watermark:  r.state.Watermark,
		RowVersion: r.state.RowVersion,
		Tally:      r.state.Tally,
	}
	if r.sweep {
		found := found(result.Tally)
		result.Found = &found
	}
	if r.failure == nil {
		// Orders that are neither saved nor parked are found by the next run.
		if !r.byHand && result.Unparked == 0 {
			result.Watermark, result.RowVersion = NextWatermark(r.state.Watermark, r.state.Range), r.state.rowVersion()
		}
		return result, listEnd(ctx, r.state.Plan.Flow, result, nil, !r.byHand)
	}
	var failure error
	if temporal.IsCanceledError(r.failure) {
		failure = temporal.NewCanceledError(result)
	} else {
		failure = newFailure(RunUnfinished,
			text.New("%s What was done stays: remove the cause and run the range again, nothing is lost or booked twice", MessageOf(r.failure)),
			r.failure, FailureDetails{Result: &result})
	}
	return SyncRefundsResult{}, cmp.Or(listEnd(ctx, r.state.Plan.Flow, result, failure, false), failure)
}

func (r *syncRefunds) progress() SyncRefundsProgress {
	return SyncRefundsProgress{
		Range:       r.state.Range,
		Windows:     r.state.WindowsDone + len(r.running) + len(r.state.Cut) + windowCount(r.left(), r.longestWindow()),
		WindowsDone: r.state.WindowsDone,
		Running:     r.running,
		Tally:       r.state.Tally,
		Orders:      r.state.Orders,
		Grain:       r.grain(),
		GrainAuto:   r.state.Plan.Grain == contract.GrainAuto,
		Watermark:   r.state.Watermark,
		Control:     r.state.Control,
		SourceAhead: r.state.SourceAhead,
		Rate: Rate{
			InFlight:      cmp.Or(r.state.Control.Rate.InFlight, r.state.Plan.InFlight),
			WindowsAtOnce: cmp.Or(r.state.Control.Rate.WindowsAtOnce, r.state.Plan.WindowsAtOnce),
		},
	}
}

func (r *syncRefunds) showProgress(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, runDetails(r.progress()))
}
