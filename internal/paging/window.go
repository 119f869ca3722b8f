package paging

import (
	"github.com/shopspring/decimal"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
)

// Window is a window under way: how far it is read, which orders it has shown, and their
// outcomes.
type Window struct {
	Reader
	Orders tally.Orders `json:"orders"`
}

// Work is what remains to be done about the orders of a page.
type Work struct {
	// New were not shown before. Newer were, in an earlier version, which may be in flight.
	New, Newer []contract.Order
	// LeftOut are left out by the flow and may have a bill from before.
	LeftOut []Skipped
}

// Count is the number of orders to work on.
func (w Work) Count() int { return len(w.New) + len(w.Newer) + len(w.LeftOut) }

// Take takes in the page that was to be read next, and returns what is to be done about
// its orders; recorded is called for each that needs nothing more. The error says why the
// window can't be read further; the orders of this page can be saved all the same.
func (w *Window) Take(page Page, recorded func(id string, now tally.Outcome, failure tally.Failure)) (work Work, err error) {
	page.dedupe()
	fresh := false
	show := func(v tally.Version, notBooked map[string]decimal.Decimal) tally.Sight {
		sight := w.Orders.Sight(v)
		if sight != tally.Repeat {
			fresh = true
			w.Orders.Show(v)
			w.Orders.NotBooked(v.ID, notBooked)
		}
		return sight
	}
	record := func(id string, outcome tally.Outcome, failure tally.Failure) {
		if now, changed := w.Orders.Record(id, outcome, failure); changed {
			recorded(id, now, failure)
		}
	}
	for _, order := range page.Orders {
		switch show(VersionOf(order), order.NotBooked) {
		case tally.New:
			work.New = append(work.New, order)
		case tally.Newer:
			work.Newer = append(work.Newer, order)
		}
	}
	for _, skipped := range page.Skipped {
		if show(tally.Version{ID: skipped.ID, ChangedAt: skipped.ChangedAt}, skipped.NotBooked) == tally.Repeat {
			continue
		}
		if skipped.Order != nil {
			work.LeftOut = append(work.LeftOut, skipped)
			continue
		}
		record(skipped.ID, tally.LeftOut, tally.Failure{Reason: skipped.Reason})
	}
	for _, failed := range page.Failed {
		if show(tally.Version{ID: failed.ID}, nil) != tally.Repeat {
			record(failed.ID, tally.Failed, failed)
		}
	}
	for _, id := range page.Outside {
		if _, known := w.Orders.Order(id); !known {
			fresh = true
			w.Orders.Show(tally.Version{ID: id})
			record(id, tally.Outside, tally.Failure{})
		}
	}
	err = w.read(page, fresh, w.Orders.Len())
	w.Orders.Tally.Pages = w.Pages
	return work, err
}

// VersionOf is the version of an order that was shown.
func VersionOf(order contract.Order) tally.Version {
	return tally.Version{ID: order.ID, ChangedAt: order.ChangedAt, Content: order.Content()}
}
