package flow

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"refundsync/internal/text"
)

// KingdeeTable is a table of the flow whose rows are base data of Kingdee's. Whoever reads
// Kingdee sets its state; it is safe for concurrent use.
type KingdeeTable struct {
	Name string
	// Form is the form of the base data, such as BD_Customer, and Key the field that
	// identifies an entry.
	Form, Key string
	// By is the field of the code, and Value that of what it is translated into.
	By, Value string
	// Where filters the entries; "" takes all.
	Where string
	// Refresh is how old the rows may be. Default: 15 minutes.
	Refresh time.Duration

	state atomic.Pointer[TableState]
}

// State is the table as last read; nil if it never was.
func (t *KingdeeTable) State() *TableState { return t.state.Load() }

// Set sets the state for orders that are opened from now on.
func (t *KingdeeTable) Set(state *TableState) { t.state.Store(state) }

// TableEntry is one entry of base data.
type TableEntry struct {
	Code, Value string
	// Disabled entries are forbidden (禁用), or not audited.
	Disabled bool
}

// TableState is the content of a table from Kingdee. It is read-only.
type TableState struct {
	// Entries is the number of entries read.
	Entries int
	// Ambiguous are the codes that stand for several values, Disabled those whose entries
	// are all disabled, each with its values, sorted. Neither are translated.
	Ambiguous, Disabled map[string][]string
	// Empty are the codes whose entry has no value, sorted.
	Empty []string

	rows map[string]string
}

// NewTableState makes a table of entries in any order. A code may repeat with the same
// value: base data is there once for each organisation that uses it.
func NewTableState(entries []TableEntry) *TableState {
	s := &TableState{Entries: len(entries), Ambiguous: map[string][]string{}, Disabled: map[string][]string{}, rows: map[string]string{}}
	usable, disabled := map[string][]string{}, map[string][]string{}
	for _, entry := range entries {
		code, value := PlainCode(entry.Code), strings.TrimSpace(entry.Value)
		if code == "" {
			continue // no order has it
		}
		if entry.Disabled {
			disabled[code] = append(disabled[code], value)
		} else {
			usable[code] = append(usable[code], value)
		}
	}
	for code, values := range usable {
		slices.Sort(values)
		switch values = slices.Compact(values); {
		case len(values) > 1:
			s.Ambiguous[code] = values
		case values[0] == "":
			s.Empty = append(s.Empty, code)
		default:
			s.rows[code] = values[0]
		}
	}
	slices.Sort(s.Empty)
	for code, values := range disabled {
		if usable[code] == nil {
			slices.Sort(values)
			s.Disabled[code] = slices.Compact(values)
		}
	}
	return s
}

// Codes is the number of codes that the table translates.
func (s *TableState) Codes() int { return len(s.rows) }

// Same reports whether two states translate all codes alike.
func (s *TableState) Same(other *TableState) bool {
	same := func(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }
	return maps.Equal(s.rows, other.rows) && same(s.Ambiguous, other.Ambiguous) && same(s.Disabled, other.Disabled) && slices.Equal(s.Empty, other.Empty)
}

// Summary counts what the table holds. It shows no codes, which may be names.
func (s *TableState) Summary() string {
	return text.Sprintf("%d entries: %d codes to translate, %d with several values, %d disabled or not audited, %d without a value",
		s.Entries, len(s.rows), len(s.Ambiguous), len(s.Disabled), len(s.Empty))
}

// reasonTableUnread: a table that comes from Kingdee has not been read yet.
const reasonTableUnread = "table_unread"

// translate gives a table's value for a code. All codes of an order are translated by the
// table as it was for the first of them.
func (o *Opened) translate(t *Table, code string, personal bool) (string, error) {
	if t.Kingdee == nil || code == "" {
		return t.translate(code, personal)
	}
	if o.tables == nil {
		o.tables = map[*KingdeeTable]*TableState{}
	}
	state, pinned := o.tables[t.Kingdee]
	if !pinned {
		state = t.Kingdee.State()
		o.tables[t.Kingdee] = state
	}
	if state == nil {
		return "", &valueError{reason: reasonTableUnread, table: t.Kingdee, what: text.New("table %s (%s) has not been read from Kingdee yet", t.Name, t.Kingdee.Form)}
	}
	value, ok := state.rows[PlainCode(code)]
	if !ok {
		return "", state.lacks(t, code, personal)
	}
	o.translations = append(o.translations, t.Name, code, value)
	return value, nil
}

// Outdated reports whether a table has been set since the order used it.
func (o *Opened) Outdated(table *KingdeeTable) bool { return o.tables[table] != table.State() }

// lacks says why a code is not translated.
func (s *TableState) lacks(t *Table, code string, personal bool) *valueError {
	shown := quoted(code, personal)
	code = PlainCode(code)
	what := text.New("table %s (%s of Kingdee) has no code %s", t.Name, t.Kingdee.Form, shown)
	advice := text.New("Add an entry whose %s is this code to %s in Kingdee, or correct it.", t.Kingdee.By, t.Kingdee.Form)
	if values := s.Ambiguous[code]; values != nil {
		what = text.New("in table %s (%s of Kingdee) the code %s stands for several values: %s", t.Name, t.Kingdee.Form, shown, someOf(values))
		advice = text.New("Disable or rename the others in Kingdee, or narrow the table to one of them by where in the flow file.")
	} else if values := s.Disabled[code]; values != nil {
		what = text.New("in table %s (%s of Kingdee) the code %s is disabled or not audited: %s", t.Name, t.Kingdee.Form, shown, someOf(values))
		advice = text.New("Audit or enable it in Kingdee.")
	} else if _, empty := slices.BinarySearch(s.Empty, code); empty {
		what = text.New("in table %s (%s of Kingdee) the %s of code %s is empty", t.Name, t.Kingdee.Form, t.Kingdee.Value, shown)
		advice = text.New("Fill in its %s in Kingdee.", t.Kingdee.Value)
	}
	reason := reasonUnknownCode
	if !personal {
		reason = t.reasonFor(visibleCode(code))
	}
	return &valueError{reason: reason, table: t.Kingdee, what: what, advice: advice}
}

// someOf lists the first of several values.
func someOf(values []string) string {
	const most = 5
	if len(values) > most {
		values = append(slices.Clone(values[:most]), "…")
	}
	return strings.Join(values, ", ")
}

// LackingTable is the table from Kingdee that lacks a code, or was never read, where that
// is why an order can't be mapped; nil for any other error.
func LackingTable(err error) *KingdeeTable {
	var value *valueError
	if errors.As(err, &value) {
		return value.table
	}
	return nil
}
