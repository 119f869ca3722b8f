package flow

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/vm"
	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
)

// mostBills is how many bills an order has at most: the first and its supplements.
const mostBills = 9

// SupplementNumber is the number of an order's nth bill, from 1: that of the first bill,
// then 700000346-2, 700000346-3 and so on. False if n is out of range.
func SupplementNumber(first string, n int) (string, bool) {
	if n < 2 || n > mostBills {
		return first, n == 1
	}
	return first + "-" + strconv.Itoa(n), true
}

// BillNumbers are all numbers that the bills of an order can have.
func BillNumbers(first string) []string {
	var numbers []string
	for n := 1; ; n++ {
		number, ok := SupplementNumber(first, n)
		if !ok {
			return numbers
		}
		numbers = append(numbers, number)
	}
}

// Goods are one kind of goods in a bill: their material, price and warehouse, as far as
// the flow sends them.
type Goods string

// Booked are the quantities that bills hold, by goods.
type Booked map[Goods]decimal.Decimal

// Add adds quantities to others.
func (b Booked) Add(more Booked) {
	for goods, quantity := range more {
		b[goods] = b[goods].Add(quantity)
	}
}

// Less lists the goods of which less is wanted than is booked, as
// “goods: booked/wanted”; "" if there are none.
func (b Booked) Less(wanted Booked) string {
	var less []string
	for _, goods := range slices.Sorted(maps.Keys(b)) {
		if b[goods].GreaterThan(wanted[goods]) {
			less = append(less, fmt.Sprintf("%s: %s/%s", goods, b[goods], wanted[goods]))
		}
	}
	return strings.Join(less, ", ")
}

// Supplements reports whether later receipts of an order become further bills.
func (f *Flow) Supplements() bool { return f.Options.Existing == ExistingSupplement }

// identity are the fields of the bill that tell kinds of goods apart, without those that
// are expected to differ in Kingdee.
func (f *Flow) identity(b Bill) (fields []sentField) {
	form := f.Form.Form
	for _, field := range b.sentFields("") {
		if field.field.Place == form.Lines && slices.Contains([]string{form.Item, form.Price, form.Stock}, field.field.Name) &&
			!slices.Contains(f.Options.ExpectedDifferences, field.field.Name) {
			fields = append(fields, field)
		}
	}
	return fields
}

// headFields are the fields of the head that are the same in all bills of an order.
func (f *Flow) headFields(b Bill) (fields []sentField) {
	for _, field := range b.sentFields("") {
		switch name := field.field.Name; {
		case field.field.Place != catalog.Head, slices.Contains(f.Options.ExpectedDifferences, name):
		case name == f.Form.Form.Date, name == statusField, f.isNote(field.field):
		default:
			fields = append(fields, field)
		}
	}
	return fields
}

// BookedKeys are the fields that ReadBooked needs of a bill of the order, as queries name
// them.
func (f *Flow) BookedKeys(b Bill) []string {
	keys := []string{f.Form.Form.Quantity}
	for _, field := range slices.Concat(f.identity(b), f.headFields(b)) {
		keys = append(keys, field.key)
	}
	return keys
}

// ReadBooked reads what a bill of the order books from the rows that a query of BookedKeys
// gives. other names a field of the head, such as the customer, that differs from what the
// order wants now, although all bills of an order have it alike. unreadable names a field
// whose cell holds no value.
func (f *Flow) ReadBooked(b Bill, rows [][]any) (booked Booked, other, unreadable string) {
	identity, head := f.identity(b), f.headFields(b)
	booked = Booked{}
	for _, row := range rows {
		quantity, err := catalog.Decimal.Parse(row[0])
		if err != nil || quantity == nil {
			return nil, "", f.Form.Form.Quantity
		}
		cells := row[1:]
		for i, field := range head {
			cell := cells[len(identity)+i]
			if cell == nil {
				return nil, "", field.field.Name
			}
			if !SameValue(f.Form, field.field, field.values[0], cell) {
				other = fmt.Sprintf("%s: %s/%s", field.field.Name, cellShown(cell), cellShown(field.values[0]))
			}
		}
		var parts []string
		for i, field := range identity {
			part, ok := goodsPart(field.field, cells[i])
			if !ok {
				return nil, "", field.field.Name
			}
			parts = append(parts, part)
		}
		booked.Add(Booked{goodsOf(parts): quantity.(decimal.Decimal)})
	}
	return booked, other, ""
}

func goodsOf(parts []string) Goods { return Goods(strings.Join(parts, " ")) }

// goodsPart is a value in the form in which goods are compared; false without one.
func goodsPart(field catalog.Field, value any) (string, bool) {
	parsed, err := field.Type.Parse(value)
	if err != nil || parsed == nil {
		return "", false
	}
	return string(encode(catalog.Field{Type: plainType(field.Type)}, parsed)), true
}

// plainType is Text for a reference, of which the number is compared.
func plainType(t catalog.Type) catalog.Type {
	if t == catalog.Reference {
		return catalog.Text
	}
	return t
}

// wantedGoods are the goods and the quantity of each line of the bill.
func (f *Flow) wantedGoods(b Bill) (goods []Goods, quantities []decimal.Decimal) {
	identity := f.identity(b)
	for i, line := range b.Lines() {
		var parts []string
		for _, field := range identity {
			part, _ := goodsPart(field.field, field.values[i])
			parts = append(parts, part)
		}
		goods, quantities = append(goods, goodsOf(parts)), append(quantities, line.Quantity)
	}
	return goods, quantities
}

// Wanted are the quantities of the bill by goods.
func (f *Flow) Wanted(b Bill) Booked {
	goods, quantities := f.wantedGoods(b)
	wanted := Booked{}
	for i := range goods {
		wanted.Add(Booked{goods[i]: quantities[i]})
	}
	return wanted
}

// Supplement maps what is not booked yet into a further bill of the number given: the lines
// kept, each with the rest of its quantity, and so the date of its own receipt. Its mark is
// that of the whole order. False means that nothing remains. It may be called once Bill
// has succeeded and Less is "".
func (o *Opened) Supplement(billNumber string, booked Booked) (Bill, bool, error) {
	whole, err := o.Bill()
	if err != nil {
		return Bill{}, false, err
	}
	goods, quantities := o.flow.wantedGoods(whole)
	booked = maps.Clone(booked)
	rest := &Opened{Order: o.Order, flow: o.flow, machine: vm.VM{MemoryBudget: memoryBudget}, env: maps.Clone(o.env), lines: o.lines, keptDone: true, tables: o.tables}
	lines := []any{}
	for i, kept := range o.kept {
		taken := decimal.Min(booked[goods[i]], quantities[i])
		booked[goods[i]] = booked[goods[i]].Sub(taken)
		if taken.Equal(quantities[i]) {
			continue
		}
		l := &line{number: kept.number, key: kept.key, id: kept.id, fields: maps.Clone(kept.fields)}
		l.fields[o.flow.Source.Interface.Source.Received] = number{value: quantities[i].Sub(taken)}
		rest.kept, lines = append(rest.kept, l), append(lines, l.fields)
	}
	if len(rest.kept) == 0 {
		return Bill{}, false, nil
	}
	rest.env["lines"] = lines
	fields, err := rest.fields(o.flow.Rules.Bill, nil)
	if err != nil {
		return Bill{}, false, err
	}
	for i, field := range fields {
		if field.name == o.flow.Form.Form.Number {
			fields[i].value = encodeText(billNumber)
		}
	}
	return o.flow.marked(billNumber, fields, whole.Mark), true, nil
}
