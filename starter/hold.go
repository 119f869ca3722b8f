package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/contract"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func newHoldCommand() *cobra.Command {
	var hold contract.Hold
	var until string
	cmd := &cobra.Command{
		Use:   "hold --note TEXT",
		Short: text.Sprintf("Hold all flows, or one: nothing is booked until it is released"),
		Long: text.Sprintf(`Hold all flows, of a company if there are several, or one. While a hold lasts, no run begins: those of a schedule or cron end at once and keep their place, and starter run refuses. Runs under way finish what is in flight and wait. Parked orders attempt nothing.
It ends at --until, or by starter release; runs and parked orders then go on by themselves. Called once more, it changes who, why and until when. Times are Beijing time unless they carry a zone; a day begins at 00:00:00.`),
		Example: `  starter hold --until 2024-03-07 --note "stock-taking"
  starter hold --flow refund_to_return --until "2024-03-07 08:00" --note "month-end closing" --by wang`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if until != "" {
				if hold.Until, err = parseTime("--until", until); err != nil {
					return usageError(cmd, err)
				}
				if !hold.Until.After(time.Now()) {
					return usageError(cmd, text.Errorf("--until %s is over", hold.Until.Format(time.DateTime)))
				}
			}
			if strings.TrimSpace(hold.Note) == "" {
				return usageError(cmd, text.Errorf("--note is empty: say why"))
			}
			if hold.By, err = whoElse(hold.By); err != nil {
				return usageError(cmd, err)
			}
			return withHolds(cmd, hold.Flow, func(c client.Client, taskQueue string, holds []contract.Hold) error {
				if hold.Flow == "" {
					hold.Company = environmentOf(cmd.Context()).Company()
				}
				hold.Since = time.Now().In(beijing.Zone).Truncate(time.Second)
				if on := sameScope(holds, hold); on != nil {
					hold.Since = on.Since
				}
				if err := signalHold(cmd.Context(), c, taskQueue, hold); err != nil {
					return err
				}
				say(cmd.OutOrStdout(), heldText(hold))
				say(cmd.OutOrStdout(), text.Sprintf("Runs under way finish what is in flight; to see them: starter status. To end the hold: %s", releaseCommand(hold)))
				return nil
			})
		},
	}
	addHoldFlags(cmd, &hold.Flow, &hold.By)
	cmd.Flags().StringVar(&until, "until", "", text.Sprintf("when it ends by itself; by default it lasts until it is released"))
	cmd.Flags().StringVar(&hold.Note, "note", "", text.Sprintf("why"))
	requireFlags(cmd, "note")
	return cmd
}

func newReleaseCommand() *cobra.Command {
	var flowName string
	var release contract.Release
	cmd := &cobra.Command{
		Use:   "release",
		Short: text.Sprintf("End a hold; runs and parked orders go on"),
		Long: text.Sprintf(`End the hold of all flows, or with --flow that of one flow: each is released by itself. Runs that the hold made wait go on, unless they are paused; parked orders whose attempt fell due are attempted at once; the next run of a schedule begins where the last ended.
If no hold is on, it frees the runs that wait for one which was terminated.`),
		Example: `  starter release
  starter release --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if release.By, err = whoElse(release.By); err != nil {
				return usageError(cmd, err)
			}
			return withHolds(cmd, flowName, func(c client.Client, taskQueue string, holds []contract.Hold) error {
				end := contract.Hold{Flow: flowName, Released: &release}
				done := text.Sprintf("No such hold was on.")
				if on := sameScope(holds, end); on != nil {
					done = text.Sprintf("released: %s", on.Text())
				}
				return endHold(cmd, c, taskQueue, holds, end, done)
			})
		},
	}
	addHoldFlags(cmd, &flowName, &release.By)
	cmd.Flags().StringVar(&release.Note, "note", "", text.Sprintf("why"))
	return cmd
}

// sameScope is the one of the holds that has the scope of another; nil if none has.
func sameScope(holds []contract.Hold, other contract.Hold) *contract.Hold {
	for _, hold := range holds {
		if hold.Flow == other.Flow && hold.Disabled == other.Disabled {
			return &hold
		}
	}
	return nil
}

// endHold releases a hold, says so, and names the others that are on. A worker has to take the
// release before the next command finds the hold off: a matter of moments if one runs.
func endHold(cmd *cobra.Command, c client.Client, taskQueue string, holds []contract.Hold, end contract.Hold, done string) error {
	if err := signalHold(cmd.Context(), c, taskQueue, end); err != nil {
		return err
	}
	if sameScope(holds, end) != nil && !waitReleased(cmd.Context(), c, taskQueue, end) {
		say(cmd.ErrOrStderr(), text.Sprintf("Note: it takes effect once a worker runs."))
	}
	say(cmd.OutOrStdout(), done)
	sayOthers(cmd.OutOrStdout(), holds, end)
	return nil
}

// waitReleased waits for the end of a hold; false if there is none within seconds.
func waitReleased(ctx context.Context, c client.Client, taskQueue string, end contract.Hold) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		holds, err := visibility.Holds(ctx, c, taskQueue, end.Flow)
		if err == nil && sameScope(holds, end) == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// sayOthers names the holds that are still on once one has ended.
func sayOthers(w io.Writer, holds []contract.Hold, ended contract.Hold) {
	for _, hold := range holds {
		if hold.Flow != ended.Flow || hold.Disabled != ended.Disabled {
			say(w, text.Sprintf("Note: still on: %s. To end it: %s", heldText(hold), releaseCommand(hold)))
		}
	}
}

// addHoldFlags adds the flags of a hold and its release.
func addHoldFlags(cmd *cobra.Command, flowName, by *string) {
	cmd.Flags().StringVar(flowName, "flow", "", text.Sprintf("this flow alone; by default all flows of the company"))
	cmd.Flags().StringVar(by, "by", "", text.Sprintf("who; by default the current user"))
}

// withHolds calls do with the holds that are on: of a flow, or of all that the workers have.
// It refuses a flow that no worker has.
func withHolds(cmd *cobra.Command, flowName string, do func(c client.Client, taskQueue string, holds []contract.Hold) error) error {
	if err := oneCompany(cmd); err != nil {
		return err
	}
	return changeTemporal(cmd.Context(), func(c client.Client, settings config.Worker) error {
		atWorkers, err := readWorkerFlows(cmd.Context(), c, settings.TaskQueue)
		if err != nil {
			say(cmd.ErrOrStderr(), err.Error())
		}
		names := atWorkers.names()
		if flowName != "" {
			if err := checkFlow(atWorkers, settings.Flows, flowName); err != nil {
				return usageError(cmd, err)
			}
			names = []string{flowName}
		}
		holds, err := visibility.Holds(cmd.Context(), c, settings.TaskQueue, names...)
		if err != nil {
			return err
		}
		return do(c, settings.TaskQueue, holds)
	})
}

// signalHold begins, changes or releases a hold. The server takes the signal and starts the
// workflow in one step, so that the hold is on when it returns; while the last hold still
// tells of its end, it is on once a worker has taken the signal.
func signalHold(ctx context.Context, c client.Client, taskQueue string, hold contract.Hold) error {
	id := workflows.HoldID(taskQueue, hold.Flow)
	summary := text.New("Hold: all flows")
	details := text.New("While this workflow runs, no run begins, runs under way wait, and parked orders attempt nothing. End it with starter release, or cancel it; don't terminate it: runs under way would go on waiting until starter release.")
	switch {
	case hold.Disabled:
		id, summary = workflows.DisabledID(taskQueue, hold.Flow), text.New("Disabled: flow %s", hold.Flow)
		details = text.New("While this workflow runs, the flow is disabled: no run begins, and parked orders attempt nothing. End it with %s, which also resumes the schedules.", releaseCommand(hold))
	case hold.Flow != "":
		summary = text.New("Hold: flow %s", hold.Flow)
	}
	_, err := c.SignalWithStartWorkflow(ctx, id, workflows.HoldSignal, hold, client.StartWorkflowOptions{
		TaskQueue:     taskQueue,
		Memo:          map[string]any{workflows.HoldMemo: hold},
		StaticSummary: summary.String(),
		StaticDetails: details.String(),
	}, workflows.HoldName, workflows.HoldInput{})
	if err != nil {
		return text.Errorf("%s can't be signalled: %w", id, err)
	}
	return nil
}

// heldText says that something is held or disabled.
func heldText(hold contract.Hold) string {
	if hold.Disabled {
		return text.Sprintf("disabled: %s", hold.Text())
	}
	return text.Sprintf("held: %s", hold.Text())
}

// releaseCommand is the command that ends a hold.
func releaseCommand(hold contract.Hold) string {
	switch {
	case hold.Disabled:
		return "starter flow enable " + hold.Flow
	case hold.Flow != "":
		return "starter release --flow " + hold.Flow
	}
	if hold.Company != "" {
		return "starter release --company " + hold.Company
	}
	return "starter release"
}

// refuseHeld returns an error if a flow is held or disabled.
func refuseHeld(ctx context.Context, c client.Client, taskQueue, flowName string) error {
	holds, err := visibility.Holds(ctx, c, taskQueue, flowName)
	if err != nil || len(holds) == 0 {
		return err
	}
	return heldError(holds)
}

func heldError(holds []contract.Hold) error {
	var lines []any
	for _, hold := range holds {
		lines = append(lines, text.New("%s; to end it: %s", heldText(hold), releaseCommand(hold)))
	}
	return text.Errorf("%s", text.Join("\n", lines...))
}
