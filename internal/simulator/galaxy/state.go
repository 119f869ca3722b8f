package galaxy

import (
	"maps"
	"slices"
)

// State is what a tenant holds and has seen.
type State struct {
	// Bills are all bills, by form and id.
	Bills []Bill `json:"bills"`
	// ByStatus counts the bills by FDocumentStatus.
	ByStatus map[string]int `json:"by_status"`
	// Doubles are the numbers that more than one bill of a form has.
	Doubles []string `json:"doubles"`
	// Calls counts the calls by method, including refused ones.
	Calls map[string]int `json:"calls"`
	// Violations counts what a correct client never does: session_in_use is a request on
	// a session that is serving another.
	Violations map[string]int `json:"violations"`
	// UnknownFields counts the fields of bills that the form does not have, by their
	// names in lower case. Kingdee silently ignores them.
	UnknownFields map[string]int `json:"unknown_fields"`
	// LostLinks counts the links to a line of another bill that lead nowhere. Kingdee drops
	// them without a word.
	LostLinks int `json:"lost_links"`
	// Sessions is the number of open sessions.
	Sessions int `json:"sessions"`
	// LateSaves is the number of pending saves that were already answered with a failure,
	// or never will be answered.
	LateSaves int `json:"late_saves"`
}

// State shows what the tenant holds and has seen. If bills is false, Bills is nil.
func (t *Tenant) State(bills bool) State {
	s := State{ByStatus: map[string]int{}, Doubles: t.ledger.doubles(), LostLinks: t.ledger.lost(), Sessions: t.sessions.count(), LateSaves: int(t.late.pending.Load())}
	if bills {
		s.Bills = []Bill{}
	}
	for _, id := range slices.Sorted(maps.Keys(forms)) {
		for _, b := range t.ledger.all(forms[id]) {
			s.ByStatus[string(b.status)]++
			if bills {
				s.Bills = append(s.Bills, b.shown())
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Calls = maps.Clone(t.calls)
	s.Violations = maps.Clone(t.violations)
	s.UnknownFields = maps.Clone(t.unknownFields)
	return s
}

// Of gives the bills of a form.
func (s State) Of(form string) []Bill {
	return slices.DeleteFunc(slices.Clone(s.Bills), func(b Bill) bool { return b.Form != form })
}
