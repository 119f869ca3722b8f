package merchant

import (
	"cmp"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Outcome is what must become of an order.
type Outcome string

// The outcomes.
const (
	Saved   Outcome = "saved"
	Skipped Outcome = "skipped"
	Failed  Outcome = "failed"
)

// The reasons for which the built-in flow skips an order, as in its file.
const (
	ReasonCancelled       = "已作废 (cancelled)"
	ReasonMerged          = "已并入另一单 (merged into another order)"
	ReasonNotConfirmed    = "待确认 (not confirmed)"
	ReasonNotReceived     = "卖家未收到退货 (the seller has not received the goods)"
	ReasonRefundOnly      = "仅退款，没有退货 (refund only, no goods came back)"
	ReasonSentOnly        = "没有退回的商品行，只有发出的 (goods sent out only)"
	ReasonNothingReceived = "仓库未收到货 (nothing received yet)"
)

// The reasons for which an order can't be saved.
const (
	ReasonUnknownMaterial   = "unknown_material" // Kingdee's own error
	ReasonMalformedQuantity = "malformed_value"  // an r_qty that is no number
	ReasonPriceMissing      = "money_missing"    // absent is not 0: never a gift by mistake
	ReasonNewShop           = "unknown_code customers 视频号新店"
	ReasonRepair            = "repair"
	ReasonUnknownLine       = "unknown_line_type"
	ReasonQuantityMissing   = "quantity_missing"
	ReasonWrongGoods        = "received_as_sent"
)

// The reasons for which the built-in flow adds up money that it does not book.
const (
	NotBookedFreight = "运费 (freight)"
	NotBookedRefund  = "没有退货的退款 (money refunded without goods)"
)

// Expectation is what the built-in flow must do with one order.
type Expectation struct {
	Kind    Kind    `json:"kind"`
	Outcome Outcome `json:"outcome"`
	// Reason is the exact reason of a skipped order. For a failed order it is one of the
	// reasons for which it can't be saved.
	Reason string `json:"reason,omitempty"`
	// NotBooked is the order's money that is in no bill, by reason.
	NotBooked map[string]decimal.Decimal `json:"not_booked,omitempty"`
	// Modified is when the order was modified, Beijing time.
	Modified time.Time `json:"modified"`
	// Bill is the bill of a saved order, as the order is now.
	Bill *Bill `json:"bill,omitempty"`
	// Changed says that the order needed another bill before it changed. Earlier are the
	// bills that it needed before, oldest first. Orders change after their bill was
	// stored, so callers have seen the versions behind these bills.
	Changed bool `json:"changed,omitempty"`
	// Withdrawn says that the order needed a bill and no longer does. Then either one of
	// Earlier exists and must be reported to a person, or none does.
	Withdrawn bool    `json:"withdrawn,omitempty"`
	Earlier   []*Bill `json:"earlier,omitempty"`
}

// Bill is the 销售退货单 that must be stored for an order. References are given by number.
type Bill struct {
	Number      string  `json:"FBillNo"`
	BillType    string  `json:"FBillTypeID"`
	Date        string  `json:"FDate"` // yyyy-MM-dd
	SaleOrg     string  `json:"FSaleOrgId"`
	StockOrg    string  `json:"FStockOrgId"`
	SettleOrg   string  `json:"FSettleOrgId"`
	Currency    string  `json:"FSettleCurrId"`
	Customer    string  `json:"FRetcustId"`
	HeadNote    string  `json:"FHeadNote"`
	ThirdBillNo string  `json:"FThirdBillNo"`
	Lines       []Entry `json:"FEntity"`
}

// Entry is one line of a Bill.
type Entry struct {
	Material   string          `json:"FMaterialId"`
	Unit       string          `json:"FUnitID"`
	Quantity   decimal.Decimal `json:"FRealQty"`
	Price      decimal.Decimal `json:"FTaxPrice"`
	TaxRate    decimal.Decimal `json:"FEntryTaxRate"`
	AllAmount  decimal.Decimal `json:"FAllAmount"`
	Free       bool            `json:"FIsFree"`
	ReturnType string          `json:"FReturnType"`
	OwnerType  string          `json:"FOwnerTypeId"`
	Owner      string          `json:"FOwnerId"`
	Stock      string          `json:"FStockId"`
	StockState string          `json:"FStockstatusId"`
	// Note is what FNote must contain: the line's asi_id.
	Note string `json:"FNote"`
}

// Truth is the expectation for each order, by as_id.
type Truth map[string]Expectation

// Truth says what must become of every order as it is now, given which materials Kingdee
// knows. An order that was modified after the first run appears with its new time, and
// must be saved by a run over that time.
func (m *Merchant) Truth(known func(material string) bool) Truth {
	m.mu.RLock()
	defer m.mu.RUnlock()
	truth := make(Truth, len(m.orders))
	for _, o := range m.orders {
		e := o.expectation(known)
		if e.Bill != nil || !o.Customary() {
			e.Earlier = earlierBills(m.earlier[o.AsID], e.Bill)
			e.Changed = e.Bill != nil && len(e.Earlier) > 0
			e.Withdrawn = e.Bill == nil && len(e.Earlier) > 0
		}
		truth[o.ID()] = e
	}
	return truth
}

// Between returns the expectations of orders modified at from or later and before to.
func (t Truth) Between(from, to time.Time) Truth {
	part := Truth{}
	for id, e := range t {
		if !e.Modified.Before(from) && e.Modified.Before(to) {
			part[id] = e
		}
	}
	return part
}

// Latest returns the latest modification time.
func (t Truth) Latest() time.Time {
	var latest time.Time
	for _, e := range t {
		if e.Modified.After(latest) {
			latest = e.Modified
		}
	}
	return latest
}

// Totals counts the orders of a Truth. The three outcomes add up to Orders.
type Totals struct {
	Orders  int            `json:"orders"`
	Saved   int            `json:"saved"`
	Skipped map[string]int `json:"skipped"` // by reason
	Failed  map[string]int `json:"failed"`  // by reason
	// NotBooked is the money that is in no bill, by reason, with two decimal places.
	NotBooked map[string]string `json:"not_booked"`
}

// Totals adds up the truth.
func (t Truth) Totals() Totals {
	totals := Totals{Orders: len(t), Skipped: map[string]int{}, Failed: map[string]int{}, NotBooked: map[string]string{}}
	money := map[string]decimal.Decimal{}
	for _, e := range t {
		for reason, amount := range e.NotBooked {
			money[reason] = money[reason].Add(amount)
			totals.NotBooked[reason] = money[reason].StringFixed(2)
		}
		switch e.Outcome {
		case Saved:
			totals.Saved++
		case Skipped:
			totals.Skipped[e.Reason]++
		case Failed:
			totals.Failed[e.Reason]++
		}
	}
	return totals
}

func (o *Order) expectation(known func(material string) bool) Expectation {
	e := Expectation{Kind: o.Kind, Outcome: Skipped, Modified: o.Modified, NotBooked: o.notBooked()}
	if !o.Customary() {
		e.Reason = map[string]string{StatusCancelled: ReasonCancelled, StatusMerged: ReasonMerged, StatusWaits: ReasonNotConfirmed}[o.Status]
		e.Reason = cmp.Or(e.Reason, ReasonNotReceived)
		return e
	}
	switch o.Kind {
	case RefundOnly:
		e.Reason = ReasonRefundOnly
		return e
	case ExchangeSent, Resent:
		e.Reason = ReasonSentOnly
		return e
	case NothingReceived:
		e.Reason = ReasonNothingReceived
		return e
	}
	e.Outcome, e.Reason = Failed, reasonsOfKinds[o.Kind]
	if e.Reason != "" {
		return e
	}
	bill := o.bill()
	for _, line := range bill.Lines {
		if !known(line.Material) {
			e.Reason = ReasonUnknownMaterial
			return e
		}
	}
	e.Outcome, e.Bill = Saved, bill
	return e
}

// reasonsOfKinds are the kinds whose orders can't be saved.
var reasonsOfKinds = map[Kind]string{
	MalformedQuantity: ReasonMalformedQuantity,
	PriceMissing:      ReasonPriceMissing,
	NewShop:           ReasonNewShop,
	Repair:            ReasonRepair,
	UnknownLine:       ReasonUnknownLine,
	QuantityMissing:   ReasonQuantityMissing,
	WrongGoods:        ReasonWrongGoods,
}

// notBooked is the order's money that is in no bill.
func (o *Order) notBooked() map[string]decimal.Decimal {
	amounts := map[string]decimal.Decimal{}
	if o.Status != StatusConfirmed {
		return amounts
	}
	if !o.Freight.IsZero() {
		amounts[NotBookedFreight] = o.Freight
	}
	if o.Kind == RefundOnly && !o.Refund.IsZero() {
		amounts[NotBookedRefund] = o.Refund
	}
	return amounts
}

func (o *Order) bill() *Bill {
	bill := &Bill{
		Number:      o.ID(),
		BillType:    BillType,
		SaleOrg:     Organisation,
		StockOrg:    Organisation,
		SettleOrg:   Organisation,
		Currency:    Currency,
		Customer:    o.Shop.Customer,
		HeadNote:    fmt.Sprintf("聚水潭售后单 %s 线上订单 %s", o.ID(), o.SoID),
		ThirdBillNo: o.OuterAsID,
	}
	date := o.Modified
	if !o.ConfirmDate.IsZero() {
		date = o.ConfirmDate
	}
	var received time.Time
	for i := range o.Lines {
		line := &o.Lines[i]
		if !line.returned() {
			continue
		}
		if line.ReceiveDate.After(received) {
			received = line.ReceiveDate
		}
		bill.Lines = append(bill.Lines, o.entries(line)...)
	}
	if !received.IsZero() {
		date = received
	}
	bill.Date = date.Format(time.DateOnly)
	return bill
}

// entries are the bill lines for one order line: sound and damaged goods. Together they
// equal the refund for the returned goods.
func (o *Order) entries(line *Line) (entries []Entry) {
	money := line.amount().Mul(line.Received).DivRound(line.Quantity, 2)
	entry := Entry{
		Material:   material(line.SKU),
		Unit:       unit(line.SKU),
		TaxRate:    decimal.RequireFromString(TaxRate),
		Free:       line.amount().IsZero(),
		ReturnType: ReturnType,
		OwnerType:  OwnerType,
		Owner:      Organisation,
		Stock:      o.Warehouse.Stock,
		Note:       fmt.Sprint(line.AsiID),
	}
	add := func(quantity, price decimal.Decimal, state string) {
		entry.Quantity, entry.Price, entry.StockState = quantity, price, state
		entry.AllAmount = quantity.Mul(entry.Price).Round(2)
		entries = append(entries, entry)
	}
	if line.Damaged.IsZero() {
		add(line.Received, line.amount().DivRound(line.Quantity, pricePlaces), stockSound)
		return entries
	}
	sound := line.Received.Sub(line.Damaged)
	share := money.Mul(sound).DivRound(line.Received, 2)
	if sound.IsPositive() {
		add(sound, share.DivRound(sound, pricePlaces), stockSound)
	}
	add(line.Damaged, money.Sub(share).DivRound(line.Damaged, pricePlaces), stockDamaged)
	return entries
}

// pricePlaces is the number of decimal places of a price in Kingdee.
const pricePlaces = 6
