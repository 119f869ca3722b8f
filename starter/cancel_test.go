package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"refundsync/workflows"
)

func TestOnlyRunsUnderWayAreCancelled(t *testing.T) {
	running, ended := enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	for _, c := range []struct {
		name, workflow, id string
		status             enumspb.WorkflowExecutionStatus
		want               string // "" if it is cancelled
	}{
		{"a run", workflows.SyncFlowName, "f/20240301T000000-20240301T235959", running, ""},
		{"a run of a schedule", workflows.SyncFlowName, "f/auto-2024-03-01T08:00:00Z", running, ""},
		{"a sweep", workflows.SyncFlowName, "f/sweep-2024-03-01T08:00:00Z", running, ""},
		{"a reconciliation", workflows.ReconcileName, "f/reconcile-1", running, ""},
		{"a part of a reconciliation", workflows.ReconcileWindowName, "f/reconcile-1/1", running, "starter cancel f/hand"},
		{"a run that has ended", workflows.SyncFlowName, "f/hand", ended, "has ended"},
		{"a cron", workflows.SyncFlowName, "f/cron", running, "starter cron stop --flow f"},
		{"a window", workflows.SyncWindowName, "f/hand/20240301T000000", running, "starter cancel f/hand"},
		{"a parked order", workflows.ParkedOrderName, "parked/f/70001", running, "starter parked discard"},
		{"a hold", workflows.HoldName, "hold/refundsync", running, "starter release"},
		{"an estimate", workflows.EstimateRunName, "f/estimate-1", running, "ends by itself"},
		{"the alerts", workflows.WatchFlowName, "watch/f", running, "alerts"},
		{"a kept flow", workflows.FlowVersionName, "version/f/1", running, "version"},
		{"the access token", workflows.AccessTokenName, "token/refundsync/1", running, "access token"},
		{"the accounts", workflows.AccountsName, "accounts/refundsync", running, "starter accounts"},
		{"another program's workflow", "Payroll", "payroll", running, "is a Payroll, not a run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := cancellable(&workflowpb.WorkflowExecutionInfo{
				Type: &commonpb.WorkflowType{Name: c.workflow}, Execution: &commonpb.WorkflowExecution{WorkflowId: c.id}, Status: c.status,
				ParentExecution: &commonpb.WorkflowExecution{WorkflowId: "f/hand"},
			})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "nothing was cancelled")
			require.ErrorContains(t, err, c.want)
		})
	}
}
