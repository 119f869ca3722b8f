package main

import (
	"strings"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/text"
	"refundsync/workflows"
)

func newCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel WORKFLOW_ID",
		Short: text.Sprintf("Cancel a run under way: it finishes what is in flight and reports"),
		Long: text.Sprintf(`Cancel a run under way, as the Web UI does: it reads nothing more, finishes what is in flight, reports what it did, and leaves the watermark. Nothing is lost: the next run over the range does the rest. A reconciliation under way is cancelled as well.
A schedule goes on, and its next run begins where the cancelled one did; to stop the schedule too, use starter schedule pause or starter hold. A cron would end with its run, so its run is refused: use starter cron stop.`),
		Example: `  starter cancel refund_to_return/20240301T000000-20240301T235959`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := args[0]
			return changeWorkflow(cmd.Context(), id, func(c client.Client) error {
				execution, err := describeWorkflow(cmd.Context(), c, id)
				if err != nil {
					return err
				}
				if err := cancellable(execution); err != nil {
					return err
				}
				if err := c.CancelWorkflow(cmd.Context(), id, ""); err != nil {
					return text.Errorf("%s can't be cancelled: %w", id, err)
				}
				if execution.GetType().GetName() == workflows.ReconcileName {
					say(cmd.OutOrStdout(), text.Sprintf("cancelled: %s. It reports nothing.", id))
					return nil
				}
				say(cmd.OutOrStdout(), text.Sprintf("cancelled: %[1]s. It finishes what is in flight; to see its end: starter watch %[1]s", id))
				if strings.Contains(id, autoWorkflowID("")+"-") {
					say(cmd.OutOrStdout(), text.Sprintf("The schedule goes on: its next run begins where this one did."))
				}
				return nil
			})
		},
	}
}

// cancellable refuses what is not a run under way, and says what to do instead.
func cancellable(execution *workflowpb.WorkflowExecutionInfo) error {
	id := execution.GetExecution().GetWorkflowId()
	flow, _, _ := strings.Cut(id, "/")
	part := text.New("is a part of a run; cancel that: starter cancel %s", execution.GetParentExecution().GetWorkflowId())
	instead := map[string]text.Text{
		workflows.SyncWindowName: part, workflows.ReconcileWindowName: part, workflows.ReconcileBillsName: part,
		workflows.ParkedOrderName: text.New("is a parked order; if it should not be booked: starter parked discard"),
		workflows.HoldName:        text.New("holds or disables flows; to end that: starter release, or starter flow enable"),
		workflows.EstimateRunName: text.New("is an estimate; it ends by itself"),
		workflows.WatchFlowName:   text.New("sends the alerts of a flow; to stop them, take the alerts out of the flow file"),
		workflows.FlowVersionName: text.New("keeps a version of a flow; it does nothing and does not end"),
		workflows.AccessTokenName: text.New("keeps the access token of Jushuitan's open platform; to have it ask anew, terminate it"),
		workflows.AccountsName:    text.New("keeps the accounts of the task queue, without which no worker starts; see starter accounts --help"),
	}
	name := execution.GetType().GetName()
	why, other := instead[name]
	switch {
	case other:
		return text.Errorf("nothing was cancelled: %s %s", id, why)
	case name != workflows.SyncFlowName && name != workflows.ReconcileName:
		return text.Errorf("nothing was cancelled: %s is a %s, not a run (%s)", id, name, workflows.SyncFlowName)
	case execution.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return text.Errorf("nothing was cancelled: %s has ended", id)
	case strings.HasSuffix(id, cronWorkflowID("")):
		return text.Errorf("nothing was cancelled: %s is a cron, which would end with its run; to stop it: starter cron stop --flow %s", id, flow)
	}
	return nil
}
