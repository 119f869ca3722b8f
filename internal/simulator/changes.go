package simulator

import (
	"strconv"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// billStored lets the order of a bill change at the source once the bill is
// stored, where that fault strikes.
func (s *Simulator) billStored(number string) {
	asID, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !s.faults.Strikes(faults.SourceOrderChanges) {
		return
	}
	change := (*merchant.Order).MoreReceived
	if s.faults.Pick(faults.SourceOrderChanges, 3) == 0 {
		change = (*merchant.Order).Remarked
	}
	s.gateway.Change(asID, func(o *merchant.Order, now time.Time) *merchant.Order { return change(o, now) })
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
