package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// Three ranges that overlap, in one worker: each run has looked its orders up before any
// of them is saved. Kingdee has no rule that a number is unique.
func TestRangesThatOverlapInOneWorkerMakeNoDoubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 260, AllowDuplicateNumbers: true}).
		inSmallSteps(t, "window: 1h # 1h", "window: 48h # 1h")
	w.startWorker(t)
	from, to := w.Range()
	first := w.beginHeld(t, 0)
	looked := w.State().Kingdee.Calls["ExecuteBillQuery"]
	second := w.begin(t, inputOf(from, to.Add(-2*time.Hour)))
	third := w.begin(t, inputOf(from.Add(2*time.Hour), to.Add(-time.Second)))
	testkit.Wait(t, "all have looked their first orders up", func() bool {
		return w.State().Kingdee.Calls["ExecuteBillQuery"] >= looked+2
	})
	w.ReleaseSaves()

	saved := 0
	for _, run := range []interface{ GetID() string }{first, second, third} {
		saved += end(t, w.temporal(t).GetWorkflow(t.Context(), run.GetID(), "")).Saved
	}
	require.Empty(t, w.State().Kingdee.Doubles)
	requireBills(t, w)
	require.Equal(t, w.Truth().Totals().Saved, saved, "each bill was saved by one of the runs")
}
