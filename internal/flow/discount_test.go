package flow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A discount of the whole order is taken off its lines exactly, and never turns a
// line's money negative.
func TestLawOfDiscounts(t *testing.T) {
	f := load(t, strings.Replace(base(t), "  fields:\n", "  discount: { amount: 'coalesce(freight, 0)', from: amount }\n  fields:\n    FHeadNote: { expression: 'text(sum(map(lines, .amount)))' }\n", 1), warehousesCSV)
	rapid.Check(t, func(r *rapid.T) {
		places := rapid.SampledFrom([]int32{2, 4}).Draw(r, "places") // of the discount
		cents := rapid.SliceOfN(rapid.Int64Range(0, 100_000), 1, 20).Draw(r, "cents")
		var total int64
		lines := make([]string, len(cents))
		for i, c := range cents {
			total += c
			lines[i] = fmt.Sprintf(`{"asi_id":%d,"type":"退货","sku_id":"S","qty":1,"r_qty":1,"price":1,"amount":"%s","receive_date":"2024-03-01"}`, i, decimal.New(c, -2))
		}
		discount := decimal.New(rapid.Int64Range(0, total*decimal.New(1, places-2).IntPart()).Draw(r, "discount"), -places)
		order := fmt.Sprintf(`{"as_id":1,"so_id":"SO-1","shop_name":"天猫旗舰店","type":"普通退货","modified":"2024-03-02 10:11:12","wms_co_id":20001,"freight":"%s","items":[%s]}`,
			discount, strings.Join(lines, ","))
		opened := f.Open(pick(t, f, order))
		bill, err := opened.Bill()
		if err != nil {
			r.Fatal(err)
		}
		var model struct{ FHeadNote string }
		if err := json.Unmarshal(bill.Model, &model); err != nil {
			r.Fatal(err)
		}
		net, _, _ := strings.Cut(model.FHeadNote, " ")
		if !decimal.RequireFromString(net).Equal(decimal.New(total, -2).Sub(discount)) {
			r.Fatalf("%s remains of %d cents less %s", net, total, discount)
		}
	})
}

func TestADiscountThatCannotBeRightIsRefused(t *testing.T) {
	f := load(t, strings.Replace(base(t), "  fields:\n", "  discount: { amount: freight, from: amount }\n  fields:\n", 1), warehousesCSV)
	for name, c := range map[string]struct{ order, want string }{
		"more than its lines": {`"freight":2,"items":[{"amount":1,`, "the discount of 2 is not between 0 and what its lines add up to, 1"},
		"negative":            {`"freight":-1,"items":[{"amount":1,`, "the discount of -1 is not between 0"},
		"not there":           {`"items":[{"amount":1,`, "freight"},
		"unreadable":          {`"freight":"x","items":[{"amount":1,`, "freight"},
		"line without amount": {`"freight":1,"items":[{`, "amount"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Open(pick(t, f, `{"as_id":1,"so_id":"SO-1","shop_name":"天猫旗舰店","type":"普通退货","modified":"2024-03-02 10:11:12","wms_co_id":20001,`+
				c.order+`"type":"退货","sku_id":"S","qty":1,"r_qty":1,"price":1,"receive_date":"2024-03-01"}]}`)).Bill()
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
}

func TestABillOfOneLineNeedsNoLinesOfTheOrder(t *testing.T) {
	text := base(t)
	from, to := strings.Index(text, "  lines:"), strings.Index(text, "  fields:")
	text = text[:from] + "  one_line: true\n" + text[to:]
	from = strings.Index(text, "    FEntity:")
	to = from + strings.Index(text[from:], "\noptions")
	if to < from {
		to = from + strings.Index(text[from:], "\nchecks")
	}
	text = text[:from] + "    FEntity:\n      FMaterialId: { constant: REFUND }\n      FRealQty: { constant: 1 }\n      FTaxPrice: { field: refund }\n      FStockId: { constant: CK1 }\n" + text[to:]
	f := load(t, text, warehousesCSV)
	const order = `{"as_id":1,"so_id":"SO-1","shop_name":"天猫旗舰店","type":"仅退款","modified":"2024-03-02 10:11:12","refund":"12.50","items":%s}`
	bill, err := f.Open(pick(t, f, fmt.Sprintf(order, "null"))).Bill()
	require.NoError(t, err)
	assert.Contains(t, string(bill.Model), `"FEntity":[{"FMaterialId":{"FNumber":"REFUND"},"FRealQty":1,"FTaxPrice":12.5,"FStockId":{"FNumber":"CK1"}}]`)
	explained := f.Open(pick(t, f, fmt.Sprintf(order, `[{"asi_id":1},{"asi_id":2}]`))).Explain()
	require.NoError(t, explained.Err)
	assert.Empty(t, explained.Lines, "none of them is on the bill, nor left off it")
}
