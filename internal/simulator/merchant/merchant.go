// Package merchant makes up a believable merchant from a seed: shops, warehouses, goods
// and their after-sales orders. Since the orders are generated, it is known what a
// correct sync must do with each: see Truth. The package shares no code with the sync.
package merchant

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Beijing is the zone of all times in both vendors' data, which name no zone.
var Beijing = time.FixedZone("CST", 8*60*60)

// Options say how large a merchant is, and its seed.
type Options struct {
	// Seed determines everything that is made up: equal options make equal merchants.
	Seed uint64
	// Orders is the number of orders that the customary filter (status=Confirmed,
	// good_status=SELLER_RECEIVED) returns. About one in twelve more is made that the
	// filter excludes.
	Orders int
	// From is the earliest modification time. Every order is modified at From or later,
	// and before To.
	From time.Time
	// Days is the number of 24-hour days over which the orders are spread.
	Days int
	// Kinds are the kinds of the orders that the customary filter returns; by default
	// all, in realistic proportions.
	Kinds []Kind
	// Arrivals are additional orders that arrive while the merchant is in use.
	Arrivals Arrivals
}

// To is the exclusive end of the range of modification times.
func (o Options) To() time.Time {
	return o.From.Add(time.Duration(o.Days) * 24 * time.Hour)
}

// Merchant holds the orders. An order is immutable; a newer version replaces it. A
// merchant is safe for concurrent use.
type Merchant struct {
	options Options

	mu      sync.RWMutex
	orders  []*Order           // by as_id
	earlier map[int64][]*Order // the replaced versions, oldest first

	movements        map[Document][]*Movement // by io_id; nil until they are asked for
	earlierMovements map[int64][]*Movement

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

		movements:        map[Document][]*Movement{},
		earlierMovements: map[int64][]*Movement{},
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

// Options returns the options of the merchant.
func (m *Merchant) Options() Options { return m.options }

// Orders returns all orders as they are now, by as_id, including those that the customary
// filter excludes. Callers must not modify them.
func (m *Merchant) Orders() []*Order {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.orders)
}

// Customary reports whether the order passes the filter that is customary for returns
// into Kingdee (status=Confirmed, good_status=SELLER_RECEIVED).
func (o *Order) Customary() bool {
	return o.Status == StatusConfirmed && o.GoodStatus == GoodStatusReceived
}

// ID is the order's as_id as a string.
func (o *Order) ID() string { return strconv.FormatInt(o.AsID, 10) }
