package activities

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/literal"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// ParkOrder starts the ParkedOrder workflow of an order that can't be saved or, if it has
// one, sends it the current order. An order that a person has discarded is not parked as
// long as it stays the same and the server retains that workflow.
//
// It is an activity because a workflow can't start another one and signal it in one step,
// and two runs may find the same order at the same moment.
func (a *Activities) ParkOrder(ctx context.Context, params workflows.ParkOrderParams) (workflows.ParkOrderResult, error) {
	c := activity.GetClient(ctx)
	result := workflows.ParkOrderResult{WorkflowID: workflows.ParkedOrderID(params.Plan.Flow, params.Order.ID)}
	if err := findParked(ctx, c, &result, params); result.Discarded || err != nil {
		return result, err
	}
	version := workflows.ParkedVersion{PickVersion: params.PickVersion, Order: params.Order, Failure: params.Failure}
	_, err := c.SignalWithStartWorkflow(ctx, result.WorkflowID, workflows.OrderSignal, version, client.StartWorkflowOptions{
		TaskQueue: activity.GetInfo(ctx).TaskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.FlowAttribute.ValueSet(params.Plan.Flow),
			workflows.ShopAttribute.ValueSet(params.Order.Shop),
			workflows.ReasonAttribute.ValueSet(params.Failure.Reason),
		),
		Memo:          map[string]any{workflows.FailureMemo: params.Failure},
		StaticSummary: literal.Markdown(text.Sprintf("Parked: order %s · %s", params.Order.ID, params.Failure.Reason)),
		StaticDetails: text.Sprintf("The order cannot be saved now and is retried at growing intervals. The signal retry retries it at once; starter parked discard discards it."),
	}, workflows.ParkedOrderName, workflows.ParkedOrderInput{Plan: params.Plan, Version: version})
	if err != nil {
		return result, text.Errorf("parking order %s failed: %w", params.Order.ID, err)
	}
	return result, nil
}

// findParked notes whether the order is parked already, or whether a person has discarded
// it in its current version.
func findParked(ctx context.Context, c client.Client, result *workflows.ParkOrderResult, params workflows.ParkOrderParams) error {
	described, err := c.DescribeWorkflow(ctx, result.WorkflowID, "")
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return text.Errorf("looking up parked order %s failed: %w", params.Order.ID, err)
	}
	switch described.RawResponse.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		// A workflow that started later may have been started by an earlier attempt.
		result.AlreadyWaiting = described.RawResponse.GetWorkflowExecutionInfo().GetStartTime().AsTime().Before(activity.GetInfo(ctx).ScheduledTime)
		return nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
	default:
		return nil
	}
	var ended workflows.ParkedOrderResult
	if err := c.GetWorkflow(ctx, result.WorkflowID, "").Get(ctx, &ended); err != nil {
		return text.Errorf("reading the result of parked order %s failed: %w", params.Order.ID, err)
	}
	result.Discarded = ended.Discarded != nil && ended.Order.Same(params.Order)
	return nil
}
