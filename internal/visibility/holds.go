package visibility

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Holds gives the holds that are on: that of the task queue, and those of the flows, which may
// be held or disabled, or both. It asks
// the Hold workflows themselves, not the list, so the answer is not late. The client must
// decrypt memos.
func Holds(ctx context.Context, c client.Client, taskQueue string, flows ...string) ([]contract.Hold, error) {
	ids := []string{workflows.HoldID(taskQueue, "")}
	for _, flow := range flows {
		ids = append(ids, workflows.HoldID(taskQueue, flow), workflows.DisabledID(taskQueue, flow))
	}
	var holds []contract.Hold
	for _, id := range ids {
		hold, err := lastHold(ctx, c, id)
		if err != nil {
			return nil, text.Errorf("can't tell whether %s is on: %w", id, err)
		}
		if hold != nil && hold.Released == nil {
			holds = append(holds, *hold)
		}
	}
	return holds, nil
}

// lastHold gives the hold of a running Hold workflow; nil if none is running.
func lastHold(ctx context.Context, c client.Client, id string) (*contract.Hold, error) {
	described, err := c.DescribeWorkflow(ctx, id, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	execution := described.RawResponse.GetWorkflowExecutionInfo()
	if execution.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, nil
	}
	// Somebody may have started the workflow without a memo.
	hold := &contract.Hold{By: "?", Note: id}
	return hold, Memo(execution, workflows.HoldMemo, hold)
}
