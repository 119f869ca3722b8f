package activities

import (
	"context"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// ReportRun counts the flow's parked orders, and reports to the flow's WatchFlow workflow
// how a run ended; it starts that workflow if it is not running.
//
// It is an activity because a workflow can't start another one and signal it in one step.
func (a *Activities) ReportRun(ctx context.Context, params workflows.ReportRunParams) error {
	c := activity.GetClient(ctx)
	waiting, err := visibility.CountParked(ctx, c, params.Flow)
	if err != nil {
		return err
	}
	params.Report.Waiting = waiting
	_, err = c.SignalWithStartWorkflow(ctx, workflows.WatchFlowID(params.Flow), workflows.RunSignal, params.Report, client.StartWorkflowOptions{
		TaskQueue:             activity.GetInfo(ctx).TaskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.FlowAttribute.ValueSet(params.Flow)),
		StaticSummary:         text.Sprintf("Alerts of %s", params.Flow),
		StaticDetails:         text.Sprintf("Each incremental run reports here when it ends. The robots of the flow's alerts are told what is wrong, at most once per interval for each cause, and once more when it is over. Cancel this workflow to stop the messages; the next incremental run starts it anew."),
	}, workflows.WatchFlowName, workflows.WatchFlowInput{Flow: params.Flow, Title: params.Title})
	if err != nil {
		return text.Errorf("reporting the run to %s failed: %w", workflows.WatchFlowID(params.Flow), err)
	}
	return nil
}
