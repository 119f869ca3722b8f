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
	b := &bill{head: newValues(inHead), finance: newValues(inFinance)}
	if old != nil {
		b = &bill{
			id:      old.id,
			head:    slices.Clone(old.head),
			finance: slices.Clone(old.finance),
			entries: slices.Clone(old.entries),
		}
	}
	r.readPlace(b.head, inHead, model, 0)
	if b.head.get(fieldDate) == "" {
		today := r.tenant.options.Now().In(beijing)
		b.head.set(fieldDate, time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, beijing).Format(wireDate))
	}
	if b.head.get("FBillTypeID") == "" {
		b.head.set("FBillTypeID", "XSTHD01_SYS")
	}
	if model.has(fieldFinance) {
		finance, ok := newObject(model[strings.ToLower(fieldFinance)])
		if !ok {
			r.problem(invalid(fieldFinance, "单据头“财务信息”不是有效的JSON对象"))
		}
		r.readPlace(b.finance, inFinance, finance, 0)
	}
	r.readEntries(b, model)
	return b
}

func (r *billReader) readEntries(b *bill, model object) {
	if model.has(fieldEntries) {
		items, ok := objects(model[strings.ToLower(fieldEntries)])
		if !ok {
			r.problem(invalid(fieldEntries, "单据体“明细信息”不是有效的JSON数组"))
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
		r.problem(invalid(fieldEntries, "单据体“明细信息”是必填项"))
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
	e := entry{values: newValues(inEntry)}
	if id := item.text(fieldEntryID); id != "" && id != "0" {
		i := slices.IndexFunc(old, func(e entry) bool { return fmt.Sprint(e.id) == id })
		if i < 0 {
			r.problem(&problem{code: msgNotFound, field: fieldEntryID, message: `分录内码值["` + id + `"]不存在`})
			return
		}
		e = entry{id: old[i].id, values: slices.Clone(old[i].values)}
	}
	r.readPlace(e.values, inEntry, item, row)
	r.compute(e.values, row)
	if i := slices.IndexFunc(b.entries, func(kept entry) bool { return e.id != 0 && kept.id == e.id }); i >= 0 {
		b.entries[i] = e
		return
	}
	b.entries = append(b.entries, e)
}

// compute fills in what Kingdee computes; what the caller sent for it is ignored.
func (r *billReader) compute(v values, row int) {
	if v.get("FIsFree") == "" {
		v.set("FIsFree", "false")
	}
	quantity, err := decimal.NewFromString(v.get(fieldQuantity))
	if err != nil {
		return // already reported as missing or malformed
	}
	if !quantity.IsPositive() {
		r.problem(invalid(fieldQuantity, "单据体实体【明细信息】第【%d】行分录，【实退数量】必须大于0", row))
	}
	places := pricePlaces
	if r.tenant.Habits().RoundPrices {
		places = 0
	}
	price, err := decimal.NewFromString(v.get(fieldPrice))
	if err != nil {
		price = decimal.Zero
	} else {
		price = price.Round(places)
		v.set(fieldPrice, price.String())
	}
	rate, err := decimal.NewFromString(v.get(fieldRate))
	if err != nil {
		rate = decimal.Zero
	}
	all := quantity.Mul(price).Round(amountPlaces)
	net := all.DivRound(decimal.NewFromInt(1).Add(rate.Shift(-2)), amountPlaces)
	v.set(fieldAll, all.String())
	v.set(fieldAmount, net.String())
	v.set(fieldTax, all.Sub(net).String())
}

// The decimal places of prices and amounts in the default currency, 人民币.
const pricePlaces, amountPlaces = int32(6), int32(2)

// readPlace reads the fields of one place in the order of the form, then checks that the
// required ones are set.
func (r *billReader) readPlace(v values, p place, o object, row int) {
	for _, f := range form[p] {
		value, sent := o[strings.ToLower(f.name)]
		if f.readOnly {
			continue
		}
		before := len(r.problems)
		if sent {
			v[f.index] = r.readValue(f, value)
		}
		if f.required && v[f.index] == "" && len(r.problems) == before {
			r.problem(missing(f, row))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if fieldsByName[p][name] == nil && !strings.EqualFold(name, fieldFinance) && !strings.EqualFold(name, fieldEntries) {
			r.tenant.unknownField(name)
		}
	}
}

func missing(f *field, row int) *problem {
	if f.place == inEntry {
		return invalid(f.name, "单据体实体【明细信息】第【%d】行分录，【%s】字段必录", row, f.label)
	}
	return invalid(f.name, "字段“%s”是必填项", f.label)
}

// readValue returns the canonical form of a value, or reports a problem and returns "".
func (r *billReader) readValue(f *field, sent any) string {
	if sent == nil {
		return ""
	}
	if f.kind == isReference {
		return r.readReference(f, sent)
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

// readReference reads {"FNumber":…}. A contact is written {"FNAME":…} and is no base data
// that can be checked.
func (r *billReader) readReference(f *field, sent any) string {
	o, ok := newObject(sent)
	if !ok {
		r.problem(invalid(f.name, "字段“%s”的值格式不正确，基础资料应为{\"FNumber\":…}", f.label))
		return ""
	}
	if f.set == contacts {
		return o.text("FName")
	}
	number := o.text("FNumber")
	if number == "" || r.tenant.base.has(f.set, number) {
		return number
	}
	if r.verify {
		r.problem(invalid(f.name, "基础资料字段“%s”的值“%s”不存在或已禁用", f.label, number))
	}
	return ""
}

func (r *billReader) problem(p *problem) { r.problems = append(r.problems, p) }

// unknownField counts a field that the form does not have. Kingdee silently ignores it,
// so State shows it.
func (t *Tenant) unknownField(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unknownFields[name]++
}
