package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/tally"
	"refundsync/workflows"
)

// watchedRun is a run with two windows under way, each with 10 orders. The second time that
// the second window is asked, the watcher is interrupted.
type watchedRun struct {
	client.Client
	client.WorkflowRun
	interrupt context.CancelFunc
	asked     int
}

func (*watchedRun) GetID() string { return "a/run" }

func (*watchedRun) GetWithOptions(ctx context.Context, _ any, _ client.WorkflowRunGetOptions) error {
	<-ctx.Done()
	return ctx.Err()
}

func (r *watchedRun) QueryWorkflow(ctx context.Context, workflowID, _, _ string, _ ...any) (converter.EncodedValue, error) {
	var answer any = workflows.SyncWindowProgress{Tally: tally.Tally{Fetched: 10, Saved: 10}}
	switch workflowID {
	case "a/run":
		answer = workflows.SyncFlowProgress{Windows: 2, Orders: 40, Running: []workflows.RunningWindow{{WorkflowID: "1"}, {WorkflowID: "2"}}}
	case "2":
		if r.asked++; r.asked > 1 {
			r.interrupt()
			return nil, ctx.Err()
		}
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(answer)
	return client.NewValue(payloads), err
}

// An interrupted view keeps its last whole line: the counts of some windows would look like
// those of the run.
func TestInterruptedProgressIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithTimeout(t.Context(), time.Hour)
		defer interrupt()
		run := &watchedRun{interrupt: interrupt}
		var out bytes.Buffer
		_, err := follow(ctx, run, run, newBarView(&out, func() int { return 100 }))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2, run.asked)
		require.True(t, strings.HasSuffix(out.String(), clearRest+"\n"), "%q", out.String())
		require.Contains(t, out.String(), "orders 20/40")
		require.NotContains(t, out.String(), "orders 10/40")
	})
}

// silentWorkflow is one whose task queue may have pollers.
type silentWorkflow struct {
	client.Client
	pollers int
	fails   bool
}

func (silentWorkflow) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{
		ExecutionConfig: &workflowpb.WorkflowExecutionConfig{TaskQueue: &taskqueue.TaskQueue{Name: "queue"}},
	}}, nil
}

func (s silentWorkflow) DescribeTaskQueue(_ context.Context, queue string, kind enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	if s.fails || queue != "queue" || kind != enumspb.TASK_QUEUE_TYPE_WORKFLOW {
		return nil, errors.New("unavailable")
	}
	return &workflowservice.DescribeTaskQueueResponse{Pollers: make([]*taskqueue.PollerInfo, s.pollers)}, nil
}

// Without workers, that nobody answers is said soon. One that polls may only be busy.
func TestNobodyAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		workflow silentWorkflow
		after    time.Duration
		want     bool
	}{
		{"no worker, a moment ago", silentWorkflow{}, progressTimeout, false},
		{"no worker", silentWorkflow{}, progressTimeout + time.Second, true},
		{"a busy worker", silentWorkflow{pollers: 1}, progressTimeout + time.Second, false},
		{"a worker that does not answer", silentWorkflow{pollers: 1}, answerTimeout + time.Second, true},
		{"a server that does not say", silentWorkflow{fails: true}, progressTimeout + time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answered := time.Now()
				time.Sleep(c.after)
				require.Equal(t, c.want, nobodyAnswers(t.Context(), c.workflow, "a/run", answered))
			})
		})
	}
}

func TestStoppedBeforeTheFirstBar(t *testing.T) {
	var out bytes.Buffer
	newBarView(&out, func() int { return 80 }).stop()
	require.Empty(t, out.String())
}
