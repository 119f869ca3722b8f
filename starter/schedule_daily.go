package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// dailySchedule is the schedule of what a flow does once a day besides its runs. It is
// created, updated, paused, resumed and deleted with the flow's.
type dailySchedule struct {
	// name is the key of the flow's checks, and stands before the flow's name in the
	// schedule's id.
	name string
	// of is what the flow file says; nil for nothing.
	of func(*flow.Flow) *flow.Daily
	// workflow and input are started.
	workflow string
	input    func(*flow.Flow) any
	// summary and details are what the Web UI shows of it.
	summary func(*flow.Flow) string
	details func() string
}

var (
	// A sweep, like a run by hand, moves no watermark.
	sweepSchedule = dailySchedule{
		name: "sweep", of: func(f *flow.Flow) *flow.Daily { return f.Sweep },
		workflow: workflows.SyncFlowName,
		input:    func(f *flow.Flow) any { return workflows.SyncFlowInput{Flow: f.Name, Sweep: true} },
		summary:  func(f *flow.Flow) string { return text.Sprintf("%s sweep", f.Name) },
		details:  runDetails,
	}
	reconcileSchedule = dailySchedule{
		name: "reconcile", of: func(f *flow.Flow) *flow.Daily { return f.Reconcile },
		workflow: workflows.ReconcileName,
		input:    func(f *flow.Flow) any { return workflows.ReconcileInput{Flow: f.Name, Days: f.Reconcile.Days} },
		summary:  func(f *flow.Flow) string { return text.Sprintf("%s reconciliation", f.Name) },
		details: func() string {
			return text.Sprintf("The orders of the last whole days are compared with Kingdee's bills, line by line. The alerts tell of differences.")
		},
	}
	dailySchedules = []dailySchedule{sweepSchedule, reconcileSchedule}
)

func (d dailySchedule) id(flowName string) string { return d.name + "/" + flowName }

// put creates or updates the schedule, or deletes it if the flow file has none. A schedule
// that exists stays paused or active, unless the flow was enabled or disabled; disabled is as
// whyDisabled gives it. done says what was done.
func (d dailySchedule) put(ctx context.Context, c client.Client, of *flow.Flow, taskQueue string, paused bool, disabled string) (done string, err error) {
	handle := c.ScheduleClient().GetHandle(ctx, d.id(of.Name))
	if d.of(of) == nil {
		return text.Sprintf("deleted: %s", handle.GetID()), ignoreNotFound(handle.Delete(ctx))
	}
	spec, action := d.spec(of), d.action(of, taskQueue)
	err = handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		schedule := input.Description.Schedule
		schedule.Spec, schedule.Action = &spec, action
		pauseDisabled(schedule.State, disabled)
		return &client.ScheduleUpdate{Schedule: &schedule}, nil
	}})
	if !isNotFound(err) {
		return text.Sprintf("updated: %s", handle.GetID()), err
	}
	options := client.ScheduleOptions{
		ID: handle.GetID(), Spec: spec, Action: action,
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: dailyCatchUp,
		Paused:        paused || disabled != "",
		Note:          disabled,
	}
	if _, err := c.ScheduleClient().Create(ctx, options); err != nil {
		return "", text.Errorf("the schedule can't be created: %w", err)
	}
	return text.Sprintf("created: %s", handle.GetID()), nil
}

// dailyCatchUp is how late what is daily still starts: it must not be missed for an hour
// without the server.
const dailyCatchUp = 12 * time.Hour

func (d dailySchedule) spec(of *flow.Flow) client.ScheduleSpec {
	zone := of.Schedule.TimeZone
	if zone == "" {
		zone = "Asia/Shanghai"
	}
	at := d.of(of).At
	return scheduleSpec(flow.Schedule{Cron: []string{fmt.Sprintf("%d %d * * *", at%60, at/60)}, TimeZone: zone}, 0)
}

// action starts the workflow. The server appends the time to its id.
func (d dailySchedule) action(of *flow.Flow, taskQueue string) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID:            of.Name + "/" + d.name,
		Workflow:      d.workflow,
		Args:          []any{d.input(of)},
		TaskQueue:     taskQueue,
		StaticSummary: d.summary(of),
		StaticDetails: of.Title + "\n\n" + d.details(),
	}
}

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// shownDaily is a dailySchedule as show prints it.
type shownDaily struct {
	ID     string   `json:"id"`
	Cron   []string `json:"cron"`
	Paused bool     `json:"paused"`
	// NextRun is when the next begins, in Beijing time; null if it is paused.
	NextRun *time.Time `json:"next_run"`
	// LastRuns are the latest runs, the newest first.
	LastRuns []startedRun `json:"last_runs"`
}

// describe is nil for a flow without the schedule.
func (d dailySchedule) describe(ctx context.Context, c client.Client, flowName string) (*shownDaily, error) {
	described, err := c.ScheduleClient().GetHandle(ctx, d.id(flowName)).Describe(ctx)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var read shownSchedule
	read.read(described.Schedule.Spec, described.Info.NextActionTimes, described.Info.RecentActions)
	s := &shownDaily{ID: d.id(flowName), Cron: read.Cron, Paused: described.Schedule.State.Paused, LastRuns: read.LastRuns}
	if !s.Paused && len(read.NextRuns) > 0 {
		s.NextRun = &read.NextRuns[0]
	}
	return s, nil
}

// next is when the next begins, as people read it.
func (s *shownDaily) next() string {
	if s.NextRun == nil {
		return text.Sprintf("paused")
	}
	return s.NextRun.Format(time.DateTime)
}

// newScheduleSweepCommand begins a sweep now, as its schedule would.
func newScheduleSweepCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:     "sweep",
		Short:   text.Sprintf("Start the sweep of a flow now, even while paused; the watermark stays"),
		Example: `  starter schedule sweep --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return changeTemporal(cmd.Context(), func(c client.Client, settings config.Worker) error {
				if err := refuseHeld(cmd.Context(), c, settings.TaskQueue, flowName); err != nil {
					return err
				}
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
	err := schedules.GetHandle(ctx, sweepSchedule.id(flowName)).Trigger(ctx, client.ScheduleTriggerOptions{})
	if isNotFound(err) {
		// The schedules are created and deleted together.
		if _, err := schedules.GetHandle(ctx, scheduleID(flowName)).Describe(ctx); err != nil {
			return scheduleError(flowName, err)
		}
		return text.Errorf("flow %s has no sweep: add checks.sweep to its file, then use starter schedule update", flowName)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", sweepSchedule.id(flowName), err)
	}
	return nil
}
