package visibility

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/alert"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Retention is how long a namespace keeps what has ended.
func Retention(ctx context.Context, c client.Client, namespace string) (time.Duration, error) {
	described, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return 0, text.Errorf("can't read the retention of namespace %s: %w", namespace, err)
	}
	return described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}

// CountDay adds up the flow's runs and the parked orders that ended between two times, the
// second excluded, and the orders that are parked now.
func CountDay(ctx context.Context, c client.Client, flowName string, from, to time.Time) (counts alert.Counts, err error) {
	// A run that continued as new ends with its last part.
	ended := All("ExecutionStatus != 'Running'", "ExecutionStatus != 'ContinuedAsNew'",
		"CloseTime >= "+quoted(from.Format(time.RFC3339)), "CloseTime < "+quoted(to.Format(time.RFC3339)))
	for _, list := range []struct {
		query string
		add   func(*workflowpb.WorkflowExecutionInfo) error
	}{
		{All(OfFlow(workflows.SyncFlowName, flowName), ended), func(run *workflowpb.WorkflowExecutionInfo) error {
			return addRun(&counts, run)
		}},
		{All(OfFlow(workflows.ParkedOrderName, flowName), ended), func(order *workflowpb.WorkflowExecutionInfo) error {
			return addSaved(&counts, order)
		}},
		{parked(flowName), func(order *workflowpb.WorkflowExecutionInfo) error {
			reason, err := reasonOf(order)
			tally.AddCounts(&counts.Parked, map[string]int{reason: 1})
			return err
		}},
	} {
		for execution, err := range List(ctx, c, list.query) {
			if err == nil {
				err = list.add(execution)
			}
			if err != nil {
				return counts, text.Errorf("can't list what flow %s did: %w", flowName, err)
			}
		}
	}
	return counts, nil
}

func addRun(counts *alert.Counts, run *workflowpb.WorkflowExecutionInfo) error {
	var result workflows.SyncFlowResult
	err := Memo(run, workflows.ResultMemo, &result)
	if result.DidNothing() {
		counts.RunsHeld++
		return err
	}
	counts.Runs++
	if run.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		counts.RunsFailed++
	}
	counts.Saved.Count += result.Saved
	counts.Saved.Amount = counts.Saved.Amount.Add(result.SavedAmount)
	counts.Updated += result.Updated
	tally.AddCounts(&counts.LeftOut, result.NewlySkipped)
	return err
}

func addSaved(counts *alert.Counts, order *workflowpb.WorkflowExecutionInfo) error {
	var saved workflows.SavedBill
	err := Memo(order, workflows.SavedMemo, &saved)
	switch saved.Outcome {
	case tally.Saved:
		counts.Saved.Count++
		counts.Saved.Amount = counts.Saved.Amount.Add(saved.Amount)
		counts.WereParked++
	case tally.Updated:
		counts.Updated++
	}
	return err
}
