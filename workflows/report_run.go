package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// NotParked is the reason under which a completed run is reported as failed if some of its
// orders could be neither saved nor parked.
const NotParked = "not_parked"

// report reports to the flow's WatchFlow how a run ended, if the flow has alerts. It does so
// only for incremental runs and sweeps: a person who starts a run by hand sees its end. It
// does not report a run that a person cancelled, or whose flow is disabled; a sweep that ended early has no finding.
func (r *syncFlow) report(ctx workflow.Context, result SyncFlowResult, err error) {
	plan := r.state.Plan
	if plan.Alerts == nil || r.byHand && !r.sweep || temporal.IsCanceledError(err) || reasonOf(err) == FlowDisabled || r.sweep && result.EndedEarly() {
		return
	}
	report := RunReport{
		WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID,
		RunID:      workflow.GetInfo(ctx).WorkflowExecution.RunID,
		EndedAt:    workflow.Now(ctx),
		Settings:   *plan.Alerts,
	}
	if err != nil {
		report.Failed = reasonOf(err)
		if done, ok := ResultOf(err); ok {
			result = done
		}
	}
	if report.Failed == "" && result.Failed > 0 {
		report.Failed = NotParked
	}
	report.Watermark = result.Watermark
	report.Saved = result.Saved + result.Updated
	if r.state.RowVersions == nil {
		// Another run may have saved them. A run by row versions always reads the last row
		// of the run before.
		report.Saved += result.AlreadySaved
	}
	report.NewlyParked = result.NewlyParked
	report.Sweep = r.sweep
	if result.Found != nil {
		report.Found = *result.Found
	}
	if err := reportRun(ctx, ReportRunParams{Flow: plan.Flow, Title: plan.Title, Report: report}); err != nil {
		// The orders are saved or parked; a run does not fail because of its report.
		workflow.GetLogger(ctx).Warn("the run could not be reported", "error", err)
	}
}
