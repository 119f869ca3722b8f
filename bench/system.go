package main

import (
	"context"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/prometheus/procfs"
)

// silent keeps the SDK's log out of the tables.
var silent = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

// cpuTime is what a process has used; 0 where there is no /proc.
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

// peakMemory is the most memory that a process has held, in bytes; 0 where there
// is no /proc.
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

// pollersOf counts the workers that ask for workflow tasks.
func pollersOf(ctx context.Context, temporal client.Client) (int, error) {
	queue, err := temporal.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return 0, err
	}
	workers := map[string]bool{}
	for _, poller := range queue.GetPollers() {
		workers[poller.GetIdentity()] = true
	}
	return len(workers), nil
}
