package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// flowStatus is the state of a flow. Times are Beijing time.
type flowStatus struct {
	Flow  string `json:"flow"`
	Title string `json:"title"`
	// Company is empty for a flow without one.
	Company string `json:"company,omitempty"`
	// Enabled is false if the flow file disables the flow, or a person has.
	Enabled bool `json:"enabled"`
	// Version is that of the flow file; empty without one.
	Version string `json:"version,omitempty"`
	// WorkerVersions are those that the workers have; none if no worker tells.
	WorkerVersions []string `json:"worker_versions"`
	// Watermark is how far automatic runs are; null if that is not known.
	Watermark *time.Time `json:"watermark"`
	// LagSeconds is the age of the watermark; null without one.
	LagSeconds      *int64 `json:"lag_seconds"`
	LagLimitSeconds int64  `json:"lag_limit_seconds"`
	// Behind says that the lag is over its limit, or that no run has completed for that
	// long since the flow was scheduled. A flow that is held is not behind.
	Behind bool `json:"behind"`
	// LastRun is the latest that has ended, without those that did nothing because the flow
	// was held or disabled; null if there is none.
	LastRun *runStatus `json:"last_run"`
	// LastSweep is the latest sweep among the runs of the last 24 hours and the run before
	// them; null if there is none.
	LastSweep *sweepStatus `json:"last_sweep"`
	// Running are the runs under way.
	Running []runStatus `json:"running"`
	// NextRun is when the next automatic run begins; null if none does.
	NextRun *time.Time `json:"next_run"`
	// Schedule is null for a flow without one.
	Schedule *scheduleStatus `json:"schedule"`
	// Cron says whether the flow runs by a Temporal cron.
	Cron bool `json:"cron"`
	// Holds are those that are on: of the task queue, and of the flow, which may also be
	// disabled.
	Holds []contract.Hold `json:"holds"`
	// Parked counts the parked orders by reason.
	Parked map[string]int `json:"parked"`
	// LastDay is what ended in the last 24 hours: changes, which a run that reads the same
	// orders once more does not add to. Its Parked is that above.
	LastDay alert.Counts `json:"last_day"`

	versionNote    string // how Version and WorkerVersions differ
	disabledByFile bool
}

type runStatus struct {
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Outcome    string    `json:"outcome"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`

	// The rest is what a run under way reports, if a worker answers.

	// Paused is absent unless a person has paused it, and Held unless it waits for holds.
	Paused *workflows.Pause `json:"paused,omitempty"`
	Held   []contract.Hold  `json:"held,omitempty"`
	// Grain is how many orders an activity saves, and GrainAuto that the run chooses it.
	Grain     string `json:"grain,omitempty"`
	GrainAuto bool   `json:"grain_auto,omitempty"`
	// DoneOrders are done, of about ExpectedOrders; 0 while that is not known.
	DoneOrders     int `json:"done_orders,omitempty"`
	ExpectedOrders int `json:"expected_orders,omitempty"`
}

// sweepStatus is what a sweep found.
type sweepStatus struct {
	WorkflowID string    `json:"workflow_id"`
	EndedAt    time.Time `json:"ended_at"`
	// From and To are what it covered.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Found counts the orders that had been missed or have changed.
	Found int `json:"found"`
}

type scheduleStatus struct {
	ID        string    `json:"id"`
	Paused    bool      `json:"paused"`
	Note      string    `json:"note,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

func newStatusCommand() *cobra.Command {
	var flowName string
	var o output
	cmd := &cobra.Command{
		Use:   "status",
		Short: text.Sprintf("Show the state of the flows: watermark, lag, runs, parked orders"),
		Long: text.Sprintf(`Show each flow that has a file or a schedule: whether it is held, disabled or paused, its last run, watermark and lag, next run, parked orders by reason, and what was changed in the last 24 hours, by runs and parked orders. These are changes, so a run that reads the same orders once more adds nothing.
The exit code is 4 if a flow lags by more than its checks.lag_limit, for any monitor to call; a flow that is held or disabled does not.`),
		Example: `  starter status
  starter status --flow refund_to_return -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, flows, err := flowsOf(cmd.Context())
			if err != nil {
				return err
			}
			return readTemporal(cmd, func(c client.Client) error {
				statuses, err := readStatuses(cmd.Context(), c, settings, flows, flowName)
				if err != nil {
					return err
				}
				atWorkers := map[string]workerFlows{}
				for taskQueue := range companiesOf(settings, flows) {
					if atWorkers[taskQueue], err = readWorkerFlows(cmd.Context(), c, taskQueue); err != nil {
						return err
					}
				}
				for i := range statuses {
					atWorkers := atWorkers[queueOf(settings, flows, statuses[i].Flow)]
					statuses[i].compare(flows[statuses[i].Flow], atWorkers)
					if len(atWorkers.workers) > 0 || !atWorkers.all {
						statuses[i].askRunning(cmd.Context(), c)
					}
				}
				if o == outputJSON {
					if err := writeJSON(cmd.OutOrStdout(), statuses); err != nil {
						return err
					}
				} else {
					for _, status := range statuses {
						status.print(cmd.OutOrStdout())
					}
				}
				return behindError(statuses)
			})
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("this flow alone"))
	addOutputFlag(cmd, &o)
	alsoExits(cmd, exitBehind)
	return cmd
}

// behindError has the exit code for monitors.
func behindError(statuses []flowStatus) error {
	var behind []string
	for _, status := range statuses {
		if status.Behind {
			behind = append(behind, status.Flow)
		}
	}
	if len(behind) == 0 {
		return nil
	}
	return &exitError{code: exitBehind, err: text.Errorf("behind by more than the limit: %s; see why the last run failed, and whether a worker (starter check) and the schedule (starter schedule show) run", strings.Join(behind, ", "))}
}

// readStatuses gives the status of one flow, or of all that have a file or a schedule.
func readStatuses(ctx context.Context, c client.Client, settings config.Worker, flows flow.Flows, only string) ([]flowStatus, error) {
	names := slices.Collect(maps.Keys(flows))
	if only == "" {
		schedules, err := listSchedules(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, schedule := range schedules {
			if _, ok := flows[schedule.Flow]; !ok && !scopeOf(ctx).all {
				continue // another company's
			}
			names = append(names, schedule.Flow)
		}
	} else {
		names = []string{only}
	}
	slices.Sort(names)
	statuses := []flowStatus{}
	for _, name := range slices.Compact(names) {
		status, err := readStatus(ctx, c, queueOf(settings, flows, name), flows[name], name, time.Now())
		if err != nil {
			return nil, err
		}
		if only != "" && flows[name] == nil && status.Schedule == nil && status.LastRun == nil {
			return nil, &exitError{code: exitUsage, err: text.Errorf("there is no flow %q: it has no file, no schedule and no run", name)}
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// readStatus gives the status of a flow; of is nil without a file.
func readStatus(ctx context.Context, c client.Client, taskQueue string, of *flow.Flow, name string, now time.Time) (flowStatus, error) {
	s := flowStatus{Flow: name, Title: name, Enabled: true, Running: []runStatus{}, Holds: []contract.Hold{}, Parked: map[string]int{}}
	limit := time.Hour
	if of != nil {
		s.Title, s.Company, s.Enabled, limit = of.Title, of.Company, of.Enabled, of.LagLimit
		s.disabledByFile = !of.Enabled
	}
	s.LagLimitSeconds = int64(limit / time.Second)
	for _, read := range []func() error{
		func() error { return s.readSchedule(ctx, c) },
		func() error { return s.readCron(ctx, c, now) },
		func() error { return s.readRuns(ctx, c, now) },
		func() error {
			holds, err := visibility.Holds(ctx, c, taskQueue, name)
			s.Holds = append(s.Holds, holds...)
			s.Enabled = s.Enabled && disabledHold(holds) == nil
			return err
		},
		func() error {
			watermark, _, err := visibility.LastWatermark(ctx, c, name)
			s.Watermark = watermark
			return err
		},
		func() (err error) {
			s.LastDay, err = visibility.CountDay(ctx, c, name, now.Add(-24*time.Hour), now.Add(time.Second))
			tally.AddCounts(&s.Parked, s.LastDay.Parked)
			s.LastDay.Parked = nil
			return err
		},
	} {
		if err := read(); err != nil {
			return s, err
		}
	}
	s.judge(limit, now)
	return s, nil
}

func (s *flowStatus) readSchedule(ctx context.Context, c client.Client) error {
	schedule, err := describeSchedule(ctx, c, s.Flow)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return scheduleError(s.Flow, err)
	}
	s.Schedule = &scheduleStatus{ID: schedule.ID, Paused: schedule.Paused, Note: schedule.Note, CreatedAt: schedule.CreatedAt}
	if !schedule.Paused && len(schedule.NextRuns) > 0 {
		s.NextRun = &schedule.NextRuns[0]
	}
	return nil
}

func (s *flowStatus) readCron(ctx context.Context, c client.Client, now time.Time) error {
	execution, err := runningCron(ctx, c, s.Flow)
	if err != nil || execution == nil {
		return err
	}
	s.Cron = true
	if begins := execution.GetExecutionTime().AsTime().In(beijing.Zone).Truncate(time.Second); begins.After(now) && (s.NextRun == nil || begins.Before(*s.NextRun)) {
		s.NextRun = &begins
	}
	return nil
}

// readRuns reads the runs of the last day, and earlier ones until it finds one that has
// ended.
func (s *flowStatus) readRuns(ctx context.Context, c client.Client, now time.Time) error {
	dayBefore := now.Add(-24 * time.Hour)
	return listRuns(ctx, c, runsOf(s.Flow), func(run listedRun) bool {
		switch run.Outcome {
		case runWaiting:
			return true
		case runRunning:
			s.Running = append(s.Running, run.status())
			return true
		case workflows.RunHeld:
			return true
		}
		if s.LastRun == nil || run.Ended.After(s.LastRun.EndedAt) {
			last := run.status()
			s.LastRun = &last
		}
		if sweep := run.sweep(); sweep != nil && (s.LastSweep == nil || sweep.EndedAt.After(s.LastSweep.EndedAt)) {
			s.LastSweep = sweep
		}
		return !run.Ended.Before(dayBefore)
	})
}

func (r listedRun) status() runStatus {
	return runStatus{WorkflowID: r.WorkflowID, RunID: r.RunID, StartedAt: r.Begins, EndedAt: r.Ended, Outcome: r.Outcome, Error: r.Error.String()}
}

// sweep is nil for a run that is no sweep, or did not complete.
func (r listedRun) sweep() *sweepStatus {
	if r.Result == nil || r.Result.Found == nil || r.Outcome == workflows.RunFailed || r.Outcome == workflows.RunCancelled {
		return nil
	}
	return &sweepStatus{WorkflowID: r.WorkflowID, EndedAt: r.Ended, From: r.Result.From.In(beijing.Zone), To: r.Result.To.In(beijing.Zone), Found: *r.Result.Found}
}

// compare compares the flow's file with what the workers have; of is nil without a file.
func (s *flowStatus) compare(of *flow.Flow, atWorkers workerFlows) {
	s.WorkerVersions = append([]string{}, atWorkers.versions(s.Flow)...)
	switch {
	case of == nil:
		return
	case len(atWorkers.workers) == 0:
		s.versionNote = text.Sprintf("no worker is polling")
	default:
		if err := atWorkers.differs(of); err != nil {
			s.versionNote = "✗ " + err.Error()
		}
	}
	s.Version = of.Version
}

// askRunning queries the progress of the runs under way.
func (s *flowStatus) askRunning(ctx context.Context, c client.Client) {
	for i := range s.Running {
		run := &s.Running[i]
		if p, err := askProgress(ctx, c, run.WorkflowID); err == nil {
			run.Paused, run.Held = p.run.Control.Paused, p.run.Control.Held
			run.Grain, run.GrainAuto, run.DoneOrders, run.ExpectedOrders = p.run.Grain, p.run.GrainAuto, p.Fetched-p.InFlight(), p.expected
		}
	}
}

// judge decides whether the flow is behind. One that is disabled or held, or was never
// scheduled, is not.
func (s *flowStatus) judge(limit time.Duration, now time.Time) {
	runs := s.Enabled && len(s.Holds) == 0
	if s.Watermark != nil {
		lag := int64(now.Sub(*s.Watermark) / time.Second)
		s.LagSeconds = &lag
		s.Behind = runs && now.Sub(*s.Watermark) > limit
		return
	}
	s.Behind = runs && s.Schedule != nil && now.Sub(s.Schedule.CreatedAt) > limit
}

func (s *flowStatus) print(w io.Writer) {
	t := newTable(w)
	title := s.Flow + " · " + s.Title
	if s.Company != "" {
		title = s.Company + " · " + title
	}
	t.SetTitle("%s", title)
	if s.disabledByFile {
		t.AppendRow(table.Row{text.New("state"), "⏹ " + noteOf(disabledByFile)})
	}
	for _, hold := range s.Holds {
		mark := "⏸ "
		if hold.Disabled {
			mark = "⏹ "
		}
		t.AppendRow(table.Row{text.New("state"), mark + heldText(hold)})
	}
	if s.Version != "" {
		t.AppendRow(table.Row{text.New("version"), strings.TrimSpace(s.Version + " " + s.versionNote)})
	}
	last := "–"
	if s.LastRun != nil {
		last = strings.TrimSpace(fmt.Sprintf("%s · %s\n%s\n%s", s.LastRun.EndedAt.Format(time.DateTime), outcomeTexts[s.LastRun.Outcome], s.LastRun.WorkflowID, s.LastRun.Error))
	}
	t.AppendRow(table.Row{text.New("last run"), last})
	for _, run := range s.Running {
		state := text.New("running")
		switch {
		case len(run.Held) > 0:
			state = text.New("running, held")
		case run.Paused != nil:
			state = text.New("paused")
		}
		// Those that are on are shown above.
		others := slices.DeleteFunc(slices.Clone(run.Held), func(hold contract.Hold) bool { return slices.ContainsFunc(s.Holds, hold.Same) })
		waits := waitsText(workflows.Control{Paused: run.Paused, Held: others})
		t.AppendRow(table.Row{state, strings.TrimSpace(run.StartedAt.Format(time.DateTime) + "\n" + run.WorkflowID + "\n" + waits)})
		if run.Grain != "" {
			t.AppendRow(table.Row{"", grainText(run.Grain, run.GrainAuto) + " · " + ordersDone(run.DoneOrders, run.ExpectedOrders)})
		}
	}
	watermark := "–"
	if s.Watermark != nil {
		watermark = s.Watermark.In(beijing.Zone).Format(time.DateTime)
	}
	t.AppendRow(table.Row{text.New("watermark"), watermark})
	t.AppendRow(table.Row{text.New("lag"), s.lag()})
	t.AppendRow(table.Row{text.New("next run"), s.next()})
	if sweep := s.LastSweep; sweep != nil {
		mark := "✓"
		if sweep.Found > 0 {
			mark = "✗"
		}
		t.AppendRow(table.Row{text.New("last sweep"), text.New("%s %s · orders missed or changed: %d", mark, sweep.EndedAt.Format(time.DateTime), sweep.Found)})
	}
	parked := []string{strconv.Itoa(tally.Total(s.Parked))}
	for _, reason := range tally.Reasons(s.Parked) {
		parked = append(parked, fmt.Sprintf("%s %d", fault.ReasonText(reason), s.Parked[reason]))
	}
	t.AppendRow(table.Row{text.New("parked"), strings.Join(parked, "\n")})
	d := s.LastDay
	t.AppendSeparator()
	runs := text.New("runs %d · failed %d", d.Runs, d.RunsFailed)
	if d.RunsHeld > 0 {
		runs = text.New("runs %d · failed %d · held, did nothing %d", d.Runs, d.RunsFailed, d.RunsHeld)
	}
	t.AppendRow(table.Row{text.New("last 24 hours"), runs})
	t.AppendRow(table.Row{text.New("changed"), changed(d)})
	t.Render()
}

// changed lists what a day changed.
func changed(day alert.Counts) string {
	return strings.Join([]string{
		text.Sprintf("bills saved %d", day.Saved.Count), text.Sprintf("bills updated %d", day.Updated), text.Sprintf("left out by automatic runs %d", tally.Total(day.LeftOut)),
	}, " · ")
}

func (s *flowStatus) lag() string {
	limit := time.Duration(s.LagLimitSeconds) * time.Second
	switch {
	case s.LagSeconds == nil && s.Behind:
		return text.Sprintf("✗ no automatic run has completed (limit %s)", limit)
	case s.LagSeconds == nil:
		return "–"
	}
	mark := "✓"
	switch {
	case s.Behind:
		mark = "✗"
	case len(s.Holds) > 0:
		mark = "⏸"
	}
	return text.Sprintf("%s %s (limit %s)", mark, time.Duration(*s.LagSeconds)*time.Second, limit)
}

func (s *flowStatus) next() string {
	switch {
	case s.NextRun != nil:
		return s.NextRun.Format(time.DateTime)
	case s.Schedule != nil && s.Schedule.Paused:
		return text.Sprintf("paused: %s", noteOf(s.Schedule.Note))
	case s.Schedule == nil && !s.Cron:
		return text.Sprintf("there is no schedule")
	default:
		return "–"
	}
}
