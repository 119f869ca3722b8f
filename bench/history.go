package main

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// histories are the totals of the histories of a run and its windows.
type histories struct {
	events, bytes int
	// actions are what Temporal Cloud charges for: starts of workflows, attempts of
	// activities, timers, signals, and changes of search attributes.
	actions int
}

var actionEvents = map[enumspb.EventType]bool{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:                   true,
	enumspb.EVENT_TYPE_TIMER_STARTED:                                true,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:                  true,
	enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:            true,
	enumspb.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:                 true,
	enumspb.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: true,
}

// add adds the histories of a run, of its continuations as new and of its windows.
func (h *histories) add(ctx context.Context, temporal client.Client, workflowID, runID string) error {
	described, err := temporal.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return err
	}
	h.bytes += int(described.RawResponse.GetWorkflowExecutionInfo().GetHistorySizeBytes())
	history := temporal.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return err
		}
		h.events++
		if actionEvents[event.GetEventType()] {
			h.actions++
		}
		if started := event.GetActivityTaskStartedEventAttributes(); started != nil {
			h.actions += int(started.GetAttempt())
		}
		if window := event.GetChildWorkflowExecutionStartedEventAttributes().GetWorkflowExecution(); window != nil {
			if err := h.add(ctx, temporal, window.GetWorkflowId(), window.GetRunId()); err != nil {
				return err
			}
		}
		if next := event.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId(); next != "" {
			if err := h.add(ctx, temporal, workflowID, next); err != nil {
				return err
			}
		}
	}
	return nil
}
