package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
)

func TestSyncEqualsTheTruthOrderByOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options simulator.Options
	}{
		{"bounds included", simulator.Options{Orders: 200}},
		{"bounds excluded", simulator.Options{Orders: 100, ExclusiveStart: true, ExclusiveEnd: true}},
		{"login with secret", simulator.Options{Orders: 30, Auth: simulator.AuthAppSecret}},
		{"login with signature", simulator.Options{Orders: 30, Auth: simulator.AuthSign}},
		{"login with password", simulator.Options{Orders: 30, Auth: simulator.AuthPassword}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.options)
			w.startWorker(t)
			first := w.sync(t)
			requireTruth(t, w, first)
			require.Zero(t, first.AlreadySaved)

			second := w.sync(t)
			requireTruth(t, w, second)
			require.Zero(t, second.Saved, "a second run saves nothing")
			require.Equal(t, first.Saved, second.AlreadySaved)
			require.NotEqual(t, first.RunID, second.RunID)
		})
	}
}

// A session that Kingdee has ended is renewed in the middle of a run.
func TestSyncSurvivesLostSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60, Auth: simulator.AuthAppSecret}).inSmallSteps(t)
	w.startWorker(t)
	w.beginHeld(t, 10)
	for _, bills := range []int{20, 30} {
		require.NotZero(t, w.ExpireSessions())
		w.holdNext(t, bills)
	}
	w.ReleaseSaves()
	requireTruth(t, w, w.sync(t))
}

// A worker that is told to stop in the middle of a run finishes its work in hand, and
// another one continues.
func TestAnotherWorkerContinuesTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	first := w.startWorker(t)
	w.beginHeld(t, 10)
	first.stop()
	first.waitFor(t, `"draining"`)
	w.ReleaseSaves()
	first.waitForEnd(t)
	require.Less(t, w.bills(), w.Truth().Totals().Saved, "the run is not over yet")

	w.startWorker(t)
	requireTruth(t, w, w.sync(t))
}

func TestSecondStartJoinsTheRunUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 30})
	// Without a worker, the first run can't end before the second start.
	start := append([]string{"run", "-o", "json"}, w.rangeFlags()...)
	first, second := w.starter(t, 0, start...), w.starter(t, 0, start...)
	require.Equal(t, first.stdout, second.stdout)
	var begun result
	require.NoError(t, json.Unmarshal([]byte(first.stdout), &begun))

	w.startWorker(t)
	r := w.starterSync(t, 3)
	require.Equal(t, begun.RunID, r.RunID)
	requireTruth(t, w, r)
}

// If the source can't be read, the run fails with a clear message, and the next run makes
// up for it.
func TestSourceThatCannotBeReadFailsTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 30})
	worker := w.with("JUSHUITAN_APP_SECRET", "not-the-secret").startWorker(t)
	failed := w.starterSync(t, 1)
	require.Contains(t, failed.Error, "JUSHUITAN_APP_SECRET")
	require.NotContains(t, failed.Error, "not-the-secret")
	require.Zero(t, failed.Fetched)
	worker.terminate(t)

	w.startWorker(t)
	requireTruth(t, w, w.sync(t))
}
