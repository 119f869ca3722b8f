package merchant

import "time"

// longestDelay bounds how long after its modification an order that arrives becomes
// visible at the source: rows appear late.
const longestDelay = 3 * time.Second

// Arrivals says how orders arrive while the merchant is in use.
type Arrivals struct {
	// PerMinute is the number of arrivals per minute, evenly spread; 0 is none. The
	// customary filter excludes about one in twelve of them.
	PerMinute int
	// From is when orders begin to arrive.
	From time.Time
}

// arrive adds the orders that are due by now, and returns them. Each was modified up to
// three seconds before it arrives, by a clock that is ahead by the given duration. The caller
// holds the lock.
func (m *Merchant) arrive(now time.Time, ahead time.Duration) []*Order {
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
		o.arrived = true
		orders = append(orders, o)
	}
	m.orders = append(m.orders, orders...)
	return orders
}

// StopArriving stops orders from arriving.
func (m *Merchant) StopArriving() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.options.Arrivals.PerMinute = 0
}

// nextKind takes the kinds of arriving orders from blocks too. The caller holds the lock.
func (m *Merchant) nextKind() Kind {
	if len(m.arrivingKinds) == 0 {
		m.arrivingKinds = m.arriving.kinds(kindsInBlock)
	}
	kind := m.arrivingKinds[0]
	m.arrivingKinds = m.arrivingKinds[1:]
	return kind
}
