package workflows

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

const (
	// readAround is how far before and after its range a reconciliation reads the source: an
	// order is mostly booked to a day within a week of its last change.
	readAround = 7 * 24 * time.Hour
	// reconciledAtOnce bounds the windows that are compared at a time, so that syncs beside
	// keep most of the calls.
	reconciledAtOnce = 2
	// billsAChild is how many bills without an order a ReconcileBills compares.
	billsAChild = 1000
)

// ReconcileUnfinished is the type of the error with which a Reconcile ends if the source or
// Kingdee can't be read.
const ReconcileUnfinished = "reconcile_unfinished"

// ReconcileInput is a range to reconcile.
type ReconcileInput struct {
	Flow  string `json:"flow"`
	Range Window `json:"range,omitzero"`
	// Days is how many whole days up to yesterday are reconciled instead of a range.
	Days int `json:"days,omitempty"`
	// Tolerance is how far two amounts may be apart.
	Tolerance decimal.Decimal `json:"tolerance"`
	// By is who asks for it.
	By string `json:"by,omitempty"`
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *ReconcileState `json:"carried,omitempty"`
}

// ReconcileState is the state of a reconciliation.
type ReconcileState struct {
	Plan   Plan            `json:"plan"`
	Report ReconcileResult `json:"report"`
	// Listed are the ids of the bills dated in the range, packed in several lists up to the
	// id ListedTo; Complete means all.
	Listed   [][]byte `json:"listed,omitempty"`
	ListedTo int64    `json:"listed_to,omitempty"`
	Complete bool     `json:"complete,omitempty"`
	// Windows are those that have not begun.
	Windows     []Window `json:"windows,omitempty"`
	WindowsDone int      `json:"windows_done"`
	// Own are the ids of the bills that the windows account for, packed in several lists.
	Own [][]byte `json:"own,omitempty"`
	// Rest are the listed bills without these, packed, once the windows are done; RestDone
	// of RestCount are compared.
	Rest      []byte `json:"rest,omitempty"`
	RestCount int    `json:"rest_count,omitempty"`
	RestDone  int    `json:"rest_done,omitempty"`
}

// ReconcileResult is a report, and where its rows are.
type ReconcileResult struct {
	reconcile.Report
	// Parts have the rows, in this order.
	Parts []RowsPart `json:"parts"`
}

// ReconcileProgress is the answer to [ProgressQuery].
type ReconcileProgress struct {
	Range       Window `json:"range"`
	Windows     int    `json:"windows"`
	WindowsDone int    `json:"windows_done"`
	// Rest is how many bills no order of the windows accounts for, of which RestDone are
	// compared; 0 until the windows are done.
	Rest     int `json:"rest"`
	RestDone int `json:"rest_done"`
	// Sums are those of the parts that are done.
	Sums reconcile.Sums `json:"sums"`
}

// Reconcile compares the orders of a range with the bills of Kingdee. Orders count whose time
// lies in the range, or whose bill is dated in it, and bills that are dated in it.
//
// It first lists the bills dated in the range. Then it cuts what is to be read of the source
// into windows, a ReconcileWindow each, a few at a time. What the windows' orders do not
// account for of the listed bills, ReconcileBills looks into. These children keep the rows;
// the result has the sums. It changes nothing in either system.
//
// It fails with a *temporal.ApplicationError of type [ReconcileUnfinished].
func Reconcile(ctx workflow.Context, in ReconcileInput) (ReconcileResult, error) {
	if err := listRun(ctx, in.Flow); err != nil {
		return ReconcileResult{}, err
	}
	r, err := newReconciliation(ctx, &in)
	if err == nil {
		err = r.run(ctx)
	}
	if workflow.IsContinueAsNewError(err) || temporal.IsCanceledError(err) {
		return ReconcileResult{}, err
	}
	reportReconciliation(ctx, r.state.Plan, r.in, r.state.Report.Report, err)
	if err != nil {
		return ReconcileResult{}, newFailure(ReconcileUnfinished,
			text.New("%s. The reconciliation changed nothing: fix the cause and start it once more", MessageOf(err)), err, FailureDetails{})
	}
	r.state.Report.EndedAt = workflow.Now(ctx).In(beijing.Zone)
	r.showProgress(ctx)
	return r.state.Report, nil
}

type reconciliation struct {
	in    ReconcileInput
	state ReconcileState

	running int
	failure error
}

func newReconciliation(ctx workflow.Context, in *ReconcileInput) (*reconciliation, error) {
	r := &reconciliation{in: *in}
	err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (ReconcileProgress, error) { return r.progress(), nil })
	switch {
	case err != nil:
		return r, err
	case in.Carried != nil:
		r.state, r.in.Carried = *in.Carried, nil
		return r, nil
	}
	return r, r.begin(ctx)
}

func (r *reconciliation) begin(ctx workflow.Context) error {
	loaded, err := loadFlow(ctx, r.in.Flow, nil)
	if err != nil {
		return err
	}
	now := SlowerClock(workflow.Now(ctx), loaded.SourceTime)
	if r.in.Days > 0 {
		if !loaded.Enabled {
			return flowDisabled(loaded.Flow)
		}
		r.in.Range = lastDays(r.in.Days, now)
	}
	this, span := workflow.GetInfo(ctx).WorkflowExecution, r.in.Range
	read := GivenRange(Window{From: span.From.Add(-readAround), To: span.To.Add(readAround)}, now)
	r.state = ReconcileState{Plan: loaded.Plan, Report: ReconcileResult{Report: reconcile.Report{
		Flow: loaded.Flow, Title: loaded.Title, Version: loaded.Version, ProgramVersion: loaded.ProgramVersion,
		From: span.From.In(beijing.Zone), To: span.To.In(beijing.Zone), ReadFrom: read.From, ReadTo: read.To,
		StartedAt: workflow.Now(ctx).In(beijing.Zone), By: r.in.By, WorkflowID: this.ID, RunID: this.RunID, Money: loaded.Money, Tolerance: r.in.Tolerance,
	}}}
	// No window is partly in the range.
	for _, part := range []Window{
		{read.From, span.From.Add(-time.Second)}, {span.From, span.To}, {span.To.Add(time.Second), read.To},
	} {
		if part.To.After(read.To) {
			part.To = read.To
		}
		for !part.To.Before(part.From) {
			window := FirstWindow(part, r.state.Plan.LongestWindow)
			r.state.Windows = append(r.state.Windows, window)
			part.From = window.To.Add(time.Second)
		}
	}
	return nil
}

func (r *reconciliation) run(ctx workflow.Context) error {
	// Bills are listed before the orders are read: a bill that a sync saves meanwhile is
	// compared with its order, and is not looked into a second time.
	for !r.state.Complete {
		if err := r.continueAsNew(ctx); err != nil {
			return err
		}
		listed, err := listBills(ctx, r.state.Plan, ListBillsParams{Comparison: r.comparison(), After: r.state.ListedTo})
		if err != nil {
			return err
		}
		if listed.Bills != nil {
			r.state.Listed = append(r.state.Listed, listed.Bills)
		}
		r.state.ListedTo, r.state.Complete = listed.Last, listed.Complete
	}
	if err := r.compareWindows(ctx); err != nil {
		return err
	}
	return r.compareRest(ctx)
}

func (r *reconciliation) comparison() Comparison {
	return Comparison{Flow: r.in.Flow, Range: r.in.Range, Tolerance: r.in.Tolerance}
}

// continueAsNew returns the error that does so, if the server suggests it. Nothing may be
// running.
func (r *reconciliation) continueAsNew(ctx workflow.Context) error {
	if !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		return nil
	}
	in := r.in
	in.Carried = &r.state
	return workflow.NewContinueAsNewError(ctx, ReconcileName, in)
}

// compareWindows compares the windows, a few at a time.
func (r *reconciliation) compareWindows(ctx workflow.Context) error {
	for {
		suggested := workflow.GetInfo(ctx).GetContinueAsNewSuggested()
		free := func() bool {
			return r.running == 0 || r.running < reconciledAtOnce && len(r.state.Windows) > 0 && r.failure == nil && !suggested
		}
		if err := workflow.Await(ctx, free); err != nil && r.failure == nil {
			r.failure = err
		}
		switch {
		case r.failure != nil && r.running > 0:
			// The children are cancelled with this workflow, or end by themselves.
			waiting, cancel := workflow.NewDisconnectedContext(ctx)
			_ = workflow.Await(waiting, func() bool { return r.running == 0 })
			cancel()
			return r.failure
		case r.failure != nil:
			return r.failure
		case len(r.state.Windows) == 0 && r.running == 0:
			return nil
		case suggested && r.running == 0:
			return r.continueAsNew(ctx)
		}
		window := r.state.Windows[0]
		r.state.Windows = r.state.Windows[1:]
		r.running++
		workflow.Go(ctx, func(ctx workflow.Context) {
			part, err := r.compareWindow(ctx, window)
			r.running--
			r.endWindow(window, part, err)
			r.showProgress(ctx)
		})
		r.showProgress(ctx)
	}
}

func (r *reconciliation) compareWindow(ctx workflow.Context, window Window) (part ReconciledPart, err error) {
	ctx = r.withChild(ctx, window.From.In(beijing.Zone).Format("20060102T150405"), window.String(),
		text.Sprintf("A window of a reconciliation: its orders are compared with their bills. It answers the query %s with its rows.", RowsQuery))
	err = workflow.ExecuteChildWorkflow(ctx, ReconcileWindowName, ReconcileWindowInput{
		Comparison: r.comparison(), Plan: r.state.Plan, Window: window,
	}).Get(ctx, &part)
	return part, err
}

func (r *reconciliation) endWindow(window Window, part ReconciledPart, err error) {
	if isType(err, WindowCut) {
		if orders := detailsOf(err).Orders; orders > 0 {
			r.state.Windows = append(r.state.Windows, window.cut(partsOf(contract.GrainPage, orders))...)
			return
		}
	}
	if err != nil {
		if r.failure == nil {
			r.failure = err
		}
		return
	}
	r.state.WindowsDone++
	if part.Bills != nil {
		r.state.Own = append(r.state.Own, part.Bills)
	}
	r.take(part)
}

func (r *reconciliation) take(part ReconciledPart) {
	r.state.Report.Sums.Add(part.Sums)
	if len(part.Sums.Kinds) > 0 {
		r.state.Report.Parts = append(r.state.Report.Parts, part.RowsPart)
	}
}

// compareRest compares the listed bills that the windows do not account for.
func (r *reconciliation) compareRest(ctx workflow.Context) error {
	if r.state.Listed != nil || r.state.Own != nil {
		listed, err := unpackAll(r.state.Listed)
		if err != nil {
			return err
		}
		own, err := unpackAll(r.state.Own)
		if err != nil {
			return err
		}
		slices.Sort(own)
		rest := slices.DeleteFunc(listed, func(id int64) bool { _, found := slices.BinarySearch(own, id); return found })
		r.state.Rest, r.state.RestCount = reconcile.PackIDs(rest), len(rest)
		r.state.Listed, r.state.Own = nil, nil
	}
	for r.state.RestDone < r.state.RestCount {
		if err := r.continueAsNew(ctx); err != nil {
			return err
		}
		r.showProgress(ctx)
		first, behind := r.state.RestDone, min(r.state.RestDone+billsAChild, r.state.RestCount)
		child := r.withChild(ctx, fmt.Sprintf("bills%d", first), text.Sprintf("bills %d to %d", first+1, behind),
			text.Sprintf("Bills of a reconciliation that no order of its windows accounts for: the source is asked for their orders. It answers the query %s with its rows.", RowsQuery))
		var part ReconciledPart
		err := workflow.ExecuteChildWorkflow(child, ReconcileBillsName, ReconcileBillsInput{
			Comparison: r.comparison(), Plan: r.state.Plan, All: r.state.Rest, First: first, Behind: behind, ReadFrom: r.state.Report.ReadFrom,
		}).Get(ctx, &part)
		if err != nil {
			return err
		}
		r.state.RestDone = behind
		r.take(part)
	}
	return nil
}

func (r *reconciliation) withChild(ctx workflow.Context, name, summary, details string) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:          workflow.GetInfo(ctx).WorkflowExecution.ID + "/" + name,
		WaitForCancellation: true,
		ParentClosePolicy:   enumspb.PARENT_CLOSE_POLICY_TERMINATE,
		StaticSummary:       summary,
		StaticDetails:       details,
	})
}

func (r *reconciliation) progress() ReconcileProgress {
	return ReconcileProgress{
		Range: r.in.Range, Windows: r.state.WindowsDone + r.running + len(r.state.Windows), WindowsDone: r.state.WindowsDone,
		Rest: r.state.RestCount, RestDone: r.state.RestDone, Sums: r.state.Report.Sums,
	}
}

func (r *reconciliation) showProgress(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, reconcileDetails(r.progress()))
}
