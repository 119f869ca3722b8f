package simulator

import (
	"refundsync/internal/simulator/chat"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
)

// State is what both systems hold and have seen.
type State struct {
	Source  SourceState  `json:"source"`
	Kingdee galaxy.State `json:"kingdee"`
	Robots  chat.State   `json:"robots"`
	// Faults counts how often each fault has struck.
	Faults map[faults.Name]int `json:"faults"`
}

// SourceState is the state of Jushuitan.
type SourceState struct {
	// Orders counts all orders, Customary those that the customary filter returns.
	Orders    int `json:"orders"`
	Customary int `json:"customary"`
	// Calls counts the calls by method or path, Refusals the refused ones by code.
	Calls    map[string]int `json:"calls"`
	Refusals map[string]int `json:"refusals"`
}

// State shows what both systems hold and have seen.
func (s *Simulator) State() State { return s.state(true) }

func (s *Simulator) state(bills bool) State {
	s.source.Arrive()
	orders := s.merchant.Orders()
	source := SourceState{
		Orders: len(orders), Calls: added(s.gateway.Calls(), s.platform.Calls()), Refusals: added(s.gateway.Refusals(), s.platform.Refusals()),
	}
	for _, o := range orders {
		if o.Customary() {
			source.Customary++
		}
	}
	return State{Source: source, Kingdee: s.Tenant.State(bills), Robots: s.robots.State(), Faults: s.faults.Injected()}
}

func added(counts, more map[string]int) map[string]int {
	sums := map[string]int{}
	for _, each := range []map[string]int{counts, more} {
		for key, n := range each {
			sums[key] += n
		}
	}
	return sums
}
