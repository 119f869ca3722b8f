package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// scheduledWorld is a world in the present, whose flow runs by itself.
type scheduledWorld struct {
	*world
	temporal client.Client
}

// newScheduledWorld has orders arrive all the time. The flow stays close to now, and
// reads long windows, so that a test need not wait.
func newScheduledWorld(t *testing.T, options simulator.Options, pairs ...string) *scheduledWorld {
	t.Helper()
	return scheduled(t, newWorld(t, options), pairs...)
}

func scheduled(t *testing.T, w *world, pairs ...string) *scheduledWorld {
	t.Helper()
	s := &scheduledWorld{world: w, temporal: w.temporal(t)}
	s.env["REFUNDSYNC_FLOWS"] = changedFlows(t, append([]string{
		"overlap: 10m # how", "overlap: 20s # how",
		"lag: 5m # how", "lag: 2s # how",
		"first: 2s # before", "first: 1s # before",
		"longest: 5m # 5m", "longest: 2s # 5m",
	}, pairs...)...)
	return s
}

// status is what `starter status -o json` prints of a flow.
type status struct {
	Enabled    bool           `json:"enabled"`
	Watermark  *time.Time     `json:"watermark"`
	LagSeconds *int64         `json:"lag_seconds"`
	Behind     bool           `json:"behind"`
	LastRun    *runStatus     `json:"last_run"`
	Running    []runStatus    `json:"running"`
	NextRun    *time.Time     `json:"next_run"`
	Parked     map[string]int `json:"parked"`
	Schedule   *struct {
		Paused bool   `json:"paused"`
		Note   string `json:"note"`
	} `json:"schedule"`
	Cron      bool `json:"cron"`
	LastSweep *struct {
		Found int `json:"found"`
	} `json:"last_sweep"`
	LastDay struct {
		Runs     int       `json:"runs"`
		RunsHeld int       `json:"runs_held"`
		Saved    alert.Sum `json:"saved"`
	} `json:"last_day"`
	Holds []contract.Hold `json:"holds"`
}

type runStatus struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	Outcome    string `json:"outcome"`
	Error      string `json:"error"`

	Held []contract.Hold `json:"held"`
}

// status asks for the status, with exit code 0 or 4. It retries if a busy server does not
// answer.
func (s *scheduledWorld) status(t *testing.T) (status, int) {
	t.Helper()
	var e ended
	testkit.Wait(t, "the server answers", func() bool {
		e = s.run(t, "starter", "status", "--flow", builtInFlow, "-o", "json")
		return e.code != 1
	})
	var statuses []status
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &statuses), e.stdout+e.stderr)
	require.Len(t, statuses, 1)
	return statuses[0], e.code
}

// nextRun waits for a run to end after the one with the given run id, and returns the
// status then, and the run's result.
func (s *scheduledWorld) nextRun(t *testing.T, after string) (status, workflows.SyncFlowResult) {
	t.Helper()
	var now status
	testkit.Wait(t, "the next run ends", func() bool {
		now, _ = s.status(t)
		return now.LastRun != nil && now.LastRun.RunID != after && len(now.Running) == 0
	})
	var result workflows.SyncFlowResult
	if now.LastRun.Outcome != workflows.RunFailed {
		require.NoError(t, s.temporal.GetWorkflow(t.Context(), now.LastRun.WorkflowID, now.LastRun.RunID).Get(t.Context(), &result))
	}
	return now, result
}

const testOverlap = 20 * time.Second

// The watermark of a schedule advances with its runs and stays through a failed run, runs
// over a given range and backfills. It is found again when the schedule is deleted and
// created anew.
func TestScheduleKeepsItsWatermark(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 60, ArrivePerMinute: 60})
	right := s.startWorker(t)
	from, _ := s.Range()
	since := from.Format(time.RFC3339)

	// Nothing is guessed.
	e := s.starter(t, 1, "schedule", "create", "--flow", builtInFlow)
	require.Contains(t, e.stderr, "--since")
	e = s.starter(t, 1, "schedule", "create", "--flow", builtInFlow, "--since", "last")
	require.Contains(t, e.stderr, "has no last watermark")
	s.starter(t, 1, "run", "--flow", builtInFlow, "--since", "last")

	// Paused, it only runs when triggered.
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", since, "--paused", "--cron", "0 4 1 1 *")
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	first, result := s.nextRun(t, "")
	require.Equal(t, from.Unix(), result.From.Unix())
	require.Equal(t, result.To.Unix(), first.Watermark.Unix())
	require.Equal(t, result.Watermark.Unix(), first.Watermark.Unix())
	require.True(t, first.Schedule.Paused)
	require.Nil(t, first.NextRun)
	testkit.Wait(t, "the day counts the run", func() bool {
		now, _ := s.status(t)
		return now.LastDay.Saved.Count == result.Saved
	})

	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	second, result := s.nextRun(t, first.LastRun.RunID)
	require.Equal(t, first.Watermark.Add(-testOverlap).Unix(), result.From.Unix())
	require.False(t, second.Watermark.Before(*first.Watermark))

	// Neither a backfill nor a run over a given range moves it.
	s.run(t, "starter", "schedule", "backfill", "--flow", builtInFlow, "--from", since, "--to", time.Now().Format(time.RFC3339), "--wait")
	backfilled, result := s.nextRun(t, second.LastRun.RunID)
	require.Nil(t, result.Watermark)
	require.True(t, second.Watermark.Equal(*backfilled.Watermark))
	s.run(t, "starter", "run", "--flow", builtInFlow, "--wait")
	byHand, result := s.nextRun(t, backfilled.LastRun.RunID)
	require.Equal(t, second.Watermark.Add(-testOverlap).Unix(), result.From.Unix())
	require.True(t, second.Watermark.Equal(*byHand.Watermark))

	// Nor does a failed run; the next one makes up for it.
	right.terminate(t)
	wrong := s.with("JUSHUITAN_APP_SECRET", "not-the-secret").startWorker(t)
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	failed, _ := s.nextRun(t, byHand.LastRun.RunID)
	require.Equal(t, workflows.RunFailed, failed.LastRun.Outcome)
	require.Contains(t, failed.LastRun.Error, "JUSHUITAN_APP_SECRET")
	require.True(t, second.Watermark.Equal(*failed.Watermark))
	wrong.terminate(t)
	s.startWorker(t)
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	mended, result := s.nextRun(t, failed.LastRun.RunID)
	require.Equal(t, second.Watermark.Add(-testOverlap).Unix(), result.From.Unix())
	require.True(t, mended.Watermark.After(*second.Watermark))

	// Created anew, it continues where the last one was.
	s.starter(t, 0, "schedule", "delete", "--flow", builtInFlow)
	s.starter(t, 1, "schedule", "show", "--flow", builtInFlow)
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", "last", "--cron", "0 4 1 1 *")
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	anew, result := s.nextRun(t, mended.LastRun.RunID)
	require.Equal(t, mended.Watermark.Add(-testOverlap).Unix(), result.From.Unix())
	require.False(t, anew.Watermark.Before(*mended.Watermark))

	// Creating it again updates it, and keeps its watermark.
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--cron", "0 4 1 1 *", "--not-between", "01:00-05:30", "--jitter", "30s")
	var shown struct {
		Cron       []string `json:"cron"`
		NotBetween []string `json:"not_between"`
		Paused     bool     `json:"paused"`
		Jitter     int      `json:"jitter_seconds"`
		CatchUp    int      `json:"catch_up_seconds"`
		NextRuns   []string `json:"next_runs"`
	}
	e = s.starter(t, 0, "schedule", "show", "--flow", builtInFlow, "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &shown))
	require.Equal(t, []string{"0 4 1 1 *"}, shown.Cron)
	require.Equal(t, []string{"01:00-05:30"}, shown.NotBetween)
	require.Empty(t, shown.NextRuns, "its only time lies where nothing runs")
	require.Equal(t, 30, shown.Jitter)
	require.Equal(t, 600, shown.CatchUp)

	// An update changes only what it names.
	e = s.starter(t, 0, "schedule", "update", "--flow", builtInFlow, "--jitter", "45s", "-o", "json")
	require.Contains(t, e.stderr, "checks.schedule", "the file's times are others")
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &shown))
	require.Equal(t, []string{"0 4 1 1 *"}, shown.Cron)
	require.Equal(t, []string{"01:00-05:30"}, shown.NotBetween)
	require.Equal(t, 45, shown.Jitter)
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	last, result := s.nextRun(t, anew.LastRun.RunID)
	require.Equal(t, anew.Watermark.Add(-testOverlap).Unix(), result.From.Unix())

	require.Empty(t, simulator.Compare(s.Truth().Between(from, *last.Watermark), s.billsBefore(*last.Watermark)))
}

// billsBefore is what Kingdee holds of the orders modified before a time.
func (s *scheduledWorld) billsBefore(end time.Time) simulator.State {
	state, truth := s.State(), s.Truth()
	bills := state.Kingdee.Bills[:0:0]
	for _, bill := range state.Kingdee.Bills {
		if truth[bill.Number].Modified.Before(end) {
			bills = append(bills, bill)
		}
	}
	state.Kingdee.Bills = bills
	return state
}

// The schedule of a flow that is disabled is paused, and resumed when the flow is
// enabled.
func TestScheduleOfADisabledFlowIsPaused(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 10, ArrivePerMinute: 60})
	enabled := s.env["REFUNDSYNC_FLOWS"]
	disabled := t.TempDir()
	require.NoError(t, os.CopyFS(disabled, os.DirFS(enabled)))
	path := filepath.Join(disabled, "refund_to_return.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(text, []byte("enabled: true #")))
	require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte("enabled: true #"), []byte("enabled: false #"), 1), 0o600))

	s.env["REFUNDSYNC_FLOWS"] = disabled
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", "2024-03-01")
	now, code := s.status(t)
	require.Zero(t, code)
	require.True(t, now.Schedule.Paused)
	require.Contains(t, now.Schedule.Note, "disabled")
	s.starter(t, 1, "schedule", "resume", "--flow", builtInFlow)

	s.env["REFUNDSYNC_FLOWS"] = enabled
	s.starter(t, 0, "schedule", "update", "--flow", builtInFlow)
	now, _ = s.status(t)
	require.False(t, now.Schedule.Paused)
	require.NotNil(t, now.NextRun)
	s.starter(t, 0, "schedule", "pause", "--flow", builtInFlow, "--note", "盘点 stocktaking")
	s.starter(t, 0, "schedule", "update", "--flow", builtInFlow)
	now, _ = s.status(t)
	require.True(t, now.Schedule.Paused, "an update leaves a person's pause alone")
	require.Equal(t, "盘点 stocktaking", now.Schedule.Note)
	s.starter(t, 0, "schedule", "resume", "--flow", builtInFlow)
	e := s.starter(t, 0, "schedule", "list", "-o", "json")
	require.Contains(t, e.stdout, builtInFlow)
	s.starter(t, 1, "schedule", "trigger", "--flow", "refunds")
	s.starter(t, 2, "schedule", "create", "--flow", builtInFlow, "--cron", "* * *")
}

// If a flow lags by more than its limit, the status has a special exit code until the
// flow has caught up.
func TestStatusReportsALaggingFlow(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 40, ArrivePerMinute: 60}, "lag_limit: 1h", "lag_limit: 12h")
	now, code := s.status(t)
	require.Zero(t, code, "a flow that never ran by itself is not behind")
	require.Nil(t, now.Watermark)
	s.startWorker(t)
	from, _ := s.Range()

	past := from.Add(time.Hour)
	s.listWatermark(t, past)
	testkit.Wait(t, "the old run is listed", func() bool {
		now, code = s.status(t)
		return now.Watermark != nil
	})
	require.Equal(t, 4, code)
	require.True(t, now.Behind)
	require.Equal(t, past.Unix(), now.Watermark.Unix())
	e := s.starter(t, 4, "status")
	require.Contains(t, e.stdout, "✗")
	require.Contains(t, e.stderr, builtInFlow)

	s.run(t, "starter", "run", "--flow", builtInFlow, "--since", "last", "--move-watermark", "--wait")
	testkit.Wait(t, "it has caught up", func() bool {
		now, code = s.status(t)
		return code == 0
	})
	require.False(t, now.Behind)
	totals := s.Truth().Between(past.Add(-testOverlap), *now.Watermark).Totals()
	testkit.Wait(t, "the day counts what was saved, some of which has changed since", func() bool {
		now, _ = s.status(t)
		return now.LastDay.Saved.Count >= totals.Saved && len(now.Parked) > 0
	})
	s.starter(t, 0, "watch")
}

// listWatermark adds an old automatic run with the given watermark to the list of runs.
func (s *scheduledWorld) listWatermark(t *testing.T, watermark time.Time) {
	t.Helper()
	const taskQueue = "of-long-ago"
	w := worker.New(s.dial(t), taskQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		return workflow.UpsertTypedSearchAttributes(ctx, workflows.FlowAttribute.ValueSet(builtInFlow), workflows.WatermarkAttribute.ValueSet(watermark))
	}, workflow.RegisterOptions{Name: workflows.SyncFlowName})
	require.NoError(t, w.Start())
	defer w.Stop()
	run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, workflows.SyncFlowName)
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
}
