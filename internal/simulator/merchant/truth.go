package merchant

import (
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

// The reasons for which the built-in flow leaves an order out: the texts of
// its file.
const (
	ReasonRefundOnly      = "仅退款，没有退货 (refund only, no goods came back)"
	ReasonSentOnly        = "没有退回的商品行，只有发出的 (goods sent out only)"
	ReasonNothingReceived = "仓库未收到货 (nothing received yet)"
)

// The reasons for which an order can't be saved.
const (
	ReasonUnknownMaterial   = "unknown_material"   // Kingdee's own error
	ReasonMalformedQuantity = "malformed_quantity" // an r_qty that is no number
	ReasonPriceMissing      = "price_missing"      // absent is not 0: never a gift by mistake
)

// Expectation is what the built-in flow must make of one order.
type Expectation struct {
	Kind    Kind    `json:"kind"`
	Outcome Outcome `json:"outcome"`
	// Reason is the exact reason of a skipped order, and one of
	// ReasonUnknownMaterial, ReasonMalformedQuantity, ReasonPriceMissing for
	// a failed one.
	Reason string `json:"reason,omitempty"`
	// Modified is when the order was modified, Beijing time.
	Modified time.Time `json:"modified"`
	// Bill is the bill of a saved order, as the order is now.
	Bill *Bill `json:"bill,omitempty"`
	// Changed says that the order asked for another bill before it changed.
	// Earlier are the bills that it has asked for before, oldest first. Orders
	// change after their bill was stored, so callers were served what those
	// are made from.
	Changed bool    `json:"changed,omitempty"`
	Earlier []*Bill `json:"earlier,omitempty"`
}

// Bill is the 销售退货单 that must be stored for an order. References are given
// by their numbers.
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
	Quantity   decimal.Decimal `json:"FRealQty"`
	Price      decimal.Decimal `json:"FTaxPrice"`
	Amount     decimal.Decimal `json:"FAmount"`
	Free       bool            `json:"FIsFree"`
	ReturnType string          `json:"FReturnType"`
	OwnerType  string          `json:"FOwnerTypeId"`
	Owner      string          `json:"FOwnerId"`
	Stock      string          `json:"FStockId"`
	// Note is what FNote must contain: the line's asi_id.
	Note string `json:"FNote"`
}

// Truth is the expectation for each order that the customary filter returns,
// by as_id.
type Truth map[string]Expectation

// Truth says what must become of every order, given which materials Kingdee
// knows at the moment. It speaks of the orders as they are now: one that was
// modified again stands there with its new time, and must be saved by a run
// over that.
func (m *Merchant) Truth(known func(material string) bool) Truth {
	m.mu.RLock()
	defer m.mu.RUnlock()
	truth := make(Truth, m.options.Orders)
	for _, o := range m.orders {
		if !o.Customary() {
			continue
		}
		e := o.expectation(known)
		if e.Bill != nil {
			e.Earlier = earlierBills(m.earlier[o.AsID], e.Bill)
			e.Changed = len(e.Earlier) > 0
		}
		truth[o.ID()] = e
	}
	return truth
}

// Between is the part of the truth for orders modified at from or later and
// before to.
func (t Truth) Between(from, to time.Time) Truth {
	part := Truth{}
	for id, e := range t {
		if !e.Modified.Before(from) && e.Modified.Before(to) {
			part[id] = e
		}
	}
	return part
}

// Latest is when the order modified last was modified.
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
}

// Totals adds the truth up.
func (t Truth) Totals() Totals {
	totals := Totals{Orders: len(t), Skipped: map[string]int{}, Failed: map[string]int{}}
	for _, e := range t {
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
	e := Expectation{Kind: o.Kind, Outcome: Skipped, Modified: o.Modified}
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
	e.Outcome = Failed
	switch o.Kind {
	case MalformedQuantity:
		e.Reason = ReasonMalformedQuantity
		return e
	case PriceMissing:
		e.Reason = ReasonPriceMissing
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
		price := line.Price.Decimal
		bill.Lines = append(bill.Lines, Entry{
			Material:   material(line.SKU),
			Quantity:   line.Received,
			Price:      price,
			Amount:     price.Mul(line.Received).Round(2),
			Free:       price.IsZero(),
			ReturnType: ReturnType,
			OwnerType:  OwnerType,
			Owner:      Organisation,
			Stock:      o.Warehouse.Stock,
			Note:       fmt.Sprint(line.AsiID),
		})
	}
	if !received.IsZero() {
		date = received
	}
	bill.Date = date.Format(time.DateOnly)
	return bill
}
