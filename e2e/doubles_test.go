package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// Three overlapping ranges in one worker: each run has looked its orders up before any of
// them is saved. Kingdee does not require unique numbers.
func TestRangesThatOverlapInOneWorkerMakeNoDoubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 260, AllowDuplicateNumbers: true}).
		inSmallSteps(t, oneWindow...).
		with("KINGDEE_SESSIONS", "10") // look-ups proceed while saves are held
	w.startWorker(t)
	from, to := w.Range()
	runs := []client.WorkflowRun{w.beginHeld(t, 0)}
	for _, in := range []workflows.SyncFlowInput{
		inputOf(from, to.Add(-2*time.Hour)),
		inputOf(from.Add(2*time.Hour), to.Add(-time.Second)),
	} {
		looked := w.State().Kingdee.Calls["ExecuteBillQuery"]
		runs = append(runs, w.begin(t, in))
		testkit.Wait(t, "it has looked its first orders up", func() bool {
			return w.State().Kingdee.Calls["ExecuteBillQuery"] > looked
		})
	}
	w.ReleaseSaves()

	saved := 0
	for _, run := range runs {
		ended := end(t, run)
		require.Empty(t, ended.Error)
		saved += ended.Saved
	}
	require.Empty(t, w.State().Kingdee.Doubles)
	requireBills(t, w)
	// A second attempt takes the bill that it finds for its own.
	require.GreaterOrEqual(t, saved, w.Truth().Totals().Saved, "each bill was saved by one of the runs")
}
