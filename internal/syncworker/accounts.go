package syncworker

import (
	"context"
	"crypto/rand"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// BoundAccounts are the accounts that a task queue is bound to; nil if there are none yet.
// runID is that of the workflow which keeps them, "" if it is not running: one that somebody
// has ended counts for as long as the server retains it.
func BoundAccounts(ctx context.Context, c client.Client, taskQueue string) (bound *config.Accounts, runID string, err error) {
	id := workflows.AccountsID(taskQueue)
	described, err := encryption.Raw(c).DescribeWorkflow(ctx, id, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", text.Errorf("looking up the accounts of task queue %s failed: %w", taskQueue, err)
	}
	info := described.RawResponse.GetWorkflowExecutionInfo()
	memo, ok := info.GetMemo().GetFields()[workflows.AccountsMemo]
	if !ok {
		return nil, "", text.Errorf("workflow %s has no memo %s, so this program did not start it: terminate and delete it", id, workflows.AccountsMemo)
	}
	bound = &config.Accounts{}
	if err := converter.GetDefaultDataConverter().FromPayload(memo, bound); err != nil {
		return nil, "", text.Errorf("workflow %s has an unreadable memo %s: %w", id, workflows.AccountsMemo, err)
	}
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		runID = info.GetExecution().GetRunId()
	}
	return bound, runID, nil
}

// CheckAccounts returns an error that names the differences if a task queue is bound to
// other accounts. Settings that are missing here are not compared.
func CheckAccounts(ctx context.Context, c client.Client, taskQueue string, accounts config.Accounts) error {
	bound, _, err := BoundAccounts(ctx, c, taskQueue)
	if err != nil || bound == nil {
		return err
	}
	return OtherAccounts(taskQueue, *bound, accounts.Or(*bound))
}

// OtherAccounts is nil if the accounts are those that the task queue is bound to.
func OtherAccounts(taskQueue string, bound, accounts config.Accounts) error {
	differences := accounts.Differences(bound)
	if differences == "" {
		return nil
	}
	return text.Errorf("task queue %s is bound to other accounts (%s), and with those set here the orders of one company would go into the books of another. Check the settings; give another company a name of its own, by the key company of its flows; to change the accounts on purpose, see starter accounts move --help", taskQueue, differences)
}

// bindAccounts binds the task queue to the accounts if it has none yet, and adds to its
// accounts what is set on one side only. Of several workers that start at once, the server
// lets one bind, and the others see its accounts.
func bindAccounts(ctx context.Context, c client.Client, namespace, taskQueue string, accounts config.Accounts) error {
	for {
		bound, runID, err := BoundAccounts(ctx, c, taskQueue)
		if err != nil {
			return err
		}
		if bound != nil {
			if err := OtherAccounts(taskQueue, *bound, accounts); err != nil {
				return err
			}
			if accounts = accounts.Or(*bound); runID != "" && accounts == *bound {
				return nil
			}
			if runID != "" {
				err := c.TerminateWorkflow(ctx, workflows.AccountsID(taskQueue), runID, "accounts are added")
				if err != nil && !errors.As(err, new(*serviceerror.NotFound)) {
					return text.Errorf("adding to the accounts of task queue %s failed: %w", taskQueue, err)
				}
			}
		}
		// Another worker may have been faster: look again.
		if err := keepAccounts(ctx, c, namespace, taskQueue, accounts, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING); err != nil {
			return err
		}
	}
}

// MoveAccounts binds the task queue to the accounts, whichever it had.
func MoveAccounts(ctx context.Context, c client.Client, namespace, taskQueue string, accounts config.Accounts) error {
	return keepAccounts(ctx, c, namespace, taskQueue, accounts, enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING)
}

// keepAccounts starts the workflow that keeps the accounts. It does not use the client's
// own method, which would encrypt them: they must be readable with any key, and outlive
// every key.
func keepAccounts(ctx context.Context, c client.Client, namespace, taskQueue string, accounts config.Accounts, conflict enumspb.WorkflowIdConflictPolicy) error {
	plain := converter.GetDefaultDataConverter()
	memo, memoErr := plain.ToPayload(accounts)
	summary, summaryErr := plain.ToPayload(text.Sprintf("Accounts %s", accounts))
	details, detailsErr := plain.ToPayload(text.Sprintf("The memo accounts says whose orders the workers of this task queue read, and into whose books they go. This workflow does nothing and does not end; workers and starters with other accounts are refused because of it."))
	if err := errors.Join(memoErr, summaryErr, detailsErr); err != nil {
		return err
	}
	_, err := c.WorkflowService().StartWorkflowExecution(ctx, &workflowservice.StartWorkflowExecutionRequest{
		Namespace:                namespace,
		WorkflowId:               workflows.AccountsID(taskQueue),
		WorkflowType:             &commonpb.WorkflowType{Name: workflows.AccountsName},
		TaskQueue:                &taskqueuepb.TaskQueue{Name: taskQueue},
		RequestId:                rand.Text(),
		Identity:                 processIdentity(),
		WorkflowIdReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIdConflictPolicy: conflict,
		Memo:                     &commonpb.Memo{Fields: map[string]*commonpb.Payload{workflows.AccountsMemo: memo}},
		UserMetadata:             &sdkpb.UserMetadata{Summary: summary, Details: details},
	})
	if err != nil {
		return text.Errorf("keeping the accounts of task queue %s failed: %w", taskQueue, err)
	}
	return nil
}
