package activities

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/allowance"
	"refundsync/internal/beijing"
	"refundsync/internal/booking"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
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
	// kept says of versions of other flows whether they are kept.
	kept   map[string]bool
	listed time.Time // when they were listed

	rows []reconcile.Row
	sums reconcile.Sums
	own  []int64 // bills that the rows account for
	// doubtful are the orders that differ, until the second look.
	doubtful []seenOrder
}

// seenOrder is an order, and when it was last changed; zero if unknown.
type seenOrder struct {
	reconcile.Order
	changedAt time.Time
}

func (a *Activities) comparison(ctx context.Context, params workflows.Comparison) (*comparison, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return nil, err
	}
	c := &comparison{
		a: a, flow: f, kept: map[string]bool{},
		rules: booking.Rules(f, params.Tolerance), from: beijing.Day(params.Range.From), to: beijing.Day(params.Range.To),
	}
	return c, c.listParked(ctx)
}

// listParked lists what is parked: such an order must not look as if it were missing.
func (c *comparison) listParked(ctx context.Context) (err error) {
	if c.a.Parked != nil {
		c.listed = time.Now()
		c.parked, err = c.a.Parked.List(ctx, c.flow.Name)
	}
	return err
}

// holds reports whether a day lies in the range.
func (c *comparison) holds(day string) bool { return c.from <= day && day <= c.to }

// order maps an order of the source's reply as the flow does now.
func (c *comparison) order(ctx context.Context, opened *flow.Opened, record map[string]any) (reconcile.Order, error) {
	order, err := booking.OrderOf(c.flow, opened, c.parked[workflows.ParkedOrderID(c.flow.Name, opened.Order.ID)])
	if err == nil && order.Parked == "" {
		order.Discarded, err = c.a.isDiscarded(ctx, c.flow.Name, opened.Order, c.listed)
	}
	order.At = c.flow.CountedAt(record)
	if order.ChangedOn == "" {
		order.ChangedOn = c.from
	}
	return order, err
}

// billsOf looks up the bills under the numbers of orders.
func (c *comparison) billsOf(ctx context.Context, orders []seenOrder) ([]reconcile.Bill, error) {
	var numbers []string
	for _, order := range orders {
		numbers = append(numbers, order.Numbers...)
	}
	whole, err := kingdee.WholeBills(ctx, c.a.Ledger, booking.FormOf(c.flow), numbers)
	if err != nil {
		return nil, text.Errorf("looking up existing bills failed: %w", err)
	}
	return booking.BillsOf(whole), nil
}

// compare compares orders with their bills, and puts those that differ off to the second look.
func (c *comparison) compare(ctx context.Context, orders []seenOrder) error {
	return c.each(ctx, orders, func(order seenOrder, rows []reconcile.Compared, own []int64) {
		if differ(rows) {
			c.doubtful = append(c.doubtful, order)
			return
		}
		c.count(rows...)
		c.own = append(c.own, own...)
	})
}

// lookAgain compares the orders that differed once more, as they and their bills are a moment
// later: a run may have been saving a bill, or an order may have changed between the calls to
// the two systems. What differs then is reported.
func (c *comparison) lookAgain(ctx context.Context) error {
	if len(c.doubtful) == 0 {
		return nil
	}
	return c.a.secondLook(ctx, func() error {
		if err := c.listParked(ctx); err != nil {
			return err
		}
		if err := c.readAgain(ctx); err != nil {
			return err
		}
		return c.each(ctx, c.doubtful, func(_ seenOrder, rows []reconcile.Compared, own []int64) {
			c.count(rows...)
			c.own = append(c.own, own...)
		})
	})
}

// secondLooks is how often a second look is tried before all that the activity has compared
// is compared anew.
const secondLooks = 3

// secondLook looks once more after [Activities.SecondLook], or before if the worker stops.
func (a *Activities) secondLook(ctx context.Context, look func() error) (err error) {
	for range secondLooks {
		select {
		case <-time.After(a.SecondLook):
		case <-activity.GetWorkerStopChannel(ctx):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err = look(); err == nil {
			return nil
		}
	}
	return err
}

// readAgain reads the doubtful orders as the source shows them now. An order that can't be
// looked up, or that the source does not show any more, stays as it was.
func (c *comparison) readAgain(ctx context.Context) error {
	look := jushuitan.LookUp{Interface: c.flow.Source.Interface, Field: c.flow.Source.Key, Parameters: c.flow.Source.Parameters}
	for i, order := range c.doubtful {
		c.doubtful[i].Parked = c.parked[workflows.ParkedOrderID(c.flow.Name, order.ID)]
		if order.changedAt.IsZero() {
			continue // no span of time would show it
		}
		look.IDs = append(look.IDs, order.ID)
		if look.ChangedAt.IsZero() || order.changedAt.Before(look.ChangedAt) {
			look.ChangedAt = order.changedAt
		}
	}
	if len(look.IDs) == 0 {
		return nil
	}
	found, err := look.Find(allowance.Shared(ctx), c.a.Source)
	if f := fault.As(err); f != nil && f.Reason == jushuitan.NoSuchFilter {
		return nil
	}
	if err != nil {
		return err
	}
	now := map[string]reconcile.Order{}
	for _, record := range found.Orders {
		opened, err := c.flow.Pick(record)
		if err != nil {
			return err
		}
		if now[opened.Order.ID], err = c.order(ctx, opened, record); err != nil {
			return err
		}
	}
	for i, order := range c.doubtful {
		if read, ok := now[order.ID]; ok {
			c.doubtful[i].Order = read
		}
	}
	return nil
}

// each compares each order with the bills under its numbers.
func (c *comparison) each(ctx context.Context, orders []seenOrder, take func(order seenOrder, rows []reconcile.Compared, own []int64)) error {
	if len(orders) == 0 {
		return nil
	}
	bills, err := c.billsOf(ctx, orders)
	if err != nil {
		return err
	}
	under := underNumbers(bills)
	for _, order := range orders {
		rows, own := c.rules.Compare(order.Order, under(order.Numbers))
		take(order, rows, own)
	}
	return nil
}

// differ reports whether one of the rows is a difference.
func differ(rows []reconcile.Compared) bool {
	return slices.ContainsFunc(rows, func(row reconcile.Compared) bool { return row.Kind.Differs() || row.NotAudited })
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

func folded(number string) string { return strings.ToLower(number) }
