package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// requireTruth compares a run that is the first over its range, and what
// Kingdee holds after it, with what the generator says, order by order.
func requireTruth(t *testing.T, w *world, r result) {
	t.Helper()
	requireBills(t, w)
	truth := w.Truth()
	totals := truth.Totals()
	require.Equal(t, totals.Orders, r.Fetched)
	require.Equal(t, totals.Saved, r.Saved+r.Updated+r.AlreadySaved)
	require.Equal(t, totals.Skipped, r.Skipped)
	require.Equal(t, r.Fetched, r.Saved+r.Updated+r.AlreadySaved+r.SkippedTotal()+r.Parked+r.Failed)
	require.Zero(t, r.Failed)
	failed := map[string]bool{}
	for _, failure := range r.Failures {
		require.False(t, failed[failure.ID], "as_id %s failed twice", failure.ID)
		failed[failure.ID] = true
		require.Equal(t, failure.ID, failure.BillNumber)
		require.Equal(t, merchant.Failed, truth[failure.ID].Outcome, "as_id %s", failure.ID)
		require.NotEmpty(t, failure.Reason)
		require.Contains(t, failure.Message, failure.ID)
	}
	for id, expectation := range truth {
		require.Equal(t, expectation.Outcome == merchant.Failed, failed[id], "as_id %s", id)
	}
}

func requireBills(t *testing.T, w *world) {
	t.Helper()
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
	require.Empty(t, w.State().Kingdee.Violations, "no session serves two requests at a time")
}

func TestSyncEqualsTheTruthOrderByOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options simulator.Options
	}{
		{"bounds included", simulator.Options{Orders: 400}},
		{"bounds excluded", simulator.Options{Orders: 200, ExclusiveStart: true, ExclusiveEnd: true}},
		{"login with secret", simulator.Options{Orders: 60, Auth: simulator.AuthAppSecret}},
		{"login with signature", simulator.Options{Orders: 60, Auth: simulator.AuthSign}},
		{"login with password", simulator.Options{Orders: 60, Auth: simulator.AuthPassword}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.options)
			w.startWorker(t)
			first := w.sync(t, 3)
			requireTruth(t, w, first)
			require.Zero(t, first.AlreadySaved)

			second := w.sync(t, 3)
			requireTruth(t, w, second)
			require.Zero(t, second.Saved, "a second run saves nothing")
			require.Equal(t, first.Saved, second.AlreadySaved)
			require.NotEqual(t, first.RunID, second.RunID)
		})
	}
}

// A session that Kingdee has ended is renewed in the middle of a run.
func TestSyncGoesOnWhenSessionsAreLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 120, Auth: simulator.AuthAppSecret, CallLatency: 20 * time.Millisecond})
	// Of few calls, all may be under way when the sessions are lost.
	w.env["KINGDEE_BATCH_BILLS"] = "1"
	w.startWorker(t)
	w.begin(t)
	for range 3 {
		saved := len(w.State().Kingdee.Bills)
		require.Eventually(t, func() bool { return len(w.State().Kingdee.Bills) > saved+10 }, patience, 5*time.Millisecond)
		require.NotZero(t, w.ExpireSessions())
	}
	requireTruth(t, w, w.sync(t, 3))
}

// A worker that is told to stop in the middle of a run finishes what it has in
// hand, and another one goes on.
func TestSyncGoesOnWithAnotherWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200, CallLatency: 20 * time.Millisecond})
	first := w.startWorker(t)
	w.begin(t)
	require.Eventually(t, func() bool { return len(w.State().Kingdee.Bills) > 20 }, patience, 10*time.Millisecond)
	first.terminate(t)
	saved := len(w.State().Kingdee.Bills)
	require.Less(t, saved, w.Truth().Totals().Saved, "the run is not over yet")

	w.startWorker(t)
	requireTruth(t, w, w.sync(t, 3))
}

func TestSecondStartJoinsTheRunUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 30})
	// Without a worker, the first run can't end before the second start.
	start := append([]string{"run", "-o", "json"}, w.rangeFlags()...)
	first, second := w.run(t, "starter", start...), w.run(t, "starter", start...)
	require.Zero(t, first.code, first.stderr)
	require.Equal(t, first.stdout, second.stdout)
	require.Contains(t, first.stdout, `"run_id"`)

	w.startWorker(t)
	requireTruth(t, w, w.sync(t, 3))
}

// A source that can't be read fails the run clearly, and the next run makes up
// for it.
func TestSourceThatCannotBeReadFailsTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60})
	wrong := w.with("JUSHUITAN_APP_SECRET", "not-the-secret")
	worker := wrong.startWorker(t)
	failed := wrong.sync(t, 1)
	require.Contains(t, failed.Error, "JUSHUITAN_APP_SECRET")
	require.NotContains(t, failed.Error, "not-the-secret")
	require.Zero(t, failed.Fetched)
	worker.terminate(t)

	w.startWorker(t)
	requireTruth(t, w, w.sync(t, 3))
}
