package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

// The sweep of a flow has a schedule of its own, beside the flow's: it is made, changed,
// paused and deleted with that one. Its runs are as those by hand, and move no watermark.

func sweepID(flowName string) string { return "sweep/" + flowName }

// putSweep makes the schedule of the flow's sweep what the flow file says, or takes it
// away where that has none. One that exists stays paused or active.
func putSweep(ctx context.Context, c client.Client, of *flow.Flow, taskQueue string, paused bool) (done string, err error) {
	handle := c.ScheduleClient().GetHandle(ctx, sweepID(of.Name))
	if of.Sweep == nil {
		return "已删除 deleted", ignoreNotFound(handle.Delete(ctx))
	}
	spec, action := sweepSpec(of), sweepAction(of, taskQueue)
	err = handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		schedule := input.Description.Schedule
		schedule.Spec, schedule.Action = &spec, action
		switch {
		case !of.Enabled:
			schedule.State.Paused, schedule.State.Note = true, disabledNote
		case schedule.State.Note == disabledNote:
			schedule.State.Paused, schedule.State.Note = false, ""
		}
		return &client.ScheduleUpdate{Schedule: &schedule}, nil
	}})
	if !isNotFound(err) {
		return "已更新 updated", err
	}
	options := client.ScheduleOptions{
		ID: handle.GetID(), Spec: spec, Action: action,
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: sweepCatchUp,
		Paused:        paused || !of.Enabled,
	}
	if !of.Enabled {
		options.Note = disabledNote
	}
	if _, err := c.ScheduleClient().Create(ctx, options); err != nil {
		return "", fmt.Errorf("无法创建复查的定时 the schedule of the sweep can't be created: %w", err)
	}
	return "已创建 created", nil
}

// sweepCatchUp is how late a sweep still starts: one a day is not to be missed for an
// hour's stop.
const sweepCatchUp = 12 * time.Hour

func sweepSpec(of *flow.Flow) client.ScheduleSpec {
	zone := of.Schedule.TimeZone
	if zone == "" {
		zone = "Asia/Shanghai"
	}
	return scheduleSpec(flow.Schedule{Cron: []string{fmt.Sprintf("%d %d * * *", of.Sweep.At%60, of.Sweep.At/60)}, TimeZone: zone}, 0)
}

// sweepAction starts a sweep. The server appends the time to its workflow id.
func sweepAction(of *flow.Flow, taskQueue string) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID:            of.Name + "/sweep",
		Workflow:      workflows.SyncRefundsName,
		Args:          []any{workflows.SyncRefundsInput{Flow: of.Name, Sweep: true}},
		TaskQueue:     taskQueue,
		StaticSummary: of.Name + " 复查 sweep",
		StaticDetails: of.Title + "\n\n" + runDetails,
	}
}

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// sweepSchedule is the schedule of a flow's sweep as show prints it.
type sweepSchedule struct {
	ID     string   `json:"id"`
	Cron   []string `json:"cron"`
	Paused bool     `json:"paused"`
	// NextRun is when the next begins, in Beijing time; null where it is paused.
	NextRun *time.Time `json:"next_run"`
	// LastRuns are the latest that it started, the newest first.
	LastRuns []startedRun `json:"last_runs"`
}

// describeSweep is nil for a flow that has none.
func describeSweep(ctx context.Context, c client.Client, flowName string) (*sweepSchedule, error) {
	described, err := c.ScheduleClient().GetHandle(ctx, sweepID(flowName)).Describe(ctx)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var read shownSchedule
	read.read(described.Schedule.Spec, described.Info.NextActionTimes, described.Info.RecentActions)
	s := &sweepSchedule{ID: sweepID(flowName), Cron: read.Cron, Paused: described.Schedule.State.Paused, LastRuns: read.LastRuns}
	if !s.Paused && len(read.NextRuns) > 0 {
		s.NextRun = &read.NextRuns[0]
	}
	return s, nil
}

// newScheduleSweepCommand begins a sweep now, as its schedule would.
func newScheduleSweepCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "立即复查一次（checks.sweep），不移动水位；暂停时也可 read again now, as checks.sweep says; the watermark stays; also while paused",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return changeTemporal(cmd.Context(), func(c client.Client) error {
				err := c.ScheduleClient().GetHandle(cmd.Context(), sweepID(flowName)).Trigger(cmd.Context(), client.ScheduleTriggerOptions{})
				if isNotFound(err) {
					return errors.New("这个流程没有复查的定时：流程文件要有 checks.sweep，再用 starter schedule create。 The flow has no schedule of a sweep: it needs checks.sweep, then create its schedule")
				}
				if err != nil {
					return fmt.Errorf("%s: %w", sweepID(flowName), err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: 已开始复查，结果见 started; to see what it found: starter status --flow %[1]s\n", flowName)
				return err
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}
