package visibility

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// ledger is a server whose lists have one workflow a page.
type ledger struct {
	client.Client
	lists   map[string][]*workflowpb.WorkflowExecutionInfo // by the type and status that are asked for
	queries []string
}

func (l *ledger) ListWorkflow(_ context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	query, at := request.GetQuery(), len(request.GetNextPageToken())
	if at == 0 {
		l.queries = append(l.queries, query)
	}
	name := workflows.SyncFlowName
	switch {
	case strings.Contains(query, Running) && !strings.Contains(query, "CloseTime"):
		name = "waiting"
	case strings.Contains(query, workflows.ParkedOrderName):
		name = workflows.ParkedOrderName
	}
	list := l.lists[name]
	response := &workflowservice.ListWorkflowExecutionsResponse{}
	if at < len(list) {
		response.Executions = list[at : at+1]
	}
	if at+1 < len(list) {
		response.NextPageToken = make([]byte, at+1)
	}
	return response, nil
}

func execution(t *testing.T, status enumspb.WorkflowExecutionStatus, memo map[string]any, attributes map[string]any) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	payloads := func(values map[string]any) map[string]*commonpb.Payload {
		fields := map[string]*commonpb.Payload{}
		for name, value := range values {
			payload, err := converter.GetDefaultDataConverter().ToPayload(value)
			require.NoError(t, err)
			fields[name] = payload
		}
		return fields
	}
	return &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: "f/1"}, Status: status,
		Memo: &commonpb.Memo{Fields: payloads(memo)}, SearchAttributes: &commonpb.SearchAttributes{IndexedFields: payloads(attributes)},
	}
}

func TestCountDay(t *testing.T) {
	const completed, failed = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
	amount := decimal.RequireFromString
	run := func(status enumspb.WorkflowExecutionStatus, sum tally.Tally) *workflowpb.WorkflowExecutionInfo {
		return execution(t, status, map[string]any{workflows.ResultMemo: workflows.SyncFlowResult{Tally: sum}}, nil)
	}
	saved := func(outcome tally.Outcome, cents string) *workflowpb.WorkflowExecutionInfo {
		return execution(t, completed, map[string]any{workflows.SavedMemo: workflows.SavedBill{Outcome: outcome, Amount: amount(cents)}}, nil)
	}
	waiting := func(reason string) *workflowpb.WorkflowExecutionInfo {
		return execution(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil, map[string]any{workflows.ReasonAttribute.GetName(): reason})
	}
	l := &ledger{lists: map[string][]*workflowpb.WorkflowExecutionInfo{
		workflows.SyncFlowName: {
			run(completed, tally.Tally{Saved: 2, SavedAmount: amount("39.80"), Updated: 1, Skipped: map[string]int{"cancelled": 9}, NewlySkipped: map[string]int{"cancelled": 2}}),
			run(failed, tally.Tally{Saved: 1, SavedAmount: amount("0.1"), AlreadySaved: 5}),
			execution(t, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, nil, nil),
			execution(t, completed, map[string]any{workflows.ResultMemo: workflows.SyncFlowResult{Held: []contract.Hold{{By: "wang"}}}}, nil),
		},
		workflows.ParkedOrderName: {saved(tally.Saved, "0.2"), saved(tally.Updated, "7"), execution(t, completed, nil, nil)},
		"waiting":                 {waiting("unknown_material"), waiting("order_changed"), waiting("unknown_material")},
	}}
	from := time.Date(2024, 2, 29, 0, 0, 0, 0, beijing.Zone)
	counts, err := CountDay(t.Context(), l, "f", from, from.AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Equal(t, "40.1", counts.Saved.Amount.String())
	counts.Saved.Amount = decimal.Decimal{}
	require.Equal(t, alert.Counts{
		Runs: 3, RunsFailed: 2, RunsHeld: 1, Saved: alert.Sum{Count: 4}, WereParked: 1, Updated: 2,
		LeftOut: map[string]int{"cancelled": 2}, Parked: map[string]int{"unknown_material": 2, "order_changed": 1},
	}, counts)
	const day = " AND ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew' AND CloseTime >= '2024-02-29T00:00:00+08:00' AND CloseTime < '2024-03-01T00:00:00+08:00'"
	require.Equal(t, []string{
		"WorkflowType = 'SyncFlow' AND RefundsyncFlow = 'f'" + day,
		"WorkflowType = 'ParkedOrder' AND RefundsyncFlow = 'f'" + day,
		"WorkflowType = 'ParkedOrder' AND RefundsyncFlow = 'f' AND ExecutionStatus = 'Running'",
	}, l.queries)
}

// What can't be read is not taken for nothing.
func TestCountDayOfAMemoThatCannotBeRead(t *testing.T) {
	l := &ledger{lists: map[string][]*workflowpb.WorkflowExecutionInfo{
		workflows.SyncFlowName: {execution(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, map[string]any{workflows.ResultMemo: "?"}, nil)},
	}}
	_, err := CountDay(t.Context(), l, "f", time.Now(), time.Now())
	require.ErrorContains(t, err, "f/1")
}
