package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/reconcile"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// reported is what `starter reconcile -o json` prints.
type reported struct {
	reconcile.Report
	Rows []reconcile.Row `json:"rows"`
}

func (w *world) reconcile(t *testing.T, wantCode int, flags ...string) (r reported) {
	t.Helper()
	args := slices.Concat([]string{"reconcile"}, w.rangeFlags(), []string{"-o", "json"}, flags)
	e := w.starter(t, wantCode, args...)
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &r), e.stdout)
	return r
}

// kinds are the orders of the rows that differ, or else their bill's numbers, by kind.
func (r reported) kinds() map[reconcile.Kind][]string {
	kinds := map[reconcile.Kind][]string{}
	for _, row := range r.Rows {
		if row.Kind.Differs() {
			kinds[row.Kind] = append(kinds[row.Kind], row.BillNumber)
		}
	}
	for _, numbers := range kinds {
		slices.Sort(numbers)
	}
	return kinds
}

// datedInRange are the orders whose bills are dated in the world's days.
func (w *world) datedInRange() (orders []string) {
	span := w.input().Range
	for _, bill := range w.State().Kingdee.Bills {
		day, err := time.ParseInLocation("2006-01-02T15:04:05", bill.Fields["FDate"], beijing.Zone)
		if err == nil && !day.Before(span.From) && !day.After(span.To) {
			orders = append(orders, bill.Number)
		}
	}
	return orders
}

// Finance reconciles after people have changed bills in Kingdee: the command names what they
// did and nothing else, and repairs what can be repaired.
func TestReconcile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 120})
	worker := w.startWorker(t)
	w.sync(t)
	var failed []string
	for id, expectation := range w.Truth() {
		if expectation.Outcome == merchant.Failed {
			failed = append(failed, id)
		}
	}
	slices.Sort(failed)
	w.waitForParkedCount(t, len(failed))
	orders := w.datedInRange()
	require.NoError(t, w.DeleteBill(orders[0]))
	require.NoError(t, w.ChangeBill(orders[1], 1, "FRealQty", "99"))
	require.NoError(t, w.ChangeBill(orders[2], 0, "FDate", "2024-02-01"))
	require.NoError(t, w.VoidBills(orders[3]))
	require.NoError(t, w.CopyBill(orders[4], "COPY-1", true))
	require.NoError(t, w.CopyBill(orders[5], "BY-HAND", false))
	planted := map[reconcile.Kind][]string{
		reconcile.Missing: {orders[0]}, reconcile.Different: {orders[1], orders[2]}, reconcile.Void: {orders[3]},
		reconcile.Doubled: {"COPY-1"}, reconcile.Parked: failed,
	}
	slices.Sort(planted[reconcile.Different])
	require.Equal(t, planted, w.reconcile(t, 5).kinds())

	// A worker that has saved a bill takes it for hidden when it is gone.
	worker.terminate(t)
	w.startWorker(t)
	file := filepath.Join(t.TempDir(), "report.json")
	table := w.starter(t, 5, slices.Concat([]string{"reconcile"}, w.rangeFlags(), []string{"--repair", "--yes", "--out", file})...)
	require.Contains(t, table.stdout, "The two systems differ")
	delete(planted, reconcile.Missing)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var whole reported
	require.NoError(t, json.Unmarshal(raw, &whole))
	require.Equal(t, planted, whole.kinds())
	require.Equal(t, len(w.Truth()), whole.Totals.Source.Count)
	require.Equal(t, w.bills()-1, whole.Totals.Kingdee.Count, "all but the void one")
	require.Len(t, whole.Rows, whole.Totals.Source.Count+2, "each order, the copy and the bill by hand")
	t.Log(table.stderr)
	t.Log(table.stdout)
}
