package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// inFlight counts the activities in progress in the windows of a run.
func inFlight(t *testing.T, w *world, workflowID string) int {
	t.Helper()
	temporal := w.temporal(t)
	activities := 0
	for _, running := range runProgress(t, temporal, workflowID).Running {
		window, err := temporal.DescribeWorkflow(t.Context(), running.WorkflowID, "")
		require.NoError(t, err)
		activities += len(window.RawResponse.GetPendingActivities())
	}
	return activities
}

// A running run is paused, slowed down and resumed, by whichever worker is there, and
// neither loses nor repeats anything.
func TestRunIsPausedSlowedDownAndResumed(t *testing.T) {
	t.Parallel()
	eachGrain(t, contract.GrainPage, runIsPausedSlowedDownAndResumed)
}

func runIsPausedSlowedDownAndResumed(t *testing.T, grain string) {
	w := newWorld(t, simulator.Options{Orders: 100}).inSmallSteps(t, "grain: auto", "grain: "+grain)
	worker := w.startWorker(t)
	id := w.beginHeld(t, 20).GetID()
	e := w.starter(t, 0, "pause", id, "--by", "wang", "--reason", "盘点")
	require.Contains(t, e.stdout, "wang")
	w.ReleaseSaves()
	watch := w.start(t, "paused at ", "starter", "watch", id)
	require.Contains(t, watch.Output(), "by wang: 盘点")
	// What is in flight is finished; then nothing moves, for as long as it takes to start
	// another worker and query it.
	testkit.Wait(t, "nothing is in flight", func() bool { return inFlight(t, w, id) == 0 })
	worker.terminate(t)
	saved, read := w.bills(), len(w.State().Source.Calls)
	require.Less(t, saved, w.Truth().Totals().Saved, "the run is not over yet")
	w.startWorker(t)
	e = w.starter(t, 0, "rate", id, "--in-flight", "3", "--windows-at-once", "2")
	require.Contains(t, e.stdout, "3")
	e = w.starter(t, 0, append([]string{"run"}, w.rangeFlags()...)...)
	require.Contains(t, e.stderr, "by wang: 盘点; to resume it: starter resume "+id)
	require.Contains(t, w.starter(t, 0, "status", "--flow", builtInFlow).stdout, "by wang: 盘点")
	require.Equal(t, saved, w.bills())
	require.Len(t, w.State().Source.Calls, read)

	w.HoldSaves(0) // the run goes on for as long as the watch needs to see it
	w.starter(t, 0, "resume", id)
	watch.WaitFor(t, "resumed")
	w.ReleaseSaves()
	requireTruth(t, w, w.sync(t))
	watch.End(t)

	for _, args := range [][]string{{"pause", id}, {"resume", id}, {"rate", id, "--windows-at-once", "2"}} {
		require.Contains(t, w.starter(t, 1, args...).stderr, id, "it has ended")
	}
	for _, args := range []string{"rate " + id, "rate " + id + " --windows-at-once 51", "rate " + id + " --in-flight -1", "pause"} {
		w.starter(t, 2, strings.Fields(args)...)
	}
}
