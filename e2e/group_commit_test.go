package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
)

// Where Kingdee's own pace is the limit, its calls are nearly full, although
// each order is an activity of its own.
func TestSyncSharesCallsUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 600, CallLatency: 200 * time.Millisecond, BillLatency: 20 * time.Millisecond})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "window: 1h", "window: 12h")
	// Calls are full only while Kingdee takes fewer orders than the server brings: with
	// one session 33 a second, which any machine does.
	w.env["KINGDEE_SESSIONS"] = "1"
	w.startWorker(t)
	run := w.sync(t, 3)
	requireTruth(t, w, run)
	calls := w.State().Kingdee.Calls
	perOrder := float64(calls["BatchSave"]) / float64(run.Saved)
	t.Logf("%d orders: calls %v, BatchSave calls an order %.3f", run.Fetched, calls, perOrder)
	require.LessOrEqual(t, perOrder, 0.08)
}
