package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/text"
)

// heartbeatTimeout is how soon an activity is retried whose worker died. Activities that
// wait for an outside system send heartbeats.
const heartbeatTimeout = 15 * time.Second

// withSourceCall is for a call to the source, on the task queue with the rate limit.
func withSourceCall(ctx workflow.Context, plan Plan, summary string) workflow.Context {
	return withOptions(ctx, summary, workflow.ActivityOptions{
		TaskQueue: SourceTaskQueue(workflow.GetInfo(ctx).TaskQueueName, plan.Transport),
		// A slow first page takes over half a minute, and the call may have to wait for the
		// client's own limit before that.
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retryPolicy(plan.Retry),
	})
}

// withLookUp is for looking orders up at the source, which takes a call for each week.
func withLookUp(ctx workflow.Context, plan Plan, summary string) workflow.Context {
	return withOptions(ctx, summary, workflow.ActivityOptions{
		TaskQueue:           SourceTaskQueue(workflow.GetInfo(ctx).TaskQueueName, plan.Transport),
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retryPolicy(plan.Retry),
	})
}

// withBriefSourceCall is for a call to the source that the workflow can do without. Its
// time is bounded including the queue and retries.
func withBriefSourceCall(ctx workflow.Context, plan Plan, summary string) workflow.Context {
	retry := retryPolicy(plan.Retry)
	retry.MaximumAttempts = 3
	return withOptions(ctx, summary, workflow.ActivityOptions{
		TaskQueue:              SourceTaskQueue(workflow.GetInfo(ctx).TaskQueueName, plan.Transport),
		ScheduleToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            retry,
	})
}

// withTokenCall is for asking for an access token. Who waits for it asks again if it fails.
func withTokenCall(ctx workflow.Context, transport string) workflow.Context {
	return withOptions(ctx, text.Sprintf("renew the access token"), workflow.ActivityOptions{
		TaskQueue: SourceTaskQueue(workflow.GetInfo(ctx).TaskQueueName, transport),
		// A refresh, and if it is refused, a call for a new token.
		StartToCloseTimeout: 3 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 3},
	})
}

// withKingdeeCalls is for the calls to Kingdee of one order or one look-up.
func withKingdeeCalls(ctx workflow.Context, plan Plan, summary string) workflow.Context {
	return withOptions(ctx, summary, workflow.ActivityOptions{
		// Most of it can be the wait for a free session.
		StartToCloseTimeout: 15 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retryPolicy(plan.Retry),
	})
}

// withPages is for reading whole pages and saving their orders in one activity. If
// cancelled, the activity returns what it has done.
func withPages(ctx workflow.Context, plan Plan, summary string) workflow.Context {
	return withOptions(ctx, summary, workflow.ActivityOptions{
		// It makes many calls to both systems; heartbeats detect a worker that died.
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retryPolicy(plan.Retry),
		WaitForCancellation: true,
	})
}

// withHousekeeping is for an activity that reads the worker's memory or calls Temporal. It
// takes seconds at most, so a timeout means that a worker died or the Temporal server is
// down. The attempts, at Temporal's own growing intervals, bound how long that may last:
// 5 attempts some 15 s, 10 some 6 min, 0 without end.
func withHousekeeping(ctx workflow.Context, timeout time.Duration, attempts int32, summary string) workflow.Context {
	return withOptions(ctx, summary, workflow.ActivityOptions{
		StartToCloseTimeout: timeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: attempts},
	})
}

// withRobotCall is for a message to a robot, which answers within seconds or not at all. It
// gives up after a quarter of an hour: the next message says the same.
func withRobotCall(ctx workflow.Context, summary string) workflow.Context {
	return withOptions(ctx, summary, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 10 * time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute, MaximumAttempts: 8,
		},
	})
}

func withOptions(ctx workflow.Context, summary string, options workflow.ActivityOptions) workflow.Context {
	options.Summary = summary
	return workflow.WithActivityOptions(ctx, options)
}

func retryPolicy(r contract.Retry) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    r.First,
		BackoffCoefficient: float64(r.Factor),
		MaximumInterval:    r.Longest,
		MaximumAttempts:    int32(r.Attempts),
	}
}
