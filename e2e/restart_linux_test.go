package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
)

// A command that only reads waits out a restart of the Temporal server, so that a
// monitor which calls it then raises no alarm; and it says what is wrong where the
// server does not come back.
func TestReadingWaitsForAServerThatRestarts(t *testing.T) {
	t.Parallel()
	temporal, address, restart := startTemporalWithState(t)
	w := newWorldAt(t, simulator.Options{Orders: 1}, address)
	w.startWorker(t)
	require.Eventually(t, func() bool { return w.run(t, "starter", "status").code == 0 }, patience, 200*time.Millisecond)

	require.NoError(t, temporal.cmd.Process.Kill())
	<-temporal.done
	require.Eventually(t, func() bool { return refused(address) }, patience, 5*time.Millisecond)
	e := w.run(t, "starter", "parked", "list")
	require.Equal(t, 1, e.code)
	require.Contains(t, e.stderr, "错误 error: 等了 ")
	require.Contains(t, e.stderr, "没有答复")

	status := w.startCommand(t, "没有答复", w.command("starter", "status"))
	restart()
	<-status.done
	require.Zero(t, status.cmd.ProcessState.ExitCode(), status.output())
	require.Contains(t, status.output(), "refund_to_return")
}
