package galaxy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/shopspring/decimal"
)

// beijing is the zone of all dates.
var beijing = time.FixedZone("CST", 8*60*60)

// wireDate is the format of dates in replies.
const wireDate = "2006-01-02T15:04:05"

// billReader reads one bill of a request and collects its problems.
type billReader struct {
	tenant *Tenant
	form   *form
	// verify is IsVerifyBaseDataField: an unknown number is an error. Without it the
	// number is silently dropped, as if the field had not been sent.
	verify bool
	// deleteOthers is IsDeleteEntry: when a bill is changed, entries that the request
	// does not name are deleted.
	deleteOthers bool
	problems     []*problem
}

// read returns the bill that a request describes: a new one, or old with the request's
// changes.
func (r *billReader) read(old *bill, model object) *bill {
	head, finance, lines := r.form.parts[inHead], r.form.parts[inFinance], r.form.parts[inEntry]
	b := &bill{form: r.form, head: head.newValues(), finance: finance.newValues()}
	if old != nil {
		b = &bill{
			form:    old.form,
			id:      old.id,
			head:    slices.Clone(old.head),
			finance: slices.Clone(old.finance),
			entries: slices.Clone(old.entries),
		}
	}
	r.readPlace(b.head, head, model, 0)
	if date := head.find(r.form.Date); b.head[date.index] == "" && !date.required {
		today := r.tenant.options.Now().In(beijing)
		b.head[date.index] = time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, beijing).Format(wireDate)
	}
	sent, ok := object(nil), true
	if finance.key != "" && model.has(finance.key) {
		sent, ok = newObject(model[strings.ToLower(finance.key)])
	}
	if !ok {
		r.problem(invalid(finance.key, "单据头“%s”不是有效的JSON对象", finance.label))
	}
	r.readPlace(b.finance, finance, sent, 0)
	r.readEntries(b, model, lines)
	if total := head.find(fieldTotal); total != nil {
		sum := decimal.Zero
		for _, e := range b.entries {
			sum = sum.Add(number(lines.get(e.values, r.form.Amount)))
		}
		b.head[total.index] = sum.String()
	}
	return b
}

func (r *billReader) readEntries(b *bill, model object, lines *part) {
	if model.has(lines.key) {
		items, ok := objects(model[strings.ToLower(lines.key)])
		if !ok {
			r.problem(invalid(lines.key, "单据体“%s”不是有效的JSON数组", lines.label))
			return
		}
		old := b.entries
		b.entries = nil
		if !r.deleteOthers {
			b.entries = slices.Clone(old)
		}
		for i, item := range items {
			r.readEntry(b, old, item, i+1)
		}
	}
	if len(b.entries) == 0 {
		r.problem(invalid(lines.key, "单据体“%s”是必填项", lines.label))
	}
}

// objects reads a list of objects; false if it is not one.
func objects(content any) (all []object, ok bool) {
	items, ok := content.([]any)
	for _, item := range items {
		o, isObject := newObject(item)
		all, ok = append(all, o), ok && isObject
	}
	return all, ok
}

// readEntry adds an entry, or changes the one of its FEntryID. row counts from 1.
func (r *billReader) readEntry(b *bill, old []entry, item object, row int) {
	lines := r.form.parts[inEntry]
	e := entry{values: lines.newValues()}
	if id := item.text(fieldEntryID); id != "" && id != "0" {
		i := slices.IndexFunc(old, func(e entry) bool { return fmt.Sprint(e.id) == id })
		if i < 0 {
			r.problem(&problem{code: msgNotFound, field: fieldEntryID, message: `分录内码值["` + id + `"]不存在`})
			return
		}
		e = entry{id: old[i].id, values: slices.Clone(old[i].values)}
	}
	r.readPlace(e.values, lines, item, row)
	r.compute(e.values, row)
	if i := slices.IndexFunc(b.entries, func(kept entry) bool { return e.id != 0 && kept.id == e.id }); i >= 0 {
		b.entries[i] = e
		return
	}
	b.entries = append(b.entries, e)
}

// compute fills in what Kingdee computes; what the caller sent for it is ignored. In a form
// without a quantity, amounts are as they were sent.
func (r *billReader) compute(v values, row int) {
	if r.form.Quantity == "" {
		return
	}
	p := r.form.parts[inEntry]
	if p.get(v, fieldFree) == "" {
		p.set(v, fieldFree, "false")
	}
	quantity, err := decimal.NewFromString(p.get(v, r.form.Quantity))
	if err != nil {
		return // already reported as missing or malformed
	}
	if !quantity.IsPositive() {
		r.problem(invalid(r.form.Quantity, "单据体实体【%s】第【%d】行分录，【%s】必须大于0", p.label, row, p.find(r.form.Quantity).label))
	}
	places := pricePlaces
	if r.tenant.Habits().RoundPrices {
		places = 0
	}
	price, err := decimal.NewFromString(p.get(v, r.form.Price))
	if err != nil {
		price = decimal.Zero
	} else {
		price = price.Round(places)
		p.set(v, r.form.Price, price.String())
	}
	// Of outbound bills, which others are linked to. All units are base units here.
	if base := p.find(fieldBase); base != nil && base.name == fieldBase && v[base.index] == "" {
		v[base.index] = quantity.String()
	}
	all := quantity.Mul(price).Round(amountPlaces)
	net := all.DivRound(decimal.NewFromInt(1).Add(number(p.get(v, fieldRate)).Shift(-2)), amountPlaces)
	p.set(v, r.form.Amount, all.String())
	p.set(v, fieldAmount, net.String())
	p.set(v, fieldTax, all.Sub(net).String())
}

// The decimal places of prices and amounts in the default currency, 人民币.
const pricePlaces, amountPlaces = int32(6), int32(2)

// readPlace reads the fields of one part in the order of the form, then checks that the
// required ones are set.
func (r *billReader) readPlace(v values, p *part, o object, row int) {
	for _, f := range p.fields {
		value, sent := o[strings.ToLower(f.name)]
		if f.readOnly {
			continue
		}
		before := len(r.problems)
		if sent {
			v[f.index] = r.readValue(f, value)
		}
		if v[f.index] == "" {
			v[f.index] = r.form.defaults[f.name]
		}
		if f.required && v[f.index] == "" && len(r.problems) == before {
			r.problem(r.missing(f, row))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		ownPart := p == r.form.parts[inHead] && (strings.EqualFold(name, r.form.parts[inFinance].key) || strings.EqualFold(name, r.form.parts[inEntry].key))
		if p.find(name) == nil && !ownPart {
			r.tenant.unknownField(name)
		}
	}
}

func (r *billReader) missing(f *field, row int) *problem {
	if f.place == inEntry {
		return invalid(f.name, "单据体实体【%s】第【%d】行分录，【%s】字段必录", r.form.parts[inEntry].label, row, f.label)
	}
	return invalid(f.name, "字段“%s”是必填项", f.label)
}

// readValue returns the canonical form of a value, or reports a problem and returns "".
func (r *billReader) readValue(f *field, sent any) string {
	if sent == nil {
		return ""
	}
	switch f.kind {
	case isReference:
		return r.readReference(f, sent)
	case isGroup:
		return r.readGroup(f, sent)
	}
	value := stringOf(sent)
	if f.longest > 0 && len(utf16.Encode([]rune(value))) > f.longest {
		r.problem(invalid(f.name, "字段“%s”的长度超过了%d", f.label, f.longest))
		return ""
	}
	if value == "" || f.kind == isText {
		return value
	}
	switch f.kind {
	case isDate:
		for _, layout := range []string{time.DateOnly, time.DateTime, wireDate} {
			if t, err := time.ParseInLocation(layout, value, beijing); err == nil {
				return t.Format(wireDate)
			}
		}
	case isDecimal, isWhole:
		if d, err := decimal.NewFromString(value); err == nil && (f.kind == isDecimal || d.IsInteger()) {
			return d.String()
		}
	case isFlag:
		switch strings.ToLower(value) {
		case "true", "1":
			return "true"
		case "false", "0":
			return "false"
		}
	}
	r.problem(invalid(f.name, "字段“%s”的值“%s”格式不正确", f.label, value))
	return ""
}

// readReference reads {"FNumber":…}, or whatever key the form writes it with.
func (r *billReader) readReference(f *field, sent any) string {
	o, ok := newObject(sent)
	if !ok {
		r.problem(invalid(f.name, "字段“%s”的值格式不正确，基础资料应为{\"FNumber\":…}", f.label))
		return ""
	}
	number := o.text(f.key)
	if number == "" || f.set == "" || r.tenant.base.has(f.set, number) {
		return number
	}
	if r.verify {
		r.problem(invalid(f.name, "基础资料字段“%s”的值“%s”不存在或已禁用", f.label, number))
	}
	return ""
}

// readGroup checks a list within a line or the head, and keeps it as it was sent. The
// fields of a flex group (弹性域), each tenant's own, are not checked.
func (r *billReader) readGroup(f *field, sent any) string {
	if p := r.form.list(f.name); p != nil && sent != "" {
		items, ok := objects(sent)
		if !ok {
			r.problem(invalid(f.name, "单据体“%s”不是有效的JSON数组", f.label))
			return ""
		}
		for _, item := range items {
			r.readPlace(p.newValues(), p, item, 0)
		}
	}
	return stringOf(sent)
}

func (r *billReader) problem(p *problem) { r.problems = append(r.problems, p) }

// unknownField counts a field that the form does not have. Kingdee silently ignores it,
// so State shows it.
func (t *Tenant) unknownField(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unknownFields[name]++
}
