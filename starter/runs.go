package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// listedRun is a run as the server's list shows it. The list lags behind the
// truth by up to seconds, and forgets what is older than the namespace's
// retention.
type listedRun struct {
	WorkflowID, RunID string
	// Begins is when it began, or will begin: a run by cron waits for its time.
	Begins, Ended time.Time
	// Outcome is one of those of package workflows, or running, waiting,
	// terminated, timed_out.
	Outcome string
	// Watermark is what the run moved it to; nil if it did not.
	Watermark *time.Time
	// Result is nil for a run under way, or one of an older version.
	Result *workflows.SyncRefundsResult
	// Error is why it failed.
	Error string
}

const (
	runRunning = "running"
	runWaiting = "waiting"
)

// runsOf chooses the runs of a flow in Temporal's list language. Parts of one
// that continued as new are left out but for the last.
func runsOf(flowName string) string {
	return visibility.All(visibility.OfFlow(workflows.SyncRefundsName, flowName), "ExecutionStatus != 'ContinuedAsNew'")
}

// allRunning chooses the runs under way, of every flow.
var allRunning = visibility.All(visibility.Equal("WorkflowType", workflows.SyncRefundsName), visibility.Running)

// listRuns gives the runs that a query chooses, the newest first, for as long
// as each wants more.
func listRuns(ctx context.Context, c client.Client, query string, each func(listedRun) (more bool)) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query}
	for {
		reply, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("无法列出运行；本版本的 worker 是否启动过（它会登记搜索属性）？ Runs can't be listed: has a worker of this version, which registers the search attributes, ever been started? %w", err)
		}
		for _, execution := range reply.GetExecutions() {
			run, err := readRun(execution)
			if err != nil {
				return err
			}
			if !each(run) {
				return nil
			}
		}
		if len(reply.GetNextPageToken()) == 0 {
			return nil
		}
		request.NextPageToken = reply.GetNextPageToken()
	}
}

func readRun(execution *workflowpb.WorkflowExecutionInfo) (listedRun, error) {
	run := listedRun{
		WorkflowID: execution.GetExecution().GetWorkflowId(),
		RunID:      execution.GetExecution().GetRunId(),
		Begins:     execution.GetExecutionTime().AsTime().In(beijing.Zone).Truncate(time.Second),
	}
	if execution.GetCloseTime() != nil {
		run.Ended = execution.GetCloseTime().AsTime().In(beijing.Zone).Truncate(time.Second)
	}
	attributes := execution.GetSearchAttributes().GetIndexedFields()
	for _, field := range []struct {
		payload *commonpb.Payload
		value   any
	}{
		{attributes[workflows.OutcomeAttribute.GetName()], &run.Outcome},
		{attributes[workflows.WatermarkAttribute.GetName()], &run.Watermark},
		{execution.GetMemo().GetFields()[workflows.ResultMemo], &run.Result},
		{execution.GetMemo().GetFields()[workflows.ErrorMemo], &run.Error},
	} {
		if field.payload == nil {
			continue
		}
		if err := converter.GetDefaultDataConverter().FromPayload(field.payload, field.value); err != nil {
			return run, fmt.Errorf("%s: %w", run.WorkflowID, err)
		}
	}
	switch execution.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		run.Outcome = runRunning
		if run.Begins.After(time.Now()) {
			run.Outcome = runWaiting
		}
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		run.Outcome = cmp.Or(run.Outcome, workflows.RunDone)
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		run.Outcome = workflows.RunFailed
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		run.Outcome = workflows.RunCancelled
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		run.Outcome = "terminated"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		run.Outcome = "timed_out"
	}
	return run, nil
}

// endOf is how one run ended that the next run of its cron has followed, by what
// it listed of itself: the server gives its result to nobody but the next.
func endOf(ctx context.Context, c client.Client, workflowID, runID string) (workflows.SyncRefundsResult, error) {
	described, err := c.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return workflows.SyncRefundsResult{}, err
	}
	run, err := readRun(described.RawResponse.GetWorkflowExecutionInfo())
	if err != nil || run.Result == nil {
		return workflows.SyncRefundsResult{}, err
	}
	if run.Error != "" {
		return *run.Result, errors.New(run.Error)
	}
	return *run.Result, nil
}
