package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/workflows"
)

const (
	// scheduleIDPrefix stands before the flow's name in the id of its schedule.
	scheduleIDPrefix = "schedule/"
	// defaultCatchUp is how late a run may start after the server was down. It is short,
	// because one run catches up; Temporal's own default is a year.
	defaultCatchUp = 10 * time.Minute
)

func scheduleID(flowName string) string { return scheduleIDPrefix + flowName }

func newScheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: text.Sprintf("Run a flow automatically, by Temporal Schedules"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newScheduleCreateCommand(), newScheduleUpdateCommand(), newScheduleListCommand(), newScheduleShowCommand(),
		newSchedulePauseCommand(), newScheduleResumeCommand(), newScheduleTriggerCommand(), newScheduleSweepCommand(), newScheduleBackfillCommand(), newScheduleDeleteCommand())
	return cmd
}

// addFlowFlag adds the flag that names the flow, and requires it.
func addFlowFlag(cmd *cobra.Command, flowName *string) {
	cmd.Flags().StringVar(flowName, "flow", "", text.Sprintf("name of the flow"))
	requireFlags(cmd, "flow")
}

// scheduleFlags set a schedule up. Those that are not given leave a schedule that exists as
// it is.
type scheduleFlags struct {
	flow            string
	times           timesFlags
	catchUp, jitter time.Duration
	pauseOnFailure  bool
	paused          bool
	since           string
	output          output
}

func (f *scheduleFlags) add(cmd *cobra.Command) {
	f.times.add(cmd)
	cmd.Flags().DurationVar(&f.catchUp, "catch-up", defaultCatchUp, text.Sprintf("how late a run still starts after the server was down"))
	cmd.Flags().DurationVar(&f.jitter, "jitter", 0, text.Sprintf("start each run later by a random time up to this"))
	cmd.Flags().BoolVar(&f.pauseOnFailure, "pause-on-failure", false, text.Sprintf("pause after a run fails"))
	cmd.Flags().StringVar(&f.since, "since", "", sinceUsage())
	addOutputFlag(cmd, &f.output)
	addFlowFlag(cmd, &f.flow)
}

func newScheduleCreateCommand() *cobra.Command {
	var flags scheduleFlags
	cmd := &cobra.Command{
		Use:   "create",
		Short: text.Sprintf("Create the schedule of a flow, or update it if it exists"),
		Long: text.Sprintf(`Create the schedule of a flow, or update it if it exists; it keeps its watermark. The times are those of checks.schedule in the flow file, unless flags override them.
The first run starts from --since; by default from the last watermark, such as that of a deleted schedule, or else from source.since in the flow file.`),
		Example: `  starter schedule create --flow refund_to_return --since 2024-03-01
  starter schedule create --flow refund_to_return --since last
  starter schedule create --flow refund_to_return --cron "*/10 8-22 * * *"`,
		RunE: func(cmd *cobra.Command, _ []string) error { return createSchedule(cmd, flags, true) },
	}
	cmd.Flags().BoolVar(&flags.paused, "paused", false, text.Sprintf("create it paused"))
	flags.add(cmd)
	return cmd
}

func newScheduleUpdateCommand() *cobra.Command {
	var flags scheduleFlags
	cmd := &cobra.Command{
		Use:   "update",
		Short: text.Sprintf("Change what the flags name, and nothing else"),
		Long: text.Sprintf(`Change what the flags name, and nothing else. The times change only by --cron, --not-between and --time-zone. If the flow has been enabled or disabled, its schedule is resumed or paused.
To use the times that checks.schedule in the flow file has now, use starter schedule create.`),
		Example: `  starter schedule update --flow refund_to_return --jitter 30s
  starter schedule update --flow refund_to_return --not-between 01:00-05:30`,
		RunE: func(cmd *cobra.Command, _ []string) error { return createSchedule(cmd, flags, false) },
	}
	flags.add(cmd)
	return cmd
}

// createSchedule creates a schedule, or updates the one that exists.
func createSchedule(cmd *cobra.Command, flags scheduleFlags, create bool) error {
	if err := checkSince(flags.since); err != nil {
		return usageError(cmd, err)
	}
	settings, f, err := loadFlow(cmd, flags.flow)
	if err != nil {
		return err
	}
	named, err := flags.times.named()
	var times flow.Schedule
	if create {
		times, err = flags.times.times(f)
	}
	if err != nil {
		return usageError(cmd, err)
	}
	change := func(old client.ScheduleSpec) client.ScheduleSpec { return changedSpec(old, named) }
	if create {
		change = func(old client.ScheduleSpec) client.ScheduleSpec { return scheduleSpec(times, old.Jitter) }
	}
	return changeTemporal(cmd.Context(), func(c client.Client, _ config.Worker) error {
		ctx := cmd.Context()
		disabled, err := whyDisabled(ctx, c, settings.TaskQueue, f)
		if err != nil {
			return err
		}
		handle := c.ScheduleClient().GetHandle(ctx, scheduleID(f.Name))
		described, err := handle.Describe(ctx)
		switch {
		case isNotFound(err) && create:
			if running, err := runningCron(ctx, c, f.Name); err != nil {
				return err
			} else if running != nil {
				return text.Errorf("flow %[1]s runs by cron, and both would run; stop that first: starter cron stop --flow %[1]s", f.Name)
			}
			if err := flags.create(cmd, c, f, times, settings.TaskQueue, disabled); err != nil {
				return err
			}
			say(cmd.ErrOrStderr(), text.Sprintf("created: %s", handle.GetID()))
		case err != nil:
			return scheduleError(f.Name, err)
		default:
			if flags.since != "" && described.Info.NumActions > 0 {
				say(cmd.ErrOrStderr(), text.Sprintf("Note: this schedule has run; --since counts only while it has no watermark."))
			}
			if err := flags.update(cmd, c, handle, f, change, settings.TaskQueue, disabled); err != nil {
				return scheduleError(f.Name, err)
			}
			say(cmd.ErrOrStderr(), text.Sprintf("updated: %s", handle.GetID()))
			if kept := change(*described.Schedule.Spec); !create && named.Cron == nil && len(f.Schedule.Cron) > 0 && !hasTimes(&kept, f.Schedule) {
				say(cmd.ErrOrStderr(), text.Sprintf("Note: the schedule keeps its times, which differ from checks.schedule in the flow file; to use those, use starter schedule create."))
			}
		}
		for _, daily := range dailySchedules {
			done, err := daily.put(ctx, c, f, settings.TaskQueue, flags.paused, disabled)
			if err != nil {
				return fmt.Errorf("%s: %w", daily.id(f.Name), err)
			}
			say(cmd.ErrOrStderr(), done)
		}
		return showSchedule(cmd, c, f.Name, flags.output)
	})
}

func (f *scheduleFlags) create(cmd *cobra.Command, c client.Client, of *flow.Flow, times flow.Schedule, taskQueue, disabled string) error {
	ctx := cmd.Context()
	in := workflows.SyncFlowInput{Flow: of.Name}
	if err := startAt(ctx, c, &in, f.since); err != nil {
		return err
	}
	if in.Watermark == nil && in.Since == nil && of.Source.Since.IsZero() && of.Source.SinceTS == nil {
		return text.Errorf("flow %s has no watermark and no source.since to start from: give a time with --since", of.Name)
	}
	say(cmd.ErrOrStderr(), text.Sprintf("the first run:"))
	sayEstimate(ctx, c, cmd.ErrOrStderr(), taskQueue, in, false)
	options := client.ScheduleOptions{
		ID:     scheduleID(of.Name),
		Spec:   scheduleSpec(times, f.jitter),
		Action: scheduleAction(of, taskQueue, in),
		// No run overtakes another: the next covers the time of one that is skipped.
		Overlap:        enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow:  f.catchUp,
		PauseOnFailure: f.pauseOnFailure,
		Paused:         f.paused || disabled != "",
		Note:           disabled,
	}
	if _, err := c.ScheduleClient().Create(ctx, options); err != nil {
		return text.Errorf("the schedule can't be created: %w", err)
	}
	return nil
}

func (f *scheduleFlags) update(cmd *cobra.Command, c client.Client, handle client.ScheduleHandle, of *flow.Flow, change func(client.ScheduleSpec) client.ScheduleSpec, taskQueue, disabled string) error {
	in := workflows.SyncFlowInput{Flow: of.Name}
	if f.since != "" {
		if err := startAt(cmd.Context(), c, &in, f.since); err != nil {
			return err
		}
	}
	return handle.Update(cmd.Context(), client.ScheduleUpdateOptions{DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		schedule := input.Description.Schedule
		spec := change(*schedule.Spec)
		if cmd.Flags().Changed("jitter") {
			spec.Jitter = f.jitter
		}
		schedule.Spec = &spec
		schedule.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP
		if cmd.Flags().Changed("catch-up") {
			schedule.Policy.CatchupWindow = f.catchUp
		}
		if cmd.Flags().Changed("pause-on-failure") {
			schedule.Policy.PauseOnFailure = f.pauseOnFailure
		}
		action := scheduleAction(of, taskQueue, in)
		if old, ok := schedule.Action.(*client.ScheduleWorkflowAction); ok && f.since == "" {
			action.Args = old.Args
		}
		schedule.Action = action
		pauseDisabled(schedule.State, disabled)
		return &client.ScheduleUpdate{Schedule: &schedule}, nil
	}})
}

// scheduleAction starts a run. The server appends the time to its workflow id.
func scheduleAction(of *flow.Flow, taskQueue string, in workflows.SyncFlowInput) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID:            autoWorkflowID(of.Name),
		Workflow:      workflows.SyncFlowName,
		Args:          []any{in},
		TaskQueue:     taskQueue,
		StaticSummary: text.Sprintf("%s by schedule", of.Name),
		StaticDetails: of.Title + "\n\n" + runDetails(),
	}
}

func newSchedulePauseCommand() *cobra.Command {
	var flowName, note string
	cmd := &cobra.Command{
		Use:     "pause",
		Short:   text.Sprintf("Pause the schedule of a flow; a run under way goes on"),
		Example: `  starter schedule pause --flow refund_to_return --note "stock-taking"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSchedules(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				return text.Sprintf("%s: paused", flowName), handle.Pause(cmd.Context(), client.SchedulePauseOptions{Note: note})
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", text.Sprintf("paused by starter"), text.Sprintf("why"))
	addFlowFlag(cmd, &flowName)
	return cmd
}

func newScheduleResumeCommand() *cobra.Command {
	var flowName, note string
	cmd := &cobra.Command{
		Use:     "resume",
		Short:   text.Sprintf("Resume the schedule of a flow; the next run covers the time that was missed"),
		Example: `  starter schedule resume --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			if !f.Enabled {
				return text.Errorf("flow %s is disabled: set checks.enabled to true in its file, restart the worker, then use starter schedule update", f.Name)
			}
			if err := refuseDisabled(cmd.Context(), settings.TaskQueue, flowName); err != nil {
				return err
			}
			return withSchedules(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				return text.Sprintf("%s: resumed", flowName), handle.Unpause(cmd.Context(), client.ScheduleUnpauseOptions{Note: note})
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", text.Sprintf("resumed by starter"), text.Sprintf("why"))
	addFlowFlag(cmd, &flowName)
	return cmd
}

func newScheduleTriggerCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:     "trigger",
		Short:   text.Sprintf("Start a run of the schedule now, even while paused; it moves the watermark"),
		Example: `  starter schedule trigger --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return changeTemporal(cmd.Context(), func(c client.Client, settings config.Worker) error {
				if err := refuseHeld(cmd.Context(), c, settings.TaskQueue, flowName); err != nil {
					return err
				}
				handle := c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(flowName))
				described, err := handle.Describe(cmd.Context())
				if err != nil {
					return scheduleError(flowName, err)
				}
				if running := described.Info.RunningWorkflows; len(running) > 0 {
					say(cmd.OutOrStdout(), text.Sprintf("%s: a run is under way already: %s", flowName, running[0].WorkflowID))
					return nil
				}
				if err := handle.Trigger(cmd.Context(), client.ScheduleTriggerOptions{}); err != nil {
					return scheduleError(flowName, err)
				}
				say(cmd.OutOrStdout(), text.Sprintf("%[1]s: triggered; to see it: starter schedule show --flow %[1]s", flowName))
				return nil
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

// Temporal's own backfill starts a run for each time of the schedule within the range. Such
// a run is incremental, from the watermark to now, and would not read the range. So this
// backfill is a run by hand over the range, which moves no watermark.
func newScheduleBackfillCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: text.Sprintf("Sync a range by hand, as starter run --from --to does; the watermark stays"),
		Long: text.Sprintf(`Sync a range by hand, as starter run --from --to does; the watermark stays.
Temporal's own backfill is not used: it would start an incremental run for each time missed, which does not read the range.`),
		Example: `  starter schedule backfill --flow refund_to_return --from 2024-03-01 --to 2024-03-03 --wait`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return usageError(cmd, err)
			}
			span, err := parseRange(flags.from, flags.to)
			if err != nil {
				return usageError(cmd, err)
			}
			return runRange(cmd, flags, span)
		},
	}
	flags.addFlags(cmd)
	requireFlags(cmd, "flow", "from", "to")
	alsoExits(cmd, exitWithFailures, exitInterrupted)
	return cmd
}

func newScheduleDeleteCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:     "delete",
		Short:   text.Sprintf("Delete the schedule of a flow; --since last still finds its watermark"),
		Example: `  starter schedule delete --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSchedules(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				return text.Sprintf("%s: deleted; within the namespace's retention, a new schedule goes on from the last watermark", flowName),
					handle.Delete(cmd.Context())
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

// withSchedules changes the schedule of a flow and those of what it does daily, and prints what
// was done.
func withSchedules(cmd *cobra.Command, flowName string, do func(client.ScheduleHandle) (done string, err error)) error {
	return changeOne(cmd.Context(), func(c client.Client) (string, error) {
		described, err := c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(flowName)).Describe(cmd.Context())
		if err != nil {
			return "", scheduleError(flowName, err)
		}
		action, _ := described.Schedule.Action.(*client.ScheduleWorkflowAction)
		if action == nil {
			return "", nil
		}
		return action.TaskQueue, nil
	}, func(c client.Client) error {
		done, err := do(c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(flowName)))
		if err != nil {
			return scheduleError(flowName, err)
		}
		for _, daily := range dailySchedules {
			_, err := do(c.ScheduleClient().GetHandle(cmd.Context(), daily.id(flowName)))
			if err := ignoreNotFound(err); err != nil {
				return fmt.Errorf("%s: %w", daily.id(flowName), err)
			}
		}
		say(cmd.OutOrStdout(), done)
		return nil
	})
}

func scheduleError(flowName string, err error) error {
	if isNotFound(err) {
		return text.Errorf("flow %[1]s has no schedule; create one: starter schedule create --flow %[1]s", flowName)
	}
	return fmt.Errorf("%s: %w", scheduleID(flowName), err)
}

func isNotFound(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}
