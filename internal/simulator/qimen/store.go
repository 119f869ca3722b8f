package qimen

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// store holds the orders as they are now. Its lock serialises requests and changes.
type store struct {
	mu    sync.Mutex
	index *index
	// latest is the latest time at which an order was modified or that a caller asked
	// for.
	latest time.Time
	// version is the highest row version that any order had.
	version int64
	// last is the result of the previous search, for any page; nil once an order has
	// changed. It spares a search per page, which for a long range would take longer than
	// a page should.
	last *search
}

// search is a request without its page, and the orders found.
type search struct {
	request  request
	matching []*merchant.Order
}

func newStore(orders []*merchant.Order) *store {
	s := &store{index: newIndex(orders), version: latestVersion(orders)}
	if n := len(s.index[byModified]); n > 0 {
		s.latest = s.index[byModified][n-1].Modified
	}
	return s
}

// page returns the orders of one page, and their number on all pages.
func (g *Gateway) page(r request) ([]*merchant.Order, int) {
	g.store.mu.Lock()
	defer g.store.mu.Unlock()
	g.arrive()
	// A request for orders by key has no range.
	if r.end.After(g.store.latest) && len(r.filter.asIDs) == 0 {
		g.store.latest = r.end
	}
	matching := g.search(r)
	first := min((r.pageIndex-1)*r.pageSize, len(matching))
	page := slices.Clone(matching[first:min(first+r.pageSize, len(matching))])
	count := len(matching)
	if r.dateType == byModified && g.faults.On(faults.SourceOrderMoves) {
		g.moveOne(matching)
	}
	return page, count
}

// search returns the orders of all pages. The caller holds the lock.
func (g *Gateway) search(r request) []*merchant.Order {
	r.pageIndex, r.pageSize, r.totals = 0, 0, false
	if last := g.store.last; last != nil && reflect.DeepEqual(last.request, r) {
		return last.matching
	}
	var matching []*merchant.Order
	for _, o := range g.inRange(r) {
		if r.filter.holds(o) {
			matching = append(matching, o)
		}
	}
	g.store.last = &search{request: r, matching: matching}
	return matching
}

// Arrive adds the orders that are due by now.
func (g *Gateway) Arrive() {
	g.store.mu.Lock()
	defer g.store.mu.Unlock()
	g.arrive()
}

// arrive is Arrive for a caller that holds the lock.
func (g *Gateway) arrive() {
	if g.options.Arrive == nil {
		return
	}
	for _, o := range g.options.Arrive(g.options.Now(), g.ahead()) {
		g.store.version++
		o.TS = g.store.version
		g.store.last = nil
		g.store.index.insert(o)
	}
}

// inRange requires that the caller holds the lock.
func (g *Gateway) inRange(r request) []*merchant.Order {
	if r.versions != nil {
		return g.inVersions(*r.versions)
	}
	return g.store.index.between(r.dateType, r.start, r.end, g.options.ExclusiveStart, g.options.ExclusiveEnd)
}

// moveOne modifies one of the requested orders while their pages are being read. It never
// picks one whose bill would change by that. The caller holds the lock.
func (g *Gateway) moveOne(matching []*merchant.Order) {
	matching = slices.DeleteFunc(slices.Clone(matching), (*merchant.Order).DatedByModified)
	if len(matching) > 0 && g.faults.Strikes(faults.SourceOrderMoves) {
		o := matching[g.faults.Pick(faults.SourceOrderMoves, len(matching))]
		g.replace(o, o.ModifiedAt(g.present()))
	}
}

// Change modifies an order now: edit returns its newer version. It returns false if there
// is no order of this as_id.
func (g *Gateway) Change(asID int64, edit func(o *merchant.Order, now time.Time) *merchant.Order) bool {
	g.store.mu.Lock()
	defer g.store.mu.Unlock()
	o := g.store.index.find(asID)
	if o == nil {
		return false
	}
	g.replace(o, edit(o, g.present()))
	return true
}

// Add adds a new order now.
func (g *Gateway) Add(order func(now time.Time) *merchant.Order) {
	g.store.mu.Lock()
	defer g.store.mu.Unlock()
	o := order(g.present())
	g.store.version++
	o.TS = g.store.version
	g.store.last = nil
	g.store.index.insert(o)
}

// present is the time of a change in the orders' own time: a second after every
// modification and every requested time, because callers ask for the past. So an order
// that changes leaves the range that is being read, and enters none that is. If orders
// arrive by the clock, it is the clock's time. The caller holds the lock.
func (g *Gateway) present() time.Time {
	g.store.latest = g.store.latest.Add(time.Second)
	if now := g.now().Truncate(time.Second); g.options.Arrive != nil && now.After(g.store.latest) {
		g.store.latest = now
	}
	return g.store.latest
}

// replace gives the newer version of an order the highest row version. The caller holds
// the lock.
func (g *Gateway) replace(old, newer *merchant.Order) {
	g.store.version++
	newer.TS = g.store.version
	g.store.last = nil
	g.store.index.replace(old, newer)
	g.options.OrderChanged(newer)
}
