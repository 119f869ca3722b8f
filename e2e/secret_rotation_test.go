package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
)

// The secrets of both applications that a merchant changes.
const (
	newJushuitanSecret = "changed-jushuitan-secret"
	newKingdeeSecret   = "c0ffee0123456789abcdef0123456789"
)

func (w *world) withNewSecrets() *world {
	return w.with("JUSHUITAN_APP_SECRET", newJushuitanSecret).with("KINGDEE_APP_SECRET", newKingdeeSecret)
}

// revokeOldSecrets leaves the new secrets valid alone.
func (w *world) revokeOldSecrets() {
	w.AcceptSecrets([]string{newJushuitanSecret}, []string{newKingdeeSecret})
}

// newWorldWithALongRun is one whose run takes long enough to change secrets
// meanwhile.
func newWorldWithALongRun(t *testing.T) *world {
	t.Helper()
	return slowly(t, newWorld(t, longRun))
}

// Under slowly's flow, shortRun makes a run that lasts for a change of workers and
// little longer, longRun one that lasts for restarts of a server too.
var (
	shortRun = simulator.Options{Orders: 200, CallLatency: 150 * time.Millisecond}
	longRun  = simulator.Options{Orders: 300, CallLatency: 300 * time.Millisecond}
)

// slowly has the world's flow do little at a time.
func slowly(t *testing.T, w *world) *world {
	t.Helper()
	return w.with("REFUNDSYNC_FLOWS", changedFlows(t, "in_flight: 100", "in_flight: 5", "windows_at_once: 4", "windows_at_once: 1"))
}

func newWorldWithAShortRun(t *testing.T) *world {
	t.Helper()
	return slowly(t, newWorld(t, shortRun))
}

// Both systems take the old and the new secret for a while: a worker with the new
// ones begins, the one with the old ones is stopped, and the run that is under way
// never notices.
func TestSecretsAreChangedWithoutAStop(t *testing.T) {
	t.Parallel()
	w := newWorldWithALongRun(t)
	first := w.startWorker(t)
	w.begin(t)
	w.waitForBills(t, 10)
	w.AcceptSecrets(
		[]string{w.env["JUSHUITAN_APP_SECRET"], newJushuitanSecret},
		[]string{w.env["KINGDEE_APP_SECRET"], newKingdeeSecret})
	w.withNewSecrets().startWorker(t)
	first.terminate(t)
	w.revokeOldSecrets()
	require.Less(t, len(w.State().Kingdee.Bills), len(w.savable()), "the run is still under way")

	r := w.sync(t, 3) // joins the run
	require.Zero(t, r.Failed)
	require.Equal(t, len(w.savable()), r.Saved)
	require.Zero(t, w.State().Source.Refusals["25"], "signatures that were refused")
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
}

// A secret that is valid no more at once: the run that meets it fails and says so,
// and with the new secret the next one does the rest.
func TestASecretThatEndsAtOnceLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorldWithALongRun(t)
	first := w.startWorker(t)
	w.begin(t)
	w.waitForBills(t, 10)
	w.revokeOldSecrets()
	require.NotEmpty(t, w.sync(t, 1).Error) // joins the run
	w.withNewSecrets().startWorker(t)
	first.terminate(t)

	r := w.sync(t, 3)
	require.Zero(t, r.Failed)
	require.NotZero(t, r.AlreadySaved)
	require.Equal(t, len(w.savable()), r.Saved+r.AlreadySaved)
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
}
