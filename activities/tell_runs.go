package activities

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"refundsync/internal/contract"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

const (
	// runAnswers is how long a run may take to answer. One that loads its flow or estimates
	// its orders answers later, in the next round.
	runAnswers = 10 * time.Second
	// toldAtOnce bounds the runs that are told at once.
	toldAtOnce = 16
)

// TellRuns has each run under way of a flow, or with flow "" of all flows of the task queue,
// look which holds are on, unless it knows. It fails only if the runs can't be listed or the
// holds not be looked up; runs that do not answer are counted.
func (a *Activities) TellRuns(ctx context.Context, scope workflows.HoldScope) (workflows.TellRunsResult, error) {
	c := activity.GetClient(ctx)
	var left atomic.Int64
	var tell errgroup.Group
	tell.SetLimit(toldAtOnce)
	known := map[string][]contract.Hold{}
	var err error
	for execution, failed := range visibility.List(ctx, c, inScope(ctx, workflows.SyncFlowName, scope)) {
		if err = failed; err != nil {
			break
		}
		if execution.GetExecutionTime().AsTime().After(time.Now()) {
			continue // a run by cron that waits for its time looks when it begins
		}
		var flow string // of one that has just begun, it is ""
		if err = visibility.Attribute(execution, workflows.FlowAttribute.GetName(), &flow); err != nil {
			break
		}
		holds, ok := known[flow]
		if !ok {
			if holds, err = a.holds(ctx, flow); err != nil {
				break
			}
			known[flow] = holds
		}
		tell.Go(func() error {
			if !tellRun(ctx, c, execution.GetExecution().GetWorkflowId(), holds) {
				left.Add(1)
			}
			return nil
		})
	}
	err = errors.Join(err, tell.Wait())
	return workflows.TellRunsResult{Left: int(left.Load())}, err
}

// inScope chooses the running workflows of a type within the scope of a hold.
func inScope(ctx context.Context, workflowType string, scope workflows.HoldScope) string {
	conditions := []string{
		visibility.Equal("WorkflowType", workflowType), visibility.Equal("TaskQueue", activity.GetInfo(ctx).TaskQueue), visibility.Running,
	}
	if scope.Flow != "" {
		conditions = append(conditions, visibility.Equal(workflows.FlowAttribute.GetName(), scope.Flow))
	}
	return visibility.All(conditions...)
}

// tellRun has a run look which holds are on, unless it knows of these. False says that it did
// not answer.
func tellRun(ctx context.Context, c client.Client, id string, holds []contract.Hold) bool {
	ctx, cancel := context.WithTimeout(ctx, runAnswers)
	defer cancel()
	// A query leaves no trace in the history.
	if value, err := c.QueryWorkflow(ctx, id, "", workflows.ProgressQuery); err == nil {
		var progress workflows.SyncFlowProgress
		if value.Get(&progress) == nil && slices.EqualFunc(progress.Control.Held, holds, contract.Hold.Same) {
			return true
		}
	}
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: workflows.HoldsUpdate, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	// One that has ended needs to know nothing.
	return err == nil || errors.As(err, new(*serviceerror.NotFound))
}
