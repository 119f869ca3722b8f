package booking

import (
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
)

// Rules say what a reconciliation compares by a flow: what it sends, and does not expect to
// differ.
func Rules(f *flow.Flow, tolerance decimal.Decimal) reconcile.Rules {
	form := f.Form.Form
	rules := reconcile.Rules{
		Customer: f.Compares(catalog.Head, form.Customer), Date: f.Compares(catalog.Head, form.Date),
		Quantity: f.Compares(form.Lines, form.Quantity), Price: f.Compares(form.Lines, form.Price), Warehouse: f.Compares(form.Lines, form.Stock),
		Audited: f.Options.SubmitAndAudit != flow.SubmitAndAuditNone, Tolerance: tolerance,
		Moved: func(date, booked string) bool {
			// Both are days; an empty one explains nothing.
			day, _ := time.ParseInLocation(time.DateOnly, date, beijing.Zone)
			moved, _ := time.ParseInLocation(time.DateOnly, booked, beijing.Zone)
			return f.ClosedPeriods.Explains(day, moved)
		},
	}
	// Kingdee computes amounts from quantities and prices.
	rules.Amount = rules.Quantity && rules.Price
	if form.Money() {
		rules.Amount = f.Compares(form.Lines, form.Amount)
	}
	return rules
}

// OrderOf is an order as a reconciliation compares it: mapped by the flow as it is now.
// parked is why it is parked; "" if it is not.
func OrderOf(f *flow.Flow, opened *flow.Opened, parked string) (reconcile.Order, error) {
	order := reconcile.Order{ID: opened.Order.ID, OnlineOrder: opened.Text(f.Source.Interface.Source.Online), Shop: opened.Order.Shop, Parked: parked}
	if at := opened.Order.ChangedAt; !at.IsZero() {
		order.ChangedOn = beijing.Day(at)
	}
	order.Announced.Quantity, order.Announced.Amount = opened.Announced()
	if f.Form.Form.Money() {
		order.Announced.Quantity = decimal.Zero
	}
	number := opened.Order.BillNumber
	if number == "" {
		// An order that can't be mapped may have a bill from before.
		number, _ = f.NumberOf(order.ID)
	}
	order.Numbers = []string{number}
	if f.Supplements() && number != "" {
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
	if failed := fault.As(err); failed != nil {
		order.Unmapped = failed.Reason
		return order, nil
	}
	if err != nil {
		return order, err
	}
	order.Version = bill.Mark.Version
	date, err := bill.Date()
	if err != nil {
		return order, err
	}
	if !date.IsZero() {
		order.Date = beijing.Day(date)
	}
	order.Customer = bill.Customer()
	for _, l := range bill.Lines() {
		order.Lines = append(order.Lines, reconcile.Line{Item: l.Item, Warehouse: l.Stock, Quantity: l.Quantity, Price: l.TaxPrice, Amount: l.Amount})
	}
	return order, nil
}

// BillsOf are bills as a reconciliation compares them.
func BillsOf(whole []kingdee.WholeBill) []reconcile.Bill {
	bills := make([]reconcile.Bill, len(whole))
	for i, b := range whole {
		mark, _ := flow.FindMark(b.Text)
		bills[i] = reconcile.Bill{
			ID: b.FID, Number: b.Number, Date: b.Date, Status: b.DocumentStatus, Void: b.Void,
			OrderID: mark.OrderID, Version: mark.Version, Customer: b.Customer,
		}
		for _, l := range b.Lines {
			bills[i].Lines = append(bills[i].Lines, reconcile.Line{Item: l.Item, Warehouse: l.Stock, Quantity: l.Quantity, Price: l.TaxPrice, Amount: l.Amount})
		}
	}
	return bills
}
