package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/reconcile"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
)

// libraryFlows is a folder with copies of shipped flows, as a merchant makes it. They retry
// soon and often: the tests make much go wrong.
func libraryFlows(t *testing.T, flows ...merchant.Flow) (folder string) {
	t.Helper()
	folder = t.TempDir()
	library := filepath.Join("..", "flows", "library")
	require.NoError(t, os.CopyFS(filepath.Join(folder, "tables"), os.DirFS(filepath.Join(library, "tables"))))
	for _, name := range flows {
		path := filepath.Join(library, string(name)+".yaml")
		if name == builtInFlow {
			path = filepath.Join("..", "flows", builtInFlow+".yaml")
		}
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		source := string(raw)
		if name == builtInFlow {
			source = strings.NewReplacer("attempts: 8", "attempts: 30", "first: 2s", "first: 1s", "longest: 5m", "longest: 2s").Replace(source)
		} else {
			source = strings.Replace(source, "\n  schedule:", "\n  retry: { attempts: 30, first: 1s, longest: 2s }\n  schedule:", 1)
		}
		require.Contains(t, source, "attempts: 30")
		require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.Base(path)), []byte(source), 0o600))
	}
	return folder
}

// usualFaults are those of an ordinary bad day.
func usualFaults() faults.Probabilities {
	return faults.Probabilities{
		faults.SourceServerError: 0.1, faults.SourceOddCounts: 0.1, faults.SourceOddList: 0.1, faults.SourceOddTimes: 0.1,
		faults.SourceOrderMoves: 0.1, faults.SourceTokenLost: 0.1,
		faults.KingdeeServerError: 0.05, faults.KingdeeReplyLost: 0.1, faults.KingdeeSaveLate: 0.05,
		faults.KingdeeSessionLost: 0.05, faults.KingdeeBillConflict: 0.05, faults.KingdeeOtherShape: 0.05,
	}
}

// Each flow of the library books what the generator says, while much goes wrong; orders that
// change or are withdrawn afterwards are reported, and those whose cause is gone are booked.
func TestEveryFlowOfTheLibrary(t *testing.T) {
	t.Parallel()
	for _, flow := range merchant.Flows {
		if flow == builtInFlow {
			continue
		}
		t.Run(string(flow), func(t *testing.T) {
			if brief := []merchant.Flow{merchant.ReceiptToReturn, merchant.RefundOnlyToOtherReceivable}; !isLong() && !slices.Contains(brief, flow) {
				t.Skip("the other flows are in the long suite")
			}
			parallelIfLong(t)
			w := newWorld(t, simulator.Options{Orders: 200, Faults: usualFaults()})
			w.flows = []merchant.Flow{flow}
			w.env["REFUNDSYNC_FLOWS"] = libraryFlows(t, flow)
			w.startWorker(t)
			in := w.input()
			in.Flow = string(flow)
			first := w.syncBy(t, in)
			require.NoError(t, w.SetFaults(nil))
			w.starter(t, 0, "check")
			testkit.Wait(t, "all saves have landed", func() bool { return w.State().Kingdee.LateSaves == 0 })
			requireTruthOf(t, w, flow, first)
			second := w.syncBy(t, in)
			requireTruthOf(t, w, flow, second)
			require.Zero(t, second.Saved, "a second run saves nothing")

			failed := ofOutcome(w.TruthOf(flow), merchant.Failed)
			w.waitForParkedCount(t, len(failed))
			require.Equal(t, expectedKinds(w.TruthOf(flow), failed), w.reconcile(t, exitOf(failed), "--flow", string(flow)).kinds())

			// Those whose material is there by now are booked, and one of the others is discarded.
			if len(failed) > 0 {
				unknown := ofReason(w.parked(t), merchant.ReasonUnknownMaterial)
				for _, failure := range unknown {
					require.NoError(t, w.AddMaterial(missingMaterial(failure)))
				}
				w.starter(t, 0, "parked", "retry", "--reason", merchant.ReasonUnknownMaterial)
				failed = ofOutcome(w.TruthOf(flow), merchant.Failed)
				w.waitForParkedCount(t, len(failed))
				w.starter(t, 0, "parked", "discard", w.TruthOf(flow)[failed[0]].Number, "--note", "booked by hand", "--by", "wang", "--yes")
				w.waitForParkedCount(t, len(failed)-1)
				third := w.syncBy(t, in)
				require.Equal(t, 1, third.Skipped[contract.ReasonDiscarded])
				require.Empty(t, simulator.Compare(w.TruthOf(flow), w.State()))
				failed = failed[1:]
				require.Equal(t, expectedKinds(w.TruthOf(flow), failed), w.reconcile(t, exitOf(failed), "--flow", string(flow)).kinds())
			}

			// Changed and withdrawn afterwards.
			saved := ofOutcome(w.TruthOf(flow), merchant.Saved)
			changed, withdrawn := saved[0], saved[1]
			change := func(key string) bool { return w.ReceiveMore(key, false) }
			if flow == merchant.RefundOnlyToOtherReceivable || flow == merchant.RefundOnlyToRefundBill {
				change = w.RefundMore
			}
			require.True(t, change(changed))
			require.True(t, w.Withdraw(withdrawn, merchant.StatusCancelled))
			in.Range.To = w.TruthOf(flow).Latest()
			in.Range.From = in.Range.To.Add(-time.Hour) // both change now
			// A run ends before what the source's clock calls now.
			testkit.Wait(t, "the changes are past", func() bool { return time.Since(in.Range.To) > 5*time.Second })
			last := w.syncBy(t, in)
			require.Zero(t, last.Saved)
			require.Equal(t, 1, last.FailedReasons["order_changed"])
			require.Equal(t, 1, last.FailedReasons["order_withdrawn"])
			require.Len(t, last.Failures, 2)
			w.waitForParked(t, func(parked map[string]tally.Failure) bool {
				return parked[changed].Reason == "order_changed" && parked[withdrawn].Reason == "order_withdrawn"
			})
		})
	}
}

// ofOutcome are the keys of the orders with an outcome, sorted.
func ofOutcome(truth merchant.Truth, outcome merchant.Outcome) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(truth)) {
		if truth[key].Outcome == outcome {
			keys = append(keys, key)
		}
	}
	return keys
}

// expectedKinds are the kinds of a reconciliation that finds parked orders and nothing else,
// and exitOf is its exit code.
func expectedKinds(truth merchant.Truth, parked []string) map[reconcile.Kind][]string {
	if len(parked) == 0 {
		return map[reconcile.Kind][]string{}
	}
	numbers := make([]string, len(parked))
	for i, key := range parked {
		numbers[i] = truth[key].Number
	}
	return map[reconcile.Kind][]string{reconcile.Parked: numbers}
}

func exitOf(parked []string) int {
	if len(parked) == 0 {
		return 0
	}
	return 5
}

// The built-in flow and that of the open platform run side by side, each with shops that the
// other does not see. What both see is booked once, and each reconciles.
func TestBothSourcesOfAfterSalesOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: chaosLength(80, 200), SplitShops: true, Faults: usualFaults()})
	pair := []merchant.Flow{merchant.RefundToReturn, merchant.RefundToReturnOpen}
	w.env["REFUNDSYNC_FLOWS"] = libraryFlows(t, pair...)
	w.startWorker(t)
	both := 0
	for key := range w.TruthOf(pair[0]) {
		if _, ok := w.TruthOf(pair[1])[key]; ok {
			both++
		}
	}
	require.NotZero(t, both)
	inputs := map[merchant.Flow]result{}
	in := w.input()
	first := w.begin(t, in)
	in.Flow = string(pair[1])
	second := w.begin(t, in)
	inputs[pair[0]], inputs[pair[1]] = end(t, first), end(t, second)
	require.NoError(t, w.SetFaults(nil))
	testkit.Wait(t, "all saves have landed", func() bool { return w.State().Kingdee.LateSaves == 0 })
	require.Empty(t, simulator.Compare(w.TruthOf(pair...), w.State()))
	for _, flow := range pair {
		require.Empty(t, inputs[flow].Error)
		truth := w.TruthOf(flow)
		totals := truth.Totals()
		require.Equal(t, totals.Saved, inputs[flow].Saved+inputs[flow].AlreadySaved)
		require.Equal(t, totals.Skipped, inputs[flow].Skipped)
		failed := ofOutcome(truth, merchant.Failed)
		require.Equal(t, expectedKinds(w.TruthOf(flow), failed), w.reconcile(t, exitOf(failed), "--flow", string(flow)).kinds())
	}
}

// Outbound orders are booked and audited, and the returns of what went out name their lines.
func TestReturnsNameTheOutboundBillsOfTheLibrary(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 100})
	w.env["REFUNDSYNC_FLOWS"] = libraryFlows(t, merchant.RefundToReturn, merchant.SaleoutToOutstock)
	edit := func(flow merchant.Flow, pair ...string) {
		t.Helper()
		path := filepath.Join(w.env["REFUNDSYNC_FLOWS"], string(flow)+".yaml")
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		changed := strings.NewReplacer(pair...).Replace(string(raw))
		require.NotEqual(t, string(raw), changed)
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	}
	edit(merchant.SaleoutToOutstock, "\nchecks:", "\noptions: { submit_and_audit: explicit }\n\nchecks:")
	// As the comment in the file says.
	edit(merchant.RefundToReturn, "  # source_bill:", "  source_bill:", "  #   FormId: SAL_OUTSTOCK", "    FormId: SAL_OUTSTOCK",
		"  #   where: {", "    where: {", "  #   required: false", "    required: false")
	w.startWorker(t)
	in := w.input()
	in.Flow = string(merchant.SaleoutToOutstock)
	w.syncBy(t, in)
	returned := w.sync(t)
	require.Zero(t, returned.Unlinked, "%v", returned.Failures)
	require.Positive(t, returned.Saved)
	require.Empty(t, simulator.Compare(w.TruthOf(merchant.RefundToReturn, merchant.SaleoutToOutstock), w.State()))
	state, orders := w.State().Kingdee, map[string]string{}
	require.Zero(t, state.LostLinks)
	for _, bill := range state.Of(merchant.OutstockForm) {
		orders[bill.Number] = bill.Fields["FThirdBillNo"]
	}
	for _, bill := range state.Of(merchant.ReturnForm) {
		for _, line := range bill.Entries {
			require.NotEmpty(t, orders[line.Fields["FSrcBillNo"]])
			require.Contains(t, bill.Fields["FHeadNote"], "线上订单 "+orders[line.Fields["FSrcBillNo"]]+" ")
		}
	}
}
