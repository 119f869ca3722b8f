package visibility

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// keeping is a server that keeps versions of flows.
type keeping struct {
	client.Client
	executions []*workflowpb.WorkflowExecutionInfo
	query      string
	event      *historypb.HistoryEvent
	err        error
}

func (k *keeping) ListWorkflow(_ context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	k.query = request.GetQuery()
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: k.executions}, k.err
}

func (k *keeping) GetWorkflowHistory(_ context.Context, id, runID string, _ bool, _ enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	if id != "flow/f/4be012d7a1c3" || runID != "r2" {
		k.err = errors.New("another workflow")
	}
	return k
}

func (k *keeping) HasNext() bool                          { return true }
func (k *keeping) Next() (*historypb.HistoryEvent, error) { return k.event, k.err }

func TestFlowVersions(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2024, 3, day, 8, 0, 0, 0, time.UTC) }
	uses := workflows.FlowVersionUses{First: at(1), FirstProgram: "v1", Last: at(5), LastProgram: "v2"}
	memo, err := converter.GetDefaultDataConverter().ToPayload(uses)
	require.NoError(t, err)
	execution := func(id, run string, day int, fields map[string]*commonpb.Payload) *workflowpb.WorkflowExecutionInfo {
		return &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: run},
			StartTime: timestamppb.New(at(day)), Memo: &commonpb.Memo{Fields: fields},
		}
	}
	k := &keeping{executions: []*workflowpb.WorkflowExecutionInfo{
		execution("flow/f/0a0000000000", "r3", 9, nil),
		execution("flow/f/4be012d7a1c3", "r2", 4, map[string]*commonpb.Payload{workflows.UsesMemo: memo}),
		execution("flow/f/4be012d7a1c3", "r1", 1, nil), // somebody ended it
	}}
	versions, err := FlowVersions(t.Context(), k, "f")
	require.NoError(t, err)
	require.Equal(t, "WorkflowType = 'FlowVersion' AND ExecutionStatus != 'ContinuedAsNew' AND RefundsyncFlow = 'f'", k.query)
	require.Len(t, versions, 2)
	require.Equal(t, "4be012d7a1c3", versions[0].Version)
	require.Equal(t, beijing.Zone, versions[0].First.Location())
	require.True(t, versions[0].Last.Equal(at(5)))
	require.Equal(t, "v2", versions[0].LastProgram)
	require.Equal(t, "0a0000000000", versions[1].Version)
	require.True(t, versions[1].First.Equal(at(9)), "no worker has taken its first task")

	want := []flow.File{{Name: "f.yaml", Text: "name: f"}}
	packed, _, err := flow.PackFiles(want)
	require.NoError(t, err)
	input, err := converter.GetDefaultDataConverter().ToPayloads(workflows.FlowVersionInput{Flow: "f", Files: packed})
	require.NoError(t, err)
	k.event = &historypb.HistoryEvent{Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: input},
	}}
	files, err := versions[0].Files(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, want, files)

	k.event = &historypb.HistoryEvent{}
	_, err = versions[0].Files(t.Context(), k)
	require.ErrorContains(t, err, "can't be read")
	k.err = errors.New("away")
	_, err = versions[0].Files(t.Context(), k)
	require.ErrorContains(t, err, "away")
	_, err = FlowVersions(t.Context(), k, "")
	require.ErrorContains(t, err, "away")
}
