package observe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// fakeTemporal gives the answers that it holds.
type fakeTemporal struct {
	client.Client // nil: other methods are not called
	err           error
	parked        int64
	held          bool // the task queue is
}

func (c *fakeTemporal) DescribeWorkflow(_ context.Context, id, _ string) (*client.WorkflowExecutionDescription, error) {
	if !c.held || id != "hold/q" {
		return nil, serviceerror.NewNotFound(id)
	}
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING},
	}}, c.err
}

func (c *fakeTemporal) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, c.err
}

func (c *fakeTemporal) CountWorkflow(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{Count: c.parked}, c.err
}

func (c *fakeTemporal) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return &workflowservice.ListWorkflowExecutionsResponse{}, c.err
}

func ago(m *moment, d time.Duration) { m.unix.Store(time.Now().Add(-d).UnixNano()) }

func TestReady(t *testing.T) {
	for _, c := range []struct {
		name     string
		prepare  func(m *Metrics, temporal *fakeTemporal)
		stopping bool
		problem  string // "" if it is ready
	}{
		{"nothing polled yet", func(*Metrics, *fakeTemporal) {}, false, "has not started polling"},
		{"the first poll waits for a task", func(m *Metrics, _ *fakeTemporal) { ago(&m.polls.begun, time.Minute) }, false, ""},
		{"polls are answered", func(m *Metrics, _ *fakeTemporal) {
			ago(&m.polls.begun, time.Hour)
			ago(&m.polls.answered, time.Minute)
		}, false, ""},
		{"the first poll is never answered", func(m *Metrics, _ *fakeTemporal) { ago(&m.polls.begun, 5*time.Minute) }, false, "for 5m"},
		{"polls are no longer answered", func(m *Metrics, _ *fakeTemporal) { ago(&m.polls.answered, 5*time.Minute) }, false, "for 5m"},
		{"Temporal is gone", func(m *Metrics, temporal *fakeTemporal) {
			ago(&m.polls.answered, time.Second)
			temporal.err = errors.New("connection refused")
		}, false, "connection refused"},
		{"the worker is stopping", func(m *Metrics, _ *fakeTemporal) { ago(&m.polls.answered, time.Second) }, true, "is stopping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, temporal := newMetrics(t), &fakeTemporal{}
			c.prepare(m, temporal)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			server, err := Serve(ctx, "127.0.0.1:0", m, temporal)
			require.NoError(t, err)
			defer func() { require.NoError(t, server.Close()) }()
			if c.stopping {
				stop()
			}
			code, body := get(t, server, "/readyz")
			var answer readiness
			require.NoError(t, json.Unmarshal([]byte(body), &answer))
			if c.problem == "" {
				assert.Equal(t, http.StatusOK, code)
				assert.True(t, answer.Ready)
				assert.Empty(t, answer.Problems)
			} else {
				assert.Equal(t, http.StatusServiceUnavailable, code)
				assert.False(t, answer.Ready)
				require.Len(t, answer.Problems, 1)
				assert.Contains(t, answer.Problems[0], c.problem)
			}
			code, _ = get(t, server, "/healthz")
			assert.Equal(t, http.StatusOK, code, "it is alive all the same")
		})
	}
}

func get(t *testing.T, server *Server, path string) (code int, body string) {
	t.Helper()
	reply, err := http.Get("http://" + server.Address() + path)
	require.NoError(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply.StatusCode, string(text)
}

func TestReadinessTellsOfBothSystems(t *testing.T) {
	m := newMetrics(t)
	m.Calls(0).Called("batchSave", 1, time.Second, nil)
	answer := (&health{metrics: m, temporal: &fakeTemporal{}}).look(t.Context())
	require.NotNil(t, answer.LastSuccess[systemKingdee])
	require.Contains(t, answer.LastSuccess, systemJushuitan)
	require.Nil(t, answer.LastSuccess[systemJushuitan])
	require.Contains(t, answer.LastSuccess, "north/kingdee")
	require.Nil(t, answer.LastSuccess["north/kingdee"])
}

func TestServeSaysThatTheAddressIsTaken(t *testing.T) {
	first, err := Serve(t.Context(), "127.0.0.1:0", newMetrics(t), &fakeTemporal{})
	require.NoError(t, err)
	defer func() { require.NoError(t, first.Close()) }()
	_, err = Serve(t.Context(), first.Address(), newMetrics(t), &fakeTemporal{})
	require.ErrorContains(t, err, "REFUNDSYNC_HTTP_ADDRESS")
}

// A connection nobody answers on, but for its interceptors.
func TestPollsAreNoted(t *testing.T) {
	m := newMetrics(t)
	answer := errors.New("unavailable")
	connection, err := grpc.NewClient("passthrough:///nobody", grpc.WithTransportCredentials(insecure.NewCredentials()), m.WatchPolls(),
		grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return answer
		}))
	require.NoError(t, err)
	defer connection.Close()
	call := func(method string) {
		_ = connection.Invoke(t.Context(), "/temporal.api.workflowservice.v1.WorkflowService/"+method, nil, nil)
	}
	answer = nil
	call("GetSystemInfo")
	require.True(t, m.polls.begun.time().IsZero())
	answer = errors.New("unavailable")
	call("PollActivityTaskQueue")
	require.False(t, m.polls.begun.time().IsZero())
	require.True(t, m.polls.last().IsZero(), "it was not answered")
	answer = nil
	call("PollWorkflowTaskQueue")
	require.False(t, m.polls.last().IsZero())
}

// How a flow does is shown as long as it is known, and not a minute longer.
func TestFlowStatesAreNeverStale(t *testing.T) {
	m, temporal := newMetrics(t), &fakeTemporal{parked: 7}
	const held, parked, watermark = `refundsync_held{flow="f"}`, `refundsync_parked_orders{flow="f"}`, `refundsync_watermark_timestamp_seconds{flow="f"}`
	values := scrape(t, m)
	require.NotContains(t, values, parked)
	require.Equal(t, 3600.0, values[`refundsync_lag_limit_seconds{flow="f"}`])
	require.NotContains(t, values, `refundsync_lag_limit_seconds{flow="disabled"}`)

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		m.WatchFlows(ctx, temporal, "q", m.flows.flows, zap.NewNop())
		close(done)
	}()
	require.Eventually(t, func() bool { return scrape(t, m)[parked] == 7 }, time.Minute, 10*time.Millisecond)
	require.NotContains(t, scrape(t, m), watermark, "no run has moved it")
	require.Zero(t, scrape(t, m)[held])
	temporal.held = true
	require.NoError(t, m.flows.ask(t.Context(), temporal, "q", "f"))
	require.Equal(t, 1.0, scrape(t, m)[held])
	stop()
	<-done

	temporal.err = errors.New("unavailable")
	require.Error(t, m.flows.ask(t.Context(), temporal, "q", "f"))
	require.Equal(t, 7.0, scrape(t, m)[parked])
	state := m.flows.states["f"]
	state.at = time.Now().Add(-flowStatesLast)
	m.flows.states["f"] = state
	require.NotContains(t, scrape(t, m), parked)
}

// Who connects and says nothing, or too much, costs little.
func TestRequestsAreBounded(t *testing.T) {
	server, err := Serve(t.Context(), "127.0.0.1:0", newMetrics(t), &fakeTemporal{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	require.Positive(t, server.http.ReadTimeout)
	require.Positive(t, server.http.WriteTimeout)
	require.Positive(t, server.http.IdleTimeout)

	request, err := http.NewRequest(http.MethodGet, "http://"+server.Address()+"/healthz", nil)
	require.NoError(t, err)
	request.Header.Set("X-Long", strings.Repeat("x", 2<<20))
	// The server may hang up before it is read to.
	if reply, err := http.DefaultClient.Do(request); err == nil {
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, reply.StatusCode)
		require.NoError(t, reply.Body.Close())
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			request, err := http.NewRequest(method, "http://"+server.Address()+path, nil)
			require.NoError(t, err)
			reply, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.Equal(t, http.StatusMethodNotAllowed, reply.StatusCode)
			require.NoError(t, reply.Body.Close())
		}
	}
}
