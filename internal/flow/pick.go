package flow

import (
	"encoding/json"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// ModifiedField tells two versions of an order apart, whichever time the source's ranges
// are about: an order can be modified long after it was created.
func (s Source) ModifiedField() string { return s.Interface.Source.Modified }

// ChangedField is the field of an order that the source's ranges are about.
func (s Source) ChangedField() string { return s.Interface.Source.Times[s.DateType] }

// CountedAt is the time, in Beijing time, that the source's ranges are about, of an order
// of Jushuitan's reply; zero if it is absent or unreadable.
func (f *Flow) CountedAt(record map[string]any) time.Time {
	return timeOf(record, f.Source.ChangedField())
}

func timeOf(record map[string]any, field string) time.Time {
	at, err := catalog.Time.Parse(record[field])
	if err != nil || at == nil {
		return time.Time{}
	}
	return at.(time.Time)
}

// longestShop bounds the shop's name in lists and search attributes, in characters. A
// search attribute of Temporal's holds 255 on some databases.
const longestShop = 100

// Pick keeps the fields that the flow names of one order of Jushuitan's reply, decoded with
// numbers as json.Number. This keeps a buyer's name or phone out of the workflow's history.
// A malformed field is kept as it came (a list or an object without its content) and fails
// when it is used, so that one bad order never fails its page. The order comes as Open
// would give it. The only error is a *fault.Error, Final, about a key that is missing,
// malformed or longer than 255 bytes.
func (f *Flow) Pick(record map[string]any) (*Opened, error) {
	return f.PickUnless(func(contract.Order) bool { return false }, record)
}

// PickUnless is Pick, but known orders come with their fields only: mapping an order is
// most of the work.
func (f *Flow) PickUnless(known func(contract.Order) bool, record map[string]any) (*Opened, error) {
	key, err := catalog.Text.Parse(record[f.Source.Key])
	if err != nil || key == nil {
		return nil, f.noKey(reasonMissing, text.Errorf("an order of Jushuitan's reply has no %s that can be read", f.Source.Key))
	}
	if len(key.(string)) > longestID {
		return nil, f.noKey(reasonMalformed, text.Errorf("an order of Jushuitan's reply has a %s of more than %d bytes", f.Source.Key, longestID))
	}
	order := contract.Order{ID: key.(string)}
	if shop, err := catalog.Text.Parse(record[f.Source.Interface.Source.Shop]); err == nil && shop != nil {
		order.Shop = beginning(PlainCode(shop.(string)), longestShop)
	}
	order.ChangedAt = timeOf(record, f.Source.ModifiedField())

	fields := pickFields(record, f.header)
	if items := record[itemsField]; items != nil {
		fields[itemsField] = f.pickItems(items)
	}
	if order.Fields, err = json.Marshal(fields); err != nil {
		return nil, failure(order.ID, nil, nil, newValueError(reasonMalformed, text.New("its fields can't be written as JSON: %s", err)))
	}
	if known(order) {
		return &Opened{Order: order}, nil
	}
	picked := f.open(order, fields)
	if picked.err == nil {
		picked.Order.BillNumber, _ = picked.billNumber()
		picked.Order.NotBooked = picked.notBooked()
	}
	if _, leftOut, _ := picked.Skip(); leftOut {
		return picked, nil
	}
	if bill, err := picked.Bill(); err == nil {
		picked.Order.BillHash = bill.Mark.Hash
	}
	return picked, nil
}

func (f *Flow) noKey(reason string, err error) error {
	return &fault.Error{Class: fault.Final, Reason: reason, Field: f.Source.Key, Advice: text.New("Ask Jushuitan's support."), Err: err}
}

// pickItems keeps the fields of the lines that the flow names.
func (f *Flow) pickItems(items any) any {
	lineKey := f.Source.Interface.Source.LineKey
	list, ok := catalog.Rows(items, lineKey)
	if !ok {
		return map[string]any{}
	}
	kept := make([]any, 0, len(list))
	for _, item := range list {
		record, ok := item.(map[string]any)
		if !ok {
			kept = append(kept, nil)
			continue
		}
		fields := pickFields(record, f.items)
		if id := record[lineKey]; id != nil {
			fields[lineKey] = withoutContent(id)
		}
		kept = append(kept, fields)
	}
	return kept
}

func pickFields(record map[string]any, named []catalog.Field) map[string]any {
	fields := make(map[string]any, len(named))
	for _, field := range named {
		if value := record[field.Name]; value != nil {
			fields[field.Name] = withoutContent(value)
		}
	}
	return fields
}

// withoutContent empties a list or an object in place of a single value: it is malformed
// either way, and may hold anything.
func withoutContent(value any) any {
	switch value.(type) {
	case map[string]any:
		return map[string]any{}
	case []any:
		return []any{}
	}
	return value
}
