package syncworker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"

	"refundsync/internal/allowance"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
)

func TestCountWorkers(t *testing.T) {
	now := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	poller := func(identity string, ago time.Duration) *taskqueuepb.PollerInfo {
		return &taskqueuepb.PollerInfo{Identity: identity, LastAccessTime: timestamppb.New(now.Add(-ago))}
	}
	for _, c := range []struct {
		name    string
		pollers []*taskqueuepb.PollerInfo
		want    int
	}{
		{"the server knows of none", nil, 1},
		{"this one", []*taskqueuepb.PollerInfo{poller("own", 0)}, 1},
		{"others, which it knows before this one", []*taskqueuepb.PollerInfo{poller("2@h", 0), poller("3@h", time.Minute)}, 3},
		{"one that has several polls", []*taskqueuepb.PollerInfo{poller("own", 0), poller("2@h", time.Minute), poller("2@h", 0)}, 2},
		{"one that has ended", []*taskqueuepb.PollerInfo{poller("own", 0), poller("2@h", 2*time.Minute)}, 1},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, countWorkers(c.pollers, "own")) })
	}
}

// polled is a client that tells who polls, or that it can't.
type polled struct {
	client.Client
	err error
}

func (p polled) DescribeTaskQueue(_ context.Context, taskQueue string, kind enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	if taskQueue != "q" || kind != enumspb.TASK_QUEUE_TYPE_ACTIVITY {
		return nil, errors.New("another task queue")
	}
	return &workflowservice.DescribeTaskQueueResponse{}, p.err
}

var refunds = catalog.All()["jushuitan.refund.list.query"]

// answering is a source that gives empty pages.
type answering struct{}

func (answering) List(context.Context, *catalog.Interface, map[string]string) (jushuitan.Page, error) {
	return jushuitan.Page{PageIndex: 7}, nil
}

func TestSharedSource(t *testing.T) {
	away := errors.New("the server is away")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		is   error // nil: the call is made
	}{
		{"a call of its own", t.Context(), nil, nil},
		{"a shared call", allowance.Shared(t.Context()), nil, nil},
		{"a call of its own, and nobody knows how many workers there are", t.Context(), away, nil},
		{"a shared call, and nobody knows how many workers there are", allowance.Shared(t.Context()), away, away},
		{"a call that is cancelled", allowance.Shared(cancelled), nil, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, err := shareCalls(answering{}, 100, polled{err: c.err}, "q").List(c.ctx, refunds, nil)
			if c.is == nil {
				require.NoError(t, err)
				require.Equal(t, 7, page.PageIndex)
				return
			}
			require.ErrorIs(t, err, c.is)
			if f := fault.As(err); c.is == away {
				require.Equal(t, fault.Retry, f.Class)
				require.ErrorContains(t, err, away.Error())
			} else {
				require.Nil(t, f)
			}
		})
	}
}
