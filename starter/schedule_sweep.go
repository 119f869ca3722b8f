package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// The sweep of a flow has a schedule of its own, which is created, updated, paused and
// deleted with the flow's. Its runs, like those by hand, move no watermark.

func sweepID(flowName string) string { return "sweep/" + flowName }

// putSweep creates or updates the schedule of the flow's sweep, or deletes it if the flow
// file has none. A schedule that exists stays paused or active. done says what was done.
func putSweep(ctx context.Context, c client.Client, of *flow.Flow, taskQueue string, paused bool) (done string, err error) {
	handle := c.ScheduleClient().GetHandle(ctx, sweepID(of.Name))
	if of.Sweep == nil {
		return text.Sprintf("deleted: %s", handle.GetID()), ignoreNotFound(handle.Delete(ctx))
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
		return text.Sprintf("updated: %s", handle.GetID()), err
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
		return "", text.Errorf("the schedule of the sweep can't be created: %w", err)
	}
	return text.Sprintf("created: %s", handle.GetID()), nil
}

// sweepCatchUp is how late a sweep still starts: it is daily, and must not be missed for an
// hour without the server.
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
		StaticSummary: text.Sprintf("%s sweep", of.Name),
		StaticDetails: of.Title + "\n\n" + runDetails(),
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
	// NextRun is when the next begins, in Beijing time; null if it is paused.
	NextRun *time.Time `json:"next_run"`
	// LastRuns are the latest runs, the newest first.
	LastRuns []startedRun `json:"last_runs"`
}

// describeSweep is nil for a flow without a sweep.
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
		Use:     "sweep",
		Short:   text.Sprintf("Start the sweep of a flow now, even while paused; the watermark stays"),
		Example: `  starter schedule sweep --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return changeTemporal(cmd.Context(), func(c client.Client) error {
				if err := startSweep(cmd.Context(), c.ScheduleClient(), flowName); err != nil {
					return err
				}
				say(cmd.OutOrStdout(), text.Sprintf("sweep started; to see what it found: starter status --flow %s", flowName))
				return nil
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

func startSweep(ctx context.Context, schedules client.ScheduleClient, flowName string) error {
	err := schedules.GetHandle(ctx, sweepID(flowName)).Trigger(ctx, client.ScheduleTriggerOptions{})
	if isNotFound(err) {
		// The two schedules are created and deleted together.
		if _, err := schedules.GetHandle(ctx, scheduleID(flowName)).Describe(ctx); err != nil {
			return scheduleError(flowName, err)
		}
		return text.Errorf("flow %s has no sweep: add checks.sweep to its file, then use starter schedule update", flowName)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", sweepID(flowName), err)
	}
	return nil
}
