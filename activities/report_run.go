package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// ReportRun counts the flow's parked orders, and reports to the flow's WatchFlow workflow
// how a run ended; it starts that workflow if it is not running.
//
// It is an activity because a workflow can't start another one and signal it in one step.
func (a *Activities) ReportRun(ctx context.Context, params workflows.ReportRunParams) error {
	waiting, err := visibility.CountParked(ctx, activity.GetClient(ctx), params.Flow)
	if err != nil {
		return err
	}
	params.Report.Waiting = waiting
	return signalWatch(ctx, params.Flow, params.Title, workflows.RunSignal, params.Report)
}
