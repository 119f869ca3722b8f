package syncworker

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

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
		return &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{RunId: "r"}, Status: status, Memo: &commonpb.Memo{Fields: fields}}
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
			bound, runID, err := BoundAccounts(t.Context(), c.asked, "q")
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, c.bound, bound)
			require.Equal(t, c.open, runID != "")
		})
	}
}

// keeping is a server that keeps one workflow.
type keeping struct {
	client.Client

	mu   sync.Mutex
	info *workflowpb.WorkflowExecutionInfo
	runs int
}

// keepingService is its API.
type keepingService struct {
	workflowservice.WorkflowServiceClient
	*keeping
}

func (k *keeping) WorkflowService() workflowservice.WorkflowServiceClient {
	return keepingService{keeping: k}
}

func (k *keeping) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.info == nil {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: proto.CloneOf(k.info)}}, nil
}

func (k *keeping) TerminateWorkflow(_ context.Context, _, runID, _ string, _ ...any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.info.GetExecution().GetRunId() != runID || k.info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return serviceerror.NewNotFound("it has ended")
	}
	k.info.Status = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	return nil
}

func (k keepingService) StartWorkflowExecution(_ context.Context, request *workflowservice.StartWorkflowExecutionRequest, _ ...grpc.CallOption) (*workflowservice.StartWorkflowExecutionResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		k.runs++
		k.info = &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{RunId: strconv.Itoa(k.runs)}, Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, Memo: request.GetMemo(),
		}
	}
	return &workflowservice.StartWorkflowExecutionResponse{}, nil
}

// Of workers that add different accounts in one moment, one is let in.
func TestLawOfAccountsAddedAtOnce(t *testing.T) {
	bound := config.Accounts{CustomerID: "c1", AcctID: "d1"}
	for range 50 {
		server := &keeping{}
		require.NoError(t, bindAccounts(t.Context(), server, "n", "q", bound))
		errs := make([]error, 4)
		var workers sync.WaitGroup
		for i := range errs {
			workers.Go(func() {
				adds := config.Accounts{AcctID: "d1", OpenAppKey: strconv.Itoa(i / 2)}
				errs[i] = bindAccounts(t.Context(), server, "n", "q", adds)
			})
		}
		workers.Wait()
		kept, runID, err := BoundAccounts(t.Context(), server, "q")
		require.NoError(t, err)
		require.NotEmpty(t, runID)
		require.Equal(t, "c1", kept.CustomerID)
		for i, err := range errs {
			require.Equal(t, kept.OpenAppKey == strconv.Itoa(i/2), err == nil, "%v", err)
		}
	}
}
