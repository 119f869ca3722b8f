package flow

import (
	"maps"
	"slices"

	"refundsync/internal/catalog"
)

// SentField is a field that the flow sends, as far as known without an order.
type SentField struct {
	catalog.Field
	// Own: the flow declares the field in own_fields.
	Own bool
	// Values are the texts that the field can be sent with, sorted, as far as they are
	// known without an order: a constant, a table's values, or texts among which an
	// expression chooses.
	Values []string
	// Open: orders may have other values.
	Open bool
	// Table is the table that gives the values, if one does.
	Table *Table
}

// SentFields are the fields that the flow sends, in the order of its file.
func (f *Flow) SentFields() []SentField { return f.sentFields(f.Rules.Bill) }

func (f *Flow) sentFields(fields []BillField) (sent []SentField) {
	for _, field := range fields {
		if field.Mapping == nil {
			sent = append(sent, f.sentFields(field.Fields)...)
			continue
		}
		s := SentField{
			Field: field.Field,
			Own:   slices.ContainsFunc(f.OwnFields, func(own catalog.Field) bool { return own.Name == field.Field.Name }),
			Table: field.Mapping.Table,
		}
		s.Values, s.Open = field.Mapping.knownValues()
		sent = append(sent, s)
	}
	return sent
}

// knownValues are those that the field can have, as far as known without an order, and
// whether there may be others.
func (m *Mapping) knownValues() (values []string, open bool) {
	switch {
	case m.constant != nil:
		return m.constantValue(), false
	case m.Table == nil:
		return m.Value.choices, !m.Value.chosen
	}
	if values = slices.Collect(maps.Values(m.Table.Known())); m.Table.Default != "" {
		values = append(values, m.Table.Default)
	}
	slices.Sort(values)
	unread := m.Table.Kingdee != nil && m.Table.Kingdee.State() == nil
	return slices.Compact(values), m.Table.Pass || unread
}

// constantValue is a constant that is a text; none for a number or a flag.
func (m *Mapping) constantValue() []string {
	if kind := KindFor(m.Target.Type); m.Target.Type == catalog.Bool || kind != KindText && kind != KindTime {
		return nil
	}
	return []string{m.plain(m.constant)}
}
