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
	// Values are the texts that the field can be sent with, sorted, if they are known
	// without an order: a constant or a table's values.
	Values []string
	// Table is the table from Kingdee that gives the values, if one does.
	Table *KingdeeTable
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
			Field:  field.Field,
			Own:    slices.ContainsFunc(f.OwnFields, func(own catalog.Field) bool { return own.Name == field.Field.Name }),
			Values: field.Mapping.knownValues(),
		}
		if field.Mapping.Table != nil {
			s.Table = field.Mapping.Table.Kingdee
		}
		sent = append(sent, s)
	}
	return sent
}

// knownValues are those that the field can have, if known without an order.
func (m *Mapping) knownValues() []string {
	if m.constant != nil {
		if kind := KindFor(m.Target.Type); kind != KindText && kind != KindTime {
			return nil // a number or a flag
		}
		return []string{m.plain(m.constant)}
	}
	if m.Table == nil {
		return nil
	}
	rows := m.Table.Rows
	if m.Table.Kingdee != nil {
		state := m.Table.Kingdee.State()
		if state == nil {
			return nil
		}
		rows = state.rows
	}
	values := slices.Collect(maps.Values(rows))
	if m.Table.Default != "" {
		values = append(values, m.Table.Default)
	}
	slices.Sort(values)
	return slices.Compact(values)
}
