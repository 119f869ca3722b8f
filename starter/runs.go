package main

import (
	"cmp"
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// listedRun is a run as the server's list shows it. The list lags by up to seconds, and
// forgets what is older than the namespace's retention.
type listedRun struct {
	WorkflowID, RunID string
	// Begins is when it began, or will begin: a run by cron waits for its time.
	Begins, Ended time.Time
	// Outcome is one of package workflows, or of those below.
	Outcome string
	// Watermark is what the run moved it to; nil if it did not.
	Watermark *time.Time
	// Result is nil for a run under way, or one that did not end by itself.
	Result *workflows.SyncFlowResult
	// Error is why it failed.
	Error text.Text
}

// The outcomes of runs that have not ended, or did not end by themselves.
const (
	runRunning    = "running"
	runWaiting    = "waiting"
	runTerminated = "terminated"
	runTimedOut   = "timed_out"
)

// outcomeTexts are outcomes as people read them.
var outcomeTexts = map[string]text.Text{
	workflows.RunDone:         text.New("done"),
	workflows.RunParked:       text.New("done, with orders parked"),
	workflows.RunOrdersFailed: text.New("done, with orders failed"),
	workflows.RunFailed:       text.New("failed"),
	workflows.RunCancelled:    text.New("cancelled"),
	workflows.RunHeld:         text.New("held, did nothing"),
	workflows.RunEndedEarly:   text.New("ended early, because the flow was disabled"),
	runTerminated:             text.New("terminated"),
	runTimedOut:               text.New("timed out"),
}

// runsOf chooses the runs of a flow in Temporal's list language. Of a run that continued
// as new, it chooses the last part alone.
func runsOf(flowName string) string {
	return visibility.All(visibility.OfFlow(workflows.SyncFlowName, flowName), "ExecutionStatus != 'ContinuedAsNew'")
}

// allRunning chooses the runs under way, of every flow.
var allRunning = visibility.All(visibility.Equal("WorkflowType", workflows.SyncFlowName), visibility.Running)

// listRuns gives the runs that a query chooses, the newest first, until each wants no
// more.
func listRuns(ctx context.Context, c client.Client, query string, each func(listedRun) (more bool)) error {
	for execution, err := range visibility.List(ctx, c, query) {
		if err != nil {
			return text.Errorf("runs can't be listed; start a worker of this version once, which registers the search attributes: %w", err)
		}
		run, err := readRun(execution)
		if err != nil || !each(run) {
			return err
		}
	}
	return nil
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
	if err := cmp.Or(
		visibility.Attribute(execution, workflows.OutcomeAttribute.GetName(), &run.Outcome),
		visibility.Attribute(execution, workflows.WatermarkAttribute.GetName(), &run.Watermark),
		visibility.Memo(execution, workflows.ResultMemo, &run.Result),
		visibility.Memo(execution, workflows.ErrorMemo, &run.Error),
	); err != nil {
		return run, err
	}
	switch execution.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		run.Outcome = runRunning
		if run.Begins.After(time.Now()) {
			run.Outcome = runWaiting
		}
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		run.Outcome = cmp.Or(run.Outcome, workflows.RunDone)
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
		enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		run.Outcome = unfinished(execution)
	}
	return run, nil
}

// unfinished is the outcome of a workflow that has ended without being completed.
func unfinished(execution *workflowpb.WorkflowExecutionInfo) string {
	switch execution.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return workflows.RunCancelled
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return runTerminated
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return runTimedOut
	}
	return workflows.RunFailed
}

// endOf is how a run ended that the next run of its cron followed, by its memo: the
// server gives its result to the next run alone.
func endOf(ctx context.Context, c client.Client, workflowID, runID string) (workflows.SyncFlowResult, error) {
	described, err := c.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return workflows.SyncFlowResult{}, err
	}
	run, err := readRun(described.RawResponse.GetWorkflowExecutionInfo())
	if err != nil || run.Result == nil {
		return workflows.SyncFlowResult{}, err
	}
	if !run.Error.IsZero() {
		return *run.Result, text.Errorf("%s", run.Error)
	}
	return *run.Result, nil
}
