// Package visibility asks the Temporal server's list of workflows, its
// visibility store, how a flow does. The list lags behind the truth by up to
// seconds, and forgets what is older than the namespace's retention.
package visibility

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/workflows"
)

// CountParked counts the flow's parked orders that wait.
func CountParked(ctx context.Context, c client.Client, flowName string) (int, error) {
	waiting, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: parked(flowName),
	})
	if err != nil {
		return 0, fmt.Errorf("数不出流程 %[1]s 挂起的单。 The parked orders of flow %[1]s can't be counted: %[2]w", flowName, err)
	}
	return int(waiting.GetCount()), nil
}

// Parked gives the workflow ids of the flow's parked orders that wait.
func Parked(ctx context.Context, c client.Client, flowName string) (map[string]bool, error) {
	ids := map[string]bool{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: parked(flowName), PageSize: 1000}
	for {
		listed, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("列不出流程 %[1]s 挂起的单。 The parked orders of flow %[1]s can't be listed: %[2]w", flowName, err)
		}
		for _, execution := range listed.GetExecutions() {
			ids[execution.GetExecution().GetWorkflowId()] = true
		}
		if request.NextPageToken = listed.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return ids, nil
		}
	}
}

func parked(flowName string) string {
	return All(OfFlow(workflows.ParkedOrderName, flowName), Running)
}

// LastWatermark is how far the flow's automatic runs have come, in Beijing time:
// nil if none of those that the server remembers has moved the watermark. An
// older one is safe to go on from as well: orders are read again, and none is
// left out. The row version is nil unless that run read by these.
func LastWatermark(ctx context.Context, c client.Client, flowName string) (watermark *time.Time, rowVersion *int64, err error) {
	name := workflows.WatermarkAttribute.GetName()
	listed, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query:    All(OfFlow(workflows.SyncRefundsName, flowName), Equal("ExecutionStatus", "Completed"), name+" IS NOT NULL"),
		PageSize: 1, // the newest comes first
	})
	if err != nil {
		return nil, nil, fmt.Errorf("无法列出运行；本版本的 worker 是否启动过（它会登记搜索属性）？ Runs can't be listed: has a worker of this version, which registers the search attributes, ever been started? %w", err)
	}
	if len(listed.GetExecutions()) == 0 {
		return nil, nil, nil
	}
	execution := listed.GetExecutions()[0]
	var at time.Time
	var result workflows.SyncRefundsResult
	decoder := converter.GetDefaultDataConverter()
	err = decoder.FromPayload(execution.GetSearchAttributes().GetIndexedFields()[name], &at)
	if memo, ok := execution.GetMemo().GetFields()[workflows.ResultMemo]; ok && err == nil {
		err = decoder.FromPayload(memo, &result)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", execution.GetExecution().GetWorkflowId(), err)
	}
	at = at.In(beijing.Zone)
	return &at, result.RowVersion, nil
}
