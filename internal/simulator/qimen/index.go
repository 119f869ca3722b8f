package qimen

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"refundsync/internal/simulator/merchant"
)

// dateType is the time to which a range applies.
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

// compare sorts by the time, then by as_id.
func (d dateType) compare(a, b *merchant.Order) int {
	return cmp.Or(d.of(a).Compare(d.of(b)), cmp.Compare(a.AsID, b.AsID))
}

// index holds the orders sorted by each of the times. Orders without a time are absent
// from its list.
type index [dateTypes][]*merchant.Order

func newIndex(orders []*merchant.Order) *index {
	var ix index
	for d := byModified; d < dateTypes; d++ {
		for _, o := range orders {
			if !d.of(o).IsZero() {
				ix[d] = append(ix[d], o)
			}
		}
		slices.SortFunc(ix[d], d.compare)
	}
	return &ix
}

// replace replaces an order by a newer version, at its new position.
func (ix *index) replace(old, newer *merchant.Order) {
	for d := byModified; d < dateTypes; d++ {
		if i, found := slices.BinarySearchFunc(ix[d], old, d.compare); found {
			ix[d] = slices.Delete(ix[d], i, i+1)
		}
	}
	ix.insert(newer)
}

// insert adds an order.
func (ix *index) insert(o *merchant.Order) {
	for d := byModified; d < dateTypes; d++ {
		if !d.of(o).IsZero() {
			i, _ := slices.BinarySearchFunc(ix[d], o, d.compare)
			ix[d] = slices.Insert(ix[d], i, o)
		}
	}
}

// find returns the order of an as_id, or nil.
func (ix *index) find(asID int64) *merchant.Order {
	for _, o := range ix[byModified] {
		if o.AsID == asID {
			return o
		}
	}
	return nil
}

// between returns the orders whose time is in the range.
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
