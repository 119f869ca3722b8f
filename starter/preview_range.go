package main

import (
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"

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
	// Amount is the total of the bills, with tax.
	Amount  decimal.Decimal `json:"amount"`
	Choices []*choice       `json:"choices"`
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

func mapOrder(f *flow.Flow, record map[string]any) (m mapped, err error) {
	picked, err := f.Pick(record)
	if err != nil {
		return m, err
	}
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
	m.amount, err = bill.Amount()
	return m, err
}

func (p *rangePreview) take(f *flow.Flow, record map[string]any) error {
	p.Orders++
	as, err := mapOrder(f, record)
	switch {
	case err != nil:
		return err
	case as.skipped != "":
		p.Skipped[as.skipped]++
		return nil
	case as.parked != "":
		p.Parked[as.parked]++
	default:
		p.Booked++
		p.Amount = p.Amount.Add(as.amount)
	}
	for _, c := range p.Choices {
		other, err := mapOrder(c.flow, record)
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

func (p *rangePreview) print(w io.Writer) {
	t := newTable(w)
	t.SetTitle("%s\n%s", workflows.Window{From: p.From, To: p.To}, text.New("Kingdee is not asked, nothing is written."))
	t.AppendHeader(table.Row{text.New("Outcome"), text.New("Orders"), text.New("Amount with tax")})
	t.alignRight(2, 3)
	t.AppendRow(table.Row{text.New("would be booked"), p.Booked, p.Amount.StringFixed(2)})
	for _, reason := range tally.Reasons(p.Skipped) {
		t.AppendRow(table.Row{text.New("would be skipped: %s", reason), p.Skipped[reason], ""})
	}
	for _, reason := range tally.Reasons(p.Parked) {
		t.AppendRow(table.Row{text.New("would be parked: %s", reason), p.Parked[reason], ""})
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
}
