package simulator

import (
	"strconv"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// billStored lets the order of a bill live on at the source once the bill is
// stored, where such a fault strikes.
func (s *Simulator) billStored(number string) {
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

// Withdraw has an order cancelled, un-confirmed or merged, by the status that it gets then;
// the order that it is merged into is a new one. False says that there is no order of
// this as_id.
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

// ReceiveMore has the warehouse receive one piece more of an order; without its being
// modified where that is silent. False says that there is no order of this as_id.
func (s *Simulator) ReceiveMore(asID string, silent bool) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, func(o *merchant.Order, now time.Time) *merchant.Order {
		if silent {
			now = o.Modified
		}
		return o.MoreReceived(now)
	})
}

// Lives is how often orders live on by themselves after their bills were stored.
func Lives() faults.Probabilities {
	return faults.Probabilities{faults.SourceOrderChanges: 0.05, faults.SourceOrderWithdrawn: 0.02}
}

// Lived counts the orders that live on, by what becomes of them.
type Lived struct{ Cancelled, Unconfirmed, Received, Renamed int }

// LiveOn has one in so many of the orders that ask for a bill live on: it is cancelled or
// un-confirmed, more of it is received, or its products get other names. None is dated
// by its modification, which would make another bill of a renamed one.
func (s *Simulator) LiveOn(oneIn int) (lived Lived) {
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
			lived.Renamed++
		case 1:
			s.Withdraw(id, merchant.StatusCancelled)
			lived.Cancelled++
		case 2:
			s.ReceiveMore(id, false)
			lived.Received++
		case 3:
			s.Withdraw(id, merchant.StatusWaits)
			lived.Unconfirmed++
		}
	}
	return lived
}

// Rename gives the products of an order other names. False says that there is no order of
// this as_id.
func (s *Simulator) Rename(asID string) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, (*merchant.Order).Renamed)
}

// SetLines repeats the lines of an order until there are so many. False says that
// there is no order of this as_id.
func (s *Simulator) SetLines(asID string, lines int) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, func(o *merchant.Order, _ time.Time) *merchant.Order { return o.WithLines(lines) })
}

// ChangeBack has the source take back that one piece more was received. False says
// that there is no order of this as_id.
func (s *Simulator) ChangeBack(asID string) bool {
	id, err := strconv.ParseInt(asID, 10, 64)
	return err == nil && s.gateway.Change(id, (*merchant.Order).LessReceived)
}

// SetFaults sets how often each fault strikes from now on; one that is not
// named is off. The error names the fault that is unknown or has a probability
// outside 0 to 1, and nothing is changed then.
func (s *Simulator) SetFaults(p faults.Probabilities) error { return s.faults.Set(p) }
