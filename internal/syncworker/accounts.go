package syncworker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

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
	"refundsync/workflows"
)

// BoundAccounts are those that a task queue belongs to; nil if it belongs to none yet.
// open says that the workflow which keeps them runs: one that somebody has ended counts
// for as long as the server remembers it.
func BoundAccounts(ctx context.Context, c client.Client, taskQueue string) (bound *config.Accounts, open bool, err error) {
	id := workflows.AccountsID(taskQueue)
	described, err := encryption.Raw(c).DescribeWorkflow(ctx, id, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("看不到任务队列 %s 属于哪些账号。 It can't be seen which accounts the task queue belongs to: %w", taskQueue, err)
	}
	info := described.RawResponse.GetWorkflowExecutionInfo()
	memo, ok := info.GetMemo().GetFields()[workflows.AccountsMemo]
	if !ok {
		return nil, false, fmt.Errorf("工作流 %[1]s 没有备忘 %[2]s，不是本程序启动的：请终止并删除它。 Workflow %[1]s has no memo %[2]s, so it is not of this program's making: terminate and delete it", id, workflows.AccountsMemo)
	}
	bound = &config.Accounts{}
	if err := converter.GetDefaultDataConverter().FromPayload(memo, bound); err != nil {
		return nil, false, fmt.Errorf("读不懂工作流 %s 的备忘 %s。 That workflow's memo can't be read: %w", id, workflows.AccountsMemo, err)
	}
	return bound, info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// CheckAccounts returns an error that names what differs if a task queue belongs to
// other accounts. What is not set here is not compared.
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
	return fmt.Errorf("任务队列 %[1]s 属于别的账号，用这里的会把一家的单记进另一家的账。请核对设置；另一家公司用自己的 Temporal 命名空间；有意更换见 starter accounts move --help。"+
		" The task queue belongs to other accounts, and with those here orders of one company would be booked in the books of another. Check the settings; another company gets a Temporal namespace of its own; to change them on purpose, see starter accounts move --help: %[2]s", taskQueue, differences)
}

// bindAccounts makes the accounts those of the task queue if it has none yet. Of
// several workers that start at once the server lets one bind, and the others see its
// accounts.
func bindAccounts(ctx context.Context, c client.Client, namespace, taskQueue string, accounts config.Accounts) error {
	for {
		bound, open, err := BoundAccounts(ctx, c, taskQueue)
		if err != nil {
			return err
		}
		if bound != nil {
			if err := OtherAccounts(taskQueue, *bound, accounts); err != nil || open {
				return err
			}
		}
		// Another worker may have been faster: the next look tells.
		if err := keepAccounts(ctx, c, namespace, taskQueue, accounts, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING); err != nil {
			return err
		}
	}
}

// MoveAccounts makes the accounts those of the task queue, whichever it had.
func MoveAccounts(ctx context.Context, c client.Client, namespace, taskQueue string, accounts config.Accounts) error {
	return keepAccounts(ctx, c, namespace, taskQueue, accounts, enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING)
}

// accountsDetails explain the workflow in the Web UI.
const accountsDetails = "这个任务队列的 worker 从哪个商家读单、记进哪本账，见备忘 accounts。它不做任何事，也不会结束；账号不同的 worker 和 starter 据此被拒绝。\n\n" +
	"Whose orders the workers of this task queue read, and into whose books they go: see the memo accounts. It does nothing and does not end; workers and starters with other accounts are refused by it."

// keepAccounts starts the workflow that keeps the accounts. It is not left to the
// client, which would encrypt them: they have to be read whatever keys one has, and
// outlive every key.
func keepAccounts(ctx context.Context, c client.Client, namespace, taskQueue string, accounts config.Accounts, conflict enumspb.WorkflowIdConflictPolicy) error {
	plain := converter.GetDefaultDataConverter()
	memo, memoErr := plain.ToPayload(accounts)
	summary, summaryErr := plain.ToPayload("账号 accounts " + accounts.String())
	details, detailsErr := plain.ToPayload(accountsDetails)
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
		return fmt.Errorf("无法把账号记在任务队列 %s 上。 The accounts of the task queue can't be kept: %w", taskQueue, err)
	}
	return nil
}
