package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// A read-only command waits for a Temporal server that restarts, so that a monitor
// calling it raises no alarm; if the server does not come back, it says what is wrong.
func TestReadingWaitsForARestartingServer(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	temporal := startKillable(t)
	w := newWorldAt(t, simulator.Options{Orders: 1}, temporal.address, temporal.namespace)
	w.startWorker(t)
	testkit.Wait(t, "the status is known", func() bool { return w.run(t, "starter", "status").code == 0 })

	temporal.kill(t)
	e := w.starter(t, 1, "parked", "list")
	require.Contains(t, e.stderr, "error: the Temporal server has not answered for ")

	status := w.start(t, "does not answer", "starter", "status")
	temporal.restart(t)
	require.Zero(t, status.End(t), status.Output())
	require.Contains(t, status.Output(), builtInFlow)
}
