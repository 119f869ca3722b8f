package activities

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/literal"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// ParkOrder starts the ParkedOrder workflow of an order that can't be saved or, if it has
// one, sends it the current order. An order that a person has discarded is not parked until
// it changes in the source, as long as the server retains that workflow.
//
// It is an activity because a workflow can't start another one and signal it in one step,
// and two runs may find the same order at the same moment.
func (a *Activities) ParkOrder(ctx context.Context, params workflows.ParkOrderParams) (workflows.ParkOrderResult, error) {
	c := activity.GetClient(ctx)
	result := workflows.ParkOrderResult{WorkflowID: workflows.ParkedOrderID(params.Plan.Flow, params.Order.ID)}
	last, err := lastParking(ctx, c, result.WorkflowID)
	if err != nil {
		return result, err
	}
	version := workflows.ParkedVersion{PickVersion: params.PickVersion, Order: params.Order, Failure: params.Failure}
	if last.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		// A workflow that started later may have been started by an earlier attempt.
		result.AlreadyWaiting = last.GetStartTime().AsTime().Before(activity.GetInfo(ctx).ScheduledTime)
		// If a person has discarded it this moment, no other is started: the next attempt sees that.
		if err := c.SignalWorkflow(ctx, result.WorkflowID, "", workflows.OrderSignal, version); err != nil {
			return result, text.Errorf("sending order %s to where it is parked failed: %w", params.Order.ID, err)
		}
		return result, nil
	}
	if !params.AlsoDiscarded {
		if result.Discarded, err = isDiscarded(ctx, c, last, params.Order); result.Discarded || err != nil {
			return result, err
		}
	}
	_, err = c.SignalWithStartWorkflow(ctx, result.WorkflowID, workflows.OrderSignal, version, client.StartWorkflowOptions{
		TaskQueue: activity.GetInfo(ctx).TaskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.FlowAttribute.ValueSet(params.Plan.Flow),
			workflows.ShopAttribute.ValueSet(params.Order.Shop),
			workflows.ReasonAttribute.ValueSet(params.Failure.Reason),
		),
		Memo:          map[string]any{workflows.FailureMemo: params.Failure},
		StaticSummary: literal.Markdown(text.Sprintf("Parked: order %s · %s", params.Order.ID, fault.ReasonText(params.Failure.Reason))),
		StaticDetails: text.Sprintf("The order cannot be saved now and is retried at growing intervals. The signal retry retries it at once; starter parked discard discards it."),
	}, workflows.ParkedOrderName, workflows.ParkedOrderInput{Plan: params.Plan, Version: version})
	if err != nil {
		return result, text.Errorf("parking order %s failed: %w", params.Order.ID, err)
	}
	return result, nil
}
