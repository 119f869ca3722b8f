// Package visibility reads the state of a flow from the Temporal server's list of
// workflows, its visibility store. The list lags by up to seconds, and has nothing older
// than the namespace's retention. Holds alone are asked for directly.
package visibility

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
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

// ParkedOrders are the orders of a flow that are parked, or were when a person discarded
// them. An order can be both.
type ParkedOrders struct {
	// Waiting are the reasons of those that are parked, by their workflow ids.
	Waiting map[string]string
	// Discarded are the workflow ids of those that a person has discarded, as long as the
	// server retains them.
	Discarded map[string]bool
}

// Parked lists the flow's parked and discarded orders.
func Parked(ctx context.Context, c client.Client, flowName string) (ParkedOrders, error) {
	listed := ParkedOrders{map[string]string{}, map[string]bool{}}
	discarded := All(Equal("ExecutionStatus", "Completed"), Equal(workflows.ReasonAttribute.GetName(), contract.ReasonDiscarded))
	// One query, so that an order which is discarded meanwhile is not missed between two: the
	// server lists the running ones first.
	query := All(OfFlow(workflows.ParkedOrderName, flowName), "("+Running+" OR "+discarded+")")
	for execution, err := range List(ctx, c, query) {
		var reason string
		if err == nil {
			reason, err = reasonOf(execution)
		}
		if err != nil {
			return ParkedOrders{}, text.Errorf("can't list the parked orders of flow %s: %w", flowName, err)
		}
		if id := execution.GetExecution().GetWorkflowId(); execution.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
			listed.Discarded[id] = true
		} else {
			listed.Waiting[id] = reason
		}
	}
	return listed, nil
}

// reasonOf is why an order is parked.
func reasonOf(execution *workflowpb.WorkflowExecutionInfo) (reason string, err error) {
	err = Attribute(execution, workflows.ReasonAttribute.GetName(), &reason)
	return reason, err
}

// List gives the workflows that a query chooses, the newest first. It ends with the first
// error.
func List(ctx context.Context, c client.Client, query string) iter.Seq2[*workflowpb.WorkflowExecutionInfo, error] {
	return func(yield func(*workflowpb.WorkflowExecutionInfo, error) bool) {
		request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 1000}
		for {
			listed, err := c.ListWorkflow(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, execution := range listed.GetExecutions() {
				if !yield(execution, nil) {
					return
				}
			}
			if request.NextPageToken = listed.GetNextPageToken(); len(request.NextPageToken) == 0 {
				return
			}
		}
	}
}

// Attribute reads a search attribute of a listed workflow; an absent one leaves the value as
// it is.
func Attribute(execution *workflowpb.WorkflowExecutionInfo, name string, value any) error {
	return decode(execution, execution.GetSearchAttributes().GetIndexedFields()[name], name, value)
}

// Memo reads a field of the memo of a listed workflow; an absent one leaves the value as it
// is.
func Memo(execution *workflowpb.WorkflowExecutionInfo, name string, value any) error {
	return decode(execution, execution.GetMemo().GetFields()[name], name, value)
}

func decode(execution *workflowpb.WorkflowExecutionInfo, payload *commonpb.Payload, name string, value any) error {
	if payload == nil {
		return nil
	}
	if err := converter.GetDefaultDataConverter().FromPayload(payload, value); err != nil {
		return fmt.Errorf("%s: %s: %w", execution.GetExecution().GetWorkflowId(), name, err)
	}
	return nil
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
		Query:    All(OfFlow(workflows.SyncFlowName, flowName), Equal("ExecutionStatus", "Completed"), name+" IS NOT NULL"),
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
	var result workflows.SyncFlowResult
	if err := cmp.Or(Attribute(execution, name, &at), Memo(execution, workflows.ResultMemo, &result)); err != nil {
		return nil, nil, err
	}
	at = at.In(beijing.Zone)
	return &at, result.RowVersion, nil
}
