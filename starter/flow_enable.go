package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
)

// A flow is disabled while its Hold workflow of this kind is on; that its schedules are paused
// follows from that.

func newFlowDisableCommand() *cobra.Command {
	disabled := contract.Hold{Disabled: true}
	cmd := &cobra.Command{
		Use:   "disable NAME --note TEXT",
		Short: text.Sprintf("Disable a flow: it does nothing until it is enabled"),
		Long: text.Sprintf(`Disable a flow. Its schedules are paused: those of its runs, its sweep and its reconciliation. Runs under way finish what is in flight and end; the watermark stays, so that the first run after starter flow enable does the rest. Parked orders attempt nothing. starter run refuses.
Called once more, it changes who and why. For a while, starter hold is the better choice: runs under way then go on where they are.`),
		Example: `  starter flow disable refund_to_return --note "the shop is closed"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if strings.TrimSpace(disabled.Note) == "" {
				return usageError(cmd, text.Errorf("--note is empty: say why"))
			}
			if disabled.By, err = whoElse(disabled.By); err != nil {
				return usageError(cmd, err)
			}
			disabled.Flow = args[0]
			return withHolds(cmd, disabled.Flow, func(c client.Client, taskQueue string, holds []contract.Hold) error {
				disabled.Since = time.Now().In(beijing.Zone).Truncate(time.Second)
				if on := sameScope(holds, disabled); on != nil {
					disabled.Since = on.Since
				}
				if err := signalHold(cmd.Context(), c, taskQueue, disabled); err != nil {
					return err
				}
				say(cmd.OutOrStdout(), heldText(disabled))
				say(cmd.OutOrStdout(), text.Sprintf("Runs under way finish what is in flight and end; to see them: starter status. To enable the flow: %s", releaseCommand(disabled)))
				return pauseSchedules(cmd.Context(), c, cmd.OutOrStdout(), disabled.Flow, disabledBy(disabled))
			})
		},
	}
	cmd.Flags().StringVar(&disabled.By, "by", "", text.Sprintf("who; by default the current user"))
	cmd.Flags().StringVar(&disabled.Note, "note", "", text.Sprintf("why"))
	requireFlags(cmd, "note")
	return cmd
}

func newFlowEnableCommand() *cobra.Command {
	var release contract.Release
	cmd := &cobra.Command{
		Use:   "enable NAME",
		Short: text.Sprintf("Enable a flow that was disabled; its schedules are resumed"),
		Long: text.Sprintf(`Enable a flow that starter flow disable has disabled. The schedules that this has paused are resumed, and parked orders whose attempt fell due are attempted at once. The next run begins at the watermark.
A schedule that a person has paused stays paused, and so do the schedules of a flow whose file says checks.enabled: false.`),
		Example: `  starter flow enable refund_to_return`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if release.By, err = whoElse(release.By); err != nil {
				return usageError(cmd, err)
			}
			end := contract.Hold{Flow: args[0], Disabled: true, Released: &release}
			return withHolds(cmd, end.Flow, func(c client.Client, taskQueue string, holds []contract.Hold) error {
				done := text.Sprintf("Nobody had disabled the flow.")
				if on := sameScope(holds, end); on != nil {
					done = text.Sprintf("enabled: flow %s", end.Flow)
				}
				if err := endHold(cmd, c, taskQueue, holds, end, done); err != nil {
					return err
				}
				note := ""
				if of := fileOf(cmd.Context(), end.Flow); of != nil && !of.Enabled {
					note = disabledByFile
				}
				return pauseSchedules(cmd.Context(), c, cmd.OutOrStdout(), end.Flow, note)
			})
		},
	}
	cmd.Flags().StringVar(&release.By, "by", "", text.Sprintf("who; by default the current user"))
	cmd.Flags().StringVar(&release.Note, "note", "", text.Sprintf("why"))
	return cmd
}

// fileOf is a flow by its file; nil if this machine does not have it, or it can't be read.
func fileOf(ctx context.Context, flowName string) *flow.Flow {
	_, flows, err := flowsOf(ctx)
	if err != nil {
		return nil
	}
	return flows[flowName]
}

// The note of a schedule that is paused because its flow is disabled begins with disabledNote,
// in every language: by it, the schedule is resumed when the flow is enabled.
const (
	disabledNote   = "the flow is disabled: "
	disabledByFile = disabledNote + "checks.enabled: false"
)

func disabledBy(hold contract.Hold) string { return disabledNote + hold.By + ": " + hold.Note }

// noteOf is a schedule's note as people read it.
func noteOf(note string) string {
	if why, ok := strings.CutPrefix(note, disabledNote); ok {
		return text.Sprintf("the flow is disabled: %s", why)
	}
	return note
}

// disabledHold is the one of the holds by which the flow is disabled; nil if none does.
func disabledHold(holds []contract.Hold) *contract.Hold {
	for _, hold := range holds {
		if hold.Disabled {
			return &hold
		}
	}
	return nil
}

// whyDisabled is the note of the schedules of a flow that a person or its file has disabled;
// "" if neither has.
func whyDisabled(ctx context.Context, c client.Client, taskQueue string, of *flow.Flow) (string, error) {
	holds, err := visibility.Holds(ctx, c, taskQueue, of.Name)
	if err != nil {
		return "", err
	}
	if hold := disabledHold(holds); hold != nil {
		return disabledBy(*hold), nil
	}
	if !of.Enabled {
		return disabledByFile, nil
	}
	return "", nil
}

// refuseDisabled returns an error if a person has disabled the flow.
func refuseDisabled(ctx context.Context, taskQueue, flowName string) error {
	return changeTemporal(ctx, func(c client.Client, _ config.Worker) error {
		holds, err := visibility.Holds(ctx, c, taskQueue, flowName)
		if err != nil {
			return err
		}
		if hold := disabledHold(holds); hold != nil {
			return heldError([]contract.Hold{*hold})
		}
		return nil
	})
}

// pauseDisabled pauses a schedule whose flow is disabled, as whyDisabled says, and resumes it
// once the flow is enabled. One that a person has paused stays as it is.
func pauseDisabled(state *client.ScheduleState, disabled string) {
	switch ours := strings.HasPrefix(state.Note, disabledNote); {
	case state.Paused && !ours:
	case disabled != "":
		state.Paused, state.Note = true, disabled
	case ours:
		state.Paused, state.Note = false, ""
	}
}

// pauseSchedules does so with the schedules of a flow, and says which it paused or resumed.
func pauseSchedules(ctx context.Context, c client.Client, w io.Writer, flowName, disabled string) error {
	ids := []string{scheduleID(flowName)}
	for _, daily := range dailySchedules {
		ids = append(ids, daily.id(flowName))
	}
	for _, id := range ids {
		handle := c.ScheduleClient().GetHandle(ctx, id)
		described, err := handle.Describe(ctx)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		before, state := *described.Schedule.State, *described.Schedule.State
		pauseDisabled(&state, disabled)
		var said text.Text
		switch {
		case state.Paused && state != before:
			said, err = text.New("%s: paused", id), handle.Pause(ctx, client.SchedulePauseOptions{Note: state.Note})
		case before.Paused && !state.Paused:
			said, err = text.New("%s: resumed", id), handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: text.Sprintf("the flow is enabled")})
		case state.Paused:
			said = text.New("%s stays paused: %s", id, noteOf(state.Note))
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		say(w, said.String())
	}
	return nil
}
