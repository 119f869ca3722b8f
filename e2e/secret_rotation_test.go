package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
)

// The secrets of both applications that a merchant rotates.
const (
	newJushuitanSecret = "changed-jushuitan-secret"
	newKingdeeSecret   = "c0ffee0123456789abcdef0123456789"
)

func (w *world) withNewSecrets() *world {
	return w.with("JUSHUITAN_APP_SECRET", newJushuitanSecret).with("KINGDEE_APP_SECRET", newKingdeeSecret)
}

// revokeOldSecrets leaves only the new secrets valid.
func (w *world) revokeOldSecrets() {
	w.AcceptSecrets([]string{newJushuitanSecret}, []string{newKingdeeSecret})
}

// Both systems accept the old and the new secret for a while: a worker with the new ones
// starts, the one with the old ones stops, and the run in progress never notices.
func TestSecretsAreChangedWithoutAStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	first := w.startWorker(t)
	run := w.beginHeld(t, 10)
	w.AcceptSecrets(
		[]string{w.env["JUSHUITAN_APP_SECRET"], newJushuitanSecret},
		[]string{w.env["KINGDEE_APP_SECRET"], newKingdeeSecret})
	w.withNewSecrets().startWorker(t)
	first.stop()
	first.waitFor(t, `"draining"`)
	w.handOver(t, run.GetID(), func() { first.waitForEnd(t) })
	w.revokeOldSecrets()
	w.ReleaseSaves()

	r := w.sync(t) // joins the run
	require.Zero(t, r.Failed)
	require.Equal(t, len(w.savable()), r.Saved)
	require.Zero(t, w.State().Source.Refusals["25"], "signatures that were refused")
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
}

// If a secret becomes invalid at once, the run that meets it fails and says so, and the
// next run with the new secret does the rest.
func TestASecretThatEndsAtOnceLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	first := w.startWorker(t)
	run := w.beginHeld(t, 10)
	w.revokeOldSecrets()
	w.ReleaseSaves()
	require.NotEmpty(t, end(t, run).Error)
	w.withNewSecrets().startWorker(t)
	first.terminate(t)

	r := w.sync(t)
	require.Zero(t, r.Failed)
	require.NotZero(t, r.AlreadySaved)
	require.Equal(t, len(w.savable()), r.Saved+r.AlreadySaved)
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
}
