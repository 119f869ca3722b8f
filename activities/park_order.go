package activities

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/literal"
	"refundsync/workflows"
)

// ParkOrder gives an order that can't be saved its ParkedOrder workflow or, if
// it has one, brings it the order as it is now. An order that a person has
// discarded is not parked again while it stays the same and the server still
// remembers.
//
// It is an activity because a workflow can't start another one and signal it in
// one step, and two runs may find the same order at the same moment.
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
		StaticSummary: literal.Markdown(fmt.Sprintf("挂起 parked: 售后单 %s · %s", params.Order.ID, params.Failure.Reason)),
		StaticDetails: "这一单暂时无法保存，按逐渐变长的间隔自动重试；信号 retry 立即重试，starter parked discard 放弃。\n\n" +
			"The order can't be saved now and is tried again at growing intervals; the signal retry tries at once, starter parked discard gives it up.",
	}, workflows.ParkedOrderName, workflows.ParkedOrderInput{Plan: params.Plan, Version: version})
	if err != nil {
		return result, fmt.Errorf("无法挂起售后单 %s。 Order %[1]s can't be parked: %[2]w", params.Order.ID, err)
	}
	return result, nil
}

// findParked notes whether the order waits already, or whether its last
// ParkedOrder workflow ended because a person discarded the order as it still is.
func findParked(ctx context.Context, c client.Client, result *workflows.ParkOrderResult, params workflows.ParkOrderParams) error {
	described, err := c.DescribeWorkflow(ctx, result.WorkflowID, "")
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("无法查询挂起的售后单 %s。 Parked order %[1]s can't be looked up: %[2]w", params.Order.ID, err)
	}
	switch described.RawResponse.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		// One that started since may be the work of an attempt before this one.
		result.AlreadyWaiting = described.RawResponse.GetWorkflowExecutionInfo().GetStartTime().AsTime().Before(activity.GetInfo(ctx).ScheduledTime)
		return nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
	default:
		return nil
	}
	var ended workflows.ParkedOrderResult
	if err := c.GetWorkflow(ctx, result.WorkflowID, "").Get(ctx, &ended); err != nil {
		return fmt.Errorf("无法读取挂起的售后单 %s 的结果。 The result of parked order %[1]s can't be read: %[2]w", params.Order.ID, err)
	}
	result.Discarded = ended.Discarded != nil && ended.Order.Same(params.Order)
	return nil
}
