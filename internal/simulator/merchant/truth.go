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
	ReasonNewShopNumber     = "unknown_code customers 10009" // where a record has the shop's number alone
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

// Expectation is what a flow must do with one record.
type Expectation struct {
	Kind    Kind    `json:"kind"`
	Outcome Outcome `json:"outcome"`
	// Form is the form of the flow's bills, Number the record's in that form, and Shop the
	// number of its shop.
	Form   string `json:"form"`
	Number string `json:"number"`
	Shop   int64  `json:"shop_id"`
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

// Bill is the bill that must be stored for a record. References are given by number. What
// is empty is not compared.
type Bill struct {
	Form         string `json:"form"`
	Number       string `json:"number"`
	BillType     string `json:"bill_type"`
	Date         string `json:"date"` // yyyy-MM-dd
	Organisation string `json:"organisation"`
	StockOrg     string `json:"stock_organisation,omitempty"`
	SettleOrg    string `json:"settling_organisation,omitempty"`
	Currency     string `json:"currency,omitempty"`
	Customer     string `json:"customer"`
	// HeadNote is what the note begins with.
	HeadNote    string  `json:"note,omitempty"`
	ThirdBillNo string  `json:"third_number,omitempty"`
	Lines       []Entry `json:"lines"`
}

// Entry is one line of a Bill. A line of money has an amount alone.
type Entry struct {
	Material   string          `json:"material,omitempty"`
	Unit       string          `json:"unit,omitempty"`
	Quantity   decimal.Decimal `json:"quantity,omitzero"`
	Price      decimal.Decimal `json:"price,omitzero"`
	TaxRate    decimal.Decimal `json:"tax_rate,omitzero"`
	AllAmount  decimal.Decimal `json:"amount"`
	Free       bool            `json:"free,omitempty"`
	ReturnType string          `json:"return_type,omitempty"`
	OwnerType  string          `json:"owner_type,omitempty"`
	Owner      string          `json:"owner,omitempty"`
	Stock      string          `json:"stock,omitempty"`
	StockState string          `json:"stock_state,omitempty"`
	// Note is what the line's note must contain: its key at the source.
	Note string `json:"note,omitempty"`
}

// Truth is the expectation for each record, by its key.
type Truth map[string]Expectation

// Truth is TruthOf the built-in flow.
func (m *Merchant) Truth(known func(material string) bool) Truth {
	return m.TruthOf(RefundToReturn, known)
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
	e := Expectation{
		Kind: o.Kind, Outcome: Skipped, Form: ReturnForm, Number: o.ID(), Shop: o.Shop.ID, Modified: o.Modified, NotBooked: o.notBooked(),
	}
	if !o.Customary() {
		e.Reason = o.reasonNotCustomary()
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

func (o *Order) reasonNotCustomary() string {
	reasons := map[string]string{StatusCancelled: ReasonCancelled, StatusMerged: ReasonMerged, StatusWaits: ReasonNotConfirmed}
	return cmp.Or(reasons[o.Status], ReasonNotReceived)
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
		Form:         ReturnForm,
		Number:       o.ID(),
		BillType:     BillType,
		Organisation: Organisation,
		StockOrg:     Organisation,
		SettleOrg:    Organisation,
		Currency:     Currency,
		Customer:     o.Shop.Customer,
		HeadNote:     fmt.Sprintf("聚水潭售后单 %s 线上订单 %s", o.ID(), o.SoID),
		ThirdBillNo:  o.OuterAsID,
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
