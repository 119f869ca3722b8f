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
	// Calls counts the calls by method, Refusals the refused ones by code.
	Calls    map[string]int `json:"calls"`
	Refusals map[string]int `json:"refusals"`
}

// State shows what both systems hold and have seen.
func (s *Simulator) State() State { return s.state(true) }

func (s *Simulator) state(bills bool) State {
	s.gateway.Arrive()
	orders := s.merchant.Orders()
	source := SourceState{Orders: len(orders), Calls: s.gateway.Calls(), Refusals: s.gateway.Refusals()}
	for _, o := range orders {
		if o.Customary() {
			source.Customary++
		}
	}
	return State{Source: source, Kingdee: s.tenant.State(bills), Robots: s.robots.State(), Faults: s.faults.Injected()}
}
