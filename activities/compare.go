package activities

import (
	"context"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/booking"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// comparison is a reconciliation at work in one activity.
type comparison struct {
	a     *Activities
	flow  *flow.Flow
	rules reconcile.Rules
	// from and to are the days of the range.
	from, to string
	parked   map[string]string // reasons by workflow id

	rows []reconcile.Row
	sums reconcile.Sums
	own  []int64 // bills that the rows account for
}

func (a *Activities) comparison(ctx context.Context, params workflows.Comparison) (*comparison, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return nil, err
	}
	c := &comparison{
		a: a, flow: f,
		rules: booking.Rules(f, params.Tolerance), from: dayOf(params.Range.From), to: dayOf(params.Range.To),
	}
	if a.Parked != nil {
		// An order that is parked must not look as if it were missing.
		if c.parked, err = a.Parked.List(ctx, f.Name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func dayOf(t time.Time) string { return t.In(beijing.Zone).Format(time.DateOnly) }

// holds reports whether a day lies in the range.
func (c *comparison) holds(day string) bool { return c.from <= day && day <= c.to }

// order maps an order of the source's reply as the flow does now.
func (c *comparison) order(opened *flow.Opened, record map[string]any) (reconcile.Order, error) {
	order, err := booking.OrderOf(c.flow, opened, c.parked[workflows.ParkedOrderID(c.flow.Name, opened.Order.ID)])
	order.At = c.flow.CountedAt(record)
	if order.ChangedOn == "" {
		order.ChangedOn = c.from
	}
	return order, err
}

// billsOf looks up the bills under the numbers of orders.
func (c *comparison) billsOf(ctx context.Context, orders []reconcile.Order) ([]reconcile.Bill, error) {
	var numbers []string
	for _, order := range orders {
		numbers = append(numbers, order.Numbers...)
	}
	whole, err := kingdee.WholeBills(ctx, c.a.Ledger, c.flow.Call.FormId, flow.MarkField, numbers)
	if err != nil {
		return nil, text.Errorf("looking up existing bills failed: %w", err)
	}
	return booking.BillsOf(whole), nil
}

// count adds rows to the result.
func (c *comparison) count(rows ...reconcile.Compared) {
	for _, row := range rows {
		c.rows = append(c.rows, row.Row)
		c.sums.Count(row)
	}
}

func (c *comparison) result() workflows.ComparedRows {
	return workflows.ComparedRows{Rows: reconcile.PackRows(c.rows), Sums: c.sums, Bills: reconcile.PackIDs(c.own)}
}

// underNumbers groups bills by their numbers, without regard to case.
func underNumbers(bills []reconcile.Bill) func(numbers []string) []reconcile.Bill {
	by := map[string][]reconcile.Bill{}
	for _, bill := range bills {
		by[folded(bill.Number)] = append(by[folded(bill.Number)], bill)
	}
	return func(numbers []string) (its []reconcile.Bill) {
		for _, number := range numbers {
			its = append(its, by[folded(number)]...)
		}
		return its
	}
}
