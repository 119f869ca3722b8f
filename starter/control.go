package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os/user"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/text"
	"refundsync/workflows"
)

func newPauseCommand() *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use:     "pause WORKFLOW_ID",
		Short:   text.Sprintf("Pause a run under way"),
		Long:    text.Sprintf(`Pause a run under way: it finishes what is in flight, and reads and saves nothing more. It stays paused until starter resume.`),
		Example: `  starter pause refund_to_return/20240301T000000-20240301T235959 --reason "stock-taking"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := whoElse(by)
			if err != nil {
				return usageError(cmd, err)
			}
			if _, err := updateRun(cmd.Context(), args[0], workflows.PauseUpdate, workflows.Pause{By: who, Reason: reason}); err != nil {
				return err
			}
			say(cmd.OutOrStdout(), text.Sprintf("paused: %s (by %s)", args[0], who))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", text.Sprintf("why"))
	cmd.Flags().StringVar(&by, "by", "", text.Sprintf("who; by default the current user"))
	return cmd
}

func newResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "resume WORKFLOW_ID",
		Short:   text.Sprintf("Resume a paused run"),
		Example: `  starter resume refund_to_return/20240301T000000-20240301T235959`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			control, err := updateRun(cmd.Context(), args[0], workflows.ResumeUpdate)
			if err != nil {
				return err
			}
			say(cmd.OutOrStdout(), text.Sprintf("resumed: %s", args[0]))
			sayWaits(cmd.OutOrStdout(), control, args[0])
			return nil
		},
	}
}

// sayWaits says why a run begins nothing new, if it does not, and how to change that.
func sayWaits(w io.Writer, control workflows.Control, workflowID string) {
	if control.Paused != nil {
		say(w, text.Sprintf("%s; to resume it: starter resume %s", pausedText(*control.Paused), workflowID))
	}
	if len(control.Held) > 0 {
		say(w, heldError(control.Held).Error())
	}
}

func newRateCommand() *cobra.Command {
	var rate workflows.Rate
	cmd := &cobra.Command{
		Use:     "rate WORKFLOW_ID",
		Short:   text.Sprintf("Change the rate of a run under way"),
		Long:    text.Sprintf(`Change the rate of a run under way, until it ends. The flow file stays as it is, and so does the rate that is not given.`),
		Example: `  starter rate refund_to_return/20240301T000000-20240301T235959 --in-flight 20 --windows-at-once 1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(checkRate(cmd, rate), rate.Validate()); err != nil {
				return usageError(cmd, err)
			}
			control, err := updateRun(cmd.Context(), args[0], workflows.RateUpdate, rate)
			if err != nil {
				return err
			}
			if control.Rate.WindowsAtOnce > 0 {
				say(cmd.OutOrStdout(), text.Sprintf("windows at once: %d", control.Rate.WindowsAtOnce))
			}
			if control.Rate.InFlight > 0 {
				say(cmd.OutOrStdout(), text.Sprintf("orders in flight in each: %d", control.Rate.InFlight))
			}
			return nil
		},
	}
	addRateFlags(cmd, &rate)
	return cmd
}

// addRateFlags adds the flags for how much of a run is under way at once.
func addRateFlags(cmd *cobra.Command, rate *workflows.Rate) {
	cmd.Flags().IntVar(&rate.InFlight, "in-flight", 0, text.Sprintf("orders of a window that are saved at once, 1 to 1000"))
	cmd.Flags().IntVar(&rate.WindowsAtOnce, "windows-at-once", 0, text.Sprintf("windows that are read at once, 1 to 50"))
}

// checkRate says what is wrong with the flags of addRateFlags. A flag that is not given is
// right.
func checkRate(cmd *cobra.Command, rate workflows.Rate) error {
	if cmd.Flags().Changed("in-flight") && rate.InFlight == 0 {
		return text.Errorf("--in-flight 0: expected 1 to 1000")
	}
	if cmd.Flags().Changed("windows-at-once") && rate.WindowsAtOnce == 0 {
		return text.Errorf("--windows-at-once 0: expected 1 to 50")
	}
	if rate == (workflows.Rate{}) {
		return nil
	}
	return rate.Validate()
}

// whoElse is who was named, or else the current user.
func whoElse(by string) (string, error) {
	if by != "" {
		return by, nil
	}
	current, err := user.Current()
	if err != nil {
		return "", text.Errorf("say who you are with --by: %w", err)
	}
	return current.Username, nil
}

// updateRun sends an update to a run and waits until its windows know.
func updateRun(ctx context.Context, workflowID, update string, args ...any) (workflows.Control, error) {
	var control workflows.Control
	err := changeWorkflow(ctx, workflowID, func(c client.Client) error {
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: workflowID, UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(ctx, &control)
		}
		var ended *serviceerror.NotFound
		var refused *temporal.ApplicationError
		switch {
		case errors.As(err, &ended):
			return text.Errorf("there is no run %q under way; compare the id with the Web UI, or with what starter run printed", workflowID)
		case ctx.Err() != nil:
			return noWorker()
		case errors.As(err, &refused):
			return text.Errorf("%s", workflows.MessageOf(err))
		}
		return err
	})
	return control, err
}
