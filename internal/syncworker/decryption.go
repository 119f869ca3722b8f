package syncworker

import (
	"context"
	"fmt"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/fault"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// checkedWorkflows is how many of the newest workflows a worker looks at before it
// takes work.
const checkedWorkflows = 5

// checkDecryption keeps a worker from work that it would only get stuck with,
// because it lacks the key with which the others encrypt. What can't be looked at
// for another reason does not matter here.
func checkDecryption(ctx context.Context, decrypting client.Client) error {
	listed, err := decrypting.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query:    visibility.OfTypes(workflows.SyncRefundsName, workflows.ParkedOrderName),
		PageSize: checkedWorkflows, // those under way and the newest come first
	})
	if fault.As(err) != nil {
		return fmt.Errorf("worker 读不到已有的工作流。 The worker can't read the workflows that are there: %w", err)
	}
	for _, execution := range listed.GetExecutions() {
		id := execution.GetExecution().GetWorkflowId()
		if _, err := decrypting.DescribeWorkflow(ctx, id, execution.GetExecution().GetRunId()); fault.As(err) != nil {
			return fmt.Errorf("worker 读不到工作流 %s。 The worker can't read that workflow: %w", id, err)
		}
	}
	return nil
}
