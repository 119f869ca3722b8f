package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

const (
	// scheduleIDPrefix stands before the flow's name in the id of its schedule.
	scheduleIDPrefix = "schedule/"
	// defaultCatchUp is how late a run may start after the server was down. One
	// is enough to catch up, so it is short; Temporal's own default is a year.
	defaultCatchUp = 10 * time.Minute
	// disabledNote is the note of a schedule that is paused because its flow is
	// not enabled; it ends when the flow is enabled again.
	disabledNote = "流程已停用 the flow is disabled (checks.enabled: false)"
)

func scheduleID(flowName string) string { return scheduleIDPrefix + flowName }

func newScheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "定时自动运行（Temporal Schedules）run a flow by itself, by Temporal Schedules",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newScheduleCreateCommand(), newScheduleUpdateCommand(), newScheduleListCommand(), newScheduleShowCommand(),
		newSchedulePauseCommand(), newScheduleResumeCommand(), newScheduleTriggerCommand(), newScheduleSweepCommand(), newScheduleBackfillCommand(), newScheduleDeleteCommand())
	for _, command := range cmd.Commands() {
		command.Args = usageArgs(command.Args)
	}
	return cmd
}

// addFlowFlag adds the flag that names the flow, and demands it.
func addFlowFlag(cmd *cobra.Command, flowName *string) {
	cmd.Flags().StringVar(flowName, "flow", "", "流程名 name of the flow")
	requireFlags(cmd, "flow")
}

// scheduleFlags set a schedule up. On a schedule that exists, those that are not
// given leave it as it is.
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
	cmd.Flags().DurationVar(&f.catchUp, "catch-up", defaultCatchUp, "服务器停机后，晚多久的运行还补一次 how late a run still starts after the server was down")
	cmd.Flags().DurationVar(&f.jitter, "jitter", 0, "随机推迟的最长时间 a run starts up to so much later, at random")
	cmd.Flags().BoolVar(&f.pauseOnFailure, "pause-on-failure", false, "运行失败后暂停 pause after a run that failed")
	cmd.Flags().StringVar(&f.since, "since", "", sinceUsage)
	addOutputFlag(cmd, &f.output)
	addFlowFlag(cmd, &f.flow)
}

func newScheduleCreateCommand() *cobra.Command {
	var flags scheduleFlags
	cmd := &cobra.Command{
		Use:   "create",
		Short: "创建；已存在则更新 create a schedule, or update it if it exists",
		Long: `为流程创建定时；已存在则更新，水位保留。时间取自流程文件的 checks.schedule，除非用参数给出。
第一次从哪里开始：--since；省略时从上次水位（例如定时被删除前的），没有则从流程文件的 source.since。
Creates the schedule of a flow, or updates it if it exists, which keeps its watermark. The times are those of checks.schedule in the flow file, unless flags say otherwise.
Where the first run starts: --since; if left out the last watermark, such as that of a schedule that was deleted, or else source.since in the flow file.`,
		Example: `  starter schedule create --flow refund_to_return --since "2024-03-01 00:00:00"
  starter schedule create --flow refund_to_return --since last
  starter schedule create --flow refund_to_return --cron "*/10 8-22 * * *" --cron "0 0-7 * * *" --not-between 02:00-04:30`,
		RunE: func(cmd *cobra.Command, _ []string) error { return createSchedule(cmd, flags, true) },
	}
	cmd.Flags().BoolVar(&flags.paused, "paused", false, "创建后先暂停 begin paused")
	flags.add(cmd)
	return cmd
}

func newScheduleUpdateCommand() *cobra.Command {
	var flags scheduleFlags
	cmd := &cobra.Command{
		Use:   "update",
		Short: "更新所给的参数，其余不变 change what the flags name, and nothing else",
		Long: `只改参数写明的，其余不变：时间也不变，除非给出 --cron、--not-between 或 --time-zone。流程文件启用或停用了流程时，照此恢复或暂停。
要改用流程文件现在的 checks.schedule，用 starter schedule create。
Changes what the flags name and nothing else: the times too stay as they are but for --cron, --not-between and --time-zone. A flow that its file has enabled or disabled is resumed or paused.
To take the times that checks.schedule in the flow file has now, use starter schedule create.`,
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
	return changeTemporal(cmd.Context(), func(c client.Client) error {
		ctx := cmd.Context()
		handle := c.ScheduleClient().GetHandle(ctx, scheduleID(f.Name))
		described, err := handle.Describe(ctx)
		switch {
		case isNotFound(err) && create:
			if running, err := runningCron(ctx, c, f.Name); err != nil {
				return err
			} else if running != nil {
				return fmt.Errorf("流程 %[1]s 已由 cron 运行，两者会各自运行：先 starter cron stop --flow %[1]s。 The flow runs by cron, and each would run by itself: stop that first", f.Name)
			}
			if err := flags.create(cmd, c, f, times, settings.TaskQueue); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "已创建 created: %s\n", handle.GetID())
		case err != nil:
			return scheduleError(f.Name, err)
		default:
			if flags.since != "" && described.Info.NumActions > 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "注意：该定时已运行过，--since 仅在它还没有水位时有效。 Note: this schedule has run; --since counts only while it has no watermark")
			}
			if err := flags.update(cmd, c, handle, f, change, settings.TaskQueue); err != nil {
				return scheduleError(f.Name, err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "已更新 updated: %s\n", handle.GetID())
			if kept := change(*described.Schedule.Spec); !create && named.Cron == nil && len(f.Schedule.Cron) > 0 && !hasTimes(&kept, f.Schedule) {
				fmt.Fprintln(cmd.ErrOrStderr(), "注意：定时的时间与流程文件的 checks.schedule 不同，保持不变；要改用文件里的，用 starter schedule create。"+
					" Note: its times are other than checks.schedule in the flow file, and stay; to take the file's, use starter schedule create")
			}
		}
		done, err := putSweep(ctx, c, f, settings.TaskQueue, flags.paused)
		if err != nil {
			return fmt.Errorf("%s: %w", sweepID(f.Name), err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", done, sweepID(f.Name))
		return showSchedule(cmd, c, f.Name, flags.output)
	})
}

func (f *scheduleFlags) create(cmd *cobra.Command, c client.Client, of *flow.Flow, times flow.Schedule, taskQueue string) error {
	ctx := cmd.Context()
	in := workflows.SyncRefundsInput{Flow: of.Name}
	if err := startAt(ctx, c, &in, f.since); err != nil {
		return err
	}
	if in.Watermark == nil && in.Since == nil && of.Source.Since.IsZero() && of.Source.SinceTS == nil {
		return fmt.Errorf("不知道第一次从哪里开始：流程 %[1]s 没有水位，也没有 source.since。请用 --since 给出时间。"+
			" It is unknown where the first run starts: flow %[1]s has no watermark and no source.since. Give a time by --since", of.Name)
	}
	fmt.Fprint(cmd.ErrOrStderr(), "首次运行 the first run: ")
	sayEstimate(ctx, c, cmd.ErrOrStderr(), taskQueue, in)
	options := client.ScheduleOptions{
		ID:     scheduleID(of.Name),
		Spec:   scheduleSpec(times, f.jitter),
		Action: scheduleAction(of, taskQueue, in),
		// A run that is late is not overtaken: the next one covers its time too.
		Overlap:        enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow:  f.catchUp,
		PauseOnFailure: f.pauseOnFailure,
		Paused:         f.paused || !of.Enabled,
	}
	if !of.Enabled {
		options.Note = disabledNote
	}
	if _, err := c.ScheduleClient().Create(ctx, options); err != nil {
		return fmt.Errorf("无法创建定时 the schedule can't be created: %w", err)
	}
	return nil
}

func (f *scheduleFlags) update(cmd *cobra.Command, c client.Client, handle client.ScheduleHandle, of *flow.Flow, change func(client.ScheduleSpec) client.ScheduleSpec, taskQueue string) error {
	in := workflows.SyncRefundsInput{Flow: of.Name}
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
		switch {
		case !of.Enabled:
			schedule.State.Paused, schedule.State.Note = true, disabledNote
		case schedule.State.Note == disabledNote:
			schedule.State.Paused, schedule.State.Note = false, ""
		}
		return &client.ScheduleUpdate{Schedule: &schedule}, nil
	}})
}

// scheduleAction starts a run. The server appends the time to its workflow id.
func scheduleAction(of *flow.Flow, taskQueue string, in workflows.SyncRefundsInput) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID:            autoWorkflowID(of.Name),
		Workflow:      workflows.SyncRefundsName,
		Args:          []any{in},
		TaskQueue:     taskQueue,
		StaticSummary: of.Name + " 定时 by schedule",
		StaticDetails: of.Title + "\n\n" + runDetails,
	}
}

func newSchedulePauseCommand() *cobra.Command {
	var flowName, note string
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "暂停；在途的运行会继续 pause; a run under way goes on",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSchedules(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				return "已暂停 paused", handle.Pause(cmd.Context(), client.SchedulePauseOptions{Note: note})
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "由 starter 暂停 paused by starter", "原因 why")
	addFlowFlag(cmd, &flowName)
	return cmd
}

func newScheduleResumeCommand() *cobra.Command {
	var flowName, note string
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "继续；错过的时间由下一次运行补上 resume; the next run covers the time that was missed",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			if !f.Enabled {
				return fmt.Errorf("流程 %[1]s 已停用：先把流程文件的 checks.enabled 改为 true，重启 worker，再 starter schedule update。"+
					" Flow %[1]s is disabled: set checks.enabled to true in its file, restart the worker, then use starter schedule update", f.Name)
			}
			return withSchedules(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				return "已继续 resumed", handle.Unpause(cmd.Context(), client.ScheduleUnpauseOptions{Note: note})
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "由 starter 继续 resumed by starter", "原因 why")
	addFlowFlag(cmd, &flowName)
	return cmd
}

func newScheduleTriggerCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:   "trigger",
		Short: "立即运行一次，移动水位；暂停时也可 run once now and move the watermark, also while paused",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSchedule(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				described, err := handle.Describe(cmd.Context())
				if err != nil {
					return "", err
				}
				if running := described.Info.RunningWorkflows; len(running) > 0 {
					return "已有运行，不再启动 under way already, none is started: " + running[0].WorkflowID, nil
				}
				return "已触发，查看 triggered; to see it: starter schedule show", handle.Trigger(cmd.Context(), client.ScheduleTriggerOptions{})
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

// Temporal's own backfill acts as if the schedule had come due at each time of
// the range: each such run would be incremental and go from the watermark to
// now, and the range itself would not be read. So a backfill here is a run by
// hand over the range, which moves no watermark.
func newScheduleBackfillCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "补同步一个时段，不移动水位 sync a range anew; the watermark stays",
		Long: `补同步一个时段：与 starter run --from --to 相同，是手工运行，不移动水位。
（Temporal 自带的 backfill 会按错过的时刻各启动一次增量运行，读的不是该时段，所以不用它。）
Syncs a range anew. It is the run by hand of starter run --from --to, and moves no watermark.
(Temporal's own backfill would start an incremental run for each time missed, which would not read the range; so it is not used.)`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
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
	return cmd
}

func newScheduleDeleteCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "删除；水位仍可用 --since last 找回 delete; --since last finds the watermark again",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSchedules(cmd, flowName, func(handle client.ScheduleHandle) (string, error) {
				return "已删除。在命名空间的保留期内，重新创建时从上次水位继续。 Deleted. One created anew goes on from the last watermark, within the namespace's retention",
					handle.Delete(cmd.Context())
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

// withSchedule does something to the schedule of a flow and says what was done.
func withSchedule(cmd *cobra.Command, flowName string, do func(client.ScheduleHandle) (done string, err error)) error {
	return changeTemporal(cmd.Context(), func(c client.Client) error {
		done, err := do(c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(flowName)))
		if err != nil {
			return scheduleError(flowName, err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", flowName, done)
		return err
	})
}

// withSchedules is withSchedule for the schedule of a flow and that of its sweep.
func withSchedules(cmd *cobra.Command, flowName string, do func(client.ScheduleHandle) (done string, err error)) error {
	return changeTemporal(cmd.Context(), func(c client.Client) error {
		done, err := do(c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(flowName)))
		if err != nil {
			return scheduleError(flowName, err)
		}
		_, err = do(c.ScheduleClient().GetHandle(cmd.Context(), sweepID(flowName)))
		if err := ignoreNotFound(err); err != nil {
			return fmt.Errorf("%s: %w", sweepID(flowName), err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", flowName, done)
		return err
	})
}

func scheduleError(flowName string, err error) error {
	if isNotFound(err) {
		return fmt.Errorf("流程 %[1]s 没有定时：用 starter schedule create --flow %[1]s 创建。 The flow has no schedule: create one", flowName)
	}
	return fmt.Errorf("%s: %w", scheduleID(flowName), err)
}

func isNotFound(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}
