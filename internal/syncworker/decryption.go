package syncworker

import (
	"context"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/fault"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// checkedWorkflows is how many of the newest workflows a worker reads before it polls.
const checkedWorkflows = 5

// checkDecryption keeps a worker from polling if it lacks the key with which the others
// encrypt: it would only get stuck. Workflows that can't be read for other reasons do not
// matter here.
func checkDecryption(ctx context.Context, decrypting client.Client) error {
	listed, err := decrypting.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query:    visibility.OfTypes(workflows.SyncFlowName, workflows.ParkedOrderName),
		PageSize: checkedWorkflows, // those under way and the newest come first
	})
	if fault.As(err) != nil {
		return text.Errorf("the worker cannot read existing workflows: %w", err)
	}
	for _, execution := range listed.GetExecutions() {
		id := execution.GetExecution().GetWorkflowId()
		if _, err := decrypting.DescribeWorkflow(ctx, id, execution.GetExecution().GetRunId()); fault.As(err) != nil {
			return text.Errorf("the worker cannot read workflow %s: %w", id, err)
		}
	}
	return nil
}
