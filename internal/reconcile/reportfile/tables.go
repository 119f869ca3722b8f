package reportfile

import (
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// A cell holds nil or a string, id, day, amount, decimal.Decimal, int or long text. Its
// type says how each format shows it.
type cell struct {
	value any
	// marked cells are those where the two systems differ.
	marked bool
}

type (
	// id is a text that may look like a number, such as an order's id.
	id string
	// day is a date, 2006-01-02.
	day string
	// amount is money, with at least two places.
	amount decimal.Decimal
	// long is a text that may take several lines.
	long string
)

// column is one of a table. Width is in characters, of which a Chinese one takes two.
type column struct {
	head  text.Text
	width int
	// sum makes the value of the column's total; it is nil if there is none.
	sum func(decimal.Decimal) any
}

func count(d decimal.Decimal) any    { return int(d.IntPart()) }
func quantity(d decimal.Decimal) any { return d }
func money(d decimal.Decimal) any    { return amount(d) }

// table is a table without its lines.
type table struct {
	name    text.Text
	note    text.Text
	columns []column
}

// total is the line of the totals, nil if no column has one.
func (t table) total(sums []decimal.Decimal) []cell {
	line := make([]cell, len(t.columns))
	line[0].value = text.Sprintf("Total")
	some := false
	for i, c := range t.columns {
		if c.sum != nil {
			line[i].value = c.sum(sums[i])
			some = true
		}
	}
	if !some {
		return nil
	}
	return line
}

// decimalOf is what a cell adds to its column's total.
func decimalOf(value any) decimal.Decimal {
	switch v := value.(type) {
	case amount:
		return decimal.Decimal(v)
	case decimal.Decimal:
		return v
	case int:
		return decimal.NewFromInt(int64(v))
	}
	return decimal.Decimal{}
}

// addTo adds a line to the sums of its columns.
func addTo(sums []decimal.Decimal, line []cell) {
	for i, c := range line {
		sums[i] = sums[i].Add(decimalOf(c.value))
	}
}

// totals is a table of a few lines.
type totals struct {
	table
	lines [][]cell
}

// list is a table of those rows of a report that belong into it.
type list struct {
	table
	fields   []field
	belongs  func(reconcile.Row) bool
	perValue bool
}

var (
	sourceCount    = column{text.New("Jushuitan: orders"), 13, count}
	sourceQuantity = column{text.New("Jushuitan: quantity"), 13, quantity}
	sourceAmount   = column{text.New("Jushuitan: amount with tax"), 16, money}
	billCount      = column{text.New("Kingdee: bills"), 13, count}
	billQuantity   = column{text.New("Kingdee: quantity"), 13, quantity}
	billAmount     = column{text.New("Kingdee: amount with tax"), 16, money}
	amountMore     = column{text.New("Kingdee less Jushuitan"), 18, money}
	outcome        = column{text.New("Outcome"), 24, nil}
	reason         = column{text.New("Reason"), 30, nil}
	toDo           = column{text.New("What to do"), 68, nil}
)

// sides are the cells of both systems' sums, and of the difference of the amounts.
func sides(s reconcile.Sides, mark bool) []cell {
	more := s.Kingdee.Amount.Sub(s.Source.Amount)
	return []cell{
		{value: s.Source.Count}, {value: s.Source.Quantity}, {value: amount(s.Source.Amount)},
		{value: s.Kingdee.Count}, {value: s.Kingdee.Quantity}, {value: amount(s.Kingdee.Amount)},
		{value: amount(more), marked: mark && !more.IsZero()},
	}
}

// totalsOf are the tables of sums. Each adds up to the totals of the report.
func totalsOf(r reconcile.Report) []totals {
	kinds := totals{table: table{
		name: text.New("Summary"), note: text.New("All orders and bills by outcome."),
		columns: []column{outcome, reason, sourceCount, sourceQuantity, sourceAmount, billCount, billQuantity, billAmount, amountMore, toDo},
	}}
	for _, k := range r.Kinds {
		line := append([]cell{{k.Kind.Label().String(), k.Kind.Differs()}, {value: long(fault.ReasonText(k.Reason).String())}}, sides(k.Sides, k.Kind.Differs())...)
		kinds.lines = append(kinds.lines, append(line, cell{value: long(k.Kind.Advice().String())}))
	}
	tables := []totals{kinds.shownFor(r)}
	for _, by := range []struct {
		name, head text.Text
		groups     []reconcile.Group
		day        bool
	}{
		{text.New("By day"), text.New("Day"), r.Days, true},
		{text.New("By shop"), text.New("Shop"), r.Shops, false},
		{warehouses, text.New("Warehouse"), r.Warehouses, false},
	} {
		if r.Money && by.name.String() == warehouses.String() {
			continue
		}
		note := text.New("Skipped orders and bills not by this flow are included, as in the summary.")
		if by.day {
			note = text.Join(" ", note, text.New("Days outside the range are of orders that were changed within it."))
		}
		t := totals{table: table{name: by.name, note: note, columns: []column{
			{by.head, 24, nil},
			sourceCount, sourceQuantity, sourceAmount, billCount, billQuantity, billAmount, amountMore,
			{text.New("Differences"), 12, count},
		}}}
		for _, g := range by.groups {
			first := cell{value: g.Name}
			switch {
			case by.day:
				first.value = day(g.Name)
			case g.Name == "":
				first.value = text.Sprintf("(unknown)")
			}
			line := append([]cell{first}, sides(g.Sides, g.Differences > 0)...)
			t.lines = append(t.lines, append(line, cell{g.Differences, g.Differences > 0}))
		}
		tables = append(tables, t.shownFor(r))
	}
	return tables
}

// warehouses names the table of the warehouses.
var warehouses = text.New("By warehouse")

// shownFor leaves out the columns that a report does not have.
func (t totals) shownFor(r reconcile.Report) totals {
	for i := len(t.columns) - 1; i >= 0; i-- {
		if r.Money && t.columns[i].ofGoods() {
			t.columns = slices.Delete(t.columns, i, i+1)
			for n := range t.lines {
				t.lines[n] = slices.Delete(t.lines[n], i, i+1)
			}
		}
	}
	return t
}

// ofGoods reports whether only bills with quantities have the column.
func (c column) ofGoods() bool {
	return slices.ContainsFunc([]column{sourceQuantity, billQuantity, fWarehouse.column}, func(goods column) bool {
		return c.head.String() == goods.head.String()
	})
}

// entry is a line of a list: a row, or one difference of it, or how many more it has.
type entry struct {
	reconcile.Row
	difference reconcile.Difference
	more       int
}

// field is a column of a list.
type field struct {
	column
	of func(entry) cell
}

func source(e entry, v any) cell {
	if e.Source.Count == 0 {
		return cell{}
	}
	return cell{value: v}
}

func bill(e entry, v any) cell {
	if e.Kingdee.Count == 0 {
		return cell{}
	}
	return cell{value: v}
}

// The columns of the lists.
var (
	fOutcome = field{outcome, func(e entry) cell { return cell{e.Kind.Label().String(), e.Kind.Differs()} }}
	fReason  = field{reason, func(e entry) cell { return cell{value: long(fault.ReasonText(e.Reason).String())} }}
	fOrder   = field{column{text.New("Order"), 21, nil}, func(e entry) cell { return cell{value: id(e.OrderID)} }}
	fOnline  = field{column{text.New("Online order"), 23, nil}, func(e entry) cell { return cell{value: id(e.OnlineOrder)} }}
	fBill    = field{column{text.New("Kingdee bill"), 21, nil}, func(e entry) cell { return cell{value: id(e.BillNumber)} }}
	fDay     = field{column{text.New("Day"), 12, nil}, func(e entry) cell { return cell{value: day(e.Day)} }}
	fShop    = field{column{text.New("Shop"), 28, nil}, func(e entry) cell { return cell{value: e.Shop} }}

	fCustomer  = field{column{text.New("Customer"), 16, nil}, func(e entry) cell { return cell{value: id(e.Customer)} }}
	fWarehouse = field{column{text.New("Warehouse"), 14, nil}, func(e entry) cell { return cell{value: id(e.Warehouse)} }}

	fSourceQuantity = field{sourceQuantity, func(e entry) cell { return source(e, e.Source.Quantity) }}
	fSourceAmount   = field{sourceAmount, func(e entry) cell { return source(e, amount(e.Source.Amount)) }}
	fBillQuantity   = field{billQuantity, func(e entry) cell { return bill(e, e.Kingdee.Quantity) }}
	fBillAmount     = field{billAmount, func(e entry) cell { return bill(e, amount(e.Kingdee.Amount)) }}
	fAmountMore     = field{amountMore, func(e entry) cell { return sides(e.Sides, e.Kind.Differs())[6] }}

	fStatus  = field{column{text.New("Bill status"), 20, nil}, func(e entry) cell { return cell{reconcile.StatusLabel(e.Status).String(), e.NotAudited} }}
	fVersion = field{column{text.New("Flow version"), 13, nil}, func(e entry) cell { return cell{value: version(e)} }}
	fDetails = field{column{text.New("Details"), 50, nil}, func(e entry) cell { return cell{value: long(details(e.Row).String())} }}

	fField   = field{column{text.New("Field"), 32, nil}, func(e entry) cell { return cell{value: fieldName(e)} }}
	fItem    = field{column{text.New("Item"), 16, nil}, func(e entry) cell { return cell{value: id(e.difference.Item)} }}
	fSource  = field{column{text.New("Jushuitan"), 18, nil}, func(e entry) cell { return valueOf(e, e.difference.Source, e.Source) }}
	fKingdee = field{column{text.New("Kingdee"), 18, nil}, func(e entry) cell { return valueOf(e, e.difference.Kingdee, e.Kingdee) }}
)

// withRemark is fReason with what the report remarks on a row.
func withRemark(r reconcile.Report) field {
	return field{reason, func(e entry) cell {
		return cell{value: long(text.Join(", ", fault.ReasonText(e.Reason), r.Remark(e.Row)).String())}
	}}
}

// wholeBill is the field of the line for a row that differs as a whole.
const wholeBill = ""

func fieldName(e entry) string {
	switch name := e.difference.Field; {
	case e.more > 0:
		return text.Sprintf("and %d more", e.more)
	case name == wholeBill:
		return text.Sprintf("whole bill, with tax")
	default:
		return reconcile.FieldLabel(name).String()
	}
}

func version(e entry) any {
	if e.OlderFlow {
		return text.Sprintf("%s (older)", e.Version)
	}
	return id(e.Version)
}

// valueOf is what one system has. A row that differs as a whole has its amount.
func valueOf(e entry, value string, sum reconcile.Sum) cell {
	switch number, err := decimal.NewFromString(value); {
	case e.more > 0:
		return cell{}
	case e.difference.Field == wholeBill && sum.Count == 0:
		return cell{text.Sprintf("none"), true}
	case e.difference.Field == wholeBill:
		return cell{amount(sum.Amount), true}
	case err == nil && reconcile.IsMoney(e.difference.Field):
		return cell{amount(number), true}
	case err == nil && reconcile.IsNumber(e.difference.Field):
		return cell{number, true}
	case value == "":
		return cell{text.Sprintf("none"), true}
	}
	return cell{id(value), true}
}

// detailsShown is how many differences of a bill one cell names.
const detailsShown = 6

func details(row reconcile.Row) text.Text {
	var parts []any
	shown := row.Differences[:min(len(row.Differences), detailsShown)]
	for _, d := range shown {
		where := text.Join(" ", d.Item, reconcile.FieldLabel(d.Field))
		parts = append(parts, text.New("%s: %s in Jushuitan, %s in Kingdee", where, orNone(d.Source), orNone(d.Kingdee)))
	}
	if more := len(row.Differences) - len(shown) + row.MoreDifferences; more > 0 {
		parts = append(parts, text.New("and %d more", more))
	}
	return text.Join(" · ", parts...)
}

func orNone(value string) text.Text {
	if value == "" {
		return text.New("none")
	}
	return text.Literal(value)
}

// lists are the tables of the rows, the one of all rows last.
func lists(r reconcile.Report) []list {
	isKind := func(kinds ...reconcile.Kind) func(reconcile.Row) bool {
		return func(row reconcile.Row) bool { return slices.Contains(kinds, row.Kind) }
	}
	all := []list{
		newList(text.New("Differences"), text.New("Every value that differs, one a line. An order or a bill without a counterpart is one line."),
			func(row reconcile.Row) bool { return row.Kind.Differs() },
			fOutcome, fOrder, fBill, fDay, fShop, fField, fItem, fSource, fKingdee, withRemark(r), fOnline).byValue(),
		newList(text.New("Not audited"), text.New("Bills that the flow wants audited and that are not. The two systems agree once these are audited."),
			func(row reconcile.Row) bool { return row.NotAudited },
			fBill, fOrder, fOnline, fDay, fShop, fOutcome, fBillQuantity, fBillAmount, fStatus),
		newList(text.New("Parked"), text.New("Orders without a bill that wait for a person, or that can't be mapped."),
			isKind(reconcile.Parked, reconcile.Unmapped),
			fOutcome, fOrder, fOnline, fDay, fShop, fWarehouse, fSourceQuantity, fSourceAmount, fReason),
		newList(text.New("Skipped"), text.New("Orders that the flow skips, by its conditions. They are no differences."),
			isKind(reconcile.LeftOut),
			fOrder, fOnline, fDay, fShop, fWarehouse, fSourceQuantity, fSourceAmount, fReason),
		newList(text.New("Not by this flow"), text.New("Bills that a person, another program or another flow made. They are no differences."),
			isKind(reconcile.OthersBill),
			fBill, fDay, fCustomer, fWarehouse, fBillQuantity, fBillAmount, fStatus, fReason),
	}
	for i := range all {
		all[i] = all[i].shownFor(r)
	}
	return append(all, everything(r))
}

func everything(r reconcile.Report) list {
	return newList(text.New("All orders"), text.New("Every order and every bill with its outcome."),
		func(reconcile.Row) bool { return true },
		fOutcome, withRemark(r), fOrder, fOnline, fBill, fDay, fShop, fCustomer, fWarehouse,
		fSourceQuantity, fSourceAmount, fBillQuantity, fBillAmount, fAmountMore, fStatus, fVersion, fDetails).shownFor(r)
}

// shownFor leaves out the columns that a report does not have.
func (l list) shownFor(r reconcile.Report) list {
	absent := func(c column) bool { return r.Money && c.ofGoods() }
	l.columns = slices.DeleteFunc(slices.Clone(l.columns), absent)
	l.fields = slices.DeleteFunc(slices.Clone(l.fields), func(f field) bool { return absent(f.column) })
	return l
}

func newList(name, note text.Text, belongs func(reconcile.Row) bool, fields ...field) list {
	l := list{table: table{name: name, note: note}, fields: fields, belongs: belongs}
	for _, f := range fields {
		l.columns = append(l.columns, f.column)
	}
	return l
}

// byValue makes a list that has a line for each difference of a row.
func (l list) byValue() list {
	l.perValue = true
	return l
}

// lines are those of a row, none if it is not in the list.
func (l list) lines(row reconcile.Row) (lines [][]cell) {
	if !l.belongs(row) {
		return nil
	}
	entries := []entry{{Row: row}}
	if l.perValue && len(row.Differences) > 0 {
		entries = nil
		for _, d := range row.Differences {
			entries = append(entries, entry{Row: row, difference: d})
		}
		if row.MoreDifferences > 0 {
			entries = append(entries, entry{Row: row, more: row.MoreDifferences})
		}
	}
	for _, e := range entries {
		var line []cell
		for _, f := range l.fields {
			line = append(line, f.of(e))
		}
		lines = append(lines, line)
	}
	return lines
}

func title(r reconcile.Report) string {
	return text.Sprintf("Reconciliation of %s", r.Title)
}

// about says what the report is of, and what the outcomes mean.
func about(r reconcile.Report) totals {
	t := totals{table: table{
		name:    text.New("About"),
		columns: []column{{text.New("What"), 28, nil}, {text.New("Value"), 80, nil}, toDo},
	}}
	add := func(what text.Text, value, toDo any) {
		t.lines = append(t.lines, []cell{{value: what.String()}, {value: value}, {value: toDo}})
	}
	tolerance := text.Sprintf("none")
	if !r.Tolerance.IsZero() {
		tolerance = r.Tolerance.String()
	}
	add(text.New("Result"), long(r.Verdict().String()), nil)
	add(text.New("Range"), span(r.From, r.To), nil)
	add(text.New("What was read"), long(text.Sprintf("Orders changed %s, and bills dated within the range or of these orders.", span(r.ReadFrom, r.ReadTo))), nil)
	add(text.New("Flow"), long(text.Join(" ", r.Title, "("+r.Flow+")").String()), nil)
	add(text.New("Flow version"), id(r.Version), nil)
	add(text.New("Bills of older flow versions"), id(strconv.Itoa(r.OlderFlow)), nil)
	add(text.New("Bills not audited"), id(strconv.Itoa(r.NotAudited)), nil)
	add(text.New("Tolerance of amounts"), id(tolerance), nil)
	add(text.New("Started"), clock(r.StartedAt), nil)
	add(text.New("Finished"), clock(r.EndedAt), nil)
	add(text.New("Requested by"), r.By, nil)
	add(text.New("Program version"), id(r.ProgramVersion), nil)
	add(text.New("Workflow"), id(r.WorkflowID), nil)
	add(text.New("Run"), id(r.RunID), nil)
	add(text.New("Times"), text.Sprintf("Beijing time (UTC+8)"), nil)
	for _, kind := range reconcile.Kinds {
		add(text.New("Outcome: %s", kind.Label()), long(kind.Meaning().String()), long(kind.Advice().String()))
	}
	return t
}

func span(from, to time.Time) string { return text.Sprintf("%s to %s", clock(from), clock(to)) }

// clock shows a time in Beijing time.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(beijing.Zone).Format("2006-01-02 15:04:05")
}
