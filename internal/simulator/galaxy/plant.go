package galaxy

import (
	"errors"
	"slices"

	"refundsync/internal/text"
)

// What people do in Kingdee itself, behind a sync's back. A number stands for the bills of
// that number in all forms.

// DeleteBill deletes the bills of a number, whatever their status.
func (t *Tenant) DeleteBill(number string) error {
	return t.edit(number, func(*bill) (*bill, error) { return nil, nil })
}

// ChangeBill changes a field of the bills of a number, as the form does: of their head, or of
// a line, counted from 1. What is computed from it follows.
func (t *Tenant) ChangeBill(number string, line int, field, value string) error {
	return t.edit(number, func(old *bill) (*bill, error) {
		changed := *old
		changed.head, changed.finance, changed.entries = slices.Clone(old.head), slices.Clone(old.finance), slices.Clone(old.entries)
		places := map[place]values{inHead: changed.head, inFinance: changed.finance}
		if line > 0 {
			if line > len(changed.entries) {
				return nil, text.Errorf("bill %s has %d lines", number, len(changed.entries))
			}
			entry := &changed.entries[line-1]
			entry.values = slices.Clone(entry.values)
			places = map[place]values{inEntry: entry.values}
		}
		for p, values := range places {
			f := old.form.parts[p].find(field)
			if f == nil {
				continue
			}
			sent := any(value)
			if f.kind == isReference {
				sent = map[string]any{f.key: value}
			}
			r := &billReader{tenant: t, form: old.form, verify: true}
			values[f.index] = r.readValue(f, sent)
			if p == inEntry {
				r.compute(values, line)
			}
			if len(r.problems) > 0 {
				return nil, errors.New(r.problems[0].message)
			}
			return &changed, nil
		}
		return nil, text.Errorf("bill %s has no field %s there", number, field)
	})
}

// CopyBill enters a bill like that of a number under another number. Its note is copied if
// marked, and empty otherwise.
func (t *Tenant) CopyBill(number, as string, marked bool) error {
	bills, err := t.ledger.named(number)
	if err != nil {
		return err
	}
	copied := &bill{form: bills[0].form, status: created, head: slices.Clone(bills[0].head), finance: slices.Clone(bills[0].finance)}
	copied.set(copied.form.Number, as)
	if !marked {
		copied.set(copied.form.Note, "")
	}
	for _, e := range bills[0].entries {
		copied.entries = append(copied.entries, entry{values: slices.Clone(e.values)})
	}
	if p := t.ledger.insert(copied); p != nil {
		return errors.New(p.message)
	}
	return nil
}

// edit changes the bills of a number; nil deletes one.
func (t *Tenant) edit(number string, edit func(old *bill) (*bill, error)) error {
	bills, err := t.ledger.named(number)
	if err != nil {
		return err
	}
	for _, b := range bills {
		_, p := t.ledger.change(b.form, b.id, func(old *bill) (*bill, *problem) {
			changed, err := edit(old)
			if err != nil {
				return nil, &problem{message: err.Error()}
			}
			return changed, nil
		})
		if p != nil {
			return errors.New(p.message)
		}
	}
	return nil
}
