package merchant

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, Beijing)
	if err != nil {
		panic(err)
	}
	return t
}

func number(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func line(asiID int64, sku, received, price string) Line {
	return Line{AsiID: asiID, Type: lineReturned, SKU: sku, Quantity: number(received), Received: number(received),
		Price: decimal.NewNullDecimal(number(price))}
}

// order is one that all cases start from.
func order(lines ...Line) *Order {
	return &Order{
		Kind: Returned, AsID: 7001, OuterAsID: "R1", SoID: "S1",
		Created: at("2024-02-27 08:00:00"), ConfirmDate: at("2024-03-01 09:00:00"), Modified: at("2024-03-02 10:00:00"),
		Type: TypeReturn, Status: StatusConfirmed, GoodStatus: GoodStatusReceived, Shop: shops[0].Shop, Warehouse: warehouses[1].Warehouse, Lines: lines,
	}
}

func TestBill(t *testing.T) {
	o := order(
		line(1, "TS1001-WH-M", "2", "59.90"),
		line(2, "GIFT-BAG", "1", "0"),
		line(3, "NT6001-KG", "0", "66.66"), // not received
		line(4, "NT6001-KG", "0.05", "66.50"),
	)
	o.Lines = append(o.Lines, Line{AsiID: 5, Sent: true, Type: TypeExchange, SKU: "TS1001-WH-L", Quantity: number("2"), Received: number("2"),
		Price: decimal.NewNullDecimal(number("59.90"))})
	o.Lines[0].ReceiveDate = at("2024-03-01 23:59:59")
	o.Lines[1].ReceiveDate = at("2024-03-02 00:00:01")
	o.Lines[2].ReceiveDate = at("2024-03-02 09:00:00").AddDate(0, 0, 1) // of a line that is not kept
	bill := o.expectation(known).Bill
	require.NotNil(t, bill)

	require.Equal(t, "7001", bill.Number)
	require.Equal(t, "2024-03-02", bill.Date)
	require.Equal(t, "CUST_TMALL", bill.Customer)
	require.Equal(t, "聚水潭售后单 7001 线上订单 S1", bill.HeadNote)
	require.Equal(t, "R1", bill.ThirdBillNo)
	require.Equal(t, []string{"100", "100", "100"}, []string{bill.Organisation, bill.StockOrg, bill.SettleOrg})
	require.Equal(t, []string{"PRE001", "XSTHD01_SYS"}, []string{bill.Currency, bill.BillType})

	type row struct {
		material, quantity, price, amount string
		free                              bool
		note                              string
	}
	var rows []row
	for _, l := range bill.Lines {
		require.Equal(t, []string{"THLX01_SYS", "BD_OwnerOrg", "100", "CK002"}, []string{l.ReturnType, l.OwnerType, l.Owner, l.Stock})
		rows = append(rows, row{l.Material, l.Quantity.String(), l.Price.String(), l.AllAmount.String(), l.Free, l.Note})
	}
	require.Equal(t, []row{
		{"TS1001-WH-M", "2", "59.9", "119.8", false, "1"},
		{"9901", "1", "0", "0", true, "2"},
		{"NT6001-KG", "0.05", "66.6", "3.33", false, "4"}, // 3.325, half away from zero
	}, rows)
}

func TestDateFallsBack(t *testing.T) {
	cases := []struct {
		name              string
		received, confirm string
		want              string
	}{
		{"line's receive_date", "2024-02-29 12:00:00", "2024-03-01 09:00:00", "2024-02-29"},
		{"confirm_date", "", "2024-03-01 09:00:00", "2024-03-01"},
		{"modified", "", "", "2024-03-02"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := order(line(1, "TS1001-WH-M", "1", "59.90"))
			o.ConfirmDate = time.Time{}
			if c.confirm != "" {
				o.ConfirmDate = at(c.confirm)
			}
			if c.received != "" {
				o.Lines[0].ReceiveDate = at(c.received)
			}
			require.Equal(t, c.want, o.expectation(known).Bill.Date)
		})
	}
}

func TestBillMatchesTheRefund(t *testing.T) {
	for _, c := range []struct {
		name, quantity, received, damaged, amount string
		want                                      []string
	}{
		{"less than the price", "2", "2", "0", "30", []string{"2 Pcs × 15 = 30 KCZT01_SYS"}},
		{"received in part", "4", "3", "0", "30", []string{"3 Pcs × 7.5 = 22.5 KCZT01_SYS"}},
		{"what can't be shared out", "3", "3", "0", "10", []string{"3 Pcs × 3.333333 = 10 KCZT01_SYS"}},
		{"damaged in part", "2", "2", "1", "39.81", []string{"1 Pcs × 19.91 = 19.91 KCZT01_SYS", "1 Pcs × 19.9 = 19.9 KCZT08_SYS"}},
		{"all damaged", "2", "2", "2", "30", []string{"2 Pcs × 15 = 30 KCZT08_SYS"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := order(line(1, "TS1001-WH-M", c.received, "59.90"))
			l := &o.Lines[0]
			l.Quantity, l.Damaged, l.Amount = number(c.quantity), number(c.damaged), decimal.NewNullDecimal(number(c.amount))
			var got []string
			for _, e := range o.expectation(known).Bill.Lines {
				got = append(got, fmt.Sprintf("%s %s × %s = %s %s", e.Quantity, e.Unit, e.Price, e.AllAmount, e.StockState))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestMoneyNotBooked(t *testing.T) {
	o := order(line(1, "TS1001-WH-M", "1", "59.90"))
	o.Refund = number("59.90")
	require.Empty(t, o.expectation(known).NotBooked)
	o.Freight = number("8")
	require.Equal(t, map[string]decimal.Decimal{NotBookedFreight: number("8")}, o.expectation(known).NotBooked)
	o.Kind = RefundOnly
	require.Equal(t, map[string]decimal.Decimal{NotBookedFreight: number("8"), NotBookedRefund: number("59.90")}, o.expectation(known).NotBooked)
}

func TestOutcomeByKind(t *testing.T) {
	want := map[Kind]struct {
		outcome Outcome
		reason  string
	}{
		Returned:          {Saved, ""},
		Rejected:          {Saved, ""},
		Other:             {Saved, ""},
		PartlyReceived:    {Saved, ""},
		Gift:              {Saved, ""},
		Combo:             {Saved, ""},
		Exchanged:         {Saved, ""},
		ExchangeSent:      {Skipped, ReasonSentOnly},
		RefundOnly:        {Skipped, ReasonRefundOnly},
		Resent:            {Skipped, ReasonSentOnly},
		NothingReceived:   {Skipped, ReasonNothingReceived},
		UnknownMaterial:   {Failed, ReasonUnknownMaterial},
		MalformedQuantity: {Failed, ReasonMalformedQuantity},
		PriceMissing:      {Failed, ReasonPriceMissing},

		Discounted:         {Saved, ""},
		Damaged:            {Saved, ""},
		RefundOnlyReceived: {Saved, ""},
		NewShop:            {Failed, ReasonNewShop},
		Repair:             {Failed, ReasonRepair},
		UnknownLine:        {Failed, ReasonUnknownLine},
		QuantityMissing:    {Failed, ReasonQuantityMissing},
		WrongGoods:         {Failed, ReasonWrongGoods},
	}
	m := usual()
	truth := m.Truth(known)
	for _, o := range m.Orders() {
		if !o.Customary() {
			continue
		}
		e := truth[o.ID()]
		require.Equal(t, want[e.Kind], struct {
			outcome Outcome
			reason  string
		}{e.Outcome, e.Reason}, e.Kind)
	}
}
