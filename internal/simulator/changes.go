package simulator

import (
	"strconv"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// billStored is called after a bill is stored, and changes or withdraws its order at the
// source if such a fault strikes.
func (s *Simulator) billStored(_, number string) {
	asID, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return
	}
	switch {
	case s.faults.Strikes(faults.SourceOrderChanges):
		change := (*merchant.Order).MoreReceived
		switch s.faults.Pick(faults.SourceOrderChanges, 4) {
		case 0:
			change = (*merchant.Order).Remarked
		case 1:
			change = (*merchant.Order).Renamed
		}
		s.gateway.Change(asID, func(o *merchant.Order, now time.Time) *merchant.Order { return change(o, now) })
	case s.faults.Strikes(faults.SourceOrderWithdrawn):
		statuses := []string{merchant.StatusCancelled, merchant.StatusWaits, merchant.StatusMerged}
		s.withdraw(asID, statuses[s.faults.Pick(faults.SourceOrderWithdrawn, len(statuses))])
	}
}

// Withdraw cancels, unconfirms or merges an order, as status says. A merge creates the
// order that it is merged into. It returns false if there is no order of this as_id.
func (s *Simulator) Withdraw(asID, status string) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.withdraw(id, status)
}

func (s *Simulator) withdraw(asID int64, status string) bool {
	var before *merchant.Order
	found := s.gateway.Change(asID, func(o *merchant.Order, now time.Time) *merchant.Order {
		before = o
		return o.Withdrawn(now, status)
	})
	if found && status == merchant.StatusMerged {
		s.gateway.Add(func(now time.Time) *merchant.Order { return s.merchant.MergedFrom(before, now) })
	}
	return found
}

// ReceiveMore has the warehouse receive one more piece of an order. If silent, the
// order's modification time does not change. It returns false if there is no order of
// this as_id.
func (s *Simulator) ReceiveMore(asID string, silent bool) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, func(o *merchant.Order, now time.Time) *merchant.Order {
		if silent {
			now = o.Modified
		}
		return o.MoreReceived(now)
	})
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
func (s *Simulator) Rename(asID string) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, (*merchant.Order).Renamed)
}

// SetLines repeats the lines of an order until it has the given number. It returns false
// if there is no order of this as_id.
func (s *Simulator) SetLines(asID string, lines int) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, func(o *merchant.Order, _ time.Time) *merchant.Order { return o.WithLines(lines) })
}

// UndoReceiveMore takes back the piece that ReceiveMore added. It returns false if there
// is no order of this as_id.
func (s *Simulator) UndoReceiveMore(asID string) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, (*merchant.Order).LessReceived)
}

// SetFaults sets the probability of each fault from now on; faults that are not named are
// off. It returns an error, and changes nothing, if a fault is unknown or its probability
// is outside 0 to 1.
func (s *Simulator) SetFaults(p faults.Probabilities) error { return s.faults.Set(p) }
