package workflows

import (
	"fmt"

	"refundsync/internal/paging"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// reconcileDetails renders the state of a reconciliation.
func reconcileDetails(progress ReconcileProgress) string {
	var d details
	d.entry(text.New("Range"), progress.Range)
	d.entry(text.New("Windows"), fmt.Sprintf("%d / %d", progress.WindowsDone, progress.Windows))
	if progress.Rest > 0 {
		d.entry(text.New("Bills without an order in these"), fmt.Sprintf("%d / %d", progress.RestDone, progress.Rest))
	}
	d.sums(progress.Sums)
	return d.String()
}

// reconcileWindowDetails renders the state of a window of a reconciliation.
func reconcileWindowDetails(window Window, reading paging.Window, sums reconcile.Sums) string {
	var d details
	d.entry(text.New("Window"), window)
	d.pages(reading)
	d.sums(sums)
	return d.String()
}

// reconcileBillsDetails renders how many bills are compared.
func reconcileBillsDetails(done, all int, sums reconcile.Sums) string {
	var d details
	d.entry(text.New("Bills"), fmt.Sprintf("%d / %d", done, all))
	d.sums(sums)
	return d.String()
}

func (d *details) sums(sums reconcile.Sums) {
	d.row(text.New("Kind"), text.New("Orders"), text.New("Amount"), text.New("Bills"), text.New("Amount"))
	d.WriteString("|---|---:|---:|---:|---:|\n")
	for _, kind := range sums.Kinds {
		name := text.Join(": ", kind.Kind.Label(), shownReason(kind.Reason))
		d.row(name, kind.Source.Count, kind.Source.Amount.StringFixed(2), kind.Kingdee.Count, kind.Kingdee.Amount.StringFixed(2))
	}
	d.row(text.New("total"), sums.Totals.Source.Count, sums.Totals.Source.Amount.StringFixed(2), sums.Totals.Kingdee.Count, sums.Totals.Kingdee.Amount.StringFixed(2))
}
