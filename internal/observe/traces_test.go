package observe

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

func TestNothingIsTracedUnlessAnEndpointIsSet(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	interceptors, stop, err := Traces(t.Context(), zap.NewNop())
	require.NoError(t, err)
	require.Empty(t, interceptors)
	require.NoError(t, stop(t.Context()))
}

func TestTracesGoToTheEndpoint(t *testing.T) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	received := make(chan string, 10)
	collector := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		received <- method
		var traces emptypb.Empty
		if err := stream.RecvMsg(&traces); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	}))
	go func() { _ = collector.Serve(listen) }()
	t.Cleanup(collector.Stop)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+listen.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60000") // ms; a busy machine may take longer than 10 seconds

	stop := traceAnActivity(t)
	require.NoError(t, stop(t.Context()))
	require.Equal(t, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", <-received)
}

// Closing waits for an absent collector no longer than its context.
func TestTracesThatCannotBeSentAreLost(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	stop := traceAnActivity(t)
	patience, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, stop(patience))
}

func traceAnActivity(t *testing.T) (stop func(context.Context) error) {
	t.Helper()
	interceptors, stop, err := Traces(t.Context(), zap.NewNop())
	require.NoError(t, err)
	require.Len(t, interceptors, 1)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{interceptors[0].(interceptor.WorkerInterceptor)}})
	traced := func(context.Context) error { return nil }
	env.RegisterActivity(traced)
	_, err = env.ExecuteActivity(traced)
	require.NoError(t, err)
	return stop
}
