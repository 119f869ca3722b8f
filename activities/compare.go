package activities

import (
	"context"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
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
		rules: reconcile.Rules{
			Customer: f.Compares(flow.CustomerField), Date: f.Compares(flow.DateField), Quantity: f.Compares(flow.BookedQuantity),
			Price: f.Compares(flow.PriceField), Warehouse: f.Compares(flow.StockField),
			Audited: f.Options.SubmitAndAudit != flow.SubmitAndAuditNone, Tolerance: params.Tolerance,
			Moved: func(date, booked string) bool {
				// Both are days; an empty one explains nothing.
				day, _ := time.ParseInLocation(time.DateOnly, date, beijing.Zone)
				moved, _ := time.ParseInLocation(time.DateOnly, booked, beijing.Zone)
				return f.ClosedPeriods.Explains(day, moved)
			},
		},
		from: dayOf(params.Range.From), to: dayOf(params.Range.To),
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
	order := reconcile.Order{
		ID: opened.Order.ID, OnlineOrder: opened.Text("so_id"), Shop: opened.Order.Shop,
		At: c.flow.CountedAt(record), ChangedOn: dayOf(opened.Order.ChangedAt),
		Parked: c.parked[workflows.ParkedOrderID(c.flow.Name, opened.Order.ID)],
	}
	if opened.Order.ChangedAt.IsZero() {
		order.ChangedOn = c.from
	}
	order.Announced.Quantity, order.Announced.Amount = opened.Announced()
	number := opened.Order.BillNumber
	if number == "" {
		// An order that can't be mapped may have a bill from before.
		number, _ = c.flow.NumberOf(order.ID)
	}
	order.Numbers = []string{number}
	if c.flow.Supplements() && number != "" {
		order.Numbers = flow.BillNumbers(number)
	}
	reason, leftOut, err := opened.Skip()
	if leftOut {
		order.LeftOut = reason
		return order, nil
	}
	var bill flow.Bill
	if err == nil {
		bill, err = opened.Bill()
	}
	if f := fault.As(err); f != nil {
		order.Unmapped = f.Reason
		return order, nil
	}
	if err != nil {
		return order, err
	}
	order.Version = bill.Mark.Version
	return order, c.fill(&order, bill)
}

// fill takes in the bill that the flow makes of the order.
func (c *comparison) fill(order *reconcile.Order, bill flow.Bill) error {
	date, err := bill.Date()
	if err != nil {
		return err
	}
	if !date.IsZero() {
		order.Date = dayOf(date)
	}
	if order.Customer, err = bill.Customer(); err != nil {
		return err
	}
	lines, err := bill.Lines()
	for _, l := range lines {
		order.Lines = append(order.Lines, reconcile.Line{Material: l.Material, Warehouse: l.Stock, Quantity: l.Quantity, Price: l.TaxPrice, Amount: l.Amount})
	}
	return err
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
	return billsFrom(whole), nil
}

func billsFrom(whole []kingdee.WholeBill) []reconcile.Bill {
	bills := make([]reconcile.Bill, len(whole))
	for i, b := range whole {
		mark, _ := flow.FindMark(b.Text)
		bills[i] = reconcile.Bill{
			ID: b.FID, Number: b.Number, Date: b.Date, Status: b.DocumentStatus, Void: b.Void,
			OrderID: mark.OrderID, Version: mark.Version, Customer: b.Customer,
		}
		for _, l := range b.Lines {
			bills[i].Lines = append(bills[i].Lines, reconcile.Line{Material: l.Material, Warehouse: l.Stock, Quantity: l.Quantity, Price: l.TaxPrice, Amount: l.Amount})
		}
	}
	return bills
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
