package booking

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
)

// An order and its bill are compared as the flow maps the one and Kingdee holds the other.
func TestReconcilesAnOrderWithItsBill(t *testing.T) {
	f := loadFlow(t)
	line := func(quantity int64, price string) kingdee.Line {
		q, p := decimal.NewFromInt(quantity), decimal.RequireFromString(price)
		return kingdee.Line{Item: "SKU-1", Stock: "CK001", Quantity: q, TaxPrice: p, Amount: q.Mul(p)}
	}
	for _, c := range []struct {
		name   string
		order  map[string]any // changes of a good one
		lines  []kingdee.Line // nil for no bill
		parked string
		want   reconcile.Kind
		reason string
		fields []string // that differ
	}{
		{name: "agrees", lines: []kingdee.Line{line(2, "19.90")}, want: reconcile.Agrees},
		{name: "other quantity", lines: []kingdee.Line{line(1, "19.9")}, want: reconcile.Different, fields: []string{reconcile.FieldQuantity, reconcile.FieldAmount, reconcile.FieldTotal}},
		{name: "missing", want: reconcile.Missing},
		{name: "parked", parked: "unknown_code", want: reconcile.Parked, reason: "unknown_code"},
		{name: "left out", order: map[string]any{"status": "Cancelled"}, want: reconcile.LeftOut, reason: "已作废 (cancelled)"},
		{name: "withdrawn", order: map[string]any{"status": "Cancelled"}, lines: []kingdee.Line{line(2, "19.9")}, want: reconcile.Withdrawn, reason: "已作废 (cancelled)"},
		{name: "unmapped", order: map[string]any{"wms_co_id": json.Number("99999")}, want: reconcile.Unmapped, reason: "unknown_code warehouses 99999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened, err := f.Pick(record(c.order))
			require.NoError(t, err)
			order, err := OrderOf(f, opened, c.parked)
			require.NoError(t, err)
			require.Equal(t, []string{"70001"}, order.Numbers)
			require.Equal(t, "2024-03-01", order.ChangedOn)
			var whole []kingdee.WholeBill
			if c.lines != nil {
				mark := f.Mark(opened.Order)
				if mark.Hash == "" {
					mark.Hash = "0123456789ab"
				}
				whole = []kingdee.WholeBill{{FID: 7, Bill: kingdee.Bill{ID: "7", Number: "70001", DocumentStatus: "A", Date: "2024-03-01", Text: "note " + mark.String()}, Customer: "CUST_TMALL", Lines: c.lines}}
			}
			rows, _ := Rules(f, decimal.Zero).Compare(order, BillsOf(whole))
			require.Len(t, rows, 1)
			var fields []string
			for _, difference := range rows[0].Differences {
				fields = append(fields, difference.Field)
			}
			require.Equal(t, c.want, rows[0].Kind, "%v", rows[0].Differences)
			require.Equal(t, c.reason, rows[0].Reason)
			require.Equal(t, c.fields, fields)
		})
	}
}

// The rules follow the flow: what may differ is not compared, and a bill may have been dated
// to the first open day.
func TestRulesOfAFlow(t *testing.T) {
	r := Rules(loadFlow(t, func(f *flow.Flow) { f.Options.ExpectedDifferences = []string{"FStockId"} }, explicitAudit), decimal.NewFromInt(1))
	require.True(t, r.Quantity && r.Price && r.Customer && r.Date && r.Audited)
	require.False(t, r.Warehouse)
	require.Equal(t, "1", r.Tolerance.String())
	require.False(t, r.Moved("2023-12-30", "2024-01-01"))
	r = Rules(loadFlow(t, func(f *flow.Flow) { f.ClosedPeriods.Then = flow.ClosedFirstOpenDay }), decimal.Zero)
	require.True(t, r.Moved("2023-12-30", "2024-01-01"))
	require.False(t, r.Moved("", "2024-01-02"))
}
