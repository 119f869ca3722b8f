package activities

import (
	"context"
	"maps"
	"slices"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/text"
	"refundsync/workflows"
)

// TellWatches tells the WatchFlow workflow of each flow in the scope of a hold that it began,
// changed or ended, if the flow is enabled and has robots. It starts those that are not
// running.
func (a *Activities) TellWatches(ctx context.Context, params workflows.TellWatchesParams) error {
	for _, name := range slices.Sorted(maps.Keys(a.Flows)) {
		f := a.Flows[name]
		settings := alertSettings(f)
		if settings == nil || !f.Enabled || params.Hold.Flow != "" && params.Hold.Flow != name {
			continue
		}
		report := workflows.HoldReport{HoldID: params.HoldID, Hold: params.Hold, Settings: *settings}
		if err := signalWatch(ctx, name, f.Title, workflows.HeldSignal, report); err != nil {
			return err
		}
	}
	return nil
}

// signalWatch signals the flow's WatchFlow workflow, and starts it if it is not running.
func signalWatch(ctx context.Context, flow, title, signal string, content any) error {
	_, err := activity.GetClient(ctx).SignalWithStartWorkflow(ctx, workflows.WatchFlowID(flow), signal, content, client.StartWorkflowOptions{
		TaskQueue:             activity.GetInfo(ctx).TaskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.FlowAttribute.ValueSet(flow)),
		StaticSummary:         text.Sprintf("Alerts of %s", flow),
		StaticDetails:         text.Sprintf("Each incremental run reports here when it ends. The robots of the flow's alerts are told what is wrong, at most once per interval for each cause, and once more when it is over. Cancel this workflow to stop the messages; the next incremental run starts it anew."),
	}, workflows.WatchFlowName, workflows.WatchFlowInput{Flow: flow, Title: title})
	if err != nil {
		return text.Errorf("signalling %s failed: %w", workflows.WatchFlowID(flow), err)
	}
	return nil
}
