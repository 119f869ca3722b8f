package qimen

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"refundsync/internal/simulator/merchant"
)

// dateType is the time that a range of times is about.
type dateType int

const (
	byModified dateType = iota
	byCreated
	byConfirmed
	dateTypes
)

func (d dateType) of(o *merchant.Order) time.Time {
	switch d {
	case byCreated:
		return o.Created
	case byConfirmed:
		return o.ConfirmDate
	default:
		return o.Modified
	}
}

// index holds the orders sorted by each of the times, ties by as_id. An order
// without the time is not found by it.
type index [dateTypes][]*merchant.Order

func newIndex(orders []*merchant.Order) *index {
	var ix index
	for d := byModified; d < dateTypes; d++ {
		for _, o := range orders {
			if !d.of(o).IsZero() {
				ix[d] = append(ix[d], o)
			}
		}
		slices.SortFunc(ix[d], func(a, b *merchant.Order) int {
			return cmp.Or(d.of(a).Compare(d.of(b)), cmp.Compare(a.AsID, b.AsID))
		})
	}
	return &ix
}

// between gives the orders whose time lies in the range.
func (ix *index) between(d dateType, start, end time.Time, exclusiveStart, exclusiveEnd bool) []*merchant.Order {
	orders := ix[d]
	first := sort.Search(len(orders), func(i int) bool {
		t := d.of(orders[i])
		return t.After(start) || !exclusiveStart && t.Equal(start)
	})
	behind := sort.Search(len(orders), func(i int) bool {
		t := d.of(orders[i])
		return t.After(end) || exclusiveEnd && t.Equal(end)
	})
	return orders[min(first, behind):behind]
}

// page gives the orders of one page, and how many there are on all pages.
func (g *Gateway) page(r request) ([]*merchant.Order, int) {
	skip := (r.pageIndex - 1) * r.pageSize
	var page []*merchant.Order
	count := 0
	for _, o := range g.index.between(r.dateType, r.start, r.end, g.options.ExclusiveStart, g.options.ExclusiveEnd) {
		if !r.filter.holds(o) {
			continue
		}
		if count >= skip && len(page) < r.pageSize {
			page = append(page, o)
		}
		count++
	}
	return page, count
}
