package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// estimatePatience is how long the start of a run waits for the source to count its orders.
const estimatePatience = 20 * time.Second

// sayEstimate writes what a run with that input is about to do. If there is no estimate of
// its orders, it says why and gives nil; the run starts anyway. Of a run that is followed, it
// leaves to the run what the run says itself.
func sayEstimate(ctx context.Context, c client.Client, w io.Writer, taskQueue string, in workflows.SyncFlowInput, followed bool) *workflows.Estimate {
	e, err := askEstimate(ctx, c, taskQueue, in)
	if followed && failsTheRun(err) {
		return nil
	}
	if err != nil {
		say(w, text.Sprintf("not estimated: %s", literal.Line(runFailure(err))))
		return nil
	}
	say(w, estimateText(e))
	if e.Windows > 0 && e.Counted == 0 {
		return nil
	}
	return &e
}

// failsTheRun tells whether a run fails as its estimate did.
func failsTheRun(err error) bool {
	var failed *temporal.ApplicationError
	return errors.As(err, &failed) && slices.Contains([]string{workflows.WatermarkUnknown, workflows.FlowDisabled}, failed.Type())
}

// askEstimate has a worker estimate a run.
func askEstimate(ctx context.Context, c client.Client, taskQueue string, in workflows.SyncFlowInput) (workflows.Estimate, error) {
	var e workflows.Estimate
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       in.Flow + "/estimate-" + time.Now().In(beijing.Zone).Format("20060102T150405.000000"),
		TaskQueue:                taskQueue,
		WorkflowExecutionTimeout: estimatePatience,
		StaticSummary:            text.Sprintf("%s estimate", in.Flow),
		StaticDetails:            text.Sprintf("Counts the orders of a run before it starts, and saves nothing."),
	}, workflows.EstimateRunName, in)
	if err != nil {
		return e, err
	}
	quick, cancel := context.WithTimeout(ctx, progressTimeout)
	defer cancel()
	if err = run.Get(quick, &e); err == nil || ctx.Err() != nil || !waitIsOver(err) {
		return e, err
	}
	described, err := c.DescribeWorkflow(ctx, run.GetID(), run.GetRunID())
	if err != nil {
		return e, err
	}
	if execution := described.RawResponse.GetWorkflowExecutionInfo(); execution.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && execution.GetHistoryLength() <= untakenHistory {
		return e, text.Errorf("there is no worker to count the orders")
	}
	slow, cancel := context.WithTimeout(ctx, estimatePatience)
	defer cancel()
	err = run.Get(slow, &e)
	var late *temporal.TimeoutError
	if errors.As(err, &late) || ctx.Err() == nil && waitIsOver(err) {
		err = text.Errorf("Jushuitan did not count the orders within %s; see starter check", estimatePatience)
	}
	return e, err
}

// waitIsOver tells whether a call ended because its time was up, which the server may
// notice a moment before the context does.
func waitIsOver(err error) bool {
	var late *serviceerror.DeadlineExceeded
	return errors.As(err, &late) || errors.Is(err, context.DeadlineExceeded)
}

// untakenHistory is how many events a workflow has that no worker has begun: started, and
// its first task scheduled.
const untakenHistory = 2

func estimateText(e workflows.Estimate) string {
	switch {
	case e.Windows == 0:
		return text.Sprintf("expected: nothing to read, the range is empty")
	case e.Counted == 0:
		return text.Sprintf("expected: unknown, Jushuitan does not count by row version")
	case e.Counted < e.Windows && e.Orders == 0:
		return text.Sprintf("expected: windows %d · orders unknown (%d windows counted, all empty)", e.Windows, e.Counted)
	case e.Counted < e.Windows:
		return text.Sprintf("expected: windows %d · about %d orders (%d windows counted) · takes about %s (by Jushuitan's allowance and Kingdee's usual pace)",
			e.Windows, e.Orders, e.Counted, shortDuration(e.Duration))
	}
	return text.Sprintf("expected: windows %d · orders %d · takes about %s (by Jushuitan's allowance and Kingdee's usual pace)",
		e.Windows, e.Orders, shortDuration(e.Duration))
}

// shortDuration gives a duration in its two largest units, such as 1h20m.
func shortDuration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// shownEstimate is an estimate in JSON.
type shownEstimate struct {
	Windows int `json:"windows"`
	// Orders is exact if Counted equals Windows.
	Orders  int `json:"orders"`
	Counted int `json:"counted"`
	Seconds int `json:"seconds"`
}

// isRunning tells whether a workflow is under way.
func isRunning(ctx context.Context, c client.Client, workflowID string) (bool, error) {
	described, err := c.DescribeWorkflow(ctx, workflowID, "")
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", workflowID, err)
	}
	return described.RawResponse.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}
