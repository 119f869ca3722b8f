package flow_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
)

// flowOf is a small flow of another source than the built-in one.
func flowOf(t *testing.T, method, key, quantity, amount string) *flow.Flow {
	t.Helper()
	return load(t, strings.NewReplacer("METHOD", method, "KEY", key, "QUANTITY", quantity, "AMOUNT", amount).Replace(`
version: 1
name: other
source:
  method: METHOD
  parameters:
    page_index: "{page_index}"
    modified_begin: "{modified_begin}"
    modified_end: "{modified_end}"
  key: KEY
bill:
  FormId: SAL_RETURNSTOCK
  Operation: batchSave
  lines: item.QUANTITY > 0
  fields:
    FBillNo: { field: KEY }
    FDate: { field: modified }
    FSaleOrgId: { constant: "100" }
    FStockOrgId: { constant: "100" }
    FRetcustId: { field: shop_id }
    FHeadNote: { expression: '"from " + KEY' }
    FEntity:
      FMaterialId: { field: item.sku_id }
      FRealQty: { field: item.QUANTITY }
      FTaxPrice: { expression: "round(item.AMOUNT / item.qty, 6)" }
      FStockId: { field: wms_co_id }
checks:
  leave_out:
    - { when: status == "Cancelled", reason: cancelled }
`), warehousesCSV)
}

// Orders of other sources are picked by their own key and that of their lines, mapped, and
// marked.
func TestOrdersOfOtherSources(t *testing.T) {
	receipts := flowOf(t, "/open/aftersale/received/query", "io_id", "qty", "sale_amount")
	refunds := flowOf(t, "/open/refund/single/query", "as_id", "r_qty", "amount")
	for _, c := range []struct {
		name   string
		flow   *flow.Flow
		record string
		fields string // those that travel
		model  string // of the bill, without its mark
	}{
		{"a receipt without an after-sales order", receipts,
			`{"io_id": 5001, "as_id": null, "shop_id": 77, "wms_co_id": 20001, "status": "Confirmed", "modified": "2024-03-03 10:20:30", "creator_name": "x",
				"items": [{"ioi_id": "1", "sku_id": "A", "qty": 2, "sale_amount": "39.80"}, {"ioi_id": "2", "sku_id": "B", "qty": 0, "sale_amount": 0}]}`,
			`{"io_id": 5001, "shop_id": 77, "wms_co_id": 20001, "status": "Confirmed", "modified": "2024-03-03 10:20:30",
				"items": [{"ioi_id": "1", "sku_id": "A", "qty": 2, "sale_amount": "39.80"}, {"ioi_id": "2", "sku_id": "B", "qty": 0, "sale_amount": 0}]}`,
			`{"FBillNo": "5001", "FDate": "2024-03-03", "FSaleOrgId": {"FNumber": "100"}, "FStockOrgId": {"FNumber": "100"}, "FRetcustId": {"FNumber": "77"}, "FHeadNote": "from 5001",
				"FEntity": [{"FMaterialId": {"FNumber": "A"}, "FRealQty": 2, "FTaxPrice": 19.9, "FStockId": {"FNumber": "20001"}}]}`},
		{"an after-sales order of the open platform", refunds,
			`{"as_id": 6001, "shop_id": 77, "wms_co_id": 20001, "status": "Confirmed", "modified": "2024-03-03 10:20:30",
				"items": [{"asi_id": 9, "sku_id": "A", "qty": 2, "r_qty": 1, "amount": 10}]}`,
			`{"as_id": 6001, "shop_id": 77, "wms_co_id": 20001, "status": "Confirmed", "modified": "2024-03-03 10:20:30",
				"items": [{"asi_id": 9, "sku_id": "A", "qty": 2, "r_qty": 1, "amount": 10}]}`,
			`{"FBillNo": "6001", "FDate": "2024-03-03", "FSaleOrgId": {"FNumber": "100"}, "FStockOrgId": {"FNumber": "100"}, "FRetcustId": {"FNumber": "77"}, "FHeadNote": "from 6001",
				"FEntity": [{"FMaterialId": {"FNumber": "A"}, "FRealQty": 1, "FTaxPrice": 5, "FStockId": {"FNumber": "20001"}}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			order := pick(t, c.flow, c.record)
			require.JSONEq(t, c.fields, string(order.Fields))
			require.Equal(t, "2024-03-03 10:20:30", order.ChangedAt.Format("2006-01-02 15:04:05"))
			opened := c.flow.Open(order)
			require.False(t, opened.Withdrawn())
			bill, err := opened.Bill()
			require.NoError(t, err)
			require.Equal(t, order.ID, bill.Mark.OrderID)
			require.Equal(t, order.BillNumber, bill.Number)
			require.JSONEq(t, c.model, strings.Replace(string(bill.Model), " "+bill.Mark.String(), "", 1))
			number, err := c.flow.NumberOf(order.ID)
			require.NoError(t, err)
			require.Equal(t, bill.Number, number)
			require.Equal(t, []string{order.ID}, c.flow.Keys([]string{bill.Number}))
		})
	}
}

// A message names the line by the source's own key.
func TestAMistakeInAReceiptNamesItsLine(t *testing.T) {
	f := flowOf(t, "/open/aftersale/received/query", "io_id", "qty", "sale_amount")
	opened := f.Open(pick(t, f, `{"io_id": 5001, "shop_id": "77", "wms_co_id": "1", "modified": "2024-03-03 10:20:30", "items": [{"ioi_id": "4", "sku_id": "A", "qty": "two", "sale_amount": 1}]}`))
	_, err := opened.Bill()
	require.ErrorContains(t, err, "order 5001, line 1 (ioi_id 4): ")
}

// Which receipts are withdrawn is the interface's.
func TestWithdrawnBySource(t *testing.T) {
	receipts := flowOf(t, "/open/aftersale/received/query", "io_id", "qty", "sale_amount")
	refunds := flowOf(t, "/open/refund/single/query", "as_id", "r_qty", "amount")
	for _, c := range []struct {
		flow   *flow.Flow
		status string
		want   bool
	}{{receipts, "Cancelled", true}, {receipts, "Archive", false}, {refunds, "Merged", true}, {refunds, "Confirmed", false}} {
		record, err := json.Marshal(map[string]any{c.flow.Source.Key: 1, "status": c.status})
		require.NoError(t, err)
		require.Equal(t, c.want, c.flow.Open(pick(t, c.flow, string(record))).Withdrawn(), c.status)
	}
}

// What a source does not say can't be used.
func TestWhatASourceDoesNotSayIsRefused(t *testing.T) {
	receipts := flowOf(t, "/open/aftersale/received/query", "io_id", "qty", "sale_amount").Files[0].Text
	for name, c := range map[string]struct{ old, new, says string }{
		"damaged pieces":       {"  lines:", "  split_defective: true\n  lines:", "split_defective can't be used with /open/aftersale/received/query"},
		"what has come in":     {"checks:", "options: { existing: supplement }\nchecks:", "existing: supplement can't be used with /open/aftersale/received/query"},
		"another placeholder":  {`"{modified_begin}"`, `"{start_time}"`, `modified_begin is filled in by each call; expected "{modified_begin}"`},
		"too large a page":     {"  key: io_id", "    page_size: \"51\"\n  key: io_id", "expected 1 to 50"},
		"a field of a refund":  {"field: item.sku_id", "field: item.asi_id", "have no field asi_id"},
		"another time":         {"  key: io_id", "    date_type: \"2\"\n  key: io_id", "can't be 2"},
		"a parameter of Qimen": {"  key: io_id", "    start_time: \"x\"\n  key: io_id", "start_time can't be used"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, receipts, c.old)
			_, err := loadText(t, strings.Replace(receipts, c.old, c.new, 1))
			require.ErrorAs(t, err, new(flowfile.Problems))
			require.ErrorContains(t, err, c.says)
		})
	}
}
