package main

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/prometheus/procfs"
)

// cpuTime gives the CPU time that a process has used; 0 if there is no /proc.
func cpuTime(pid int) time.Duration {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	stat, err := p.Stat()
	if err != nil {
		return 0
	}
	return time.Duration(stat.CPUTime() * float64(time.Second))
}

// peakMemory gives a process's peak memory in bytes; 0 if there is no /proc.
func peakMemory(pid int) uint64 {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	status, err := p.NewStatus()
	if err != nil {
		return 0
	}
	return status.VmHWM
}

// isPolled reports whether a worker polls for workflow tasks.
func isPolled(ctx context.Context, temporal client.Client) (bool, error) {
	queue, err := temporal.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	return len(queue.GetPollers()) > 0, err
}

// runDuration gives how long a run took, including its continuations as new, by the
// server's clock.
func runDuration(ctx context.Context, temporal client.Client, workflowID string) (time.Duration, error) {
	last, err := temporal.DescribeWorkflow(ctx, workflowID, "")
	if err != nil {
		return 0, err
	}
	first, err := temporal.DescribeWorkflow(ctx, workflowID, last.RawResponse.GetWorkflowExecutionInfo().GetFirstRunId())
	if err != nil {
		return 0, err
	}
	return last.RawResponse.GetWorkflowExecutionInfo().GetCloseTime().AsTime().Sub(first.RawResponse.GetWorkflowExecutionInfo().GetStartTime().AsTime()), nil
}
