package e2e

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/reconcile"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// Orders that a person has booked by hand and discarded are not booked once their cause is
// gone, by no run in any grain, until they change or a person names them.
func TestDiscardedOrdersAreNotBookedOnceTheirCauseIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200, From: time.Now().Add(-3 * 24 * time.Hour).Truncate(time.Second)})
	w.startWorker(t)
	all := w.waitForParkedCount(t, w.sync(t).Parked)
	failures := ofReason(all, "unknown_material")
	ids := slices.Sorted(maps.Keys(failures))
	require.GreaterOrEqual(t, len(ids), 2)
	w.starter(t, 0, "parked", "discard", "--reason", "unknown_material", "--note", "booked by hand", "--by", "wang", "--yes")
	w.waitForParkedCount(t, len(all)-len(ids))

	// Named by a person and refused as before, one is parked anew, and discarded once more.
	changed, named := ids[0], ids[1]
	w.starter(t, 3, "run", "--flow", builtInFlow, "--order", named, "--wait")
	w.waitForParkedCount(t, len(all)-len(ids)+1)
	w.starter(t, 0, "parked", "discard", named, "--note", "booked by hand", "--by", "wang", "--yes")
	for _, failure := range failures {
		require.NoError(t, w.AddMaterial(missingMaterial(failure)))
	}
	w.waitForParkedCount(t, len(all)-len(ids))
	require.Contains(t, w.starter(t, 0, "parked", "show", named).stdout, "wang", "it has ended")

	bills := w.bills()
	requireLeftOut := func(r result) {
		t.Helper()
		require.Equal(t, len(ids), r.Skipped[contract.ReasonDiscarded])
		require.Zero(t, r.Saved)
		require.Equal(t, len(all)-len(ids), r.Parked)
		require.Equal(t, bills, w.bills())
	}
	for _, grain := range []string{contract.GrainOrder, contract.GrainPage} {
		in := w.input()
		in.Grain = grain
		requireLeftOut(w.syncBy(t, in))
	}
	c := w.temporal(t)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "sweep", TaskQueue: "refundsync"}, workflows.SyncFlowName, workflows.SyncFlowInput{Flow: builtInFlow, Sweep: true})
	require.NoError(t, err)
	swept := end(t, run)
	require.Empty(t, swept.Error)
	requireLeftOut(swept)
	require.Zero(t, *swept.Found)

	// A reconciliation does not miss them, and a repair leaves them alone.
	require.Equal(t, []reconcile.Kind{reconcile.Parked}, slices.Collect(maps.Keys(w.reconcile(t, 5).kinds())))
	w.starter(t, 5, slices.Concat([]string{"reconcile"}, w.rangeFlags(), []string{"--repair", "--yes"})...)
	require.Equal(t, bills, w.bills())
	s := w.story(t, 0, ids[0])
	require.Equal(t, "discarded", s.State)
	require.Equal(t, "discarded", s.Next.Outcome)

	// A change brings one back, its name another.
	require.True(t, w.ReceiveMore(changed, false))
	from, _ := w.Range()
	testkit.Wait(t, "the changed order is booked", func() bool {
		last := w.syncSpan(t, from, w.Truth().Latest())
		require.Equal(t, len(ids)-1, last.Skipped[contract.ReasonDiscarded])
		return w.bills() == bills+1
	})
	require.Equal(t, "agrees", w.story(t, 0, changed).State)
	w.starter(t, 0, "run", "--flow", builtInFlow, "--order", named, "--wait")
	require.Equal(t, bills+2, w.bills())
	require.Equal(t, "agrees", w.story(t, 0, named).State)
}
