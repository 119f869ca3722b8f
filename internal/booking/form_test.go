package booking

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/tally"
)

func formFlow(t *testing.T, form string) *flow.Flow {
	t.Helper()
	f, err := flowfile.Load("../flow/testdata/forms/" + form + ".yaml")
	require.NoError(t, err)
	return f
}

func TestFormOf(t *testing.T) {
	require.Equal(t, kingdee.BillForm{
		ID: "AR_OtherRecAble", Lines: "FEntity", Number: "FBillNo", Date: "FDATE", Note: "FAR_OtherRemarks", BillType: "FBillTypeID.FNumber",
		Organisation: "FSETTLEORGID.FNumber", Customer: "FCONTACTUNIT.FNumber", Item: "FCOSTID.FNumber", Amount: "FAMOUNTFOR_D",
	}, FormOf(formFlow(t, "AR_OtherRecAble")))
	require.Equal(t, kingdee.BillForm{
		ID: "SAL_OUTSTOCK", Lines: "FEntity", Number: "FBillNo", Date: "FDate", Note: "FNote", BillType: "FBillTypeID.FNumber",
		Organisation: "FSaleOrgId.FNumber", Customer: "FCustomerID.FNumber", Item: "FMaterialID.FNumber", Stock: "FStockID.FNumber",
		Quantity: "FRealQty", Price: "FTaxPrice", Amount: "FAllAmount",
	}, FormOf(formFlow(t, "SAL_OUTSTOCK")))
}

// Bills of money are compared by their amounts, which may be negative.
func TestReconcilesABillOfMoney(t *testing.T) {
	f := formFlow(t, "AR_OtherRecAble")
	opened, err := f.Pick(map[string]any{
		"as_id": "70001", "shop_name": "C1", "modified": "2024-03-02 10:11:12", "as_date": "2024-03-01 09:00:00",
		"items": []any{map[string]any{"asi_id": "1", "sku_id": "P1", "qty": "2", "amount": "15"}},
	})
	require.NoError(t, err)
	order, err := OrderOf(f, opened, "")
	require.NoError(t, err)
	require.True(t, order.Announced.Quantity.IsZero())
	rules := Rules(f, decimal.Zero)
	require.True(t, rules.Amount)
	require.False(t, rules.Quantity || rules.Price || rules.Warehouse)
	for amount, want := range map[string][]string{"-15": nil, "-16": {reconcile.FieldAmount, reconcile.FieldTotal}} {
		rows, _ := rules.Compare(order, BillsOf([]kingdee.WholeBill{{
			FID: 7, Bill: kingdee.Bill{ID: "7", Number: "70001", DocumentStatus: "A", Date: "2024-03-01", Text: f.Mark(opened.Order).String()}, Customer: "C1",
			Lines: []kingdee.Line{{Item: "P1", Amount: decimal.RequireFromString(amount)}},
		}}))
		var fields []string
		for _, difference := range rows[0].Differences {
			fields = append(fields, difference.Field)
		}
		require.Equal(t, want, fields)
		require.Equal(t, "-15", rows[0].Source.Amount.String())
		require.Equal(t, amount, rows[0].Kingdee.Amount.String())
		require.True(t, rows[0].Source.Quantity.IsZero())
	}
}

// Two flows that map alike read the same orders from two sources, with the same numbers.
func TestTheSecondOfTwoFlowsFindsTheFirstsBill(t *testing.T) {
	first := loadFlow(t)
	second := loadFlow(t, func(f *flow.Flow) { f.Name, f.Version = "second", "ffffff000000" })
	ledger := newFakeLedger()
	order := pick(t, first, nil)
	result, err := saveOne(t, first, ledger, order, false, false)
	require.NoError(t, err)
	require.Equal(t, tally.Saved, result.Outcome)
	for _, retried := range []bool{false, true} {
		again, err := saveOne(t, second, ledger, order, true, retried)
		require.NoError(t, err)
		if !retried {
			require.Equal(t, tally.AlreadySaved, again.Outcome)
		}
		require.Equal(t, result.BillNumber, again.BillNumber)
		require.Len(t, ledger.bills[result.BillNumber], 1)
	}
}
