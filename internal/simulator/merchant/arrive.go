package merchant

import (
	"time"
)

// longestDelay is how much later than its time of modification an order that
// arrives can be seen at the source: rows appear behind the present.
const longestDelay = 3 * time.Second

// Arrivals says how orders arrive while the merchant is in use.
type Arrivals struct {
	// PerMinute is how many arrive a minute, evenly; 0 is none. Most of them are
	// returned by the customary filter, about one in twelve is not.
	PerMinute int
	// From is when they begin to arrive.
	From time.Time
}

// Arrive lets the orders arrive that are due by now, and gives them. Each was
// modified up to three seconds before it arrives, by a clock that is so far ahead.
func (m *Merchant) Arrive(now time.Time, ahead time.Duration) []*Order {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.options.Arrivals.PerMinute == 0 {
		return nil
	}
	var orders []*Order
	for {
		due := m.options.Arrivals.From.Add(time.Duration(m.arrived+1) * time.Minute / time.Duration(m.options.Arrivals.PerMinute))
		if due.After(now) {
			break
		}
		m.arrived++
		modified := due.Add(ahead).Truncate(time.Second).Add(-m.arriving.ago(longestDelay)).In(Beijing)
		var o *Order
		if m.arrived%(leftOutEvery+1) == 0 {
			o = m.arriving.leftOut(modified)
		} else {
			o = m.arriving.order(m.nextKind(), modified)
		}
		orders = append(orders, o)
	}
	m.orders = append(m.orders, orders...)
	return orders
}

// StopArriving lets no further order arrive.
func (m *Merchant) StopArriving() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.options.Arrivals.PerMinute = 0
}

// nextKind takes the kinds of the orders that arrive from blocks as well. It
// needs the lock.
func (m *Merchant) nextKind() Kind {
	if len(m.arrivingKinds) == 0 {
		m.arrivingKinds = m.arriving.kinds(kindsInBlock)
	}
	kind := m.arrivingKinds[0]
	m.arrivingKinds = m.arrivingKinds[1:]
	return kind
}
