package merchant

import (
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// Flow is a flow that is shipped: what it reads and what it books.
type Flow string

// The flows by their names.
const (
	RefundToReturn              Flow = "refund_to_return"
	RefundToReturnOpen          Flow = "refund_to_return_open"
	ReceiptToReturn             Flow = "receipt_to_return"
	RefundOnlyToOtherReceivable Flow = "refund_only_to_other_receivable"
	RefundOnlyToRefundBill      Flow = "refund_only_to_refund_bill"
	SaleoutToOutstock           Flow = "saleout_to_outstock"
	SaleoutToOutstockOpen       Flow = "saleout_to_outstock_open"
)

// Flows are all flows.
var Flows = []Flow{
	RefundToReturn, RefundToReturnOpen, ReceiptToReturn, RefundOnlyToOtherReceivable, RefundOnlyToRefundBill,
	SaleoutToOutstock, SaleoutToOutstockOpen,
}

// SideBySide are flows that one merchant can run side by side. Not among them are
// receipt_to_return, which would book the goods of refund_to_return a second time, and those
// that book the same documents in another way.
var SideBySide = []Flow{RefundToReturn, RefundToReturnOpen, RefundOnlyToOtherReceivable, SaleoutToOutstock}

// The forms of the flows' bills.
const (
	ReturnForm          = "SAL_RETURNSTOCK"
	OutstockForm        = "SAL_OUTSTOCK"
	OtherReceivableForm = "AR_OtherRecAble"
	RefundBillForm      = "AR_REFUNDBILL"
)

// ReceiptPrefix begins the number of a receipt's bill, which an after-sales order could have
// otherwise.
const ReceiptPrefix = "SH"

// billTypes are the bill types by form.
var billTypes = map[string]string{
	ReturnForm: BillType, OutstockForm: "XSCKD01_SYS", OtherReceivableForm: "QTYSD01_SYS", RefundBillForm: "SKTKDLX01_SYS",
}

// Open reports whether the flow reads the open platform.
func (f Flow) Open() bool {
	return slices.Contains([]Flow{RefundToReturnOpen, ReceiptToReturn, SaleoutToOutstockOpen}, f)
}

// Document is what the flow reads.
func (f Flow) Document() Document {
	switch f {
	case ReceiptToReturn:
		return Receipts
	case SaleoutToOutstock, SaleoutToOutstockOpen:
		return Outbounds
	default:
		return Refunds
	}
}

// The reasons for which the other flows skip a record.
const (
	ReasonNotShipped    = "未出库 (not shipped)"
	ReasonNotRefundOnly = "不是仅退款 (not refund only)"
	ReasonCameBack      = "收到了货，按退货入账 (goods came back, so it is booked as a return)"
)

// TruthOf says what a flow must make of every record as it is now, given which materials
// Kingdee knows. A record that was modified after the first run appears with its new time,
// and must be saved by a run over that time.
//
// The truth is by the keys of the records, which number their bills too, after
// [ReceiptPrefix] for receipts. Refund-only orders are those of type 仅退款
// of which nothing was received; 其他应收单 has their refund as a negative amount, 收款退款单
// as a positive one, dated by confirm_date or else modified. Receipts and outbound orders
// are booked if Confirmed or Archive, dated by io_date, each line with its money / qty to 6
// places as its price: its sale_amount less its share of free_amount, where each line and
// those before it bear their part to the cent.
func (m *Merchant) TruthOf(f Flow, known func(material string) bool) Truth {
	m.mu.Lock()
	defer m.mu.Unlock()
	truth := Truth{}
	switch f {
	case ReceiptToReturn, SaleoutToOutstock, SaleoutToOutstockOpen:
		addTruth(truth, m.made(f.Document()), m.earlierMovements, known, (*Movement).expectation, (*Movement).holds)
	case RefundOnlyToOtherReceivable, RefundOnlyToRefundBill:
		expect := func(o *Order, _ func(string) bool) Expectation { return o.money(f) }
		addTruth(truth, m.orders, m.earlier, known, expect, (*Order).Customary)
	default:
		addTruth(truth, m.orders, m.earlier, known, (*Order).expectation, (*Order).Customary)
	}
	return truth
}

// addTruth adds the expectations of records. Those that do not hold are not to be booked.
func addTruth[R Record](truth Truth, records []R, earlier map[int64][]R, known func(string) bool, expect func(R, func(string) bool) Expectation, holds func(R) bool) {
	for _, r := range records {
		e := expect(r, known)
		if e.Bill != nil || !holds(r) {
			e.Earlier = earlierBills(earlier[r.Key()], e.Bill, expect)
			e.Changed = e.Bill != nil && len(e.Earlier) > 0
			e.Withdrawn = e.Bill == nil && len(e.Earlier) > 0
		}
		truth[strconv.FormatInt(r.Key(), 10)] = e
	}
}

// Together is the truth of several flows that are synced at once. Where an order has a bill
// in several forms, it stands there more than once.
func Together(truths ...Truth) Truth {
	all := Truth{}
	for _, truth := range truths {
		for key, e := range truth {
			if other, ok := all[key]; ok {
				if other.Form == e.Form && other.Outcome == Saved {
					continue
				}
				if other.Form != e.Form {
					key = e.Form + " " + key
				}
			}
			all[key] = e
		}
	}
	return all
}

// Without leaves out the orders of some shops.
func (t Truth) Without(shops []int64) Truth {
	part := Truth{}
	for key, e := range t {
		if !slices.Contains(shops, e.Shop) {
			part[key] = e
		}
	}
	return part
}

// money is what a flow of refund-only orders must do with the order.
func (o *Order) money(f Flow) Expectation {
	e := Expectation{Kind: o.Kind, Outcome: Skipped, Form: RefundBillForm, Number: o.ID(), Shop: o.Shop.ID, Modified: o.Modified}
	amount := o.Refund
	if f == RefundOnlyToOtherReceivable {
		e.Form, amount = OtherReceivableForm, amount.Neg()
	}
	switch {
	case o.Status != StatusConfirmed:
		e.Reason = o.reasonNotCustomary()
		return e
	case o.Kind == RefundOnlyReceived:
		e.Reason = ReasonCameBack
		return e
	case o.Kind != RefundOnly:
		e.Reason = ReasonNotRefundOnly
		return e
	case o.Shop == newShop:
		e.Outcome, e.Reason = Failed, ReasonNewShop
		return e
	}
	date := o.ConfirmDate
	if date.IsZero() {
		date = o.Modified
	}
	e.Outcome, e.Bill = Saved, &Bill{
		Form: e.Form, Number: e.Number, BillType: billTypes[e.Form], Date: date.Format(time.DateOnly),
		Organisation: Organisation, Customer: o.Shop.Customer, Lines: []Entry{{AllAmount: amount}},
	}
	return e
}

// holds reports whether the goods have really moved.
func (m *Movement) holds() bool { return m.Status == StatusConfirmed || m.Status == StatusArchived }

// expectation is what the flow of receipts or of outbound orders must do with the movement.
func (m *Movement) expectation(known func(material string) bool) Expectation {
	e := Expectation{Kind: m.Kind, Outcome: Skipped, Form: OutstockForm, Number: m.ID(), Shop: m.Shop.ID, Modified: m.Modified}
	if m.Of == Receipts {
		e.Form, e.Number = ReturnForm, ReceiptPrefix+m.ID()
	}
	switch {
	case m.Status == StatusCancelled || m.Status == StatusDeleted:
		e.Reason = ReasonCancelled
		return e
	case m.Of == Receipts && !m.holds():
		e.Reason = ReasonNotConfirmed
		return e
	case !m.holds():
		e.Reason = ReasonNotShipped
		return e
	}
	e.Outcome = Failed
	if !m.Freight.IsZero() {
		e.NotBooked = map[string]decimal.Decimal{NotBookedFreight: m.Freight}
	}
	bill := &Bill{
		Form: e.Form, Number: e.Number, BillType: billTypes[e.Form], Date: m.Moved.Format(time.DateOnly),
		Organisation: Organisation, StockOrg: Organisation, Customer: m.Shop.Customer,
	}
	switch {
	case m.Shop == newShop && m.Of == Receipts:
		e.Reason = ReasonNewShopNumber
	case m.Shop == newShop:
		e.Reason = ReasonNewShop
	case m.Of == Receipts && m.Type == TypeRepair:
		e.Reason = ReasonRepair
	}
	money := m.moneyOfLines()
	for i := range m.Lines {
		line := &m.Lines[i]
		entry := Entry{
			Material: material(line.SKU), Quantity: line.Quantity, Price: money[i].DivRound(line.Quantity, pricePlaces),
			TaxRate: decimal.RequireFromString(TaxRate), Free: line.Amount.IsZero(), Stock: m.Warehouse.Stock,
		}
		entry.AllAmount = entry.Quantity.Mul(entry.Price).Round(2)
		if m.Of == Receipts {
			entry.StockState = stockSound
			if m.Part == partDamaged {
				entry.StockState = stockDamaged
			}
		}
		bill.Lines = append(bill.Lines, entry)
		switch {
		case e.Reason != "":
		case !line.Price.Valid:
			e.Reason = ReasonPriceMissing
		case !known(entry.Material):
			e.Reason = ReasonUnknownMaterial
		}
	}
	if e.Reason == "" {
		e.Outcome, e.Bill = Saved, bill
	}
	return e
}

// moneyOfLines is the money of each line less its share of the discount.
func (m *Movement) moneyOfLines() []decimal.Decimal {
	money := make([]decimal.Decimal, len(m.Lines))
	var total, soFar, borne decimal.Decimal
	for _, line := range m.Lines {
		total = total.Add(line.Amount)
	}
	for i, line := range m.Lines {
		money[i] = line.Amount
		if m.Discount.IsZero() {
			continue
		}
		soFar = soFar.Add(line.Amount)
		upTo := m.Discount.Mul(soFar).DivRound(total, 2)
		money[i] = line.Amount.Sub(upTo.Sub(borne))
		borne = upTo
	}
	return money
}
