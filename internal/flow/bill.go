package flow

import (
	"bytes"
	"encoding/json"

	"refundsync/internal/catalog"
)

// Bill is a bill as Kingdee takes it.
type Bill struct {
	// Number is FBillNo.
	Number string
	// Model is one element of BatchSave's Model, with the fields in the flow
	// file's order: Kingdee fills in fields from those before them.
	Model json.RawMessage
}

// billField is a field of the bill, or a group of them.
type billField struct {
	field   catalog.Field
	mapping *mapping
	fields  []billField // of SubHeadEntity and FEntity
}

// Bill maps the order. An error is a *fault.Error, Final, which names the order,
// the line, the field and the value at fault. Bill does not ask Skip.
func (f *Flow) Bill(o Order) (Bill, error) {
	opened, err := f.open(o)
	if err != nil {
		return Bill{}, err
	}
	if err := opened.keep(); err != nil {
		return Bill{}, err
	}
	if len(opened.kept) == 0 {
		return Bill{}, failure(o.ID, nil, message{}, newValueError(reasonNoLines, say("没有符合 lines 条件的商品行", "none of its lines meets the lines condition")))
	}
	number, err := f.billNumber(opened)
	if err != nil {
		return Bill{}, err
	}
	model, err := opened.object(f.bill, nil)
	if err != nil {
		return Bill{}, err
	}
	return Bill{number, model}, nil
}

func (f *Flow) billNumber(o *opened) (string, error) {
	number, err := f.number.compute(o, nil)
	if err != nil {
		return "", failure(o.id, nil, f.number.use(), err)
	}
	if wrong := checkBillNumber(number.(string)); wrong != nil {
		return "", failure(o.id, nil, f.number.use(), wrong)
	}
	return number.(string), nil
}

// object writes a group of fields; of is the line at work, if any.
func (o *opened) object(fields []billField, of *line) (json.RawMessage, error) {
	var b bytes.Buffer
	for _, field := range fields {
		value, err := o.value(field, of)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.Write(encodeText(field.field.Name))
		b.WriteByte(':')
		b.Write(value)
	}
	return json.RawMessage("{" + b.String() + "}"), nil
}

// value gives one field's value; nil for an optional one that has none.
func (o *opened) value(field billField, of *line) (json.RawMessage, error) {
	switch field.field.Type {
	case catalog.Object:
		return o.object(field.fields, nil)
	case catalog.List:
		return o.entries(field.fields)
	}
	value, err := field.mapping.evaluate(o, of)
	if err != nil {
		return nil, failure(o.id, of, field.mapping.use(), err)
	}
	return value, nil
}

// entries writes one object a line kept.
func (o *opened) entries(fields []billField) (json.RawMessage, error) {
	var b bytes.Buffer
	for _, l := range o.kept {
		entry, err := o.object(fields, l)
		if err != nil {
			return nil, err
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.Write(entry)
	}
	return json.RawMessage("[" + b.String() + "]"), nil
}
