package flow

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/text"
)

// Fields that Kingdee sets itself.
const (
	statusField = "FDocumentStatus"
	cancelField = "FCancelStatus"
)

// MayDiffer are the names that [Options.ExpectedDifferences] can have. The number and the
// note are not among them: a bill is found by its number and its mark.
func MayDiffer(form *catalog.Form) []string {
	names := slices.Concat([]string{statusField}, form.Compared(catalog.Head), form.Compared(form.Lines))
	return slices.DeleteFunc(names, func(name string) bool { return name == form.Number || name == form.Note })
}

// Difference is a value of a bill that differs in Kingdee from what was sent.
type Difference struct {
	Field string
	// Line is the line's number from 1; 0 for a field of the head.
	Line int
	// Sent is the value as it was sent, and Read as Kingdee has it.
	Sent, Read string
	// Unreadable: the cell holds no value.
	Unreadable bool
}

func (d Difference) String() string { return d.AsText().String() }

// AsText names the field, and gives both values.
func (d Difference) AsText() text.Text {
	field := d.Field
	if d.Line > 0 {
		field = fmt.Sprintf("%s[%d]", field, d.Line)
	}
	if d.Unreadable {
		return text.New("%s: %s → unreadable", field, d.Sent)
	}
	return text.New("%s: %s → %s", field, d.Sent, d.Read)
}

// sentField is a field of a bill with its value for each row that is read back.
type sentField struct {
	field catalog.Field
	key   string // in a query
	// values are one of the head, or one a line; nil where none was sent.
	values []any
}

// sentFields are the fields of the bill that are read back.
func (b Bill) sentFields(status string) []sentField {
	head, lines := b.values()
	fields := []sentField{{catalog.Field{Name: statusField, Type: catalog.Text, Place: catalog.Head}, statusField, []any{status}}}
	for _, place := range []catalog.Place{catalog.Head, b.form.Form.Lines} {
		for _, name := range b.form.Form.Compared(place) {
			field, _ := b.form.Find(place, name)
			sent := sentField{field: field, key: field.QueryKey(), values: []any{plainValue(field, head[name])}}
			if place != catalog.Head {
				sent.values = nil
				for _, values := range lines {
					sent.values = append(sent.values, plainValue(field, values[name]))
				}
			}
			if slices.ContainsFunc(sent.values, func(value any) bool { return value != nil }) {
				fields = append(fields, sent)
			}
		}
	}
	return fields
}

// plainValue takes the number out of base data's object.
func plainValue(field catalog.Field, value any) any {
	if reference, ok := value.(map[string]any); ok {
		return reference[field.ReferenceKey]
	}
	return value
}

// ReadBackKeys are the fields of any bill that are read back, as a query names them.
func (f *Flow) ReadBackKeys() []string {
	keys := []string{statusField, cancelField}
	for _, place := range []catalog.Place{catalog.Head, f.Form.Form.Lines} {
		for _, name := range f.Form.Form.Compared(place) {
			field, _ := f.Form.Find(place, name)
			keys = append(keys, field.QueryKey())
		}
	}
	return keys
}

// ReadBackKeys are the fields by which the bill is read back, as a query names them.
func (b Bill) ReadBackKeys() (keys []string) {
	for _, field := range b.sentFields("") {
		keys = append(keys, field.key)
	}
	return keys
}

// Differences compares the bill as it was sent with the rows that a query of ReadBackKeys
// gives, one per line. Values are compared by meaning: 10 and 10.00 are the same number,
// and dates are the same by day. status is the FDocumentStatus that the bill should have.
func (b Bill) Differences(status string, rows [][]any) (differences []Difference) {
	if len(rows) == 0 {
		return nil
	}
	for column, sent := range b.sentFields(status) {
		inHead := sent.field.Place == catalog.Head
		if !inHead && len(sent.values) != len(rows) {
			group := string(b.form.Form.Lines)
			if len(differences) == 0 || differences[len(differences)-1].Field != group {
				differences = append(differences, Difference{Field: group, Sent: fmt.Sprint(len(sent.values)), Read: fmt.Sprint(len(rows))})
			}
			continue
		}
		for i, value := range sent.values {
			if value == nil {
				continue
			}
			difference := Difference{Field: sent.field.Name, Sent: cellShown(value), Read: cellShown(rows[i][column]), Unreadable: rows[i][column] == nil}
			if !inHead {
				difference.Line = i + 1
			}
			if difference.Unreadable || !SameValue(b.form, sent.field, value, rows[i][column]) {
				differences = append(differences, difference)
			}
		}
	}
	return differences
}

// IsFoundBy reports whether a difference is in the bill's number or note, by which it is found.
func (b Bill) IsFoundBy(d Difference) bool {
	return d.Line == 0 && (d.Field == b.form.Form.Number || d.Field == b.form.Form.Note)
}

// SameValue compares two values by meaning. In the note only the mark counts, which holds a
// hash of the rest.
func SameValue(form *catalog.Interface, field catalog.Field, sent, read any) bool {
	if field.Place == catalog.Head && field.Name == form.Form.Note {
		is, ok := FindMark(cellShown(read))
		want, _ := FindMark(cellShown(sent))
		return ok && is.String() == want.String()
	}
	want, err := field.Type.Parse(sent)
	if err != nil {
		return false
	}
	is, err := field.Type.Parse(read)
	if err != nil || is == nil || want == nil {
		return err == nil && is == want
	}
	if number, ok := want.(decimal.Decimal); ok {
		return number.Equal(is.(decimal.Decimal))
	}
	return bytes.Equal(encode(field, want), encode(field, is))
}

func cellShown(value any) string { return strings.TrimSpace(fmt.Sprint(value)) }

// NumberOf is the number of an order's bill, which depends on the order's key alone.
func (f *Flow) NumberOf(orderID string) (string, error) {
	return f.open(contract.Order{ID: orderID}, map[string]any{f.Source.Key: orderID}).billNumber()
}
