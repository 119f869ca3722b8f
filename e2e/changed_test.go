package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
)

// Every order changes right after its bill was saved, half of them in what the bill
// contains. The next run notices, and does what the flow says.
func TestOrdersThatChangeAfterTheyWereSaved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		flow []string
		long bool
	}{
		{"reported", nil, true},
		{"updated", []string{"existing: report", "existing: update"}, false},
		{"updated and audited", []string{"existing: report", "existing: update", "submit_and_audit: none", "submit_and_audit: explicit"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long {
				testkit.SkipUnlessLong(t) // audited bills are reported as well
			}
			parallelIfLong(t)
			w := newWorld(t, simulator.Options{Orders: 60, Faults: faults.Probabilities{faults.SourceOrderChanges: 1}})
			w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, c.flow...)
			w.startWorker(t)
			first := w.sync(t)
			require.NoError(t, w.SetFaults(nil))
			truth := w.Truth()
			changed := map[string]bool{}
			for _, difference := range simulator.Compare(truth, w.State()) {
				require.Equal(t, simulator.Different, difference.Kind)
				changed[difference.Number] = true
			}
			require.Greater(t, len(changed), 10)
			require.Less(t, len(changed), first.Saved, "some changes affect no bill")

			from, _ := w.Range()
			second := w.syncSpan(t, from, truth.Latest())
			require.Zero(t, second.Saved)
			require.Equal(t, first.Saved-len(changed), second.AlreadySaved)
			if c.name == "updated" {
				require.Equal(t, len(changed), second.Updated)
				requireBills(t, w)
				return
			}
			// Audited bills are reported even if the flow updates others.
			require.Zero(t, second.Updated)
			require.Equal(t, len(changed), second.FailedReasons["order_changed"])
			waiting := w.waitForParked(t, func(parked map[string]tally.Failure) bool {
				return len(ofReason(parked, "order_changed")) == len(changed)
			})
			for id := range ofReason(waiting, "order_changed") {
				require.True(t, changed[id], id)
			}
			require.Empty(t, simulator.CompareAnyVersion(truth, w.State()), "the bills stay as they were")
			third := w.syncSpan(t, from, truth.Latest())
			require.Equal(t, second.FailedReasons, third.FailedReasons, "found again, and parked once")
			require.Equal(t, second.AlreadySaved, third.AlreadySaved)

			// The orders change back to what their bills say. Those parked in between
			// end; otherwise they would be booked some day.
			for id := range changed {
				require.True(t, w.UndoReceiveMore(id))
			}
			testkit.Wait(t, "those that changed back no longer wait", func() bool {
				back := w.syncSpan(t, from, w.Truth().Latest())
				waiting := back.FailedReasons["order_changed"]
				require.Less(t, waiting, len(changed)/2, "only bills dated by the change still differ")
				return len(ofReason(w.parked(t), "order_changed")) == waiting
			})
			require.Empty(t, simulator.CompareAnyVersion(truth, w.State()), "the bills stay as they were")
		})
	}
}

// If Kingdee does not require unique numbers, a save that lands late can make a second
// bill. The next run finds and reports each.
func TestDoublesAreReportedWhereNumbersNeedNotBeUnique(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	w := newWorld(t, simulator.Options{
		// A save lands long after its attempt was abandoned and the next one has saved.
		Orders: 150, AllowDuplicateNumbers: true, HangTime: time.Second, SaveDelay: 6 * time.Second,
		Faults: faults.Probabilities{faults.KingdeeSaveLate: 0.4},
	})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "first: 2s # before", "first: 1s # before", "longest: 5m # 5m", "longest: 1s # 5m", "attempts: 8", "attempts: 30")
	w.startWorker(t)
	w.sync(t)
	require.NoError(t, w.SetFaults(nil))
	testkit.Wait(t, "all saves have landed", func() bool { return w.State().Kingdee.LateSaves == 0 })
	doubles := w.State().Kingdee.Doubles
	require.NotEmpty(t, doubles)

	second := w.sync(t)
	require.Equal(t, len(doubles), second.FailedReasons["double_bill"])
	parked := w.waitForParked(t, func(parked map[string]tally.Failure) bool {
		return len(ofReason(parked, "double_bill")) == len(doubles)
	})
	for _, number := range doubles {
		require.Contains(t, parked[number].Message.String(), "FID")
	}
	for _, difference := range simulator.Compare(w.Truth(), w.State()) {
		require.Equal(t, simulator.Double, difference.Kind, difference)
	}
}
