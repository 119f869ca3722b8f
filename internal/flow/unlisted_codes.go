package flow

import (
	"slices"

	"refundsync/internal/text"
)

// UnlistedCode is a code of an order for which a table has no row.
type UnlistedCode struct {
	Table *Table
	// Code is what the order has, without invisible characters; "" if it is absent, or
	// Personal.
	Code string
	// Personal codes may be about a person and are never shown.
	Personal bool
}

// Default is what the order gets instead: the table's default or, with pass, the code
// itself; "" if it is parked.
func (c UnlistedCode) Default() string {
	if c.Table.Pass {
		return c.Code
	}
	return c.Table.Default
}

// Parks reports whether orders with the code are parked.
func (c UnlistedCode) Parks() bool { return !c.Table.Pass && c.Table.Default == "" }

// Problem says what the table lacks.
func (c UnlistedCode) Problem() text.Text { return c.failure().what }

// Advice says what to do, with the line to add.
func (c UnlistedCode) Advice() text.Text {
	if advice := c.failure().advice; !advice.IsZero() {
		return advice
	}
	return adviceFor[reasonUnknownCode]
}

func (c UnlistedCode) failure() *valueError {
	if kingdee := c.Table.Kingdee; kingdee != nil {
		return kingdee.State().lacks(c.Table, c.Code, c.Personal)
	}
	return c.Table.unknown(c.Code, c.Personal)
}

// UnlistedCodes are the order's codes for which tables have no row, each once. Fields that
// can't be computed for another reason give none, nor does a table that was never read. An
// absent code counts only where a table has a default for it. UnlistedCodes does not ask
// Skip.
func (o *Opened) UnlistedCodes() []UnlistedCode {
	if o.err != nil {
		return nil
	}
	o.steps = 0 // Bill may have used up the order's budget
	return o.unlistedCodes(nil, o.flow.Rules.Bill, nil)
}

func (o *Opened) unlistedCodes(codes []UnlistedCode, fields []BillField, of *line) []UnlistedCode {
	for _, field := range fields {
		switch {
		case o.flow.isLines(field.Field):
			if o.keep() != nil {
				continue
			}
			for _, l := range o.kept {
				codes = o.unlistedCodes(codes, field.Fields, l)
			}
		case field.Mapping == nil:
			codes = o.unlistedCodes(codes, field.Fields, of)
		case field.Mapping.Table != nil:
			if code, ok := o.unlistedCode(field.Mapping, of); ok && !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	return codes
}

func (o *Opened) unlistedCode(m *Mapping, of *line) (UnlistedCode, bool) {
	result, err := o.run(m.Value, of)
	code, isText := result.(string)
	if err != nil || !isText || code == "" && m.Table.Default == "" {
		return UnlistedCode{}, false
	}
	if m.Table.Kingdee != nil && m.Table.Kingdee.State() == nil {
		return UnlistedCode{}, false
	}
	if _, listed := m.Table.Known()[PlainCode(code)]; listed {
		return UnlistedCode{}, false
	}
	if m.Personal() {
		return UnlistedCode{Table: m.Table, Personal: true}, true
	}
	return UnlistedCode{Table: m.Table, Code: visibleCode(code)}, true
}
