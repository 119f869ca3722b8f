package syncworker

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/time/rate"

	"refundsync/activities"
	"refundsync/internal/allowance"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
	"refundsync/internal/text"
)

// sharedSource is a source whose calls are limited to this worker's share of the allowance
// of each transport.
type sharedSource struct {
	activities.Source
	shares map[string]*allowance.Share
}

// shareCalls divides the allowance of each transport by the number of workers that poll the
// task queue for activities.
func shareCalls(source activities.Source, perSecond rate.Limit, c client.Client, taskQueue string) activities.Source {
	count := func(ctx context.Context) (int, error) {
		described, err := c.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return 0, err
		}
		return countWorkers(described.GetPollers(), processIdentity()), nil
	}
	return sharedSource{source, map[string]*allowance.Share{
		catalog.Qimen: allowance.New(perSecond, count), catalog.Open: allowance.New(perSecond, count),
	}}
}

// countWorkers counts the pollers, and this worker, which the server may not know yet.
func countWorkers(pollers []*taskqueuepb.PollerInfo, own string) int {
	workers := map[string]bool{own: true}
	for _, poller := range recent(pollers) {
		workers[poller.GetIdentity()] = true
	}
	return len(workers)
}

// List calls the source once the share permits it.
func (s sharedSource) List(ctx context.Context, source *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	if err := s.shares[source.Transport].Wait(ctx); errors.Is(err, context.Canceled) {
		return jushuitan.Page{}, err
	} else if err != nil {
		return jushuitan.Page{}, &fault.Error{
			Class:  fault.Retry,
			Reason: "client_limit",
			Err:    text.Errorf("no call was made to Jushuitan, because this worker's share of the calls was not available in time: %w", err),
			Advice: text.New("Retried automatically"),
		}
	}
	return s.Source.List(ctx, source, params)
}
