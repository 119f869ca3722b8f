package syncworker

import (
	"context"
	"math"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// ReplayQueries has a worker's connection to Temporal say of every query that all
// of the history is replay.
//
// A query that the worker's cache can't answer comes with the last workflow task
// that had ended, and with the history, which is read a moment later. If the
// workflow went on in between, the SDK takes what is behind that task for new, and
// does the next one once more on the way to the answer: it counts, logs and traces
// what was counted, logged and traced before (temporalio/sdk-go#755). To say that all
// is replay has a price: where that next task has not ended, the answer is that of
// a worker without the versions that the task would have marked. It is seen once, by
// whoever asked, and is part of no history.
func ReplayQueries() grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any,
		connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		err := invoke(ctx, method, request, reply, connection, options...)
		if task, ok := reply.(*workflowservice.PollWorkflowTaskQueueResponse); ok && err == nil && task.GetQuery() != nil {
			task.PreviousStartedEventId = math.MaxInt64
		}
		return err
	})
}
