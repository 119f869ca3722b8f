package flow

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
)

// SourceBill says which lines of source bills the lines of a bill are linked to, such as those
// of the outbound bill by which the goods left.
type SourceBill struct {
	// FormID is the form of the source bills, Source describes it, and Link says how a line
	// names its source.
	FormID string
	Source *catalog.LinkSource
	Link   *catalog.Link
	// Field is a field of the source bill, and Value what it has in those of an order.
	Field string
	Value *Mapping
	// Rule is the conversion rule that links name.
	Rule string
	// Required: an order for which no source has enough left gets no bill.
	Required bool
}

// SourceLine is a line that lines of a bill can be linked to.
type SourceLine struct {
	// BillID and ID are inner ids.
	BillID, BillNumber, ID string
	// Item and Unit are numbers.
	Item, Unit string
	// Quantity is the line's in Unit, and Base the same in the base unit.
	Quantity, Base decimal.Decimal
	// Left is how much of Quantity can still be linked.
	Left decimal.Decimal
}

// LinkedLine is a line of a bill with the source that it names.
type LinkedLine struct {
	Item     string          `json:"item"`
	Quantity decimal.Decimal `json:"quantity"`
	// SourceBill is the number of the source bill, SourceLine the inner id of its line; ""
	// for a line without a source.
	SourceBill string `json:"source_bill,omitempty"`
	SourceLine string `json:"source_line,omitempty"`
}

// SourceValue is the value by which the order's source bills are found; "" if the order has
// none.
func (o *Opened) SourceValue() (string, error) {
	value, err := o.flow.SourceBill.Value.compute(o, nil)
	if err != nil {
		return "", failure(o.Order.ID, nil, o.flow.SourceBill.FormID, err)
	}
	found, _ := value.(string)
	return strings.TrimSpace(found), nil
}

// Shown is a value by which source bills are found, for a message.
func (s *SourceBill) Shown(value string) any { return quoted(value, s.Value.Personal()) }

// Linked links the lines of a bill to source lines, and gives the lines that it then has. A
// line is linked to the first of its item and unit, in the order of their ids, that has
// enough left. If none has, it is split over as many as it needs, and the rest stays
// without a source. The parts of a line have its quantity, and its money to the cent.
//
// The mark stays as it is: it is about what the order asks for, which does not depend on
// what others have linked meanwhile.
func (f *Flow) Linked(b Bill, sources []SourceLine) (Bill, []LinkedLine, error) {
	at := slices.IndexFunc(b.fields, func(field fieldValue) bool { return field.name == string(f.Form.Form.Lines) })
	var lines []json.RawMessage
	if err := json.Unmarshal(b.fields[at].value, &lines); err != nil {
		return Bill{}, nil, err
	}
	l := linking{flow: f, left: slices.SortedFunc(slices.Values(sources), bySource)}
	var entries [][]byte
	for _, line := range lines {
		parts, err := l.link(line)
		if err != nil {
			return Bill{}, nil, err
		}
		entries = append(entries, parts...)
	}
	b.fields = slices.Clone(b.fields)
	b.fields[at].value = array(entries)
	b.Model = object(b.fields)
	linked, err := f.Links(b.Model)
	return b, linked, err
}

func bySource(a, b SourceLine) int {
	return cmp.Or(byNumber(a.BillID, b.BillID), byNumber(a.ID, b.ID))
}

// byNumber compares numbers in digits.
func byNumber(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }

// linking is the linking of one bill.
type linking struct {
	flow *Flow
	left []SourceLine
}

// link gives the parts of a line.
func (l *linking) link(line json.RawMessage) (parts [][]byte, err error) {
	fields, err := fieldsOf(line)
	if err != nil {
		return nil, err
	}
	quantity, ok := decimalOf(fields, l.flow.Form.Form.Quantity)
	if !ok {
		return [][]byte{line}, nil
	}
	item := l.flow.reference(fields, l.flow.Form.Form.Item)
	unit := l.flow.reference(fields, l.flow.SourceBill.Link.Unit)
	taken := l.take(item, unit, quantity)
	shares := l.shares(fields, quantity, taken)
	for i, part := range taken {
		if part.source != nil {
			shares[i] = append(shares[i], l.flow.SourceBill.link(*part.source, part.quantity)...)
		}
		parts = append(parts, object(shares[i]))
	}
	return parts, nil
}

// part is a part of a line with its source; nil for none.
type part struct {
	quantity decimal.Decimal
	source   *SourceLine
}

// take takes a quantity from what is left. It gives at least one part.
func (l *linking) take(item, unit string, quantity decimal.Decimal) (parts []part) {
	fits := func(source *SourceLine) bool {
		return source.Item == item && (unit == "" || source.Unit == unit) && source.Left.IsPositive()
	}
	from := func(source *SourceLine, most decimal.Decimal) {
		taken := decimal.Min(source.Left, most)
		source.Left = source.Left.Sub(taken)
		parts = append(parts, part{taken, source})
	}
	rest := quantity
	for i := range l.left {
		if fits(&l.left[i]) && rest.IsPositive() && l.left[i].Left.GreaterThanOrEqual(rest) {
			from(&l.left[i], rest)
			return parts
		}
	}
	for i := range l.left {
		if fits(&l.left[i]) && rest.IsPositive() {
			from(&l.left[i], rest)
			rest = rest.Sub(parts[len(parts)-1].quantity)
		}
	}
	if len(parts) == 0 || !rest.IsZero() {
		parts = append(parts, part{quantity: rest})
	}
	return parts
}

// shares are the fields of each part of a line.
func (l *linking) shares(fields []fieldValue, quantity decimal.Decimal, parts []part) [][]fieldValue {
	form, link := l.flow.Form.Form, l.flow.SourceBill.Link
	shares := make([][]fieldValue, len(parts))
	upTo := decimal.Zero // what is in the parts so far
	for i, part := range parts {
		before := upTo
		upTo = upTo.Add(part.quantity)
		shares[i] = slices.Clone(fields)
		if len(parts) == 1 {
			continue
		}
		share := func(whole decimal.Decimal, places int32) decimal.Decimal {
			return whole.Mul(upTo).DivRound(quantity, places).Sub(whole.Mul(before).DivRound(quantity, places))
		}
		for f, field := range fields {
			value, ok := decimalOf(fields, field.name)
			switch {
			case !ok:
				continue
			case field.name == form.Quantity:
				value = part.quantity
			case field.name == form.Price:
				value = priceOf(value, part.quantity, upTo.Mul(value).Round(2).Sub(before.Mul(value).Round(2)))
			case slices.Contains(link.Money, field.name):
				value = share(value, 2)
			case slices.Contains(link.Quantities, field.name):
				value = share(value, 10)
			default:
				continue
			}
			shares[i][f].value = json.RawMessage(value.String())
		}
	}
	return shares
}

// priceOf is the price with which a quantity comes to an amount: the price as it is, where
// that does.
func priceOf(price, quantity, amount decimal.Decimal) decimal.Decimal {
	for places := int32(6); !quantity.Mul(price).Round(2).Equal(amount) && places <= 10; places++ {
		price = amount.DivRound(quantity, places)
	}
	return price
}

// link gives the fields by which a line names its source.
func (s *SourceBill) link(source SourceLine, quantity decimal.Decimal) []fieldValue {
	base := quantity
	if !source.Base.Equal(source.Quantity) {
		base = quantity.Mul(source.Base).DivRound(source.Quantity, 10)
	}
	var link []fieldValue
	set := func(name string, value json.RawMessage) { link = append(link, fieldValue{name: name, value: value}) }
	set(s.Link.Rule, encodeText(s.Rule))
	set(s.Link.Table, encodeText(s.Source.Table))
	set(s.Link.Bill, encodeText(source.BillID))
	set(s.Link.Line, encodeText(source.ID))
	for _, name := range slices.Sorted(maps.Keys(s.Link.Constants)) {
		set(name, encodeText(s.Link.Constants[name]))
	}
	for _, name := range s.Link.Base {
		set(name, json.RawMessage(base.String()))
	}
	return []fieldValue{
		{name: s.Link.Form, value: encodeText(s.FormID)},
		{name: s.Link.Number, value: encodeText(source.BillNumber)},
		{name: string(s.Link.List), value: array([][]byte{object(link)})},
	}
}

// Links are the lines of a bill as it is sent, with the sources that they name.
func (f *Flow) Links(model json.RawMessage) (links []LinkedLine, err error) {
	head, err := fieldsOf(model)
	if err != nil {
		return nil, err
	}
	var lines []json.RawMessage
	if err := json.Unmarshal(valueOf(head, string(f.Form.Form.Lines)), &lines); err != nil {
		return nil, err
	}
	for _, line := range lines {
		fields, err := fieldsOf(line)
		if err != nil {
			return nil, err
		}
		linked := LinkedLine{Item: f.reference(fields, f.Form.Form.Item)}
		linked.Quantity, _ = decimalOf(fields, f.Form.Form.Quantity)
		if number := valueOf(fields, f.SourceBill.Link.Number); number != nil {
			var list []map[string]any
			if err := json.Unmarshal(valueOf(fields, string(f.SourceBill.Link.List)), &list); err != nil {
				return nil, err
			}
			linked.SourceLine, _ = list[0][f.SourceBill.Link.Line].(string)
			if err := json.Unmarshal(number, &linked.SourceBill); err != nil {
				return nil, err
			}
		}
		links = append(links, linked)
	}
	return links, nil
}

// reference is the number of base data in a field of a line; "" without one.
func (f *Flow) reference(fields []fieldValue, name string) string {
	field, _ := f.Form.Find(f.Form.Form.Lines, name)
	var reference map[string]string
	if json.Unmarshal(valueOf(fields, name), &reference) != nil {
		return ""
	}
	return reference[field.ReferenceKey]
}

// valueOf is a field's value; nil if it is absent.
func valueOf(fields []fieldValue, name string) json.RawMessage {
	i := slices.IndexFunc(fields, func(field fieldValue) bool { return field.name == name })
	if i < 0 {
		return nil
	}
	return fields[i].value
}

// decimalOf is a field's number; false if it is absent or no number.
func decimalOf(fields []fieldValue, name string) (decimal.Decimal, bool) {
	value, err := decimal.NewFromString(string(valueOf(fields, name)))
	return value, err == nil
}

// fieldsOf reads an object, in its order.
func fieldsOf(raw json.RawMessage) (fields []fieldValue, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil { // {
		return nil, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		field := fieldValue{}
		field.name, _ = name.(string)
		if err := decoder.Decode(&field.value); err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	return fields, nil
}
