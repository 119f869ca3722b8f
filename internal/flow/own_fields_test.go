package flow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
)

// withOwnFields is the base flow with a field of each type in the head, and some in
// the lines.
func withOwnFields(t *testing.T) *flow.Flow {
	t.Helper()
	text := strings.Replace(base(t), "  fields:\n    FBillNo: { field: as_id }\n", `  own_fields:
    head:
      F_ABCD_Text: { type: text, label: 网上订单号 }
      F_ABCD_Shop: { type: base_data }
      F_ABCD_Refund: { type: decimal }
      F_ABCD_Lines: { type: integer }
      F_ABCD_Date: { type: date }
      F_ABCD_Flag: { type: check_box }
    FEntity:
      F_ABCD_Wanted: { type: integer }
      F_ABCD_Remark: { type: text }
  fields:
    FBillNo: { field: as_id }
    F_ABCD_Text: { field: so_id, required: true }
    F_ABCD_Shop: { field: shop_name, table: customers }
    F_ABCD_Refund: { field: refund }
    F_ABCD_Lines: { expression: len(lines) }
    F_ABCD_Date: { field: modified }
    F_ABCD_Flag: { constant: true }
`, 1)
	text = strings.Replace(text, "      FMaterialId:", "      F_ABCD_Wanted: { field: item.qty }\n      F_ABCD_Remark: { field: item.name }\n      FMaterialId:", 1)
	f := load(t, text, warehousesCSV)
	return f
}

const orderWithOwnFields = `{"as_id":1,"so_id":"SO-1","shop_name":"天猫旗舰店","type":"普通退货","refund":"12.50","modified":"2024-03-02 10:11:12",
	"wms_co_id":20001,"items":[{"type":"退货","sku_id":"S","qty":"2.0","r_qty":2,"price":1,"receive_date":"2024-03-01 00:00:00"}]}`

func TestOwnFieldsAreWrittenByTheirTypes(t *testing.T) {
	f := withOwnFields(t)
	bill, err := f.Open(pick(t, f, orderWithOwnFields)).Bill()
	require.NoError(t, err)
	assert.Contains(t, string(bill.Model), `"FBillNo":"1","F_ABCD_Text":"SO-1","F_ABCD_Shop":{"FNumber":"CUST_TMALL"},"F_ABCD_Refund":12.5,`+
		`"F_ABCD_Lines":1,"F_ABCD_Date":"2024-03-02","F_ABCD_Flag":true,"FDate":`)
	assert.Contains(t, string(bill.Model), `"FEntity":[{"F_ABCD_Wanted":2,"FMaterialId":`, "one without a value is left out")
}

func TestOwnFieldsAreListed(t *testing.T) {
	f := withOwnFields(t)
	require.Len(t, f.OwnFields, 8)
	assert.Equal(t, catalog.Field{Name: "F_ABCD_Shop", Chinese: "自定义字段", English: "a field of your own", Type: catalog.Reference, ReferenceKey: "FNumber", Place: catalog.Head}, f.OwnFields[1])
	assert.EqualValues(t, "FEntity", f.OwnFields[6].Place)
	assert.Empty(t, builtIn(t).OwnFields)
}

func TestOwnFieldsWithoutTheRightValue(t *testing.T) {
	for _, test := range []struct {
		name, old, new string
		reason, says   string
	}{
		{"a whole number that is none", `"2.0"`, `2.5`, "malformed_value", "the result “2.5” is not a whole number (needed for F_ABCD_Wanted（自定义字段）)"},
		{"a decimal in words", `"12.50"`, `"two"`, "malformed_value", "refund"},
		{"a required one that is absent", `"so_id":"SO-1",`, ``, "missing_value", "needed for F_ABCD_Text（网上订单号）"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := withOwnFields(t)
			_, err := f.Open(pick(t, f, strings.Replace(orderWithOwnFields, test.old, test.new, 1))).Bill()
			require.ErrorContains(t, err, test.says)
			assert.Equal(t, test.reason, fault.As(err).Reason)
		})
	}
}
