// Package merchant makes up a believable merchant from a seed: shops,
// warehouses, goods and the after-sales orders that they give rise to. It
// knows what it made, so it also knows what a correct sync must make of every
// order: see Truth. It shares no code with the sync.
package merchant

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Beijing is the zone of every time on both vendors' wires, which carry none.
var Beijing = time.FixedZone("CST", 8*60*60)

// Options say how large a merchant is made, and from which seed.
type Options struct {
	// Seed decides everything that is made up: equal options make equal
	// merchants.
	Seed uint64
	// Orders is how many orders the customary filter (status=Confirmed,
	// good_status=SELLER_RECEIVED) returns. About one in twelve more is made
	// that the filter leaves out.
	Orders int
	// From is the first instant at which an order may be modified. Every
	// order is modified at From or later, before To.
	From time.Time
	// Days is how many days of 24 hours the orders are spread over.
	Days int
	// Kinds are those of the orders that the customary filter returns; without
	// any, all, in the shares that they have in life.
	Kinds []Kind
	// Arrivals are orders that come beside these, while the merchant is in use.
	Arrivals Arrivals
}

// To is the end of the range: no order is modified at To or later.
func (o Options) To() time.Time {
	return o.From.Add(time.Duration(o.Days) * 24 * time.Hour)
}

// Merchant holds the orders. An order never changes; a newer version takes its
// place. A merchant may be used by many goroutines.
type Merchant struct {
	options Options

	mu      sync.RWMutex
	orders  []*Order           // by as_id
	earlier map[int64][]*Order // the versions that were replaced, oldest first

	arriving      *generator
	arrivingKinds []Kind
	arrived       int
}

// New makes a merchant.
func New(options Options) *Merchant {
	g := &generator{
		rng:     rand.New(rand.NewPCG(options.Seed, 0)),
		options: options,
		asID:    firstAsID,
		asiID:   firstAsiID,
	}
	m := &Merchant{
		options: options,
		orders:  make([]*Order, 0, options.Orders+options.Orders/leftOutEvery),
		earlier: map[int64][]*Order{},
	}
	moments := g.moments(options.Orders)
	for i, kind := range g.kinds(options.Orders) {
		m.orders = append(m.orders, g.order(kind, moments[i]))
	}
	for _, modified := range g.moments(options.Orders / leftOutEvery) {
		m.orders = append(m.orders, g.leftOut(modified))
	}
	slices.SortFunc(m.orders, byAsID)
	m.arriving = g
	return m
}

func byAsID(a, b *Order) int { return cmp.Compare(a.AsID, b.AsID) }

// Options are those the merchant was made with.
func (m *Merchant) Options() Options { return m.options }

// Orders are all orders by as_id, those included that the customary filter
// leaves out, as they are now. The orders may not be changed.
func (m *Merchant) Orders() []*Order {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.orders)
}

// Customary reports whether the filter that is customary for returns into
// Kingdee (status=Confirmed, good_status=SELLER_RECEIVED) returns the order.
func (o *Order) Customary() bool {
	return o.Status == StatusConfirmed && o.GoodStatus == GoodStatusReceived
}

// ID is the order's as_id as text.
func (o *Order) ID() string { return strconv.FormatInt(o.AsID, 10) }
