package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
)

// Every order changes right after its bill was saved, two of three in what the bill
// holds. The next run notices, and does what the flow says.
func TestOrdersThatChangeAfterTheyWereSaved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		flow []string
	}{
		{"reported", nil},
		{"updated", []string{"existing: report", "existing: update"}},
		{"updated and audited", []string{"existing: report", "existing: update", "submit_and_audit: none", "submit_and_audit: explicit"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, simulator.Options{Orders: 120, Faults: faults.Probabilities{faults.SourceOrderChanges: 1}})
			w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, c.flow...)
			w.startWorker(t)
			first := w.sync(t, 3)
			require.NoError(t, w.SetFaults(nil))
			truth := w.Truth()
			changed := map[string]bool{}
			for _, difference := range simulator.Compare(truth, w.State()) {
				require.Equal(t, simulator.Different, difference.Kind)
				changed[difference.Number] = true
			}
			require.Greater(t, len(changed), 20)
			require.Less(t, len(changed), first.Saved, "some changed in nothing that the bill holds")

			from, _ := w.Range()
			second := w.syncSpan(t, 3, from, truth.Latest())
			require.Zero(t, second.Saved)
			require.Equal(t, first.Saved-len(changed), second.AlreadySaved)
			if c.name == "updated" {
				require.Equal(t, len(changed), second.Updated)
				requireBills(t, w)
				return
			}
			// Those that are audited are left to a person, too.
			require.Zero(t, second.Updated)
			require.Equal(t, len(changed), second.FailedReasons["order_changed"])
			require.Eventually(t, func() bool { return len(w.parked(t, "--reason", "order_changed")) == len(changed) }, patience, 200*time.Millisecond)
			for id := range w.parked(t, "--reason", "order_changed") {
				require.True(t, changed[id], id)
			}
			require.Empty(t, simulator.CompareAnyVersion(truth, w.State()), "the bills stay as they were")
			third := w.syncSpan(t, 3, from, truth.Latest())
			require.Equal(t, second.FailedReasons, third.FailedReasons, "found again, and parked once")
			require.Equal(t, second.AlreadySaved, third.AlreadySaved)

			// They change back to what their bills say. Those that waited in between wait
			// no more: they would be booked one day.
			for id := range changed {
				require.True(t, w.ChangeBack(id))
			}
			require.Eventually(t, func() bool {
				back := w.syncSpan(t, 3, from, w.Truth().Latest())
				waiting := back.FailedReasons["order_changed"]
				require.Less(t, waiting, len(changed)/2, "only bills that are dated by the change differ still")
				return len(w.parked(t, "--reason", "order_changed")) == waiting
			}, patience, time.Second)
			require.Empty(t, simulator.CompareAnyVersion(truth, w.State()), "the bills stay as they were")
		})
	}
}

// Where a flow gives several orders one number, the first has its bill, and the
// others are told apart from it: none is taken for saved.
func TestAnotherOrdersBillUnderTheNumberIsAConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "FBillNo: { field: as_id }", `FBillNo: { expression: '"RT-" + shop_name' }`, "too_many_failures: 80", "too_many_failures: 0")
	w.startWorker(t)
	bills := func() int { return len(w.State().Kingdee.Bills) }
	first := w.sync(t, 3)
	require.Equal(t, bills(), first.Saved)
	require.Zero(t, first.AlreadySaved)
	totals := w.Truth().Totals()
	require.Equal(t, totals.Orders-first.Saved-first.SkippedTotal(), first.Parked)
	require.GreaterOrEqual(t, first.FailedReasons["number_conflict"], totals.Saved-first.Saved)

	require.Eventually(t, func() bool { return len(w.parked(t)) == first.Parked }, patience, 200*time.Millisecond, "each waits by itself")

	second := w.sync(t, 3)
	require.Equal(t, first.Saved, second.AlreadySaved)
	require.Equal(t, first.Parked, second.Parked)
	require.Equal(t, first.Saved, bills())
	require.Len(t, w.parked(t), first.Parked)
}

// Without Kingdee's rule that a number is unique, a save that lands late can make a
// second bill. Each is found by the next run, and told loudly.
func TestDoublesAreReportedWhereNumbersNeedNotBeUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{
		// A save lands long after its attempt was given up and the next has saved.
		Orders: 150, AllowDuplicateNumbers: true, HangTime: time.Second, SaveDelay: 6 * time.Second,
		Faults: faults.Probabilities{faults.KingdeeSaveLate: 0.4},
	})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "first: 2s # before", "first: 1s # before", "longest: 5m # 5m", "longest: 1s # 5m", "attempts: 8", "attempts: 30")
	w.startWorker(t)
	w.sync(t, 3)
	require.NoError(t, w.SetFaults(nil))
	require.Eventually(t, func() bool { return w.State().Kingdee.LateSaves == 0 }, patience, 20*time.Millisecond)
	doubles := w.State().Kingdee.Doubles
	require.NotEmpty(t, doubles)

	second := w.sync(t, 3)
	require.Equal(t, len(doubles), second.FailedReasons["double_bill"])
	require.Eventually(t, func() bool { return len(w.parked(t, "--reason", "double_bill")) == len(doubles) }, patience, 200*time.Millisecond)
	parked := w.parked(t, "--reason", "double_bill")
	for _, number := range doubles {
		require.Contains(t, parked[number].Message, "FID")
	}
	for _, difference := range simulator.Compare(w.Truth(), w.State()) {
		require.Equal(t, simulator.Double, difference.Kind, difference)
	}
}
