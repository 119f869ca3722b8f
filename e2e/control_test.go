package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// inFlight asks the windows of a run how many orders they have under way.
func inFlight(t *testing.T, w *world, workflowID string) int {
	t.Helper()
	temporal := w.temporal(t)
	ask := func(workflowID string, answer any) {
		value, err := temporal.QueryWorkflow(t.Context(), workflowID, "", workflows.ProgressQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(answer))
	}
	var run workflows.SyncRefundsProgress
	ask(workflowID, &run)
	orders := 0
	for _, running := range run.Running {
		var window workflows.SyncWindowProgress
		ask(running.WorkflowID, &window)
		orders += window.Tally.InFlight()
	}
	return orders
}

// A run under way is paused, slowed down and gone on with, by whichever worker
// is there, and loses and repeats nothing by it.
func TestRunIsPausedSlowedDownAndResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 300, CallLatency: 20 * time.Millisecond})
	worker := w.startWorker(t)
	e := w.run(t, "starter", append([]string{"run", "-o", "json"}, w.rangeFlags()...)...)
	require.Zero(t, e.code, e.stderr)
	id := between(e.stdout, `"workflow_id": "`, `"`)
	require.Eventually(t, func() bool { return len(w.State().Kingdee.Bills) > 20 }, patience, 10*time.Millisecond)

	e = w.run(t, "starter", "pause", id, "--by", "wang", "--reason", "盘点")
	require.Zero(t, e.code, e.stderr)
	require.Contains(t, e.stdout, "wang")
	watch := w.start(t, "已暂停 paused", "starter", "watch", id)
	require.Contains(t, watch.output(), "wang: 盘点")
	// What is in flight is finished; then nothing moves, for as long as it takes
	// another worker to start and to be asked.
	require.Eventually(t, func() bool { return inFlight(t, w, id) == 0 }, patience, 50*time.Millisecond)
	worker.terminate(t)
	saved, read := len(w.State().Kingdee.Bills), len(w.State().Source.Calls)
	require.Less(t, saved, w.Truth().Totals().Saved, "the run is not over yet")
	w.startWorker(t)
	e = w.run(t, "starter", "rate", id, "--in-flight", "3", "--windows-at-once", "2")
	require.Zero(t, e.code, e.stderr)
	require.Contains(t, e.stdout, "3")
	require.Len(t, w.State().Kingdee.Bills, saved)
	require.Len(t, w.State().Source.Calls, read)

	e = w.run(t, "starter", "resume", id)
	require.Zero(t, e.code, e.stderr)
	requireTruth(t, w, w.sync(t, 3))
	select {
	case <-watch.done:
	case <-time.After(patience):
		require.Fail(t, "watch does not end", watch.output())
	}
	require.Contains(t, watch.output(), "已继续 resumed")

	for _, args := range [][]string{{"pause", id}, {"resume", id}, {"rate", id, "--windows-at-once", "2"}} {
		e = w.run(t, "starter", args...)
		require.Equal(t, 1, e.code, args)
		require.Contains(t, e.stderr, id, "it has ended")
	}
	for _, args := range []string{"rate " + id, "rate " + id + " --windows-at-once 51", "rate " + id + " --in-flight -1", "pause"} {
		e = w.run(t, "starter", strings.Fields(args)...)
		require.Equal(t, 2, e.code, args)
	}
}
