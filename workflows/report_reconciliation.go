package workflows

import (
	"cmp"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/reconcile"
)

// reportReconciliation reports to the flow's WatchFlow how a reconciliation ended, if the flow
// has alerts. It does so only for one over the last days, which a schedule starts: it covers
// the same days but one as the next, and a person who starts another one sees its end. err is
// why it did not finish; report then has the range, if that was known.
func reportReconciliation(ctx workflow.Context, plan Plan, in ReconcileInput, report reconcile.Report, err error) {
	if plan.Alerts == nil || in.Days == 0 || temporal.IsCanceledError(err) || reasonOf(err) == FlowDisabled {
		return
	}
	run := RunReport{
		WorkflowID:     workflow.GetInfo(ctx).WorkflowExecution.ID,
		RunID:          workflow.GetInfo(ctx).WorkflowExecution.RunID,
		EndedAt:        workflow.Now(ctx),
		Reconciliation: reconciliationOf(report, reasonOf(err)),
		Settings:       *plan.Alerts,
	}
	if err := reportRun(ctx, ReportRunParams{Flow: plan.Flow, Title: plan.Title, Report: run}); err != nil {
		// The result is there all the same.
		workflow.GetLogger(ctx).Warn("the reconciliation could not be reported", "error", err)
	}
}

// reconciliationOf is what alerts tell of a reconciliation.
func reconciliationOf(report reconcile.Report, failed string) *alert.Reconciliation {
	r := &alert.Reconciliation{Failed: failed}
	if !report.From.IsZero() {
		r.From, r.To = beijing.Day(report.From), beijing.Day(report.To)
	}
	if failed != "" {
		return r
	}
	r.NotAudited = report.NotAudited
	for _, sum := range report.Kinds {
		if sum.Kind == reconcile.LeftOut || sum.Kind == reconcile.OthersBill {
			continue
		}
		add(&r.Source, sum.Source)
		add(&r.Kingdee, sum.Kingdee)
		if sum.Kind.Differs() {
			if r.Differences == nil {
				r.Differences = map[string]int{}
			}
			// An order counts once, however many bills it has.
			r.Differences[string(sum.Kind)] += cmp.Or(sum.Source.Count, sum.Kingdee.Count)
		}
	}
	return r
}

func add(to *alert.Sum, more reconcile.Sum) {
	to.Count += more.Count
	to.Amount = to.Amount.Add(more.Amount)
}
