package main

import (
	"context"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/syncworker"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func newAccountsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: text.Sprintf("Move a task queue to another merchant, data centre or organisation"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAccountsMoveCommand())
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
		Short: text.Sprintf("Move the task queue to the accounts that are set here"),
		Long: text.Sprintf("The first worker records its accounts on the task queue; from then on, workers and starters with others are refused. " +
			"This moves the task queue to the accounts that are set here (JUSHUITAN_CUSTOMER_ID, KINGDEE_ACCT_ID, KINGDEE_ORG_NUMBER, JUSHUITAN_OPEN_APP_KEY).\n" +
			"Without --from and --to it only says what would be moved; give both to confirm, each as merchant/data centre/organisation/application at the open platform, without what is not set.\n" +
			"It refuses while workers poll: stop them first. It also refuses while there are open runs or parked orders, because these would continue with the new accounts, and orders of the former merchant would be booked in the new books. " +
			"Let the runs finish and discard the orders, or use --take-waiting if that is what you want.\n" +
			"Schedules and crons keep their watermark. For another merchant, run starter schedule delete first (starter cron stop for a cron), and create it again afterwards with --since and a time."),
		Example: `  starter accounts move --from c1709123456/65e0a1b2c3d4e5/100 \
    --to c1709123456/65f1b2c3d4e5f6/100`,
		RunE: func(cmd *cobra.Command, _ []string) error { return moveAccounts(cmd, flags) },
	}
	cmd.Flags().StringVar(&flags.from, "from", "", text.Sprintf("current accounts of the task queue, such as c1709123456/65e0a1b2c3d4e5/100"))
	cmd.Flags().StringVar(&flags.to, "to", "", text.Sprintf("accounts that are set here, to confirm"))
	cmd.Flags().BoolVar(&flags.waiting, "take-waiting", false, text.Sprintf("continue runs and parked orders with the new accounts"))
	return cmd
}

func moveAccounts(cmd *cobra.Command, flags moveFlags) error {
	if err := oneCompany(cmd); err != nil {
		return err
	}
	environment := environmentOf(cmd.Context())
	settings, err := environment.LoadWorker()
	if err != nil {
		return err
	}
	options, err := environment.TemporalOptions()
	if err != nil {
		return err
	}
	here, queue := environment.LoadAccounts(), settings.TaskQueue
	if here.CustomerID+here.OpenAppKey == "" || here.AcctID == "" {
		return text.Errorf("set the new JUSHUITAN_CUSTOMER_ID or JUSHUITAN_OPEN_APP_KEY and KINGDEE_ACCT_ID first, and KINGDEE_ORG_NUMBER if there are several organisations")
	}
	return withTemporal(func(c client.Client) error {
		bound, _, err := syncworker.BoundAccounts(cmd.Context(), c, queue)
		switch {
		case err != nil:
			return err
		case bound == nil:
			return text.Errorf("task queue %s belongs to no accounts yet; the first worker records its own", queue)
		case *bound == here:
			return text.Errorf("task queue %s already belongs to %s", queue, here)
		case flags.from != bound.String() || flags.to != here.String():
			change := text.New("from %s to %s", *bound, here)
			if differences := here.Differences(*bound); differences != "" {
				change = text.New("from %s to %s (%s)", *bound, here, differences)
			}
			return usageError(cmd, text.Errorf("task queue %s would move %s. To confirm, use: --from %s --to %s", queue, change, *bound, here))
		}
		if err := nothingWaits(cmd.Context(), c, queue, flags.waiting); err != nil {
			return err
		}
		if err := syncworker.MoveAccounts(cmd.Context(), c, options.Namespace, queue, here); err != nil {
			return err
		}
		say(cmd.OutOrStdout(), text.Sprintf("Task queue %s was moved from %s to %s.", queue, *bound, here))
		return nil
	})
}

// nothingWaits returns an error if workers poll a task queue or, unless take is set, if
// runs or parked orders are open on it.
func nothingWaits(ctx context.Context, c client.Client, queue string, take bool) error {
	var found []any
	described, err := c.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return err
	}
	// The time of their last poll is ignored: this machine's clock may be wrong.
	if count := len(described.GetPollers()); count > 0 {
		found = append(found, text.New("workers that poll it: %d. Stop them; a stopped worker counts for up to five minutes", count))
	}
	for _, w := range []struct {
		workflow string
		says     func(count int64) text.Text
	}{
		{workflows.SyncFlowName, func(count int64) text.Text {
			return text.New("open runs: %d. Let them finish, stop a cron, or use --take-waiting to continue them with the new accounts", count)
		}},
		{workflows.ParkedOrderName, func(count int64) text.Text {
			return text.New("parked orders, which would be booked with the new accounts: %d. Have them saved or discard them first, or use --take-waiting", count)
		}},
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
			found = append(found, w.says(count))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return text.Errorf("nothing was moved:\n  %s", text.Join("\n  ", found...))
}
