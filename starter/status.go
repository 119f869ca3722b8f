package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/tally"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// flowStatus is how a flow does. Times are Beijing time.
type flowStatus struct {
	Flow    string `json:"flow"`
	Title   string `json:"title"`
	Enabled bool   `json:"enabled"`
	// Version is that of the flow file; empty without one.
	Version string `json:"version,omitempty"`
	// WorkerVersions are those in which the workers have the flow; none where no
	// worker tells.
	WorkerVersions []string `json:"worker_versions"`
	// Watermark is how far automatic runs have come; null if none is known.
	Watermark *time.Time `json:"watermark"`
	// LagSeconds is how far the watermark is behind now; null without one.
	LagSeconds      *int64 `json:"lag_seconds"`
	LagLimitSeconds int64  `json:"lag_limit_seconds"`
	// Behind says that the lag is over its limit, or that a flow which is to run
	// by itself has had that long and no run of it has completed.
	Behind bool `json:"behind"`
	// LastRun is the latest that has ended; null if there was none.
	LastRun *runStatus `json:"last_run"`
	// LastSweep is the latest sweep of the last 24 hours, or of the run before; null if
	// there was none.
	LastSweep *sweepStatus `json:"last_sweep"`
	// Running are those under way.
	Running []runStatus `json:"running"`
	// NextRun is when the next begins by itself; null if none does.
	NextRun *time.Time `json:"next_run"`
	// Schedule is null for a flow without one.
	Schedule *scheduleStatus `json:"schedule"`
	// Cron says that the flow runs by a Temporal cron.
	Cron bool `json:"cron"`
	// Parked counts the parked orders by reason.
	Parked map[string]int `json:"parked"`
	// LastDay adds up the runs that ended in the last 24 hours, those by hand
	// included. An order that several of them read counts in each.
	LastDay dayStatus `json:"last_day"`

	versionNote string // what is to be said of Version and WorkerVersions
}

type runStatus struct {
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Outcome    string    `json:"outcome"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`

	// The rest is what a run under way says of itself, if a worker answers for it.

	// Grain is what one activity saves, and GrainAuto tells that the run chooses it.
	Grain     string `json:"grain,omitempty"`
	GrainAuto bool   `json:"grain_auto,omitempty"`
	// DoneOrders are done with, of about ExpectedOrders in all; 0 while that is not known.
	DoneOrders     int `json:"done_orders,omitempty"`
	ExpectedOrders int `json:"expected_orders,omitempty"`
}

// sweepStatus is what a run found that read again.
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

type dayStatus struct {
	Runs int `json:"runs"`
	// RunsFailed are those of them that did not come to their end.
	RunsFailed   int            `json:"runs_failed"`
	Fetched      int            `json:"fetched"`
	Saved        int            `json:"saved"`
	Updated      int            `json:"updated"`
	AlreadySaved int            `json:"already_saved"`
	Skipped      map[string]int `json:"skipped"`
	Parked       int            `json:"parked"`
	Failed       int            `json:"failed"`
}

func newStatusCommand() *cobra.Command {
	var flowName string
	var o output
	cmd := &cobra.Command{
		Use:   "status",
		Short: "各流程的状态：水位、落后、运行、挂起 how the flows do: watermark, lag, runs, parked orders",
		Long: `显示文件夹中各流程，以及有定时的流程：上次运行、水位及其落后、下次运行、按原因的挂起单、24 小时内的单数。
落后超过流程的 checks.lag_limit 时退出码为 4，任何监控都可以调用。
Shows each flow of the folder, and those with a schedule: last run, watermark and how far it lags behind, next run, parked orders by reason, orders of the last 24 hours.
The exit code is 4 when a flow lags behind by more than its checks.lag_limit, so that any monitor can call this.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.FromProcess().LoadWorker()
			if err != nil {
				return err
			}
			flows, err := flowfile.LoadFolder(settings.Flows)
			if err != nil {
				return err
			}
			return readTemporal(cmd, func(c client.Client) error {
				statuses, err := readStatuses(cmd.Context(), c, flows, flowName)
				if err != nil {
					return err
				}
				atWorkers, err := readWorkerFlows(cmd.Context(), c, settings.TaskQueue)
				if err != nil {
					return err
				}
				for i := range statuses {
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
	cmd.Flags().StringVar(&flowName, "flow", "", "只看这个流程 of this flow alone")
	addOutputFlag(cmd, &o)
	return cmd
}

// behindError ends the command with the code by which a monitor knows.
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
	return &exitError{code: exitBehind, err: fmt.Errorf("落后超过限制：%[1]s。查看上次运行的原因，以及 worker 与定时是否在运行（starter check、starter schedule show）。"+
		" Behind by more than the limit: %[1]s. Look at why the last run failed, and whether a worker and the schedule run", strings.Join(behind, ", "))}
}

// readStatuses gives the status of one flow, or of all those that have a file or
// a schedule.
func readStatuses(ctx context.Context, c client.Client, flows flow.Flows, only string) ([]flowStatus, error) {
	names := slices.Collect(maps.Keys(flows))
	if only == "" {
		schedules, err := listSchedules(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, schedule := range schedules {
			names = append(names, schedule.Flow)
		}
	} else {
		names = []string{only}
	}
	slices.Sort(names)
	statuses := []flowStatus{}
	for _, name := range slices.Compact(names) {
		status, err := readStatus(ctx, c, flows[name], name, time.Now())
		if err != nil {
			return nil, err
		}
		if only != "" && flows[name] == nil && status.Schedule == nil && status.LastRun == nil {
			return nil, fmt.Errorf("没有流程 %q：文件夹中没有，也没有定时和运行。 There is no such flow: it has neither file nor schedule nor run", name)
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// readStatus gives the status of a flow; of is nil if its file is not in the
// folder.
func readStatus(ctx context.Context, c client.Client, of *flow.Flow, name string, now time.Time) (flowStatus, error) {
	s := flowStatus{Flow: name, Title: name, Enabled: true, Running: []runStatus{}, Parked: map[string]int{}, LastDay: dayStatus{Skipped: map[string]int{}}}
	limit := time.Hour
	if of != nil {
		s.Title, s.Enabled, limit = of.Title, of.Enabled, of.LagLimit
	}
	s.LagLimitSeconds = int64(limit / time.Second)
	for _, read := range []func() error{
		func() error { return s.readSchedule(ctx, c) },
		func() error { return s.readCron(ctx, c, now) },
		func() error { return s.readRuns(ctx, c, now) },
		func() error {
			watermark, _, err := visibility.LastWatermark(ctx, c, name)
			s.Watermark = watermark
			return err
		},
		func() error {
			return listParked(ctx, c, parkedFilter{flow: name}, func(order parkedOrder) error {
				s.Parked[order.Reason]++
				return nil
			})
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

// readRuns goes back over the runs of the last day, and further only until one
// is found that has ended.
func (s *flowStatus) readRuns(ctx context.Context, c client.Client, now time.Time) error {
	dayBefore := now.Add(-24 * time.Hour)
	return listRuns(ctx, c, runsOf(s.Flow), func(run listedRun) bool {
		switch run.Outcome {
		case runWaiting:
			return true
		case runRunning:
			s.Running = append(s.Running, run.status())
			return true
		}
		if s.LastRun == nil || run.Ended.After(s.LastRun.EndedAt) {
			last := run.status()
			s.LastRun = &last
		}
		if sweep := run.sweep(); sweep != nil && (s.LastSweep == nil || sweep.EndedAt.After(s.LastSweep.EndedAt)) {
			s.LastSweep = sweep
		}
		if run.Ended.Before(dayBefore) {
			return false
		}
		s.LastDay.add(run)
		return true
	})
}

func (r listedRun) status() runStatus {
	return runStatus{WorkflowID: r.WorkflowID, RunID: r.RunID, StartedAt: r.Begins, EndedAt: r.Ended, Outcome: r.Outcome, Error: r.Error}
}

// sweep is nil for a run that is none, or did not come to its end.
func (r listedRun) sweep() *sweepStatus {
	if r.Result == nil || r.Result.Found == nil || r.Outcome == workflows.RunFailed || r.Outcome == workflows.RunCancelled {
		return nil
	}
	return &sweepStatus{WorkflowID: r.WorkflowID, EndedAt: r.Ended, From: r.Result.From.In(beijing.Zone), To: r.Result.To.In(beijing.Zone), Found: *r.Result.Found}
}

func (d *dayStatus) add(run listedRun) {
	d.Runs++
	switch run.Outcome {
	case workflows.RunDone, workflows.RunParked, workflows.RunOrdersFailed:
	default:
		d.RunsFailed++
	}
	if run.Result == nil {
		return
	}
	d.Fetched += run.Result.Fetched
	d.Saved += run.Result.Saved
	d.Updated += run.Result.Updated
	d.AlreadySaved += run.Result.AlreadySaved
	for reason, count := range run.Result.Skipped {
		d.Skipped[reason] += count
	}
	d.Parked += run.Result.Parked
	d.Failed += run.Result.Failed
}

// compare sets the flow's file beside what the workers have; of is nil without one.
func (s *flowStatus) compare(of *flow.Flow, atWorkers workerFlows) {
	s.WorkerVersions = append([]string{}, atWorkers.versions(s.Flow)...)
	switch {
	case of == nil:
		return
	case len(atWorkers.workers) == 0:
		s.versionNote = "没有看到 worker no worker is seen"
	default:
		if err := atWorkers.differs(of); err != nil {
			s.versionNote = "✗ " + err.Error()
		}
	}
	s.Version = of.Version
}

// askRunning asks the runs under way how far they are.
func (s *flowStatus) askRunning(ctx context.Context, c client.Client) {
	for i := range s.Running {
		run := &s.Running[i]
		if p, err := askProgress(ctx, c, run.WorkflowID); err == nil {
			run.Grain, run.GrainAuto, run.DoneOrders, run.ExpectedOrders = p.run.Grain, p.run.GrainAuto, p.Fetched-p.InFlight(), p.expected
		}
	}
}

// judge says whether the flow is behind. One that is disabled, or was never to
// run by itself, is not.
func (s *flowStatus) judge(limit time.Duration, now time.Time) {
	if s.Watermark != nil {
		lag := int64(now.Sub(*s.Watermark) / time.Second)
		s.LagSeconds = &lag
		s.Behind = s.Enabled && now.Sub(*s.Watermark) > limit
		return
	}
	s.Behind = s.Enabled && s.Schedule != nil && now.Sub(s.Schedule.CreatedAt) > limit
}

func (s *flowStatus) print(w io.Writer) {
	t := newTable(w)
	t.SetTitle("%s · %s", s.Flow, s.Title)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: 80, WidthMaxEnforcer: text.WrapSoft}})
	if !s.Enabled {
		t.AppendRow(table.Row{"状态 state", disabledNote})
	}
	if s.Version != "" {
		t.AppendRow(table.Row{"版本 version", strings.TrimSpace(s.Version + " " + s.versionNote)})
	}
	last := "–"
	if s.LastRun != nil {
		last = strings.TrimSpace(fmt.Sprintf("%s · %s · %s\n%s", s.LastRun.Outcome, s.LastRun.EndedAt.Format(time.DateTime), s.LastRun.WorkflowID, s.LastRun.Error))
	}
	t.AppendRow(table.Row{"上次运行 last run", last})
	for _, run := range s.Running {
		t.AppendRow(table.Row{"在途 running", fmt.Sprintf("%s · %s", run.StartedAt.Format(time.DateTime), run.WorkflowID)})
		if run.Grain != "" {
			t.AppendRow(table.Row{"", grainText(run.Grain, run.GrainAuto) + " · 单 orders " + doneOf(run.DoneOrders, run.ExpectedOrders)})
		}
	}
	watermark := "–"
	if s.Watermark != nil {
		watermark = s.Watermark.In(beijing.Zone).Format(time.DateTime)
	}
	t.AppendRow(table.Row{"水位 watermark", watermark})
	t.AppendRow(table.Row{"落后 lag", s.lag()})
	t.AppendRow(table.Row{"下次运行 next run", s.next()})
	if sweep := s.LastSweep; sweep != nil {
		mark := "✓"
		if sweep.Found > 0 {
			mark = "✗"
		}
		t.AppendRow(table.Row{"上次复查 last sweep", fmt.Sprintf("%s %s · 漏收或变动 missed or changed: %d", mark, sweep.EndedAt.Format(time.DateTime), sweep.Found)})
	}
	parked := 0
	for _, count := range s.Parked {
		parked += count
	}
	t.AppendRow(table.Row{"挂起 parked", parked})
	for _, reason := range tally.Reasons(s.Parked) {
		t.AppendRow(table.Row{"  其中 of which: " + reason, s.Parked[reason]})
	}
	d := s.LastDay
	t.AppendSeparator()
	t.AppendRow(table.Row{"24 小时 last 24 hours", fmt.Sprintf("%d 次运行 runs，失败 failed %d", d.Runs, d.RunsFailed)})
	t.AppendRow(table.Row{"单数 orders", counts(tally.Tally{
		Fetched: d.Fetched, Saved: d.Saved, Updated: d.Updated, AlreadySaved: d.AlreadySaved, Skipped: d.Skipped, Parked: d.Parked, Failed: d.Failed,
	})})
	t.Render()
}

func (s *flowStatus) lag() string {
	limit := time.Duration(s.LagLimitSeconds) * time.Second
	switch {
	case s.LagSeconds == nil && s.Behind:
		return fmt.Sprintf("✗ 没有完成过的自动运行 no automatic run has completed（限制 limit %s）", limit)
	case s.LagSeconds == nil:
		return "–"
	}
	mark := "✓"
	if s.Behind {
		mark = "✗"
	}
	return fmt.Sprintf("%s %s（限制 limit %s）", mark, time.Duration(*s.LagSeconds)*time.Second, limit)
}

func (s *flowStatus) next() string {
	switch {
	case s.NextRun != nil:
		return s.NextRun.Format(time.DateTime)
	case s.Schedule != nil && s.Schedule.Paused:
		return "已暂停 paused: " + s.Schedule.Note
	case s.Schedule == nil && !s.Cron:
		return "没有定时 there is no schedule"
	default:
		return "–"
	}
}
