package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"refundsync/workflows"
)

func newPauseCommand() *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use:   "pause WORKFLOW_ID",
		Short: "暂停一个进行中的运行 pause a run under way",
		Long: `暂停一个进行中的运行：不再读页，不再保存新的单；已在途的单会处理完。运行可以暂停任意久，用 starter resume 继续。
Pause a run under way: no page is read and no further order saved; what is in flight is finished. It can stay paused for as long as need be; starter resume goes on.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := whoElse(by)
			if err != nil {
				return usageError(cmd, err)
			}
			if _, err := steer(cmd.Context(), args[0], workflows.PauseUpdate, workflows.Pause{By: who, Reason: reason}); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "已暂停 paused: %s (%s)\n", args[0], who)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "为什么 why")
	cmd.Flags().StringVar(&by, "by", "", "谁，默认当前用户 who; the current user if left out")
	return cmd
}

func newResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume WORKFLOW_ID",
		Short: "继续一个已暂停的运行 go on with a paused run",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := steer(cmd.Context(), args[0], workflows.ResumeUpdate); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "已继续 resumed: %s\n", args[0])
			return err
		},
	}
}

func newRateCommand() *cobra.Command {
	var rate workflows.Rate
	cmd := &cobra.Command{
		Use:   "rate WORKFLOW_ID",
		Short: "改变一个进行中的运行的速率 change the rate of a run under way",
		Long: `改变一个进行中的运行的速率，直到它结束；流程文件不变。没有给出的一项保持不变。
Change the rate of a run under way until it ends; the flow file stays as it is. What is not given stays as it was.`,
		Example: `  starter rate refund_to_return/20240301T000000-20240303T000000 --in-flight 20 --windows-at-once 1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := rate.Validate(); err != nil {
				return usageError(cmd, err)
			}
			control, err := steer(cmd.Context(), args[0], workflows.RateUpdate, rate)
			if err != nil {
				return err
			}
			if control.Rate.WindowsAtOnce > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "同时窗口 windows at once: %d\n", control.Rate.WindowsAtOnce)
			}
			if control.Rate.InFlight > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "每窗口在途单 orders in flight in each: %d\n", control.Rate.InFlight)
			}
			return nil
		},
	}
	addRateFlags(cmd, &rate)
	return cmd
}

// addRateFlags adds the flags that say how much of a run is under way at a time.
func addRateFlags(cmd *cobra.Command, rate *workflows.Rate) {
	cmd.Flags().IntVar(&rate.InFlight, "in-flight", 0, "每个窗口同时保存的单数，1 到 1000 orders of a window that are saved at once, 1 to 1000")
	cmd.Flags().IntVar(&rate.WindowsAtOnce, "windows-at-once", 0, "同时读取的窗口数，1 到 50 windows that are read at once, 1 to 50")
}

// whoElse is who was named, or the current user.
func whoElse(by string) (string, error) {
	if by != "" {
		return by, nil
	}
	current, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("请用 --by 说明是谁。 Say who with --by: %w", err)
	}
	return current.Username, nil
}

// steer sends an update to a run and waits until its windows know.
func steer(ctx context.Context, workflowID, update string, args ...any) (workflows.Control, error) {
	var control workflows.Control
	err := changeTemporal(ctx, func(c client.Client) error {
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: workflowID, UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(ctx, &control)
		}
		var ended *serviceerror.NotFound
		switch {
		case errors.As(err, &ended):
			return fmt.Errorf("没有进行中的运行 %q；编号见 Web UI 或 starter run 的输出。 There is no such run under way; see the Web UI or what starter run printed", workflowID)
		case ctx.Err() != nil:
			return errors.New(noWorker)
		}
		return err
	})
	return control, err
}
