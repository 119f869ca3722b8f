package galaxy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxRows is the most rows that a query returns; the rest are silently cut off.
const maxRows = 10000

// executeBillQuery returns one row per bill, or per entry if an entry field is requested.
func (t *Tenant) executeBillQuery(c call) reply {
	q, failure := t.newQuery(c)
	if failure != nil {
		return failure
	}
	rows := q.rows()
	habits := t.Habits()
	if habits.HideBills && q.base == nil {
		rows = nil
	}
	first := min(q.startRow, len(rows))
	behind := min(first+q.limit, len(rows))
	if q.topRow > 0 {
		behind = max(first, min(behind, q.topRow))
	}
	table := make([][]any, 0, behind-first)
	for _, r := range rows[first:behind] {
		line := make([]any, len(q.columns))
		for i, column := range q.columns {
			if !habits.forbids(column.field) {
				line[i] = column.wireValue(r.bill, r.entry)
			}
		}
		table = append(table, line)
	}
	return table
}

// query is a validated ExecuteBillQuery.
type query struct {
	tenant *Tenant
	// form is that of bills, base that of base data; one of them is nil.
	form *form
	base *baseForm
	// columns are FieldKeys.
	columns []column
	where   condition
	order   []ordering
	// topRow is TopRowCount, the index after the last row; 0 is no bound.
	startRow, limit, topRow int
}

type ordering struct {
	column     column
	descending bool
}

// row is a bill, or one entry of it.
type row struct {
	bill  *bill
	entry int
}

func (t *Tenant) newQuery(c call) (*query, reply) {
	data := c.data
	var columns columns
	if c.base != nil {
		columns = c.base.column(t.base)
	} else {
		columns = c.form.columns(t.base)
	}
	q := &query{tenant: t, form: c.form, base: c.base, startRow: data.number("StartRow"), limit: data.number("Limit"), topRow: data.number("TopRowCount")}
	if q.limit <= 0 || q.limit > maxRows {
		q.limit = maxRows
	}
	keys := data.text("FieldKeys")
	if strings.TrimSpace(keys) == "" {
		return nil, failed(msgBadParameter, "查询字段FieldKeys不能为空")
	}
	for key := range strings.SplitSeq(keys, ",") {
		column, ok := columns(key)
		if !ok {
			return nil, noField(key)
		}
		q.columns = append(q.columns, column)
	}
	for part := range strings.SplitSeq(data.text("OrderString"), ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		column, ok := columns(words[0])
		if !ok {
			return nil, noField(words[0])
		}
		q.order = append(q.order, ordering{column: column, descending: len(words) > 1 && strings.EqualFold(words[1], "desc")})
	}
	where, err := parseFilter(filterText(data["filterstring"]), columns)
	if err != nil {
		if unknown, ok := err.(unknownColumn); ok {
			return nil, noField(string(unknown))
		}
		return nil, failed(msgException, "过滤条件不正确："+err.Error())
	}
	q.where = where
	return q, nil
}

func noField(key string) reply {
	return failed(msgFieldMissing, fmt.Sprintf("字段“%s”不存在", strings.TrimSpace(key)))
}

// filterText is the FilterString. An empty list of conditions is no filter; a list with
// conditions is not supported here, and read as a malformed filter.
func filterText(value any) string {
	if conditions, ok := value.([]any); ok && len(conditions) == 0 {
		return ""
	}
	return stringOf(value)
}

func (o object) number(name string) int {
	n, _ := strconv.Atoi(o.text(name))
	return max(n, 0)
}

// rows returns all rows that meet the filter, ordered by FID and entry unless the caller
// asks for another order.
func (q *query) rows() []row {
	byEntry := q.where.entries || slices.ContainsFunc(q.columns, column.ofEntry) ||
		slices.ContainsFunc(q.order, func(o ordering) bool { return o.column.ofEntry() })
	var rows []row
	for _, b := range q.candidates() {
		entries := 1
		if byEntry {
			entries = len(b.entries)
		}
		for entry := range entries {
			if q.where.holds(b, entry) {
				rows = append(rows, row{bill: b, entry: entry})
			}
		}
	}
	if len(q.order) > 0 {
		slices.SortStableFunc(rows, q.compare)
	}
	return rows
}

// candidates returns the bills that can meet the filter: those of the numbers that it
// names, or else all.
func (q *query) candidates() []*bill {
	if q.base != nil {
		return q.base.entries(q.tenant.base)
	}
	if !q.where.named {
		return q.tenant.ledger.all(q.form)
	}
	numbers := slices.Clone(q.where.numbers)
	slices.Sort(numbers)
	var bills []*bill
	for _, number := range slices.Compact(numbers) {
		bills = append(bills, q.tenant.ledger.numbered(q.form, number)...)
	}
	slices.SortFunc(bills, func(a, b *bill) int { return cmp.Compare(a.id, b.id) })
	return bills
}

func (q *query) compare(a, b row) int {
	for _, o := range q.order {
		order := o.column.compare(o.column.value(a.bill, a.entry), o.column.value(b.bill, b.entry))
		if o.descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}
