package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
)

// Kingdee refuses all calls for a moment: the worker makes fewer at a time, and as
// many as before once they go well, and no order is lost or saved twice.
func TestCallsAtATimeFollowWhatKingdeeTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{
		Orders: 600, CallLatency: 10 * time.Millisecond,
		Faults: faults.Probabilities{faults.KingdeeCallLimit: 1},
	})
	w.env["KINGDEE_BATCH_BILLS"] = "4" // many calls
	worker := w.startMonitored(t)
	allowed := func() float64 { return worker.metrics(t)["refundsync_kingdee_calls_allowed"] }
	require.Equal(t, 4.0, allowed())

	w.begin(t)
	require.Eventually(t, func() bool { return allowed() == 1 }, patience, 20*time.Millisecond)
	require.NoError(t, w.SetFaults(faults.Probabilities{}))
	require.Eventually(t, func() bool { return allowed() == 4 }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { return len(simulator.Compare(w.Truth(), w.State())) == 0 }, patience, 100*time.Millisecond)
	requireBills(t, w)
}
