package simulator

import (
	"strconv"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

// billStored is called after a bill is stored, and changes or withdraws its order at the
// source if such a fault strikes.
func (s *Simulator) billStored(_, number string) {
	key, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return
	}
	switch {
	case s.faults.Strikes(faults.SourceOrderChanges):
		pick := s.faults.Pick(faults.SourceOrderChanges, 4)
		if merchant.DocumentOf(key) == merchant.Refunds {
			changeSomehow[*merchant.Order](s, key, pick)
		} else {
			changeSomehow[*merchant.Movement](s, key, pick)
		}
	case s.faults.Strikes(faults.SourceOrderWithdrawn):
		statuses := map[merchant.Document][]string{
			merchant.Refunds:   {merchant.StatusCancelled, merchant.StatusWaits, merchant.StatusMerged},
			merchant.Receipts:  {merchant.StatusCancelled, merchant.StatusWaits},
			merchant.Outbounds: {merchant.StatusCancelled, merchant.StatusDeleted},
		}[merchant.DocumentOf(key)]
		s.withdraw(key, statuses[s.faults.Pick(faults.SourceOrderWithdrawn, len(statuses))])
	}
}

// changeable is a record that can change in these ways.
type changeable[R any] interface {
	merchant.Record
	Remarked(time.Time) R
	Renamed(time.Time) R
	MoreReceived(time.Time) R
}

func changeSomehow[R changeable[R]](s *Simulator, key int64, pick int) {
	change := R.MoreReceived
	switch pick {
	case 0:
		change = R.Remarked
	case 1:
		change = R.Renamed
	}
	source.Change(s.source, key, change)
}

// Withdraw cancels, unconfirms or merges a record, as status says. A merge creates the
// order that it is merged into. It returns false if there is no record of this key.
func (s *Simulator) Withdraw(key, status string) bool {
	id, err := strconv.ParseInt(key, 10, 64)
	return err == nil && s.withdraw(id, status)
}

func (s *Simulator) withdraw(key int64, status string) bool {
	if merchant.DocumentOf(key) != merchant.Refunds {
		return source.Change(s.source, key, func(m *merchant.Movement, now time.Time) *merchant.Movement { return m.Withdrawn(now, status) })
	}
	var before *merchant.Order
	found := source.Change(s.source, key, func(o *merchant.Order, now time.Time) *merchant.Order {
		before = o
		return o.Withdrawn(now, status)
	})
	if found && status == merchant.StatusMerged {
		s.source.Add(func(now time.Time) merchant.Record { return s.merchant.MergedFrom(before, now) })
	}
	return found
}

// changeOrder changes an order. It returns false if there is none of this as_id.
func (s *Simulator) changeOrder(asID string, edit func(*merchant.Order, time.Time) *merchant.Order) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && source.Change(s.source, id, edit)
}

// ReceiveMore has the warehouse count one more piece of a record. If silent, the record's
// modification time does not change. It returns false if there is no record of this key.
func (s *Simulator) ReceiveMore(key string, silent bool) bool {
	id, err := strconv.ParseInt(key, 10, 64)
	switch {
	case err != nil:
		return false
	case merchant.DocumentOf(id) == merchant.Refunds:
		return receiveMore[*merchant.Order](s, id, silent)
	default:
		return receiveMore[*merchant.Movement](s, id, silent)
	}
}

func receiveMore[R changeable[R]](s *Simulator, key int64, silent bool) bool {
	return source.Change(s.source, key, func(record R, now time.Time) R {
		if silent {
			now = record.When(0)
		}
		return record.MoreReceived(now)
	})
}

// RefundMore refunds 1 more of an order. It returns false if there is no order of this as_id.
func (s *Simulator) RefundMore(asID string) bool {
	return s.changeOrder(asID, (*merchant.Order).MoreRefunded)
}

// DefaultFaults has some orders change or be withdrawn after their bills were stored, as
// in real life.
func DefaultFaults() faults.Probabilities {
	return faults.Probabilities{faults.SourceOrderChanges: 0.05, faults.SourceOrderWithdrawn: 0.02}
}

// OrderChanges counts the orders that ChangeOrders changed, by kind of change.
type OrderChanges struct{ Cancelled, Unconfirmed, Received, Renamed int }

// ChangeOrders changes one in oneIn of the orders that need a bill: it is cancelled or
// unconfirmed, more of it is received, or its products are renamed. Orders whose bill is
// dated by their modification are left alone: renaming one would change its bill.
func (s *Simulator) ChangeOrders(oneIn int) (changes OrderChanges) {
	truth, n := s.Truth(), 0
	for _, o := range s.merchant.Orders() {
		if truth[o.ID()].Outcome != merchant.Saved || o.DatedByModified() {
			continue
		}
		if n++; n%oneIn != 0 {
			continue
		}
		switch id := o.ID(); n / oneIn % 4 {
		case 0:
			s.Rename(id)
			changes.Renamed++
		case 1:
			s.Withdraw(id, merchant.StatusCancelled)
			changes.Cancelled++
		case 2:
			s.ReceiveMore(id, false)
			changes.Received++
		case 3:
			s.Withdraw(id, merchant.StatusWaits)
			changes.Unconfirmed++
		}
	}
	return changes
}

// Rename renames the products of an order. It returns false if there is no order of this
// as_id.
func (s *Simulator) Rename(asID string) bool { return s.changeOrder(asID, (*merchant.Order).Renamed) }

// SetLines repeats the lines of an order until it has the given number. It returns false
// if there is no order of this as_id.
func (s *Simulator) SetLines(asID string, lines int) bool {
	return s.changeOrder(asID, func(o *merchant.Order, _ time.Time) *merchant.Order { return o.WithLines(lines) })
}

// UndoReceiveMore takes back the piece that ReceiveMore added. It returns false if there
// is no order of this as_id.
func (s *Simulator) UndoReceiveMore(asID string) bool {
	return s.changeOrder(asID, (*merchant.Order).LessReceived)
}

// SetFaults sets the probability of each fault from now on; faults that are not named are
// off. It returns an error, and changes nothing, if a fault is unknown or its probability
// is outside 0 to 1.
func (s *Simulator) SetFaults(p faults.Probabilities) error { return s.faults.Set(p) }
