package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// shownSchedule is a schedule as show and list print it. Times are Beijing time.
type shownSchedule struct {
	ID         string   `json:"id"`
	Flow       string   `json:"flow"`
	Cron       []string `json:"cron"`
	TimeZone   string   `json:"time_zone"`
	NotBetween []string `json:"not_between"`
	Paused     bool     `json:"paused"`
	Note       string   `json:"note"`
	// NextRuns are the next times, whether the schedule is paused or not.
	NextRuns []time.Time `json:"next_runs"`
	// LastRuns are the latest runs, the newest first.
	LastRuns []startedRun `json:"last_runs"`

	// The rest is what show alone has.
	*scheduleDetails
}

type scheduleDetails struct {
	JitterSeconds  int       `json:"jitter_seconds"`
	CatchUpSeconds int       `json:"catch_up_seconds"`
	PauseOnFailure bool      `json:"pause_on_failure"`
	CreatedAt      time.Time `json:"created_at"`
	// Running are the runs of the schedule under way.
	Running []string `json:"running"`
	// Missed counts the runs that were due while the server was down for longer than the
	// catch-up window, SkippedOverlap those while another run was under way.
	Missed         int `json:"missed"`
	SkippedOverlap int `json:"skipped_overlap"`
	// Sweep and Reconcile are null for a flow without them.
	Sweep     *shownDaily `json:"sweep"`
	Reconcile *shownDaily `json:"reconcile"`
}

// startedRun is a run that a schedule started.
type startedRun struct {
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	StartedAt  time.Time `json:"started_at"`
}

func newScheduleListCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:     "list",
		Short:   text.Sprintf("List the schedules of all flows"),
		Example: `  starter schedule list`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return readTemporal(cmd, func(c client.Client) error {
				schedules, err := listSchedules(cmd.Context(), c)
				if err != nil {
					return err
				}
				if !scopeOf(cmd.Context()).all {
					_, flows, err := flowsOf(cmd.Context())
					if err != nil {
						return err
					}
					schedules = slices.DeleteFunc(schedules, func(s shownSchedule) bool { return flows[s.Flow] == nil })
				}
				if o == outputJSON {
					return writeJSON(cmd.OutOrStdout(), schedules)
				}
				if len(schedules) == 0 {
					say(cmd.ErrOrStderr(), text.Sprintf("There is no schedule."))
					return nil
				}
				t := newTable(cmd.OutOrStdout())
				t.AppendHeader(table.Row{text.New("Flow"), "cron", text.New("Time zone"), text.New("State"), text.New("Next run"), text.New("Last run")})
				for _, s := range schedules {
					t.AppendRow(table.Row{s.Flow, strings.Join(s.Cron, "\n"), s.TimeZone, s.state(), s.next(), s.last()})
				}
				t.keepWhole(1, 2, 3, 4, 5, 6)
				t.mayDrop(3, 6)
				t.Render()
				return nil
			})
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}

// listSchedules gives the schedules of all flows. The list lags by up to seconds.
func listSchedules(ctx context.Context, c client.Client) ([]shownSchedule, error) {
	schedules := []shownSchedule{}
	all, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, text.Errorf("schedules can't be listed: %w", err)
	}
	for all.HasNext() {
		entry, err := all.Next()
		if err != nil {
			return nil, text.Errorf("schedules can't be listed: %w", err)
		}
		if !strings.HasPrefix(entry.ID, scheduleIDPrefix) || entry.WorkflowType.Name != workflows.SyncFlowName {
			continue
		}
		s := shownSchedule{ID: entry.ID, Paused: entry.Paused, Note: entry.Note}
		s.read(entry.Spec, entry.NextActionTimes, entry.RecentActions)
		schedules = append(schedules, s)
	}
	return schedules, nil
}

func (s *shownSchedule) read(spec *client.ScheduleSpec, next []time.Time, recent []client.ScheduleActionResult) {
	s.Flow = strings.TrimPrefix(s.ID, scheduleIDPrefix)
	s.Cron, s.NotBetween, s.TimeZone = cronLines(spec), quietSpans(spec), spec.TimeZoneName
	s.NextRuns, s.LastRuns = []time.Time{}, []startedRun{}
	for _, t := range next {
		s.NextRuns = append(s.NextRuns, t.In(beijing.Zone))
	}
	for _, action := range recent {
		if run := action.StartWorkflowResult; run != nil {
			s.LastRuns = append([]startedRun{{run.WorkflowID, run.FirstExecutionRunID, action.ActualTime.In(beijing.Zone).Truncate(time.Second)}}, s.LastRuns...)
		}
	}
}

func (s *shownSchedule) state() string {
	if s.Paused {
		return text.Sprintf("paused")
	}
	return text.Sprintf("active")
}

func (s *shownSchedule) next() string {
	if s.Paused || len(s.NextRuns) == 0 {
		return "–"
	}
	return s.NextRuns[0].Format(time.DateTime)
}

func (s *shownSchedule) last() string {
	if len(s.LastRuns) == 0 {
		return "–"
	}
	return s.LastRuns[0].StartedAt.Format(time.DateTime)
}

func newScheduleShowCommand() *cobra.Command {
	var flowName string
	var o output
	cmd := &cobra.Command{
		Use:     "show",
		Short:   text.Sprintf("Show the schedule of a flow, with its next and last runs"),
		Example: `  starter schedule show --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return readTemporal(cmd, func(c client.Client) error { return showSchedule(cmd, c, flowName, o) })
		},
	}
	addOutputFlag(cmd, &o)
	addFlowFlag(cmd, &flowName)
	return cmd
}

func showSchedule(cmd *cobra.Command, c client.Client, flowName string, o output) error {
	s, err := describeSchedule(cmd.Context(), c, flowName)
	if err != nil {
		return scheduleError(flowName, err)
	}
	if o == outputJSON {
		return writeJSON(cmd.OutOrStdout(), s)
	}
	s.print(cmd.OutOrStdout())
	return nil
}

// describeSchedule gives the schedule of a flow; its error is Temporal's own.
func describeSchedule(ctx context.Context, c client.Client, flowName string) (shownSchedule, error) {
	s := shownSchedule{ID: scheduleID(flowName)}
	described, err := c.ScheduleClient().GetHandle(ctx, s.ID).Describe(ctx)
	if err != nil {
		return s, err
	}
	schedule, info := described.Schedule, described.Info
	s.Paused, s.Note = schedule.State.Paused, schedule.State.Note
	s.read(schedule.Spec, info.NextActionTimes, info.RecentActions)
	s.scheduleDetails = &scheduleDetails{
		JitterSeconds:  int(schedule.Spec.Jitter / time.Second),
		CatchUpSeconds: int(schedule.Policy.CatchupWindow / time.Second),
		PauseOnFailure: schedule.Policy.PauseOnFailure,
		CreatedAt:      info.CreatedAt.In(beijing.Zone).Truncate(time.Second),
		Running:        []string{},
		Missed:         info.NumActionsMissedCatchupWindow,
		SkippedOverlap: info.NumActionsSkippedOverlap,
	}
	for _, run := range info.RunningWorkflows {
		s.Running = append(s.Running, run.WorkflowID)
	}
	if s.Sweep, err = sweepSchedule.describe(ctx, c, flowName); err != nil {
		return s, err
	}
	s.Reconcile, err = reconcileSchedule.describe(ctx, c, flowName)
	return s, err
}

func yesOrNo(yes bool) string {
	if yes {
		return text.Sprintf("yes")
	}
	return text.Sprintf("no")
}

// orDash puts each on a line of its own.
func orDash(lines []string) string { return cmp.Or(strings.Join(lines, "\n"), "–") }

// runsShown bounds the next and the last runs that the table names.
const runsShown = 5

func (s *shownSchedule) print(w io.Writer) {
	t := newTable(w)
	t.SetTitle("%s", s.ID)
	t.AppendRow(table.Row{text.New("state"), s.state()})
	if s.Note != "" {
		t.AppendRow(table.Row{text.New("note"), noteOf(s.Note)})
	}
	t.AppendRow(table.Row{"cron", strings.Join(s.Cron, "\n")})
	t.AppendRow(table.Row{text.New("time zone"), s.TimeZone})
	if len(s.NotBetween) > 0 {
		t.AppendRow(table.Row{text.New("not between"), strings.Join(s.NotBetween, "\n")})
	}
	t.AppendRow(table.Row{text.New("catch-up"), time.Duration(s.CatchUpSeconds) * time.Second})
	t.AppendRow(table.Row{text.New("jitter"), time.Duration(s.JitterSeconds) * time.Second})
	t.AppendRow(table.Row{text.New("pause on failure"), yesOrNo(s.PauseOnFailure)})
	t.AppendRow(table.Row{text.New("running"), orDash(s.Running)})
	t.AppendRow(table.Row{text.New("skipped while a run was under way"), s.SkippedOverlap})
	t.AppendRow(table.Row{text.New("missed while the server was down"), s.Missed})
	var next, last []string
	for _, at := range s.NextRuns[:min(runsShown, len(s.NextRuns))] {
		next = append(next, at.Format(time.DateTime))
	}
	if s.Paused {
		next = nil
	}
	for _, run := range s.LastRuns[:min(runsShown, len(s.LastRuns))] {
		last = append(last, run.WorkflowID)
	}
	t.AppendRow(table.Row{text.New("next runs"), orDash(next)})
	t.AppendRow(table.Row{text.New("last runs"), orDash(last)})
	if s.Sweep != nil {
		t.AppendRow(table.Row{text.New("next sweep"), s.Sweep.next()})
	}
	if s.Reconcile != nil {
		t.AppendRow(table.Row{text.New("next reconciliation"), s.Reconcile.next()})
	}
	t.Render()
}
