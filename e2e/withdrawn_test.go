package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
)

// Every order is cancelled, unconfirmed or merged right after its bill was saved. The
// next run notices each, and reports it or deletes its bill; orders created by a merge
// are booked.
func TestOrdersThatAreWithdrawnAfterTheyWereSaved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		flow []string
	}{
		{"reported", nil},
		{"deleted", []string{"withdrawn: report", "withdrawn: delete"}},
		{"audited, which are only reported", []string{"withdrawn: report", "withdrawn: delete", "submit_and_audit: none", "submit_and_audit: explicit"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{Orders: 40, Faults: faults.Probabilities{faults.SourceOrderWithdrawn: 1}})
			w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, c.flow...)
			w.startWorker(t)
			first := w.sync(t)
			require.NoError(t, w.SetFaults(nil))
			truth, withdrawn := w.Truth(), map[string]bool{}
			for id, expectation := range truth {
				if expectation.Withdrawn {
					withdrawn[id] = true
				}
			}
			require.Len(t, withdrawn, first.Saved)

			from, _ := w.Range()
			second := w.syncSpan(t, from, truth.Latest())
			requireBills(t, w)
			require.Equal(t, truth.Totals().Saved, second.Saved, "the orders created by merges")
			if c.name == "deleted" {
				require.Equal(t, len(withdrawn), second.BillsDeleted)
				require.Zero(t, second.FailedReasons["order_withdrawn"])
				require.Len(t, w.State().Kingdee.Bills, second.Saved)
				return
			}
			require.Equal(t, len(withdrawn), second.FailedReasons["order_withdrawn"])
			told := w.waitForParked(t, func(parked map[string]tally.Failure) bool {
				return len(ofReason(parked, "order_withdrawn")) == len(withdrawn)
			})
			for id := range ofReason(told, "order_withdrawn") {
				require.True(t, withdrawn[id], id)
			}
		})
	}
}

// A parked order that is cancelled ends, and says so, on the next run or on its own next
// attempt.
func TestParkedOrderEndsWhenCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200})
	w.startWorker(t)
	w.sync(t)
	failed := 0
	for _, expectation := range w.Truth() {
		if expectation.Outcome == merchant.Failed {
			failed++
		}
	}
	waiting := w.waitForParkedCount(t, failed)
	var ids []string
	for id := range waiting {
		ids = append(ids, id)
	}
	byRun, byItself := ids[0], ids[1]
	require.True(t, w.Withdraw(byItself, merchant.StatusCancelled))
	require.Contains(t, w.starter(t, 0, "parked", "retry", byItself, "--wait").stdout, merchant.ReasonCancelled)
	require.True(t, w.Withdraw(byRun, merchant.StatusWaits))
	from, _ := w.Range()
	testkit.Wait(t, "the other has ended too", func() bool {
		w.syncSpan(t, from, w.Truth().Latest())
		return len(w.parked(t)) == failed-2
	})
	require.Contains(t, w.starter(t, 0, "parked", "show", byRun).stdout, "not confirmed")
	requireBills(t, w)
}

// More of each order is received after it was booked: that becomes a further bill, made
// by one of several overlapping runs, even if bills are audited.
func TestLaterReceiptsBecomeFurtherBills(t *testing.T) {
	t.Parallel()
	for _, audit := range []string{"none", "explicit"} {
		t.Run("submit_and_audit "+audit, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{Orders: 40})
			w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "existing: report", "existing: supplement", "submit_and_audit: none", "submit_and_audit: "+audit)
			w.startWorker(t)
			requireTruth(t, w, w.sync(t))
			orders := w.savable()
			from, _ := w.Range()
			for batch := range 2 {
				for _, id := range orders {
					require.True(t, w.ReceiveMore(id, false))
				}
				var runs []result
				first := w.begin(t, inputOf(from, w.Truth().Latest()))
				second := w.begin(t, inputOf(from.Add(1e9), w.Truth().Latest()))
				runs = append(runs, end(t, first), end(t, second))
				for _, run := range runs {
					require.Empty(t, run.Error)
					require.Zero(t, run.FailedReasons["order_changed"], "%v", run.Failures)
				}
				require.Empty(t, simulator.CompareSupplemented(w.Truth(), w.State()))
				require.Len(t, w.State().Kingdee.Bills, (batch+2)*len(orders))
				require.Empty(t, w.State().Kingdee.Doubles)
			}
			last := w.syncSpan(t, from, w.Truth().Latest())
			require.Equal(t, len(orders), last.AlreadySaved)
			require.Zero(t, last.Saved+last.Updated)
		})
	}
}

// Products are renamed after everything is booked, which changes no bill.
func TestRenamedProductChangesNoBill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 40})
	w.startWorker(t)
	first := w.sync(t)
	for _, id := range w.savable() {
		require.True(t, w.Rename(id))
	}
	from, _ := w.Range()
	last := w.syncSpan(t, from, w.Truth().Latest())
	// A bill dated by its order's modification does change.
	require.Equal(t, first.Saved, last.AlreadySaved+last.FailedReasons["order_changed"])
	require.Less(t, last.FailedReasons["order_changed"], 5)
}
