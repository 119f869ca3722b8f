package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/contract"
)

// Order is an order as the source shows it, mapped by the flow.
type Order struct {
	ID, OnlineOrder, Shop string
	// Numbers are those that its bills can have, the first bill's first.
	Numbers []string
	// At is its time by which ranges of the source go; zero if unknown.
	At time.Time
	// ChangedOn is the day of its last change, as 2006-01-02.
	ChangedOn string
	// LeftOut, Unmapped and Parked are reasons; "" if it is not.
	LeftOut, Unmapped, Parked string
	// Discarded: a person decided that it gets no bill.
	Discarded bool
	// Version is the flow's in the mark that its bill would carry now.
	Version string
	// Customer, Date and Lines are those of the bill that the flow makes of it; none for an
	// order that is left out or unmapped.
	Customer, Date string
	Lines          []Line
	// Announced are the quantity and the amount that the source shows.
	Announced Sum
}

// Bill is a bill as Kingdee has it.
type Bill struct {
	ID     int64
	Number string
	// Date is FDate, as 2006-01-02.
	Date   string
	Status string
	Void   bool
	// OrderID and Version are those of its mark; "" without one.
	OrderID, Version string
	Customer         string
	Lines            []Line
}

// Line is a line of a bill. Amount is with tax. In a form of money, the others are zero.
type Line struct {
	Item, Warehouse         string
	Quantity, Price, Amount decimal.Decimal
}

// Rules say what is compared. Fields that the flow does not send, or that it expects to
// differ, are not.
type Rules struct {
	Customer, Date, Quantity, Price, Warehouse, Amount bool
	// Audited: the bills should be audited.
	Audited bool
	// Tolerance is how far two amounts may be apart.
	Tolerance decimal.Decimal
	// Moved reports whether the flow may have dated a bill to the second day instead of the
	// first, because a period was closed; nil if it never does.
	Moved func(date, booked string) bool
}

// Compared is a row with what its sums need.
type Compared struct {
	Row
	source, kingdee []Line
}

// Compare compares an order with all bills under its numbers. The first row is the order's;
// the others are doubled bills. own are the ids (FID) of the bills that the rows account for;
// a void one is among them without a row. Bills of others under the order's numbers are left
// to whoever looks at these.
func (r Rules) Compare(order Order, bills []Bill) (rows []Compared, own []int64) {
	var its, doubled []Bill
	void := false
	for i, number := range order.Numbers {
		candidates := slices.DeleteFunc(slices.Clone(bills), func(b Bill) bool {
			return !strings.EqualFold(b.Number, number) || !order.owns(b, i)
		})
		// The order's own comes before one that only has its number.
		foreign := func(b Bill) int {
			if b.OrderID == order.ID {
				return 0
			}
			return 1
		}
		slices.SortFunc(candidates, func(a, b Bill) int { return cmp.Or(foreign(a)-foreign(b), cmp.Compare(a.ID, b.ID)) })
		first := true
		for _, bill := range candidates {
			own = append(own, bill.ID)
			switch {
			case bill.Void:
				void = true
			case first:
				its, first = append(its, bill), false
			default:
				doubled = append(doubled, bill)
			}
		}
	}
	rows = []Compared{r.row(order, its, void)}
	for _, bill := range doubled {
		rows = append(rows, OfBill(Doubled, bill, order.ID, order.Shop))
	}
	return rows, own
}

// owns reports whether a bill under the order's number, or that of its supplement i, is the
// order's. A bill without a mark is, under the first number, unless the order is left out.
func (o Order) owns(bill Bill, i int) bool {
	if o.LeftOut != "" || i > 0 {
		return bill.OrderID == o.ID
	}
	return true
}

func (r Rules) row(order Order, bills []Bill, void bool) Compared {
	row := Compared{Row: Row{
		OrderID: order.ID, OnlineOrder: order.OnlineOrder, BillNumber: order.Numbers[0], Shop: order.Shop,
		Customer: order.Customer, Day: cmp.Or(order.Date, order.ChangedOn), At: order.At,
	}, source: order.Lines}
	row.Source = sumOf(1, order.Lines)
	if order.LeftOut != "" || order.Unmapped != "" {
		row.Source = Sum{1, order.Announced.Quantity, order.Announced.Amount}
	}
	for _, bill := range bills {
		row.Kingdee.Add(sumOf(1, bill.Lines))
		row.kingdee = append(row.kingdee, bill.Lines...)
		row.Status, row.Version = bill.Status, cmp.Or(bill.Version, row.Version)
	}
	if len(bills) > 0 {
		row.Day, row.Customer = bills[0].Date, bills[0].Customer
	}
	row.Warehouse = warehousesOf(row.source, row.kingdee)
	switch {
	case len(bills) == 0 && order.LeftOut != "":
		row.Kind, row.Reason = LeftOut, order.LeftOut
	case len(bills) == 0 && order.Discarded:
		row.Kind, row.Reason = LeftOut, contract.ReasonDiscarded
	case len(bills) == 0 && void:
		row.Kind = Void
	case len(bills) == 0 && order.Parked != "":
		row.Kind, row.Reason = Parked, order.Parked
	case len(bills) == 0 && order.Unmapped != "":
		row.Kind, row.Reason = Unmapped, order.Unmapped
	case len(bills) == 0:
		row.Kind = Missing
	case order.LeftOut != "":
		row.Kind, row.Reason = Withdrawn, order.LeftOut
	case order.Unmapped != "":
		row.Kind, row.Reason = Different, order.Unmapped
	default:
		row.Kind = Agrees
		all := r.differences(order, bills)
		if len(all) > 0 {
			row.Kind = Different
		}
		row.Differences = all[:min(len(all), MostDifferences)]
		row.MoreDifferences = len(all) - len(row.Differences)
		row.OlderFlow = row.Version != "" && row.Version != order.Version
		row.NotAudited = r.Audited && slices.ContainsFunc(bills, func(b Bill) bool { return b.Status != "C" })
	}
	return row
}

// differences compares an order with its bills. The date is compared if there is one bill:
// further ones have dates of their own.
func (r Rules) differences(order Order, bills []Bill) (all []Difference) {
	differ := func(field, item, source, kingdee string) {
		all = append(all, Difference{Field: field, Item: item, Source: source, Kingdee: kingdee})
	}
	var lines []Line
	for _, bill := range bills {
		lines = append(lines, bill.Lines...)
		if bill.OrderID != "" && bill.OrderID != order.ID {
			differ(FieldOrder, "", order.ID, bill.OrderID)
		}
		if r.Customer && bill.Customer != order.Customer {
			differ(FieldCustomer, "", order.Customer, bill.Customer)
		}
		if r.Date && len(bills) == 1 && bill.Date != order.Date && (r.Moved == nil || !r.Moved(order.Date, bill.Date)) {
			differ(FieldDate, "", order.Date, bill.Date)
		}
	}
	ours, theirs := byItem(order.Lines), byItem(lines)
	for _, item := range itemsOf(ours, theirs) {
		source, kingdee := ours[item], theirs[item]
		a, b := sumOf(0, source), sumOf(0, kingdee)
		if r.Quantity && !a.Quantity.Equal(b.Quantity) {
			differ(FieldQuantity, item, a.Quantity.String(), b.Quantity.String())
		}
		for _, by := range []struct {
			compared bool
			field    string
			value    func(Line) string
		}{
			{r.Price, FieldPrice, func(l Line) string { return l.Price.String() }},
			{r.Warehouse, FieldWarehouse, func(l Line) string { return l.Warehouse }},
		} {
			same := a.Quantity.Equal(b.Quantity)
			ours, theirs := valuesOf(source, by.value, same), valuesOf(kingdee, by.value, same)
			if by.compared && len(source) > 0 && len(kingdee) > 0 && ours != theirs {
				differ(by.field, item, ours, theirs)
			}
		}
		if r.Amount && r.apart(a.Amount, b.Amount) {
			differ(FieldAmount, item, a.Amount.String(), b.Amount.String())
		}
	}
	if a, b := sumOf(0, order.Lines).Amount, sumOf(0, lines).Amount; r.Amount && r.apart(a, b) {
		differ(FieldTotal, "", a.String(), b.String())
	}
	return all
}

func (r Rules) apart(a, b decimal.Decimal) bool { return a.Sub(b).Abs().GreaterThan(r.Tolerance) }

// OfBill is the row of a bill that is not compared with an order. The order and the shop
// are "" where unknown.
func OfBill(kind Kind, bill Bill, orderID, shop string) Compared {
	row := Compared{Row: Row{
		Kind: kind, OrderID: orderID, BillNumber: bill.Number, Day: bill.Date, Shop: shop, Customer: bill.Customer,
		Warehouse: warehousesOf(bill.Lines), Status: bill.Status, Version: bill.Version,
	}, kingdee: bill.Lines}
	row.Kingdee = sumOf(1, bill.Lines)
	return row
}

// warehouses divides one, which is this row, by the warehouses of its lines.
func (c Compared) warehouses(one Group) []Group {
	groups := map[string]*Group{}
	group := func(name string) *Group {
		if groups[name] == nil {
			groups[name] = &Group{Name: name}
		}
		return groups[name]
	}
	main := ""
	if all := slices.Concat(c.source, c.kingdee); len(all) > 0 {
		main = all[0].Warehouse
	}
	group(main).Differences = one.Differences
	group(main).Source.Count, group(main).Kingdee.Count = c.Source.Count, c.Kingdee.Count
	if len(c.source) == 0 {
		group(main).Source = c.Source
	}
	for _, l := range c.source {
		group(l.Warehouse).Source.Add(sumOf(0, []Line{l}))
	}
	for _, l := range c.kingdee {
		group(l.Warehouse).Kingdee.Add(sumOf(0, []Line{l}))
	}
	var divided []Group
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		divided = append(divided, *groups[name])
	}
	return divided
}

// sumOf adds up the lines of a number of orders or bills.
func sumOf(count int, lines []Line) Sum {
	sum := Sum{Count: count}
	for _, l := range lines {
		sum.Quantity, sum.Amount = sum.Quantity.Add(l.Quantity), sum.Amount.Add(l.Amount)
	}
	return sum
}

func warehousesOf(sides ...[]Line) string {
	var names []string
	for _, l := range slices.Concat(sides...) {
		if l.Warehouse != "" && !slices.Contains(names, l.Warehouse) {
			names = append(names, l.Warehouse)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func byItem(lines []Line) map[string][]Line {
	items := map[string][]Line{}
	for _, l := range lines {
		items[l.Item] = append(items[l.Item], l)
	}
	return items
}

func itemsOf(sides ...map[string][]Line) []string {
	var all []string
	for _, side := range sides {
		all = slices.AppendSeq(all, maps.Keys(side))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// valuesOf lists the values that lines have, each with its quantity if there are several
// and quantities is true: "10 × 2, 20 × 1".
func valuesOf(lines []Line, of func(Line) string, quantities bool) string {
	by := map[string]decimal.Decimal{}
	for _, l := range lines {
		by[of(l)] = by[of(l)].Add(l.Quantity)
	}
	var values []string
	for _, value := range slices.Sorted(maps.Keys(by)) {
		if quantities && len(by) > 1 {
			value += " × " + by[value].String()
		}
		values = append(values, value)
	}
	return strings.Join(values, ", ")
}
