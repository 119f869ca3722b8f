package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/tally"
)

// A tenant whose settings keep a bill from being found gets one bill, in both grains,
// with few orders and with many; and a second run saves none.
func TestFirstBillOfARunProvesTheWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		orders int
		grain  string
		habits galaxy.Habits
		reason string
		second string
		says   []string
	}{
		{"a coding rule", 60, contract.GrainOrder, galaxy.Habits{Renumber: true}, tally.BillRenumbered, tally.BillRenumbered, []string{"100001", "XSTHD000001"}},
		{"a coding rule, few orders, by pages", 5, contract.GrainPage, galaxy.Habits{Renumber: true}, tally.BillRenumbered, tally.BillRenumbered, []string{"100001", "XSTHD000001"}},
		{"notes cleaned", 60, contract.GrainPage, galaxy.Habits{CleanNotes: true}, tally.MarkLost, tally.MarkLost, []string{"100001", "FHeadNote"}},
		{"bills hidden", 60, contract.GrainPage, galaxy.Habits{HideBills: true}, tally.BillHidden, tally.BillHidden, []string{"100001"}},
		{"bills hidden, few orders", 5, contract.GrainOrder, galaxy.Habits{HideBills: true}, tally.BillHidden, tally.BillHidden, []string{"100001"}},
		{"no right to the number", 60, contract.GrainPage, galaxy.Habits{NoRight: []string{"FBillNo"}}, tally.FieldUnreadable, tally.FieldUnreadable, []string{"FBillNo"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// On a tenant that does not require unique numbers, nothing else prevents
			// duplicates.
			w := newWorld(t, simulator.Options{Orders: c.orders, Habits: c.habits, AllowDuplicateNumbers: true})
			w.startWorker(t)
			in := w.input()
			in.Grain = c.grain
			first := end(t, w.begin(t, in))
			require.Contains(t, first.Error, c.reason)
			for _, text := range c.says {
				require.Contains(t, first.Error, text)
			}
			require.Zero(t, first.Parked)
			require.Equal(t, 1, w.bills())

			second := end(t, w.begin(t, in))
			require.Contains(t, second.Error, c.second)
			require.Zero(t, second.Parked)
			require.Equal(t, 1, w.bills())
		})
	}
}

// If bills have numbers that the flow's FBillNo produced before it was edited, the run
// notices before anything is saved.
func TestEditedBillNumbersStopTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60})
	worker := w.startWorker(t)
	first := w.sync(t)
	requireTruth(t, w, first)
	bills := w.bills()
	worker.terminate(t)

	edited := w.with("REFUNDSYNC_FLOWS", changedFlows(t, "FBillNo: { field: as_id }", `FBillNo: { expression: '"TH" + as_id' }`))
	edited.startWorker(t)
	second := end(t, edited.begin(t, edited.input()))
	require.Contains(t, second.Error, tally.NumberChanged)
	require.Equal(t, bills, w.bills())
}

// A void bill does not count as a booking, and amounts rounded by Kingdee stop nothing.
func TestVoidBillsArePartOfNoBooking(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 40, Habits: galaxy.Habits{RoundPrices: true}})
	w.startWorker(t)
	first := w.sync(t)
	require.NotZero(t, first.Saved)
	require.Len(t, first.Differences, 1)
	require.Contains(t, first.Differences[0].String(), "FTaxPrice[1]")
	e := w.run(t, "starter", "check")
	require.Contains(t, e.stdout, "✓ Kingdee field rights")
	w.SetHabits(galaxy.Habits{NoRight: []string{"FTaxPrice"}})
	e = w.run(t, "starter", "check")
	require.Equal(t, 1, e.code)
	require.Contains(t, e.stdout, "FTaxPrice")
	w.SetHabits(galaxy.Habits{})
	void := w.savable()[0]
	require.NoError(t, w.VoidBills(void))
	second := w.sync(t)
	require.Zero(t, second.Saved)
	require.Empty(t, second.Differences)
	parked := w.waitForParked(t, func(parked map[string]tally.Failure) bool { return parked[void].Reason == tally.BillVoid })
	require.Len(t, ofReason(parked, tally.BillVoid), 1)
}
