package syncworker

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/config"
	"refundsync/workflows"
)

// describing is a client that describes one workflow.
type describing struct {
	client.Client
	info *workflowpb.WorkflowExecutionInfo
	err  error
}

func (d describing) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: d.info}}, d.err
}

// Accounts that can't be read are not taken for none.
func TestBoundAccounts(t *testing.T) {
	accounts := config.Accounts{CustomerID: "c1", AcctID: "d1", OrgNumber: "100"}
	kept, err := converter.GetDefaultDataConverter().ToPayload(accounts)
	require.NoError(t, err)
	info := func(status enumspb.WorkflowExecutionStatus, fields map[string]*commonpb.Payload) *workflowpb.WorkflowExecutionInfo {
		return &workflowpb.WorkflowExecutionInfo{Status: status, Memo: &commonpb.Memo{Fields: fields}}
	}
	const running, ended = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	for _, c := range []struct {
		name  string
		asked describing
		bound *config.Accounts
		open  bool
		fails string
	}{
		{"none yet", describing{err: serviceerror.NewNotFound("no such workflow")}, nil, false, ""},
		{"kept", describing{info: info(running, map[string]*commonpb.Payload{workflows.AccountsMemo: kept})}, &accounts, true, ""},
		{"ended", describing{info: info(ended, map[string]*commonpb.Payload{workflows.AccountsMemo: kept})}, &accounts, false, ""},
		{"no memo", describing{info: info(running, nil)}, nil, false, "has no memo"},
		{"another memo", describing{info: info(running, map[string]*commonpb.Payload{workflows.AccountsMemo: {Data: []byte("x")}})}, nil, false, "unreadable memo"},
		{"the server is away", describing{err: serviceerror.NewUnavailable("away")}, nil, false, "away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bound, open, err := BoundAccounts(t.Context(), c.asked, "q")
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, c.bound, bound)
			require.Equal(t, c.open, open)
		})
	}
}
