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
	// Number is FBillNo.
	Number string
	// Model is one element of BatchSave's Model, with the fields in the flow
	// file's order: Kingdee fills in fields from those before them.
	Model json.RawMessage
	// Mark tells which order the bill is made from. It is in Model, at the end of
	// MarkField.
	Mark Mark

	fields []fieldValue // what Model is written from
}

// Changing is the Model that changes the bill of an inner id (FID) into this one,
// replacing its lines.
func (b Bill) Changing(id string) json.RawMessage {
	return slices.Concat([]byte(`{"FID":`), encodeText(id), []byte(","), b.Model[1:])
}

// billLine is a line of the bill as far as others look at it.
type billLine struct {
	FMaterialId, FStockId struct{ FNumber string }
	FRealQty, FTaxPrice   decimal.Decimal
}

func (b Bill) lines() ([]billLine, error) {
	var model struct{ FEntity []billLine }
	err := json.Unmarshal(b.Model, &model)
	return model.FEntity, err
}

// Quantities adds up FRealQty (实退数量) of the bill's lines by FMaterialId.
func (b Bill) Quantities() (map[string]decimal.Decimal, error) {
	lines, err := b.lines()
	if err != nil {
		return nil, err
	}
	quantities := map[string]decimal.Decimal{}
	for _, line := range lines {
		material := line.FMaterialId.FNumber
		quantities[material] = quantities[material].Add(line.FRealQty)
	}
	return quantities, nil
}

// Amount is the bill's total with tax.
func (b Bill) Amount() (sum decimal.Decimal, err error) {
	lines, err := b.Lines()
	for _, line := range lines {
		sum = sum.Add(line.Amount)
	}
	return sum, err
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
	mark := o.markOf(booked(fields))
	fields = withMark(fields, mark)
	return Bill{number, object(fields), mark, fields}, nil
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

// withMark adds the mark at the end of its field, whether the flow maps that or not.
func withMark(fields []fieldValue, mark Mark) []fieldValue {
	for i, field := range fields {
		if field.name != MarkField {
			continue
		}
		var text string
		// A text of ours is always JSON.
		_ = json.Unmarshal(field.value, &text)
		if text != "" {
			text += " "
		}
		fields[i].value = encodeText(text + mark.String())
		return fields
	}
	return append(fields, fieldValue{name: MarkField, value: encodeText(mark.String())})
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
		if isNote(field.Field) {
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

// group gives a group of fields, and the part of it that is booked: FEntity one entry per
// line kept, a list within a line one entry. Within a line, a group without any value is
// left out.
func (o *Opened) group(field BillField, of *line) (all, isBooked json.RawMessage, err error) {
	if field.Field.Name == "FEntity" {
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
