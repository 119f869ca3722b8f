package main

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// rangePreview is what a flow would do with the orders of a range, and what it would do
// with other expressions.
type rangePreview struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Orders is the number of orders read. Booked of them would get a bill; Skipped and
	// Parked count the others by reason. Kingdee is not asked.
	Orders  int            `json:"orders"`
	Booked  int            `json:"booked"`
	Skipped map[string]int `json:"skipped"`
	Parked  map[string]int `json:"parked"`
	// Example is the first order that would be booked, and Examples are the first of the
	// others by reason.
	Example  string            `json:"example,omitempty"`
	Examples map[string]string `json:"examples"`
	// Amount is the total of the bills, with tax.
	Amount  decimal.Decimal `json:"amount"`
	Choices []*choice       `json:"choices"`
	// Codes are those of the orders that are not skipped for which tables have no row, the
	// most frequent of each table first. Defaults counts the orders that take a table's
	// default for at least one code, by table.
	Codes    []*unlistedCode `json:"codes"`
	Defaults map[string]int  `json:"defaults"`

	// table is the one whose orders are listed.
	table string
	codes map[flow.UnlistedCode]*unlistedCode
}

// unlistedCode is a code for which a table has no row.
type unlistedCode struct {
	Table string `json:"table"`
	// Code is "" if it is absent, or may be about a person.
	Code string `json:"code"`
	// Default is the value that orders get instead, and Advice what to do about a code for
	// which they are parked.
	Default string `json:"default,omitempty"`
	Advice  string `json:"advice,omitempty"`
	Parks   bool   `json:"parks"`
	Orders  int    `json:"orders"`
	// IDs are the orders, of codes that park them and of the table that is asked for.
	IDs []string `json:"ids,omitempty"`

	// byDefault says what orders get instead.
	byDefault string
}

func newRangePreview(span workflows.Window, choices []*choice, table string) *rangePreview {
	return &rangePreview{
		From: span.From, To: span.To, Skipped: map[string]int{}, Parked: map[string]int{}, Examples: map[string]string{}, Choices: choices,
		Codes: []*unlistedCode{}, Defaults: map[string]int{}, table: table, codes: map[flow.UnlistedCode]*unlistedCode{},
	}
}

// takeCodes counts the codes of an order that is not skipped.
func (p *rangePreview) takeCodes(order *flow.Opened) {
	defaults := map[string]bool{}
	for _, found := range order.UnlistedCodes() {
		code := p.codes[found]
		if code == nil {
			code = &unlistedCode{Table: found.Table.Name, Code: found.Code, Default: found.Default(), Parks: found.Parks()}
			switch {
			case code.Parks:
				code.Advice = found.Advice().String()
			case found.Table.Pass:
				code.byDefault = text.Sprintf("default: the code itself; parked if Kingdee does not know it")
			default:
				code.byDefault = text.Sprintf("default: %s", code.Default)
			}
			p.codes[found], p.Codes = code, append(p.Codes, code)
		}
		if code.Orders++; code.Parks || code.Table == p.table {
			code.IDs = append(code.IDs, order.Order.ID)
		}
		if !code.Parks {
			defaults[code.Table] = true
		}
	}
	for table := range defaults {
		p.Defaults[table]++
	}
}

// sortCodes puts codes that park orders first, then the most frequent of each table.
func (p *rangePreview) sortCodes() {
	slices.SortStableFunc(p.Codes, func(a, b *unlistedCode) int {
		if a.Parks != b.Parks {
			return map[bool]int{true: -1, false: 1}[a.Parks]
		}
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(b.Orders, a.Orders), cmp.Compare(a.Code, b.Code))
	})
}

// choice is another expression for a field.
type choice struct {
	// Instead is FIELD=EXPRESSION.
	Instead string `json:"instead"`
	// Otherwise counts the orders whose bill would differ, Parked those that would get
	// none.
	Otherwise int `json:"otherwise"`
	Parked    int `json:"parked"`
	// Difference is how much the total of the bills would change, with tax.
	Difference decimal.Decimal `json:"difference"`

	flow *flow.Flow
}

func readChoices(f *flow.Flow, instead []string) (choices []*choice, err error) {
	for _, given := range instead {
		field, expression, ok := strings.Cut(given, "=")
		if !ok {
			return nil, text.Errorf("--instead %q: expected FIELD=EXPRESSION, such as FTaxPrice=item.price", given)
		}
		other, err := flowfile.WithExpression(f, strings.TrimSpace(field), strings.TrimSpace(expression))
		if err != nil {
			return nil, err
		}
		choices = append(choices, &choice{Instead: given, flow: other})
	}
	return choices, nil
}

// mapped is what a flow would do with an order: save a bill, skip it for a reason, or park
// it for one.
type mapped struct {
	skipped, parked string
	hash            string
	amount          decimal.Decimal
}

func mapOrder(picked *flow.Opened) (m mapped, err error) {
	reason, skip, err := picked.Skip()
	if err == nil && skip {
		return mapped{skipped: reason}, nil
	}
	var bill flow.Bill
	if err == nil {
		bill, err = picked.Bill()
	}
	if failed := fault.As(err); failed != nil {
		return mapped{parked: failed.Reason}, nil
	}
	if err != nil {
		return m, err
	}
	m.hash = bill.Mark.Hash
	m.amount = bill.Amount()
	return m, nil
}

func (p *rangePreview) take(f *flow.Flow, record map[string]any) error {
	p.Orders++
	picked, err := f.Pick(record)
	if err != nil {
		return err
	}
	as, err := mapOrder(picked)
	switch {
	case err != nil:
		return err
	case as.skipped != "":
		p.Skipped[as.skipped]++
		p.example(as.skipped, picked)
		return nil
	case as.parked != "":
		p.Parked[as.parked]++
		p.example(as.parked, picked)
	default:
		p.Booked++
		p.Example = cmp.Or(p.Example, picked.Order.ID)
		p.Amount = p.Amount.Add(as.amount)
	}
	p.takeCodes(picked)
	for _, c := range p.Choices {
		picked, err := c.flow.Pick(record)
		if err != nil {
			return err
		}
		other, err := mapOrder(picked)
		switch {
		case err != nil:
			return err
		case other.parked != "" && as.parked == "":
			c.Parked++
		case other.hash != as.hash:
			c.Otherwise++
			c.Difference = c.Difference.Add(other.amount.Sub(as.amount))
		}
	}
	return nil
}

// example keeps an order that is the first of its reason.
func (p *rangePreview) example(reason string, order *flow.Opened) {
	if p.Examples[reason] == "" {
		p.Examples[reason] = order.Order.ID
	}
}

func (p *rangePreview) print(w io.Writer) {
	t := newTable(w)
	t.SetTitle("%s\n%s", workflows.Window{From: p.From, To: p.To}, text.New("Nothing is written, and Kingdee is not asked: a code that it does not know is only noticed when its order is booked."))
	t.AppendHeader(table.Row{text.New("Outcome"), text.New("Orders"), text.New("Amount with tax"), text.New("For example")})
	t.alignRight(2, 3)
	t.AppendRow(table.Row{text.New("would be booked"), p.Booked, p.Amount.StringFixed(2), p.Example})
	for _, reason := range tally.Reasons(p.Skipped) {
		t.AppendRow(table.Row{text.New("would be skipped: %s", fault.ReasonText(reason)), p.Skipped[reason], "", p.Examples[reason]})
	}
	for _, reason := range tally.Reasons(p.Parked) {
		t.AppendRow(table.Row{text.New("would be parked: %s", fault.ReasonText(reason)), p.Parked[reason], "", p.Examples[reason]})
	}
	t.AppendSeparator()
	for _, c := range p.Choices {
		difference := c.Difference.StringFixed(2)
		if c.Difference.IsPositive() {
			difference = "+" + difference
		}
		t.AppendRow(table.Row{text.New("with %s: booked differently", c.Instead), c.Otherwise, difference})
		if c.Parked > 0 {
			t.AppendRow(table.Row{text.New("with %s: parked", c.Instead), c.Parked, ""})
		}
	}
	t.AppendFooter(table.Row{text.New("orders read"), p.Orders, ""})
	t.Render()
	p.printCodes(w)
}

// printCodes shows the codes without a row that park orders, how many orders take each
// default, and of the table that is asked for each order.
func (p *rangePreview) printCodes(w io.Writer) {
	codes := newTable(w)
	codes.SetTitle("\n%s", text.New("Codes for which a table has no row"))
	codes.AppendHeader(table.Row{text.New("Table"), text.New("Code"), text.New("Orders"), text.New("Outcome")})
	codes.alignRight(3)
	kinds, byDefault := map[string]int{}, map[string]string{}
	for _, code := range p.Codes {
		kinds[code.Table]++
		byDefault[code.Table] = code.byDefault
		if code.Parks {
			codes.AppendRow(table.Row{code.Table, code.Code, code.Orders, text.New("parked. %s", code.Advice)})
		}
	}
	for _, name := range tally.Reasons(p.Defaults) {
		codes.AppendRow(table.Row{name, text.New("%d codes", kinds[name]), p.Defaults[name], byDefault[name]})
	}
	if len(p.Codes) > 0 {
		codes.Render()
	}
	if p.table == "" {
		return
	}
	if kinds[p.table] == 0 {
		say(w, "\n"+text.Sprintf("No order has a code for which %s has no row.", p.table))
		return
	}
	orders := newTable(w)
	orders.SetTitle("\n%s", text.New("Orders with a code for which %s has no row", p.table))
	orders.AppendHeader(table.Row{text.New("Code"), text.New("Value"), text.New("Orders"), text.New("For example")})
	orders.alignRight(3)
	for _, code := range p.Codes {
		if code.Table == p.table {
			value := any(code.Default)
			if code.Parks {
				value = text.New("none: parked")
			}
			orders.AppendRow(table.Row{code.Code, value, code.Orders, strings.Join(code.IDs, ", ")})
		}
	}
	orders.Render()
}

func previewRange(cmd *cobra.Command, flags previewFlags) error {
	span, err := parseRange(flags.from, flags.to)
	if err != nil {
		return usageError(cmd, err)
	}
	_, f, err := loadFlow(cmd, flags.flow)
	if err != nil {
		return err
	}
	if tables := tablesOf(f); flags.table != "" && !slices.Contains(tables, flags.table) {
		return usageError(cmd, text.Errorf("the flow uses no table %q; it uses: %s", flags.table, strings.Join(tables, ", ")))
	}
	choices, err := readChoices(f, flags.instead)
	if err != nil {
		return usageError(cmd, err)
	}
	mapped := []*flow.Flow{f}
	for _, choice := range choices {
		mapped = append(mapped, choice.flow)
	}
	for _, f := range mapped {
		if err := readTables(cmd.Context(), f); err != nil {
			return err
		}
	}
	source, _, closeClients, err := vendors(f)
	if err != nil {
		return err
	}
	defer closeClients()
	p := newRangePreview(span, choices, flags.table)
	err = sourceOrders(cmd.Context(), source, f, span, func(record map[string]any) error { return p.take(f, record) })
	if err != nil {
		return err
	}
	p.sortCodes()
	if flags.output == previewOutput(outputJSON) {
		err = writeJSON(cmd.OutOrStdout(), p)
	} else {
		p.print(cmd.OutOrStdout())
	}
	if err == nil && len(p.Parked) > 0 {
		return &exitError{code: exitWithFailures}
	}
	return err
}

// tablesOf are the names of the tables that a flow uses, sorted.
func tablesOf(f *flow.Flow) (names []string) {
	var add func(fields []flow.BillField)
	add = func(fields []flow.BillField) {
		for _, field := range fields {
			if add(field.Fields); field.Mapping != nil && field.Mapping.Table != nil {
				names = append(names, field.Mapping.Table.Name)
			}
		}
	}
	add(f.Rules.Bill)
	slices.Sort(names)
	return slices.Compact(names)
}
