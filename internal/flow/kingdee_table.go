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

// KingdeeTable is a table of the flow whose rows are base data of Kingdee's. It is as
// it was last set, by whoever reads Kingdee, and may be used meanwhile.
type KingdeeTable struct {
	Name string
	// Form is the base data, such as BD_Customer, and Key the field that identifies an
	// entry of it.
	Form, Key string
	// By is the field that holds the code, and Value the one to translate it into.
	By, Value string
	// Where narrows the entries; "" takes all.
	Where string
	// Refresh is how old the rows may be. Default: 15 minutes.
	Refresh time.Duration

	state atomic.Pointer[TableState]
}

// State is the table as it was last read; nil if it was not yet.
func (t *KingdeeTable) State() *TableState { return t.state.Load() }

// Set has orders that are opened from now on use a state.
func (t *KingdeeTable) Set(state *TableState) { t.state.Store(state) }

// TableEntry is one entry of base data.
type TableEntry struct {
	Code, Value string
	// Disabled entries are forbidden (禁用), or not audited.
	Disabled bool
}

// TableState is what a table from Kingdee holds. It is read-only.
type TableState struct {
	// Entries counts all that were read.
	Entries int
	// Ambiguous are codes that stand for several values, and Disabled codes all of whose
	// entries are disabled, each with its values in order. Neither is translated.
	Ambiguous, Disabled map[string][]string
	// Empty are codes whose entry has no value, in order.
	Empty []string

	rows map[string]string
}

// NewTableState makes a table of entries, in whatever order they come. The same code
// may come again with the same value: base data stands once for each organisation that
// uses it.
func NewTableState(entries []TableEntry) *TableState {
	s := &TableState{Entries: len(entries), Ambiguous: map[string][]string{}, Disabled: map[string][]string{}, rows: map[string]string{}}
	usable, disabled := map[string][]string{}, map[string][]string{}
	for _, entry := range entries {
		code, value := PlainCode(entry.Code), strings.TrimSpace(entry.Value)
		if code == "" {
			continue // no order's code is looked for under it
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

// Codes counts the codes that the table translates.
func (s *TableState) Codes() int { return len(s.rows) }

// Same reports whether two states translate all codes alike.
func (s *TableState) Same(other *TableState) bool {
	same := func(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }
	return maps.Equal(s.rows, other.rows) && same(s.Ambiguous, other.Ambiguous) && same(s.Disabled, other.Disabled) && slices.Equal(s.Empty, other.Empty)
}

// Summary says what the table holds, without the codes: they may be names.
func (s *TableState) Summary() string {
	return text.Sprintf("%d entries: %d codes to translate, %d with several values, %d disabled or not audited, %d without a value",
		s.Entries, len(s.rows), len(s.Ambiguous), len(s.Disabled), len(s.Empty))
}

// reasonTableUnread: a table that comes from Kingdee has not been read yet.
const reasonTableUnread = "table_unread"

// translate gives the value for a code by a table. All codes of an order are translated
// by the table as it was for the first of them.
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

// Outdated reports whether a table has been set since the order needed it.
func (o *Opened) Outdated(table *KingdeeTable) bool { return o.tables[table] != table.State() }

// lacks says why a code is not translated.
func (s *TableState) lacks(t *Table, code string, personal bool) error {
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

// LackingTable is the table from Kingdee whose lack of a code, or of any state, is why
// an order can't be mapped; nil for another error.
func LackingTable(err error) *KingdeeTable {
	var value *valueError
	if errors.As(err, &value) {
		return value.table
	}
	return nil
}
