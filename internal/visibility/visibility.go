// Package visibility reads the state of a flow from the Temporal server's list of
// workflows, its visibility store. The list lags by up to seconds, and has nothing older
// than the namespace's retention. Holds alone are asked for directly.
package visibility

import (
	"context"
	"fmt"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// CountParked counts the flow's parked orders.
func CountParked(ctx context.Context, c client.Client, flowName string) (int, error) {
	waiting, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: parked(flowName),
	})
	if err != nil {
		return 0, text.Errorf("can't count the parked orders of flow %s: %w", flowName, err)
	}
	return int(waiting.GetCount()), nil
}

// Parked gives the flow's parked orders: their workflow ids, and the reason of each.
func Parked(ctx context.Context, c client.Client, flowName string) (map[string]string, error) {
	reasons := map[string]string{}
	decoder := converter.GetDefaultDataConverter()
	err := Each(ctx, c, parked(flowName), func(execution *workflowpb.WorkflowExecutionInfo) error {
		id, reason := execution.GetExecution().GetWorkflowId(), ""
		if attribute, ok := execution.GetSearchAttributes().GetIndexedFields()[workflows.ReasonAttribute.GetName()]; ok {
			if err := decoder.FromPayload(attribute, &reason); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
		}
		reasons[id] = reason
		return nil
	})
	if err != nil {
		return nil, text.Errorf("can't list the parked orders of flow %s: %w", flowName, err)
	}
	return reasons, nil
}

// Each calls do for each workflow that a query chooses.
func Each(ctx context.Context, c client.Client, query string, do func(*workflowpb.WorkflowExecutionInfo) error) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 1000}
	for {
		listed, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return err
		}
		for _, execution := range listed.GetExecutions() {
			if err := do(execution); err != nil {
				return err
			}
		}
		if request.NextPageToken = listed.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

func parked(flowName string) string {
	return All(OfFlow(workflows.ParkedOrderName, flowName), Running)
}

// LastWatermark gives the flow's watermark, in Beijing time; nil if no automatic run in
// the server's list has moved it. Since the list lags, it may be an older one, which is
// safe: some orders are then read once more, and none is missed. The row version is nil
// unless the run read by row versions.
func LastWatermark(ctx context.Context, c client.Client, flowName string) (watermark *time.Time, rowVersion *int64, err error) {
	name := workflows.WatermarkAttribute.GetName()
	listed, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query:    All(OfFlow(workflows.SyncRefundsName, flowName), Equal("ExecutionStatus", "Completed"), name+" IS NOT NULL"),
		PageSize: 1, // the newest comes first
	})
	if err != nil {
		return nil, nil, text.Errorf("can't list the runs; start a worker of this version first if none has run yet, since it registers the search attributes: %w", err)
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
