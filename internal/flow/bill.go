package flow

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf16"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// Bill is a bill as Kingdee takes it.
type Bill struct {
	Number string
	// Model is one element of BatchSave's Model, with the fields in the flow
	// file's order: Kingdee fills in fields from those before them.
	Model json.RawMessage
	// Mark tells which order the bill is made from. It is in Model, at the end of the note.
	Mark Mark

	form   *catalog.Interface
	fields []fieldValue // what Model is written from
}

// Changing is the Model that changes the bill of an inner id (FID) into this one,
// replacing its lines.
func (b Bill) Changing(id string) json.RawMessage {
	return slices.Concat([]byte(`{"FID":`), encodeText(id), []byte(","), b.Model[1:])
}

// ByItem adds up the quantities of the bill's lines by item, or the amounts in a form of
// money.
func (b Bill) ByItem() map[string]decimal.Decimal {
	sums := map[string]decimal.Decimal{}
	for _, line := range b.Lines() {
		measure := line.Quantity
		if b.form.Form.Money() {
			measure = line.Amount
		}
		sums[line.Item] = sums[line.Item].Add(measure)
	}
	return sums
}

// Amount is the bill's total with tax.
func (b Bill) Amount() (sum decimal.Decimal) {
	for _, line := range b.Lines() {
		sum = sum.Add(line.Amount)
	}
	return sum
}

// BillField is a field of the bill, or a group of them.
type BillField struct {
	Field   catalog.Field
	Mapping *Mapping
	Fields  []BillField // of a group
}

// Bill maps the order. An error is a *fault.Error, Final, which names the order,
// the line, the field and the value at fault, or has the reason of the requirement that
// the order does not meet. Bill does not ask Skip.
func (o *Opened) Bill() (Bill, error) {
	if !o.mapped {
		o.bill, o.billErr = o.mapBill()
		o.mapped = true
	}
	return o.bill, o.billErr
}

func (o *Opened) mapBill() (Bill, error) {
	if o.err != nil {
		return Bill{}, o.err
	}
	if err := o.meet(); err != nil {
		return Bill{}, err
	}
	if err := o.keep(); err != nil {
		return Bill{}, err
	}
	if len(o.kept) == 0 {
		return Bill{}, failure(o.Order.ID, nil, nil, newValueError(reasonNoLines, text.New("none of its lines meets the lines condition")))
	}
	number, err := o.billNumber()
	if err != nil {
		return Bill{}, err
	}
	fields, err := o.fields(o.flow.Rules.Bill, nil)
	if err != nil {
		return Bill{}, err
	}
	return o.flow.marked(number, fields, o.markOf(booked(fields))), nil
}

// cutText cuts a text that is longer than so many UTF-16 units and ends it with an
// ellipsis; it gives "" where there is no room for one.
func cutText(text string, longest int) string {
	if utf16Length(text) <= longest {
		return text
	}
	const ellipsis = "…"
	left := longest - utf16Length(ellipsis)
	if left < 0 {
		return ""
	}
	for i, r := range text {
		if left -= utf16.RuneLen(r); left < 0 {
			return text[:i] + ellipsis
		}
	}
	return text
}

func utf16Length(text string) int { return len(utf16.Encode([]rune(text))) }

// marked makes the bill of these fields of its head, with the mark at the end of its note,
// whether the flow maps that or not.
func (f *Flow) marked(number string, fields []fieldValue, mark Mark) Bill {
	note := f.Form.Form.Note
	i := slices.IndexFunc(fields, func(field fieldValue) bool { return field.name == note })
	if i < 0 {
		fields, i = append(fields, fieldValue{name: note, value: encodeText("")}), len(fields)
	}
	var text string
	// A text of ours is always JSON.
	_ = json.Unmarshal(fields[i].value, &text)
	if text != "" {
		text += " "
	}
	fields[i].value = encodeText(text + mark.String())
	return Bill{Number: number, Model: object(fields), Mark: mark, form: f.Form, fields: fields}
}

func (o *Opened) billNumber() (string, error) {
	mapping := o.flow.Rules.Number
	number, err := mapping.compute(o, nil)
	if err != nil {
		return "", failure(o.Order.ID, nil, FieldName(mapping.Target), err)
	}
	if wrong := checkBillNumber(number.(string)); wrong != nil {
		return "", failure(o.Order.ID, nil, FieldName(mapping.Target), wrong)
	}
	return number.(string), nil
}

// fieldValue is a field of a bill as it is sent.
type fieldValue struct {
	name  string
	value json.RawMessage
	// booked is the part that is booked, and so compared; nil for a note.
	booked json.RawMessage
}

// fields gives the values of a group of fields, leaving out those without one; of is
// the line at work, if any.
func (o *Opened) fields(fields []BillField, of *line) ([]fieldValue, error) {
	values := make([]fieldValue, 0, len(fields)+1)
	for _, field := range fields {
		value, booked, err := o.value(field, of)
		if err != nil {
			return nil, err
		}
		if o.flow.isNote(field.Field) {
			booked = nil
		}
		if value != nil {
			values = append(values, fieldValue{field.Field.Name, value, booked})
		}
	}
	return values, nil
}

// object writes a group of fields. Their names are the catalog's, without anything that
// JSON escapes.
func object(fields []fieldValue) json.RawMessage {
	size := len(`{}`)
	for _, field := range fields {
		size += len(`"":,`) + len(field.name) + len(field.value)
	}
	b := append(make([]byte, 0, size), '{')
	for i, field := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, field.name...)
		b = append(b, `":`...)
		b = append(b, field.value...)
	}
	return append(b, '}')
}

// booked writes what a group of fields books.
func booked(fields []fieldValue) json.RawMessage {
	var values []fieldValue
	for _, field := range fields {
		if field.booked != nil {
			values = append(values, fieldValue{name: field.name, value: field.booked})
		}
	}
	return object(values)
}

// value gives one field's value, and the part of it that is booked; nil for an optional
// field without one.
func (o *Opened) value(field BillField, of *line) (value, isBooked json.RawMessage, err error) {
	switch field.Field.Type {
	case catalog.Object, catalog.List:
		return o.group(field, of)
	}
	value, err = field.Mapping.evaluate(o, of)
	if err != nil {
		return nil, nil, failure(o.Order.ID, of, FieldName(field.Field), err)
	}
	return value, value, nil
}

// group gives a group of fields, and the part of it that is booked: the bill's lines one
// entry per line kept, another list one entry. Within a line, a group without any value is
// left out.
func (o *Opened) group(field BillField, of *line) (all, isBooked json.RawMessage, err error) {
	if o.flow.isLines(field.Field) {
		return o.entries(field.Fields)
	}
	values, err := o.fields(field.Fields, of)
	if err != nil || of != nil && len(values) == 0 {
		return nil, nil, err
	}
	all, isBooked = object(values), booked(values)
	if field.Field.Type == catalog.List {
		all, isBooked = array([][]byte{all}), array([][]byte{isBooked})
	}
	return all, isBooked, nil
}

// entries writes one object per line kept. Their order books nothing.
func (o *Opened) entries(fields []BillField) (all, isBooked json.RawMessage, err error) {
	entries, bookings := make([][]byte, 0, len(o.kept)), make([][]byte, 0, len(o.kept))
	for _, l := range o.kept {
		values, err := o.fields(fields, l)
		if err != nil {
			return nil, nil, err
		}
		entries, bookings = append(entries, object(values)), append(bookings, booked(values))
	}
	slices.SortFunc(bookings, bytes.Compare)
	return array(entries), array(bookings), nil
}

func array(values [][]byte) json.RawMessage {
	return slices.Concat([]byte("["), bytes.Join(values, []byte(",")), []byte("]"))
}
