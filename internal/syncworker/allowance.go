package syncworker

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/time/rate"

	"refundsync/activities"
	"refundsync/internal/allowance"
	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
	"refundsync/internal/text"
)

// sharedSource is a source whose calls keep to this worker's share of the allowance.
type sharedSource struct {
	activities.Source
	share *allowance.Share
}

// shareCalls divides the allowance by the workers that take activities from the task
// queue now.
func shareCalls(source activities.Source, perSecond rate.Limit, c client.Client, taskQueue string) activities.Source {
	return sharedSource{source, allowance.New(perSecond, func(ctx context.Context) (int, error) {
		described, err := c.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return 0, err
		}
		return countWorkers(described.GetPollers(), processIdentity()), nil
	})}
}

// countWorkers counts those that poll, and this one, whom the server may not know yet.
func countWorkers(pollers []*taskqueuepb.PollerInfo, own string) int {
	workers := map[string]bool{own: true}
	for _, poller := range recent(pollers) {
		workers[poller.GetIdentity()] = true
	}
	return len(workers)
}

// RefundList is the source's, after the wait for the share.
func (s sharedSource) RefundList(ctx context.Context, params map[string]string) (jushuitan.Page, error) {
	if err := s.share.Wait(ctx); errors.Is(err, context.Canceled) {
		return jushuitan.Page{}, err
	} else if err != nil {
		return jushuitan.Page{}, &fault.Error{
			Class:  fault.Retry,
			Reason: "client_limit",
			Message: fmt.Sprintf("没有等到本 worker 的那份聚水潭调用次数，没有发出调用：%[1]v。"+
				" No call was made to Jushuitan: this worker's share of the calls did not come: %[1]v", err),
			Advice: text.Literal("会自动重试。 Tried again by itself"),
			Err:    err,
		}
	}
	return s.Source.RefundList(ctx, params)
}
