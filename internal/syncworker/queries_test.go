package syncworker

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	querypb "go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc"

	"refundsync/workflows"
)

// lateQuery is a Temporal server with one query to give out: it was asked before
// the last workflow task, and its history holds that too.
type lateQuery struct {
	workflowservice.UnimplementedWorkflowServiceServer
	history *historypb.History
	// withHistory sends the history with the query; else the worker asks for it.
	withHistory bool
	given       atomic.Bool
	answers     chan *workflowservice.RespondQueryTaskCompletedRequest
}

func (*lateQuery) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (*lateQuery) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (s *lateQuery) PollWorkflowTaskQueue(ctx context.Context, _ *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	if !s.given.CompareAndSwap(false, true) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	events := s.history.GetEvents()
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	task := &workflowservice.PollWorkflowTaskQueueResponse{
		TaskToken:         []byte("token"),
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: started.GetWorkflowId(), RunId: started.GetOriginalExecutionRunId()},
		WorkflowType:      started.GetWorkflowType(),
		Query:             &querypb.WorkflowQuery{QueryType: workflows.ProgressQuery},
		History:           &historypb.History{},
		Attempt:           1,
	}
	last := int64(0)
	for _, event := range events {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED {
			task.PreviousStartedEventId, last = last, event.GetEventId()
		}
	}
	if s.withHistory {
		task.History = s.history
	}
	return task, nil
}

func (s *lateQuery) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: s.history}, nil
}

func (s *lateQuery) RespondQueryTaskCompleted(_ context.Context, answer *workflowservice.RespondQueryTaskCompletedRequest) (*workflowservice.RespondQueryTaskCompletedResponse, error) {
	s.answers <- answer
	return &workflowservice.RespondQueryTaskCompletedResponse{}, nil
}

// counts is a metrics handler that adds up what one of our counters is told.
type counts struct {
	client.MetricsHandler
	metric string
	sum    *atomic.Int64
}

func (c counts) WithTags(map[string]string) client.MetricsHandler { return c }

func (c counts) Counter(name string) client.MetricsCounter {
	if name == c.metric {
		return counter{c.sum}
	}
	return c.MetricsHandler.Counter(name)
}

type counter struct{ sum *atomic.Int64 }

func (c counter) Inc(d int64) { c.sum.Add(d) }

// askLate has a worker answer a query late, and gives what it counted meanwhile.
func askLate(t *testing.T, recorded, metric string, withHistory bool) (answered string, count int64) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "workflows", "testdata", "histories", recorded))
	require.NoError(t, err)
	defer file.Close()
	history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	temporal := &lateQuery{history: history, withHistory: withHistory, answers: make(chan *workflowservice.RespondQueryTaskCompletedRequest, 1)}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, temporal)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		require.NoError(t, <-done)
	}()

	counted := counts{client.MetricsNopHandler, metric, new(atomic.Int64)}
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: listener.Addr().String(), MetricsHandler: counted, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		// A busy machine may take longer than the SDK's 5 seconds, and its second below.
		ConnectionOptions: client.ConnectionOptions{GetSystemInfoTimeout: time.Minute},
	})
	require.NoError(t, err)
	defer c.Close()
	w := worker.New(c, "refundsync", worker.Options{LocalActivityWorkerOnly: true, DeadlockDetectionTimeout: time.Minute})
	workflows.Register(w)
	require.NoError(t, w.Start())
	defer w.Stop()
	select {
	case answer := <-temporal.answers:
		require.Equal(t, enumspb.QUERY_RESULT_TYPE_ANSWERED, answer.GetCompletedType(), answer.GetErrorMessage())
		answered = string(answer.GetQueryResult().GetPayloads()[0].GetData())
	case <-time.After(time.Minute):
		require.Fail(t, "the query was not answered")
	}
	return answered, counted.sum.Load()
}

func TestQueriesCountNothing(t *testing.T) {
	for _, c := range []struct {
		name, history, metric string
	}{
		{"the orders of a window", "sync_window.json", workflows.OrdersMetric},
		{"a run", "sync_flow.json", workflows.RunsMetric},
		{"a parked order that is saved", "parked_order_saved.json", workflows.ParkedEndedMetric},
	} {
		for history, withHistory := range map[string]bool{"the history comes with it": true, "the history is asked for": false} {
			t.Run(c.name+"/"+history, func(t *testing.T) {
				answer, count := askLate(t, c.history, c.metric, withHistory)
				require.Zero(t, count)
				require.NotEmpty(t, answer)
			})
		}
	}
}
