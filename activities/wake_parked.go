package activities

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// wokenAtOnce bounds the concurrent signals.
const wokenAtOnce = 32

// WakeParked tells the parked orders of a flow, or with flow "" of all flows of the task
// queue, that a hold has ended.
func (a *Activities) WakeParked(ctx context.Context, scope workflows.HoldScope) error {
	c := activity.GetClient(ctx)
	var wake errgroup.Group
	wake.SetLimit(wokenAtOnce)
	var err error
	for execution, failed := range visibility.List(ctx, c, inScope(ctx, workflows.ParkedOrderName, scope)) {
		if err = failed; err != nil {
			break
		}
		id := execution.GetExecution().GetWorkflowId()
		wake.Go(func() error {
			err := c.SignalWorkflow(ctx, id, "", workflows.ReleasedSignal, nil)
			if err == nil || errors.As(err, new(*serviceerror.NotFound)) {
				return nil
			}
			return text.Errorf("waking parked order %s failed: %w", id, err)
		})
	}
	return errors.Join(err, wake.Wait())
}
