package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
	"refundsync/workflows"
)

// estimatePatience is how long a run that is to start waits for the source to count its
// orders.
const estimatePatience = 20 * time.Second

// sayEstimate says what a run with that input is about to do. Where nothing is known of
// its orders it says why and gives nil; that keeps nothing from starting.
func sayEstimate(ctx context.Context, c client.Client, w io.Writer, taskQueue string, in workflows.SyncRefundsInput) *workflows.Estimate {
	e, err := askEstimate(ctx, c, taskQueue, in)
	if err != nil {
		fmt.Fprintf(&literal.Writer{To: w}, "未能预计单数 not estimated: %s\n", strings.ReplaceAll(runFailure(err), "\n", " "))
		return nil
	}
	fmt.Fprintln(w, estimateText(e))
	if e.Windows > 0 && e.Counted == 0 {
		return nil
	}
	return &e
}

// askEstimate has a worker work out what a run would do.
func askEstimate(ctx context.Context, c client.Client, taskQueue string, in workflows.SyncRefundsInput) (workflows.Estimate, error) {
	var e workflows.Estimate
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       in.Flow + "/estimate-" + time.Now().In(beijing.Zone).Format("20060102T150405.000000"),
		TaskQueue:                taskQueue,
		WorkflowExecutionTimeout: estimatePatience,
		StaticSummary:            in.Flow + " 预计 estimate",
		StaticDetails:            "一次运行开始之前，数一数有多少单，不保存任何东西。\n\nCounts the orders of a run before it starts, and saves nothing.",
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
		return e, errors.New("没有 worker 来数 no worker is there to count")
	}
	slow, cancel := context.WithTimeout(ctx, estimatePatience)
	defer cancel()
	err = run.Get(slow, &e)
	var late *temporal.TimeoutError
	if errors.As(err, &late) || ctx.Err() == nil && waitIsOver(err) {
		err = fmt.Errorf("聚水潭 %[1]s 内没有数完，用 starter check 看原因 Jushuitan did not count within %[1]s, see starter check", estimatePatience)
	}
	return e, err
}

// waitIsOver tells whether a call ended because its time was over, which the server may
// say a moment before the context does.
func waitIsOver(err error) bool {
	var late *serviceerror.DeadlineExceeded
	return errors.As(err, &late) || errors.Is(err, context.DeadlineExceeded)
}

// untakenHistory is how many events a workflow has that no worker has taken up: it was
// started, and its first task scheduled.
const untakenHistory = 2

func estimateText(e workflows.Estimate) string {
	switch {
	case e.Windows == 0:
		return "预计 expected: 时段为空，没有要读的 nothing to read, the range is empty"
	case e.Counted == 0:
		return "预计 expected: 按行版本读，聚水潭不报有多少单 by row versions, of which Jushuitan gives no count"
	}
	orders := fmt.Sprintf("单 orders %d", e.Orders)
	if e.Counted < e.Windows {
		orders = fmt.Sprintf("单 orders 约 about %d（数了 counted %d/%d）", e.Orders, e.Counted, e.Windows)
	}
	return fmt.Sprintf("预计 expected: 窗口 windows %d · %s · 用时 takes 约 about %s（按聚水潭的限额与金蝶的常速 by Jushuitan's allowance and Kingdee's usual pace）",
		e.Windows, orders, shortDuration(e.Duration))
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
	// Orders is exact where Counted is as many as Windows.
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
