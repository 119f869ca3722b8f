package flow

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Another choice changes its field alone, keeps table and requirement, and leaves the
// flow that it was made from as it is.
func TestInsteadChangesOneField(t *testing.T) {
	f := builtIn(t)
	order := sampleOrder(t, fields{"shop_id": "10001", "shop_name": "京东专营店"}, wholeLine.with(fields{"amount": 30}), wholeLine.with(fields{"price": nil}))
	for _, test := range []struct {
		field, expression, amount string
		want                      []string
	}{
		{"FTaxPrice", "has(item.amount) ? round(item.amount / item.qty, 6) : item.price", "69.8", []string{"MAT-001 2 × 15 CK001 KCZT01_SYS", "MAT-001 2 × 19.9 CK001 KCZT01_SYS"}},
		{"FTaxPrice", "coalesce(item.price, item.amount)", "119.4", []string{"MAT-001 2 × 19.9 CK001 KCZT01_SYS", "MAT-001 2 × 39.8 CK001 KCZT01_SYS"}},
		{"FStockId", `item.price == 0 ? wms_co_id : "20002"`, "", nil},
		{"FStockId", `"20002"`, "69.8", []string{"MAT-001 2 × 15 CK002 KCZT01_SYS", "MAT-001 2 × 19.9 CK002 KCZT01_SYS"}},
	} {
		t.Run(test.field+" "+test.expression, func(t *testing.T) {
			changed, err := f.Instead(test.field, test.expression)
			require.NoError(t, err)
			bill, err := changed.Open(order).Bill()
			if test.want == nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, bookedAs(t, bill))
			amount, err := bill.Amount()
			require.NoError(t, err)
			require.Equal(t, test.amount, amount.String())
		})
	}
	bill, err := f.Open(order).Bill()
	require.NoError(t, err)
	require.Equal(t, []string{"MAT-001 2 × 15 CK001 KCZT01_SYS", "MAT-001 2 × 19.9 CK001 KCZT01_SYS"}, bookedAs(t, bill))
}

// A field that the flow did not name before is picked by the other choice.
func TestInsteadPicksWhatItNames(t *testing.T) {
	changed, err := builtIn(t).Instead("FHeadNote", "warehouse")
	require.NoError(t, err)
	assert.NotEqual(t, builtIn(t).PickVersion, changed.PickVersion)
	picked, err := changed.Pick(decode(t, `{"as_id": 1, "warehouse": "杭州仓", "remark": "x"}`))
	require.NoError(t, err)
	assert.Contains(t, string(picked.Order.Fields), "杭州仓")
	assert.NotContains(t, string(picked.Order.Fields), "remark")
}

func TestInsteadRefuses(t *testing.T) {
	for _, test := range []struct{ field, expression, why string }{
		{"FBillNo", "so_id", "FBillNo"},
		{"FAmount", "item.amount", "FAmount"},
		{"FEntity", "item.amount", "FEntity"},
		{"FTaxPrice", "item.amuont", "amount"},
		{"FTaxPrice", "item.name", "应为数字"},
		{"FDate", "item.receive_date", "item"},
	} {
		_, err := builtIn(t).Instead(test.field, test.expression)
		require.ErrorContains(t, err, test.why, test.field)
	}
}
