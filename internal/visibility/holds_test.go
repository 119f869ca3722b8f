package visibility

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/contract"
	"refundsync/workflows"
)

// holdServer has some workflows, by id.
type holdServer struct {
	client.Client // nil: other methods are not called
	workflows     map[string]*workflowpb.WorkflowExecutionInfo
	err           error
}

func (s holdServer) DescribeWorkflow(_ context.Context, id, _ string) (*client.WorkflowExecutionDescription, error) {
	if s.err != nil {
		return nil, s.err
	}
	info, ok := s.workflows[id]
	if !ok {
		return nil, serviceerror.NewNotFound(id)
	}
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}}, nil
}

func TestHoldIsOnWhileItsWorkflowRunsAndItsMemoSaysSo(t *testing.T) {
	const running, ended = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	workflow := func(status enumspb.WorkflowExecutionStatus, memo any) *workflowpb.WorkflowExecutionInfo {
		info := &workflowpb.WorkflowExecutionInfo{Status: status}
		if memo != nil {
			payload, err := converter.GetDefaultDataConverter().ToPayload(memo)
			require.NoError(t, err)
			info.Memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{workflows.HoldMemo: payload}}
		}
		return info
	}
	all := contract.Hold{By: "wang", Note: "盘点"}
	one := contract.Hold{Flow: "f", By: "li", Note: "月结"}
	closed := contract.Hold{Flow: "f", Disabled: true, By: "zhao", Note: "停用"}
	released := all
	released.Released = &contract.Release{At: time.Now()}
	type server = map[string]*workflowpb.WorkflowExecutionInfo
	for _, c := range []struct {
		name   string
		server server
		want   []string // who holds; nil if nobody
	}{
		{"none was ever on", nil, nil},
		{"of all flows", server{"hold/q": workflow(running, all)}, []string{"wang"}},
		{"of this flow", server{"hold/q/f": workflow(running, one)}, []string{"li"}},
		{"of both", server{"hold/q": workflow(running, all), "hold/q/f": workflow(running, one)}, []string{"wang", "li"}},
		{"the flow is disabled", server{"disabled/q/f": workflow(running, closed)}, []string{"zhao"}},
		{"it is both", server{"hold/q/f": workflow(running, one), "disabled/q/f": workflow(running, closed)}, []string{"li", "zhao"}},
		{"of another flow or task queue", server{"hold/q/g": workflow(running, one), "hold/p": workflow(running, all)}, nil},
		{"released, and some runs have not answered yet", server{"hold/q": workflow(running, released)}, nil},
		{"terminated", server{"hold/q": workflow(ended, all)}, nil},
		{"started by somebody without a memo", server{"hold/q": workflow(running, nil)}, []string{"?"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			holds, err := Holds(t.Context(), holdServer{workflows: c.server}, "q", "f")
			require.NoError(t, err)
			var by []string
			for _, hold := range holds {
				by = append(by, hold.By)
			}
			require.Equal(t, c.want, by)
		})
	}
	_, err := Holds(t.Context(), holdServer{workflows: server{"hold/q": workflow(running, "torn")}}, "q", "f")
	require.Error(t, err, "what can't be read is not taken for no hold")
	_, err = Holds(t.Context(), holdServer{err: errors.New("no connection")}, "q", "f")
	require.ErrorContains(t, err, "no connection")
}
