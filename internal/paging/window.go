package paging

import (
	"github.com/shopspring/decimal"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
)

// Window is a window under way: how far it is read, what it has shown, and what became
// of that.
type Window struct {
	Reader
	Orders tally.Orders `json:"orders"`
}

// Work is what a page leaves to be done.
type Work struct {
	// New were not shown before, and Newer were, in an earlier version, which may be
	// being saved.
	New, Newer []contract.Order
	// LeftOut are left out by the flow, and may have a bill from before.
	LeftOut []Skipped
}

// Count is the number of orders to work on.
func (w Work) Count() int { return len(w.New) + len(w.Newer) + len(w.LeftOut) }

// Take takes in the page that was to be read next, and gives what is to be done about
// it; what needs nothing more is settled. The error is that of the reading: the window
// can't be read further, but what this page has shown can be saved.
func (w *Window) Take(page Page, settled func(id string, now tally.Outcome, failure tally.Failure)) (work Work, err error) {
	page.dropRepeats()
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
	settle := func(id string, outcome tally.Outcome, failure tally.Failure) {
		if now, changed := w.Orders.Settle(id, outcome, failure); changed {
			settled(id, now, failure)
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
		settle(skipped.ID, tally.LeftOut, tally.Failure{Reason: skipped.Reason})
	}
	for _, failed := range page.Failed {
		if show(tally.Version{ID: failed.ID}, nil) != tally.Repeat {
			settle(failed.ID, tally.Failed, failed)
		}
	}
	for _, id := range page.Outside {
		if _, known := w.Orders.Order(id); !known {
			fresh = true
			w.Orders.Show(tally.Version{ID: id})
			settle(id, tally.Outside, tally.Failure{})
		}
	}
	err = w.read(page, fresh, w.Orders.Len())
	w.Orders.Tally.Pages = w.Pages
	return work, err
}

// VersionOf is an order as it is shown now.
func VersionOf(order contract.Order) tally.Version {
	return tally.Version{ID: order.ID, ChangedAt: order.ChangedAt, Content: order.Content()}
}
