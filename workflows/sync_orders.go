package workflows

import (
	"strings"
	"time"

	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// A run over given orders: its windows are lists of ids instead of spans of time. All else
// is as in a run over a range given by hand.

const (
	// MostOrders is how many orders a run can be given.
	MostOrders = 1000
	// ordersPerWindow is how many of them a window looks up with one call for each week.
	ordersPerWindow = 50
	// lookBack is how far back an order is looked for unless the run says otherwise.
	lookBack = 90 * 24 * time.Hour
	week     = 7 * 24 * time.Hour
)

// OrderNotFound is the reason of a given order that the source does not show.
const OrderNotFound = "order_not_found"

// beginOrders makes the run cover the given orders. Orders that a person has picked may well
// fail for one cause, which stops no run.
func (r *syncFlow) beginOrders(in *SyncFlowInput, now time.Time) {
	if in.Range == nil {
		in.Range = &Window{From: now.Add(-lookBack).Truncate(time.Second), To: now}
	}
	count := len(r.state.OrderIDs)
	in.Orders = &count
	r.state.Plan.TooManyFailures = 0
}

// nextOrders are the next of the given orders to begin; none in another run.
func (r *syncFlow) nextOrders() RunningWindow {
	count := min(len(r.state.OrderIDs), ordersPerWindow)
	next := RunningWindow{Window: r.state.Range, orderIDs: r.state.OrderIDs[:count:count]}
	r.state.OrderIDs = r.state.OrderIDs[count:]
	return next
}

// notFound are the orders that a window did not find. It lists all of its failures.
func notFound(window tally.Tally) (ids []string) {
	for _, failure := range window.Failures {
		if failure.Reason == OrderNotFound {
			ids = append(ids, failure.ID)
		}
	}
	return ids
}

// orderWindows is how many windows the ids make.
func orderWindows(ids []string) int { return (len(ids) + ordersPerWindow - 1) / ordersPerWindow }

func (r *syncFlow) estimateOrders() Estimate {
	windows := orderWindows(r.state.OrderIDs)
	e := Estimate{Range: r.state.Range, Windows: windows, Orders: len(r.state.OrderIDs), Counted: windows}
	e.Calls = windows * windowCount(r.state.Range, week)
	e.Duration = r.state.Plan.takes(e)
	return e
}

// SummaryOfOrders names the first few of some orders, for lists and the Web UI.
func SummaryOfOrders(ids []string) string {
	const few = 5
	names := strings.Join(ids[:min(len(ids), few)], ", ")
	switch {
	case len(ids) == 1:
		return shortSummary(text.New("order %s", names))
	case len(ids) > few:
		names += ", …"
	}
	return shortSummary(text.New("%d orders: %s", len(ids), names))
}
