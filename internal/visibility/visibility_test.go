package visibility

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/workflows"
)

// listing is a server whose list holds one run, or none.
type listing struct {
	client.Client // nil: other methods are not called
	watermark     *time.Time
	query         string
}

func (l *listing) ListWorkflow(_ context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	l.query = request.GetQuery()
	if l.watermark == nil {
		return &workflowservice.ListWorkflowExecutionsResponse{}, nil
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(*l.watermark)
	if err != nil {
		return nil, err
	}
	result, err := converter.GetDefaultDataConverter().ToPayload(workflows.SyncFlowResult{RowVersion: new(int64(7))})
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{{
		SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{"RefundsyncWatermark": payload}},
		Memo:             &commonpb.Memo{Fields: map[string]*commonpb.Payload{"result": result}},
	}}}, err
}

func (l *listing) CountWorkflow(_ context.Context, request *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	l.query = request.GetQuery()
	return &workflowservice.CountWorkflowExecutionsResponse{Count: 3}, nil
}

func TestLastWatermark(t *testing.T) {
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, beijing.Zone)
	l := &listing{watermark: new(at.UTC())}
	watermark, rowVersion, err := LastWatermark(t.Context(), l, "f")
	require.NoError(t, err)
	require.Equal(t, &at, watermark, "in Beijing time")
	require.Equal(t, new(int64(7)), rowVersion)
	require.Equal(t, "WorkflowType = 'SyncFlow' AND RefundsyncFlow = 'f' AND ExecutionStatus = 'Completed' AND RefundsyncWatermark IS NOT NULL", l.query)

	watermark, rowVersion, err = LastWatermark(t.Context(), &listing{}, "f")
	require.NoError(t, err)
	require.Nil(t, watermark)
	require.Nil(t, rowVersion)
}

func TestCountParked(t *testing.T) {
	l := &listing{}
	count, err := CountParked(t.Context(), l, "it's")
	require.NoError(t, err)
	require.Equal(t, 3, count)
	require.Equal(t, "WorkflowType = 'ParkedOrder' AND RefundsyncFlow = 'it''s' AND ExecutionStatus = 'Running'", l.query)
}

func TestParkedListsAllPages(t *testing.T) {
	l := &pages{}
	listed, err := Parked(t.Context(), l, "f")
	require.NoError(t, err)
	require.Equal(t, ParkedOrders{
		Waiting:   map[string]string{"parked/f/1": "unknown_material"},
		Discarded: map[string]bool{"parked/f/1": true, "parked/f/2": true},
	}, listed, "an order can be parked anew")
	require.Equal(t, []string{"", "more"}, l.tokens)
	require.Equal(t, "WorkflowType = 'ParkedOrder' AND RefundsyncFlow = 'f' AND (ExecutionStatus = 'Running' OR ExecutionStatus = 'Completed' AND RefundsyncReason = 'discarded')", l.query)
}

// pages is a server with a parked order on the first of two pages of its list, and that one
// and another, discarded, on the second.
type pages struct {
	client.Client
	tokens []string
	query  string
}

func (p *pages) ListWorkflow(_ context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	p.tokens, p.query = append(p.tokens, string(request.GetNextPageToken())), request.GetQuery()
	parking := func(id string, status enumspb.WorkflowExecutionStatus, reason string) *workflowpb.WorkflowExecutionInfo {
		payload, err := converter.GetDefaultDataConverter().ToPayload(reason)
		if err != nil {
			panic(err)
		}
		return &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id}, Status: status,
			SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{"RefundsyncReason": payload}},
		}
	}
	if len(p.tokens) == 1 {
		return &workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte("more"), Executions: []*workflowpb.WorkflowExecutionInfo{
			parking("parked/f/1", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, "unknown_material"),
		}}, nil
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{
		parking("parked/f/1", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, "discarded"),
		parking("parked/f/2", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, "discarded"),
	}}, nil
}
