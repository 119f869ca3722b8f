package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/syncworker"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func newAccountsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "任务队列属于哪个商家、数据中心、组织 the merchant, data centre and organisation that a task queue belongs to",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	move := newAccountsMoveCommand()
	move.Args = usageArgs(move.Args)
	cmd.AddCommand(move)
	return cmd
}

type moveFlags struct {
	from, to string
	waiting  bool
}

func newAccountsMoveCommand() *cobra.Command {
	var flags moveFlags
	cmd := &cobra.Command{
		Use:   "move",
		Short: "把任务队列换到这里设置的账号 move the task queue to the accounts that are set here",
		Long: `第一个 worker 把自己的账号记在任务队列上，账号不同的 worker 和 starter 从此被拒绝。本命令把任务队列换到这里设置的账号（JUSHUITAN_CUSTOMER_ID、KINGDEE_ACCT_ID、KINGDEE_ORG_NUMBER）。
不带 --from 和 --to 时只说要换什么；确认时把两边都写出来：商家/数据中心/组织。
有 worker 在轮询时拒绝：先停下它们。有在途的运行或挂起的单时也拒绝：它们会以新账号继续，即原商家的单记进新的账。先等它们结束、放弃挂起的单；确实要这样，加 --take-waiting。
定时和 cron 的水位保留。换了商家，就先 starter schedule delete（cron 用 starter cron stop），换后用 --since 时间 重新创建。
The first worker keeps its accounts with the task queue, and workers and starters with others are refused from then on. This moves the task queue to the accounts that are set here (JUSHUITAN_CUSTOMER_ID, KINGDEE_ACCT_ID, KINGDEE_ORG_NUMBER).
Without --from and --to it only says what would be moved; name both to confirm, each as merchant/data centre/organisation.
It refuses while workers poll: stop them first. It refuses as well while runs are under way or orders are parked, which would go on with the new accounts: orders of the former merchant would be booked in the new books. Let the runs end and discard the orders, or add --take-waiting if that is what you want.
Schedules and crons keep their watermark. For another merchant, use starter schedule delete first (starter cron stop for a cron), and create it anew afterwards with --since and a time.`,
		Example: `  starter accounts move --from c1709123456/65e0a1b2c3d4e5/100 --to c1709123456/65f1b2c3d4e5f6/100`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return moveAccounts(cmd, flags) },
	}
	cmd.Flags().StringVar(&flags.from, "from", "", "现在的账号 the accounts that it has")
	cmd.Flags().StringVar(&flags.to, "to", "", "这里设置的账号 the accounts that are set here")
	cmd.Flags().BoolVar(&flags.waiting, "take-waiting", false, "在途的运行和挂起的单以新账号继续 runs under way and parked orders go on with the new accounts")
	return cmd
}

func moveAccounts(cmd *cobra.Command, flags moveFlags) error {
	environment := config.FromProcess()
	settings, err := environment.LoadWorker()
	if err != nil {
		return err
	}
	options, err := environment.TemporalOptions()
	if err != nil {
		return err
	}
	here, queue := environment.LoadAccounts(), settings.TaskQueue
	if here.CustomerID == "" || here.AcctID == "" {
		return errors.New("请先设置新的 JUSHUITAN_CUSTOMER_ID 和 KINGDEE_ACCT_ID，有多组织时还有 KINGDEE_ORG_NUMBER。" +
			" Set the new JUSHUITAN_CUSTOMER_ID and KINGDEE_ACCT_ID first, and KINGDEE_ORG_NUMBER where there are several organisations")
	}
	return withTemporal(func(c client.Client) error {
		bound, _, err := syncworker.BoundAccounts(cmd.Context(), c, queue)
		switch {
		case err != nil:
			return err
		case bound == nil:
			return fmt.Errorf("任务队列 %s 还不属于任何账号：第一个 worker 会记下它的。 The task queue belongs to no accounts yet: the first worker keeps its own", queue)
		case *bound == here:
			return fmt.Errorf("任务队列 %s 已属于 %s。 The task queue belongs to these already", queue, here)
		case flags.from != bound.String() || flags.to != here.String():
			return usageError(cmd, fmt.Errorf("任务队列 %[1]s 将从 %[2]s 换到 %[3]s（%[4]s）。核对后照此确认 If you mean to move the task queue from the first to the second, confirm it: --from %[2]s --to %[3]s", queue, *bound, here, here.Differences(*bound)))
		}
		if err := nothingWaits(cmd.Context(), c, queue, flags.waiting); err != nil {
			return err
		}
		if err := syncworker.MoveAccounts(cmd.Context(), c, options.Namespace, queue, here); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "任务队列 %s 已从 %s 换到 %s。 The task queue was moved from the first to the second\n", queue, *bound, here)
		return err
	})
}

// nothingWaits returns an error if workers poll a task queue, and, unless that is
// wished for, if runs are under way or orders wait there.
func nothingWaits(ctx context.Context, c client.Client, queue string, take bool) error {
	var found []string
	described, err := c.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return err
	}
	// When they polled last does not matter: this machine's clock may be wrong.
	if count := len(described.GetPollers()); count > 0 {
		found = append(found, fmt.Sprintf("%d 个 worker 在轮询：停下它们；停下的最多五分钟后才不算。 Workers poll: stop them; one that has stopped counts for up to five minutes", count))
	}
	for _, w := range []struct{ workflow, says string }{
		{workflows.SyncRefundsName, "%d 个运行在途：等它们结束，停下 cron，或加 --take-waiting 由新账号继续。 Runs are under way: let them end, stop a cron, or have the new accounts go on with them by --take-waiting"},
		{workflows.ParkedOrderName, "%d 单挂起，将记进新账号的账：先保存或放弃它们，或加 --take-waiting。 Orders are parked and would be booked with the new accounts: have them saved or discard them first, or add --take-waiting"},
	} {
		if take {
			continue
		}
		counted, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Query: visibility.All(visibility.Equal("WorkflowType", w.workflow), visibility.Running, visibility.Equal("TaskQueue", queue)),
		})
		if err != nil {
			return err
		}
		if count := counted.GetCount(); count > 0 {
			found = append(found, fmt.Sprintf(w.says, count))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return errors.New("没有更换 nothing was moved:\n  " + strings.Join(found, "\n  "))
}
