package galaxy

import (
	"slices"

	"github.com/shopspring/decimal"
)

// fieldLinks is the list within a line that names the lines it comes from.
const fieldLinks = "FEntity_Link"

// link is an entry of that list which leads to a line.
type link struct {
	source
	bill, entry int64
	quantity    decimal.Decimal
}

// links are the links of a line, with the entries of its list that they were read from. Of
// all entries that were sent, those with a wrong rule, table or id are no links. The caller
// holds the lock.
func (l *ledger) links(f *form, line values) (links []link, traced, sent []any) {
	p := f.parts[inEntry]
	if len(f.sources) == 0 || p.get(line, fieldLinks) == "" {
		return nil, nil, nil
	}
	content, _ := parse([]byte(p.get(line, fieldLinks))) // it was written by groupOf
	sent, _ = content.([]any)
	for _, entry := range sent {
		o, _ := newObject(entry)
		at := slices.IndexFunc(f.sources, func(s source) bool {
			return s.rule == o.text("FEntity_Link_FRuleId") && s.table == o.text("FEntity_Link_FSTableName")
		})
		if at < 0 {
			continue
		}
		found := link{source: f.sources[at], bill: number(o.text("FEntity_Link_FSBillId")).IntPart(), entry: number(o.text("FEntity_Link_FSId")).IntPart()}
		if target, row := l.line(found); target == nil || row < 0 {
			continue
		}
		if found.quantity = number(o.text("FEntity_Link_FBaseunitQty")); found.quantity.IsZero() {
			found.quantity = number(p.get(line, f.Quantity))
		}
		links, traced = append(links, found), append(traced, entry)
	}
	return links, traced, sent
}

// line is the bill that a link leads to, and the index of its line; nil or -1 if there is
// none.
func (l *ledger) line(to link) (*bill, int) {
	target := l.books[to.form].find(to.bill)
	if target == nil {
		return nil, -1
	}
	return target, slices.IndexFunc(target.entries, func(e entry) bool { return e.id == to.entry })
}

// trace drops the links of a bill that lead nowhere: Kingdee saves the bill without a word,
// but can't trace it to its source. The caller holds the lock.
func (l *ledger) trace(b *bill) {
	for i, e := range b.entries {
		_, traced, sent := l.links(b.form, e.values)
		if len(traced) == len(sent) {
			continue
		}
		l.lostLinks += len(sent) - len(traced)
		kept := ""
		if len(traced) > 0 {
			kept = string(mustMarshal(traced))
		}
		b.entries = slices.Clone(b.entries)
		b.entries[i].values = slices.Clone(e.values)
		b.form.parts[inEntry].set(b.entries[i].values, fieldLinks, kept)
	}
}

// writeBack gives new versions of the bills whose lines a bill returns, when it is replaced
// by its new version; nil is no bill, and a void bill returns nothing. The caller holds the
// lock.
func (l *ledger) writeBack(old, b *bill) (versions []*bill) {
	type line struct {
		source *bill
		row    int
		field  string
	}
	more := map[line]decimal.Decimal{}
	for sign, version := range map[int64]*bill{-1: old, 1: b} {
		if version == nil || version.void {
			continue
		}
		for _, e := range version.entries {
			links, _, _ := l.links(version.form, e.values)
			for _, to := range links {
				for _, name := range to.feedback {
					target, row := l.line(to)
					at := line{target, row, name}
					more[at] = more[at].Add(to.quantity.Mul(decimal.NewFromInt(sign)))
				}
			}
		}
	}
	changed := map[*bill]*bill{}
	for at, quantity := range more {
		if quantity.IsZero() {
			continue
		}
		version := changed[at.source]
		if version == nil {
			copied := *at.source
			version = &copied
			version.entries = slices.Clone(version.entries)
			changed[at.source] = version
			versions = append(versions, version)
		}
		p, e := version.form.parts[inEntry], &version.entries[at.row]
		e.values = slices.Clone(e.values)
		p.set(e.values, at.field, number(p.get(e.values, at.field)).Add(quantity).String())
	}
	return versions
}

// lost counts the links that led nowhere.
func (l *ledger) lost() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.lostLinks
}
