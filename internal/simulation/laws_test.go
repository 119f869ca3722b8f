package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"refundsync/internal/flow"
	"refundsync/internal/tally"
)

// checkCounts compares a window's tally with what it recorded of each order.
func (w *window) checkCounts() {
	counted := map[tally.Outcome]int{}
	all := 0
	for _, id := range w.source.ids {
		if order, ok := w.reading.Orders.Order(id); ok && order.Outcome != tally.Outside && order.Outcome != tally.Open {
			counted[order.Outcome]++
			all++
		}
	}
	t := w.reading.Orders.Tally
	parked, failed := counted[tally.Parked]+counted[tally.NewlyParked], counted[tally.Failed]+counted[tally.Unparked]
	if t.Fetched != all || t.Saved != counted[tally.Saved] || t.Updated != counted[tally.Updated] || t.AlreadySaved != counted[tally.AlreadySaved] ||
		t.SkippedTotal() != counted[tally.LeftOut]+counted[tally.BillDeleted] || t.BillsDeleted != counted[tally.BillDeleted] || t.Parked != parked || t.Failed != failed {
		w.violate("%s %s: the sums are wrong: %+v, counted %v", w.name, w.span, t, counted)
	}
}

// checkRead checks that a completely read window has read every row that was there the
// whole time.
func (w *window) checkRead() {
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		row := w.rows[id]
		if row != w.source.rows[id] || !row.confirmed || !w.span.Holds(row.modified) {
			continue
		}
		if order, ok := w.reading.Orders.Order(id); !ok || order.Outcome == tally.Outside || order.ChangedAt.Before(row.modified) {
			w.violate("%s %s: order %s was there all the while and was not read", w.name, w.span, id)
		}
	}
}

// checkOutcome compares an order's outcome with its bill.
func (w *window) checkOutcome(version tally.Version, outcome tally.Outcome) {
	if !outcome.HasBill() || w.overtaken(version.ID, version.ChangedAt) {
		return
	}
	for _, b := range w.ledger.under(version.ID) {
		mark, marked := flow.FindMark(b.now().Text)
		if b.raced || marked && mark.OrderID == version.ID && !mark.ChangedAt.Before(version.ChangedAt) {
			return
		}
		for _, r := range w.source.versions[version.ID] {
			if r.order.ChangedAt.Equal(version.ChangedAt) && marked && mark.Hash == r.order.BillHash {
				return
			}
		}
	}
	w.violate("order %s is counted as %s, and has no bill of this version", version.ID, outcome)
}

// checkDiscarded checks that nothing was done about an order that had been discarded before.
func (l *life) checkDiscarded(discarded bool, id string, outcome tally.Outcome) {
	if discarded && (outcome == tally.Saved || outcome == tally.Updated || outcome == tally.BillDeleted) {
		l.violate("order %s was discarded, and is counted as %s", id, outcome)
	}
}

// check checks the promise once everything is quiet: missing 0, twice 0.
func (l *life) check() {
	for _, id := range l.source.ids {
		l.checkOrder(id)
	}
}

func (l *life) checkOrder(id string) {
	row, bills, p := l.source.rows[id], l.ledger.under(id), l.parked[id]
	order := row.order
	waits := p != nil && !p.over && p.Version.Order.Same(order)
	givenUp := l.isDiscarded(order)
	switch {
	case len(bills) > 1:
		if !slices.ContainsFunc(bills, func(b *bill) bool { return b.byPerson }) {
			l.violate("order %s has %d bills", id, len(bills))
		}
	case !row.confirmed, givenUp: // it is no longer returned, or no longer wanted
	case len(bills) == 1:
		l.checkBill(row, bills[0], p, waits)
	case !row.refundOnly:
		l.violate("order %s has no bill, and waits: %v", id, waits)
	}
}

// checkBill compares the only bill under an order's number with the order.
func (l *life) checkBill(row *row, b *bill, p *parked, waits bool) {
	mark, marked := flow.FindMark(b.now().Text)
	same := marked && mark.OrderID == row.id && mark.Hash == row.order.BillHash
	// A bill that a person made or continued is the person's, and so is a bill that the
	// flow only reports: an order that changed since, if it does not change the bill.
	theirs := b.byPerson || l.settings.flow.Options.Existing == flow.ExistingReport || b.now().DocumentStatus != "A"
	wrong := ""
	switch {
	case row.refundOnly && marked && !waits:
		wrong = "it is left out, has a bill and does not wait"
	case (row.refundOnly || same) && p != nil && !p.over && !waits:
		wrong = "it needs nothing, and an older version of it waits: " + p.Version.Failure.Reason
	case !row.refundOnly && !same && (!theirs || !waits):
		wrong = fmt.Sprintf("its bill is of another version, %s instead of %s; waits: %v", cmp.Or(mark.Hash, "none"), row.order.BillHash, waits)
	}
	switch {
	case wrong == "":
	case b.raced, l.overtaken(row.id, row.order.ChangedAt):
		l.strike("an older version in somebody's hands arrived last")
	default:
		l.violate("order %s: %s", row.id, wrong)
	}
}
