package paging

import (
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
)

// Page is one reply of the source, with only those fields of each order that the flow
// names.
type Page struct {
	// PickVersion identifies the fields that were picked; see [flow.Flow.PickVersion].
	PickVersion string `json:"pick_version"`
	// PageCount and DataCount are the source's, at the time of this call.
	PageCount int `json:"page_count"`
	DataCount int `json:"data_count"`
	// Rest is how many rows at the beginning of the page are still to be read, because
	// not all fit into one result; 0 for none.
	Rest int `json:"rest,omitempty"`
	// Orders should have bills.
	Orders []contract.Order `json:"orders,omitempty"`
	// Skipped are left out by the flow.
	Skipped []Skipped `json:"skipped,omitempty"`
	// Failed can't be read as orders, or are too large to travel.
	Failed []tally.Failure `json:"failed,omitempty"`
	// Outside are the ids of orders that belong to a neighbouring window.
	Outside []string `json:"outside,omitempty"`

	// The rest is set when reading by row versions. LastTS is the highest version on the
	// page, and StableTS the highest before the first row that changed after the window;
	// 0 for none.
	LastTS   int64 `json:"last_ts,string,omitempty"`
	StableTS int64 `json:"stable_ts,string,omitempty"`
	// More means that the source may have more rows: the page is full, or the source
	// says so.
	More bool `json:"more,omitempty"`
}

// Skipped is an order that a flow leaves out, and why.
type Skipped struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	// ChangedAt is the order's; see [contract.Order].
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// NotBooked is the order's; see [contract.Order].
	NotBooked map[string]decimal.Decimal `json:"not_booked,omitempty"`
	// Order is the order itself, if it has a bill number and fits into the page: it may
	// have been saved before the flow left it out.
	Order *contract.Order `json:"order,omitempty"`
}

// dedupe keeps the newest version of each order of the page.
func (p *Page) dedupe() {
	last := map[string]int{}
	orders := p.Orders[:0:0]
	for _, order := range p.Orders {
		i, repeated := last[order.ID]
		switch {
		case !repeated:
			last[order.ID] = len(orders)
			orders = append(orders, order)
		case !order.ChangedAt.Before(orders[i].ChangedAt):
			orders[i] = order
		}
	}
	for _, skipped := range p.Skipped {
		if i, repeated := last[skipped.ID]; repeated && orders[i].ChangedAt.Before(skipped.ChangedAt) {
			orders[i].ID = ""
			delete(last, skipped.ID)
		}
	}
	p.Orders = p.Orders[:0:0]
	for _, order := range orders {
		if order.ID != "" {
			p.Orders = append(p.Orders, order)
		}
	}
}
