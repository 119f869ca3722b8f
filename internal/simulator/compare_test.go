package simulator

import (
	"slices"
	"strconv"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
)

func wanted() merchant.Truth {
	return merchant.Truth{
		"1": {Outcome: merchant.Saved, Form: merchant.ReturnForm, Number: "1", Bill: &merchant.Bill{
			Form: merchant.ReturnForm, Number: "1", BillType: "T", Date: "2024-03-01", Organisation: "100", StockOrg: "100", SettleOrg: "100", Currency: "PRE001",
			Customer: "C", HeadNote: "note", ThirdBillNo: "R1",
			Lines: []merchant.Entry{{Material: "M", Quantity: decimal.RequireFromString("2"), Price: decimal.RequireFromString("1.5"),
				TaxRate: decimal.RequireFromString("13"), AllAmount: decimal.RequireFromString("3"), Unit: "U", StockState: "S", ReturnType: "RT", OwnerType: "OT", Owner: "100", Stock: "CK", Note: "81"}},
		}},
		"2": {Outcome: merchant.Skipped, Form: merchant.ReturnForm, Number: "2", Reason: "reason"},
		"3": {Outcome: merchant.Failed, Form: merchant.ReturnForm, Number: "3", Reason: merchant.ReasonPriceMissing},
	}
}

// mark1 is the mark that the sync appends to the note of order 1.
const mark1 = " [1@20240301120000#0123456789ab.012345]"

// stored is the expected bill as Kingdee holds it.
func stored() galaxy.Bill {
	return galaxy.Bill{
		Form: merchant.ReturnForm, ID: 100001, Number: "1", Status: "A",
		Fields: map[string]string{
			"FBillTypeID": "T", "FDate": "2024-03-01T00:00:00", "FSaleOrgId": "100", "FStockOrgId": "100", "FRetcustId": "C",
			"FHeadNote": "note" + mark1, "FSettleOrgId": "100", "FSettleCurrId": "PRE001", "FThirdBillNo": "R1",
		},
		Entries: []galaxy.Entry{{ID: 1, Fields: map[string]string{
			"FMaterialId": "M", "FRealQty": "2.00", "FTaxPrice": "1.50", "FEntryTaxRate": "13", "FAllAmount": "3.00", "FUnitID": "U", "FStockstatusId": "S", "FIsFree": "false", "FReturnType": "RT",
			"FOwnerTypeId": "OT", "FOwnerId": "100", "FStockId": "CK", "FNote": "行 81",
		}}},
	}
}

// Kingdee drops such a field without a word, so a bill alone does not show it.
func TestFieldsThatTheFormLacksAreDifferences(t *testing.T) {
	state := State{Kingdee: galaxy.State{Bills: []galaxy.Bill{stored()}, UnknownFields: map[string]int{"fsalechannel": 1}}}
	require.Equal(t, []Difference{{Kind: Unknown, Field: "fsalechannel"}}, Compare(wanted(), state))
}

func TestEveryFieldIsCompared(t *testing.T) {
	require.Empty(t, Compare(wanted(), State{Kingdee: galaxy.State{Bills: []galaxy.Bill{stored()}}}))
	for name := range stored().Fields {
		bill := stored()
		bill.Fields[name] = "other"
		differences := Compare(wanted(), State{Kingdee: galaxy.State{Bills: []galaxy.Bill{bill}}})
		require.Len(t, differences, 1, name)
		require.Equal(t, []string{Different, "1", name, "other"},
			[]string{differences[0].Kind, differences[0].Number, differences[0].Field, differences[0].Got})
	}
	for _, note := range []string{"note", "note [1@20240301120000#0123456789ab]", "note [2@20240301120000#0123456789ab.012345]", "not" + mark1} {
		bill := stored()
		bill.Fields["FHeadNote"] = note
		require.Len(t, Compare(wanted(), State{Kingdee: galaxy.State{Bills: []galaxy.Bill{bill}}}), 1, note)
	}
	for name := range stored().Entries[0].Fields {
		for _, value := range []string{"9", ""} {
			bill := stored()
			bill.Entries[0].Fields[name] = value
			differences := Compare(wanted(), State{Kingdee: galaxy.State{Bills: []galaxy.Bill{bill}}})
			require.Len(t, differences, 1, name)
			require.Equal(t, "FEntity[1]."+name, differences[0].Field)
		}
	}
}

func TestMissingExtraAndDoubleBills(t *testing.T) {
	as := func(number string) galaxy.Bill {
		bill := stored()
		bill.Number = number
		return bill
	}
	twoLines := stored()
	twoLines.Entries = append(twoLines.Entries, twoLines.Entries[0])
	cases := []struct {
		name  string
		bills []galaxy.Bill
		want  []Difference
	}{
		{"missing", nil, []Difference{{Kind: Missing, Form: merchant.ReturnForm, Number: "1"}}},
		{"double", []galaxy.Bill{stored(), stored()}, []Difference{{Kind: Double, Form: merchant.ReturnForm, Number: "1"}}},
		{"of an order to skip", []galaxy.Bill{stored(), as("2")}, []Difference{{Kind: Extra, Form: merchant.ReturnForm, Number: "2"}}},
		{"of an order that can't be saved", []galaxy.Bill{stored(), as("3")}, []Difference{{Kind: Extra, Form: merchant.ReturnForm, Number: "3"}}},
		{"of no order", []galaxy.Bill{stored(), as("9"), as("9")}, []Difference{{Kind: Extra, Form: merchant.ReturnForm, Number: "9"}, {Kind: Extra, Form: merchant.ReturnForm, Number: "9"}}},
		{"of a line more", []galaxy.Bill{twoLines}, []Difference{{Kind: Different, Form: merchant.ReturnForm, Number: "1", Field: "FEntity", Want: "1 lines", Got: "2 lines"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Compare(wanted(), State{Kingdee: galaxy.State{Bills: c.bills}}))
		})
	}
}

// A bill is compared by the roles of its form, and numbers are unique within a form.
func TestBillsOfSeveralForms(t *testing.T) {
	m := merchant.New(merchant.Options{Seed: 1, Orders: 200, From: DefaultFrom, Days: 1})
	known := func(string) bool { return true }
	var truths []merchant.Truth
	for _, f := range []merchant.Flow{merchant.RefundToReturn, merchant.RefundOnlyToOtherReceivable, merchant.RefundOnlyToRefundBill, merchant.SaleoutToOutstock} {
		truths = append(truths, m.TruthOf(f, known))
	}
	truth := merchant.Together(truths...)
	var state State
	forms := map[string]int{}
	for _, e := range truth {
		if e.Bill != nil && (e.Form != merchant.ReturnForm || forms[e.Form] == 0) {
			state.Kingdee.Bills = append(state.Kingdee.Bills, storedAs(e.Bill))
			forms[e.Form]++
		}
	}
	kinds := func() map[string]int {
		kinds := map[string]int{}
		for _, d := range Compare(truth, state) {
			kinds[d.Kind+" "+d.Form]++
		}
		return kinds
	}
	require.Len(t, forms, 4)
	require.Equal(t, map[string]int{"missing SAL_RETURNSTOCK": truth.Totals().Saved - len(state.Kingdee.Bills)}, kinds())
	bill := slices.IndexFunc(state.Kingdee.Bills, func(b galaxy.Bill) bool { return b.Form == merchant.RefundBillForm })
	state.Kingdee.Bills = append(state.Kingdee.Bills, state.Kingdee.Bills[bill])
	require.Equal(t, 1, kinds()["double AR_REFUNDBILL"])
	state.Kingdee.Bills[bill] = storedAs(truth[merchant.RefundBillForm+" "+state.Kingdee.Bills[bill].Number].Bill)
	state.Kingdee.Bills[bill].Entries[0].Fields["FREFUNDAMOUNTFOR"] = "-1"
	require.Equal(t, 1, kinds()["different AR_REFUNDBILL"])
}

// storedAs is a bill that the truth asks for as Kingdee holds it.
func storedAs(want *merchant.Bill) galaxy.Bill {
	form := catalog.All()[want.Form].Form
	got := galaxy.Bill{Form: want.Form, Number: want.Number, Fields: map[string]string{
		form.BillType: want.BillType, form.Date: want.Date + "T00:00:00", form.Organisation: want.Organisation, form.Customer: want.Customer,
		form.Note:     want.HeadNote + " [" + want.Number + "@20240301120000#0123456789ab.012345]",
		"FStockOrgId": want.StockOrg, "FSettleOrgId": want.SettleOrg, "FSettleCurrId": want.Currency, "FThirdBillNo": want.ThirdBillNo,
	}}
	for _, line := range want.Lines {
		got.Entries = append(got.Entries, galaxy.Entry{Fields: map[string]string{
			form.Item: line.Material, form.Quantity: line.Quantity.String(), form.Price: line.Price.String(), form.Amount: line.AllAmount.String(),
			form.Stock: line.Stock, "FUnitID": line.Unit, "FStockstatusId": line.StockState, "FIsFree": strconv.FormatBool(line.Free),
			"FReturnType": line.ReturnType, "FOwnerTypeId": line.OwnerType, "FOwnerId": line.Owner, "FEntryTaxRate": line.TaxRate.String(), "FNote": line.Note,
		}})
	}
	return got
}

func TestDifferenceAsText(t *testing.T) {
	require.Equal(t, "bill 1 of F is missing", Difference{Kind: Missing, Form: "F", Number: "1"}.String())
	require.Equal(t, "no order asks for bill 1 of F", Difference{Kind: Extra, Form: "F", Number: "1"}.String())
	require.Equal(t, "several bills of F have the number 1", Difference{Kind: Double, Form: "F", Number: "1"}.String())
	require.Equal(t, `bill 1 of F: FDate is "a", must be "b"`,
		Difference{Kind: Different, Form: "F", Number: "1", Field: "FDate", Want: "b", Got: "a"}.String())
}
