package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// A bill leads back to the flow file that made it, after the file was edited and the worker
// has ended, and with encryption on.
func TestABillLeadsBackToItsFlowFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 20})
	w.setKeys(newKey)
	first := w.startWorker(t)
	require.NotZero(t, w.sync(t).Saved)
	number := w.State().Kingdee.Bills[0].Number
	was, err := os.ReadFile(filepath.Join(w.env["REFUNDSYNC_FLOWS"], builtInFlow+".yaml"))
	require.NoError(t, err)
	first.terminate(t)

	w = w.with("REFUNDSYNC_FLOWS", changedFlows(t, "FRealQty: { field: item.r_qty }", "FRealQty: { field: item.qty }"))
	second := w.startWorker(t)
	versions := func() (all []struct{ Flow, Version string }) {
		require.NoError(t, json.Unmarshal([]byte(w.starter(t, 0, "flow", "versions", "-o", "json").stdout), &all))
		return all
	}
	testkit.Wait(t, "both versions are listed", func() bool { return len(versions()) == 2 })
	second.terminate(t)

	shown := w.starter(t, 0, "flow", "show", "--bill", number)
	require.True(t, strings.HasPrefix(shown.stdout, string(was)), shown.stdout)
	require.Contains(t, shown.stdout, "# tables/warehouses.csv\n")
	require.Contains(t, shown.stderr, versions()[0].Version)
	diff := w.starter(t, 0, "flow", "diff", versions()[0].Version[:6])
	require.Equal(t, "- FRealQty（实退数量） is the field item.qty; it was the field item.r_qty\n", diff.stdout)
	back := w.starter(t, 0, "flow", "diff", versions()[1].Version, versions()[0].Version)
	require.Equal(t, "- FRealQty（实退数量） is the field item.r_qty; it was the field item.qty\n", back.stdout)

	out := filepath.Join(t.TempDir(), "then")
	w.starter(t, 0, "flow", "show", "--version", versions()[0].Version[:6], "--out", out)
	written, err := os.ReadFile(filepath.Join(out, builtInFlow+".yaml"))
	require.NoError(t, err)
	require.Equal(t, string(was), string(written))
	require.FileExists(t, filepath.Join(out, "tables", "warehouses.csv"))
	w.starter(t, 1, "flow", "show", "--version", versions()[0].Version, "--out", out)
	require.Contains(t, w.starter(t, 1, "flow", "show", "--version", "000000").stderr, "no version that begins with 000000")
	require.Contains(t, w.starter(t, 1, "flow", "show", "--bill", "no-such-bill").stderr, "Kingdee has no bill no-such-bill")
	w.starter(t, 2, "flow", "show", "--version", "xyz")
}
