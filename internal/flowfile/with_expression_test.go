package flowfile

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

// Another expression changes only its field, keeps table and requirement, and leaves the
// original flow as it is.
func TestWithExpressionChangesOneField(t *testing.T) {
	f := builtIn(t)
	order := pick(t, f, `{"as_id": 1, "type": "普通退货", "modified": "2024-03-03 10:20:30", "shop_name": "京东专营店", "wms_co_id": 20001, "items": [
		{"asi_id": 1, "sku_id": "MAT-001", "type": "退货", "qty": 2, "r_qty": 2, "price": "19.90", "amount": 30, "receive_date": "2024-03-02 18:30:00"},
		{"asi_id": 2, "sku_id": "MAT-001", "type": "退货", "qty": 2, "r_qty": 2, "amount": "39.80", "receive_date": "2024-03-02 18:30:00"}]}`)
	for _, test := range []struct {
		field, expression, amount string
		want                      []string
	}{
		{"FTaxPrice", "has(item.amount) ? round(item.amount / item.qty, 6) : item.price", "69.8", []string{"15 CK001", "19.9 CK001"}},
		{"FTaxPrice", "coalesce(item.price, item.amount)", "119.4", []string{"19.9 CK001", "39.8 CK001"}},
		{"FStockId", `item.price == 0 ? wms_co_id : "20002"`, "", nil},
		{"FStockId", `"20002"`, "69.8", []string{"15 CK002", "19.9 CK002"}},
	} {
		t.Run(test.field+" "+test.expression, func(t *testing.T) {
			changed, err := WithExpression(f, test.field, test.expression)
			require.NoError(t, err)
			bill, err := changed.Open(order).Bill()
			if test.want == nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, bookedAs(t, bill))
			amount := bill.Amount()
			require.Equal(t, test.amount, amount.String())
		})
	}
	bill, err := f.Open(order).Bill()
	require.NoError(t, err)
	require.Equal(t, []string{"15 CK001", "19.9 CK001"}, bookedAs(t, bill))
}

// bookedAs is the price and the warehouse of each line of a bill.
func bookedAs(t *testing.T, bill flow.Bill) (lines []string) {
	t.Helper()
	var model struct {
		FEntity []struct {
			FTaxPrice json.Number
			FStockId  struct{ FNumber string }
		}
	}
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	for _, line := range model.FEntity {
		lines = append(lines, line.FTaxPrice.String()+" "+line.FStockId.FNumber)
	}
	return lines
}

// A field that the flow did not name before is picked for the other expression.
func TestWithExpressionPicksWhatItNames(t *testing.T) {
	changed, err := WithExpression(builtIn(t), "FHeadNote", "warehouse")
	require.NoError(t, err)
	assert.NotEqual(t, builtIn(t).PickVersion, changed.PickVersion)
	picked, err := changed.Pick(decode(t, `{"as_id": 1, "warehouse": "杭州仓", "remark": "x"}`))
	require.NoError(t, err)
	assert.Contains(t, string(picked.Order.Fields), "杭州仓")
	assert.NotContains(t, string(picked.Order.Fields), "remark")
}

func TestWithExpressionRefuses(t *testing.T) {
	for _, test := range []struct{ field, expression, why string }{
		{"FBillNo", "so_id", "FBillNo"},
		{"FAmount", "item.amount", "FAmount"},
		{"FEntity", "item.amount", "FEntity"},
		{"FTaxPrice", "item.amuont", "amount"},
		{"FTaxPrice", "item.name", "should be a number"},
		{"FDate", "item.receive_date", "item"},
	} {
		_, err := WithExpression(builtIn(t), test.field, test.expression)
		require.ErrorContains(t, err, test.why, test.field)
	}
}
