package flow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/testkit/golden"
)

// decode reads a reply as the client does.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var record map[string]any
	require.NoError(t, decoder.Decode(&record))
	return record
}

// pick picks an order and takes it through the workflow's history.
func pick(t testing.TB, f *flow.Flow, record string) contract.Order {
	t.Helper()
	picked, err := f.Pick(decode(t, record))
	require.NoError(t, err)
	return travel(t, picked.Order)
}

// travel takes an order through the workflow's history.
func travel(t testing.TB, order contract.Order) contract.Order {
	t.Helper()
	data, err := json.Marshal(order)
	require.NoError(t, err)
	var arrived contract.Order
	require.NoError(t, json.Unmarshal(data, &arrived))
	assert.True(t, arrived.ChangedAt.Equal(order.ChangedAt))
	return arrived
}

// outcome is what becomes of a sample order, for a golden file.
func outcome(t *testing.T, f *flow.Flow, order contract.Order) string {
	t.Helper()
	var b bytes.Buffer
	write := func(title string, data []byte) {
		b.WriteString("# " + title + "\n")
		require.NoError(t, json.Indent(&b, data, "", "  "))
		b.WriteString("\n")
	}
	data, err := json.Marshal(order)
	require.NoError(t, err)
	write("order", data)
	opened := f.Open(order)
	reason, skip, err := opened.Skip()
	switch {
	case err != nil:
		b.WriteString("# skip: " + describeFault(t, err))
	case skip:
		b.WriteString("# left out: " + reason + "\n")
		return b.String()
	}
	bill, err := opened.Bill()
	if err != nil {
		b.WriteString("# bill: " + describeFault(t, err))
		return b.String()
	}
	assert.Equal(t, bill.Number, order.BillNumber)
	// The version changes with every edit of the flow file, comments included.
	write("bill "+bill.Number, bytes.ReplaceAll(bill.Model, []byte("."+f.Version[:6]+"]"), []byte(".version]")))
	return b.String()
}

func describeFault(t *testing.T, err error) string {
	t.Helper()
	f := fault.As(err)
	require.NotNil(t, f, "%v", err)
	assert.Equal(t, fault.Final, f.Class)
	assert.Empty(t, f.System.String(), "a failure of ours")
	return f.Reason + " " + f.Field + "\n" + f.Err.Error() + "\n" + f.Advice.String() + "\n"
}

func TestTheBuiltInFlowMapsTheSampleOrders(t *testing.T) {
	f := builtIn(t)
	paths, err := filepath.Glob("testdata/orders/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			record, err := os.ReadFile(path)
			require.NoError(t, err)
			got := outcome(t, f, pick(t, f, string(record)))
			golden.Equal(t, "bills/"+name+".txt", got)
			for _, private := range []string{"张三", "13800000000", "buyer-secret", "西湖区", "SF100200300"} {
				assert.NotContains(t, got, private)
			}
		})
	}
}

func TestABillIsTheSameEveryTime(t *testing.T) {
	f := builtIn(t)
	record, err := os.ReadFile("testdata/orders/returned.json")
	require.NoError(t, err)
	order := pick(t, f, string(record))
	first, err := f.Open(order).Bill()
	require.NoError(t, err)
	for range 20 {
		again, err := f.Open(pick(t, builtIn(t), string(record))).Bill()
		require.NoError(t, err)
		require.Equal(t, string(first.Model), string(again.Model))
	}
}

func TestAFlowServesManyGoroutines(t *testing.T) {
	f := builtIn(t)
	record, err := os.ReadFile("testdata/orders/returned.json")
	require.NoError(t, err)
	want, err := f.Open(pick(t, f, string(record))).Bill()
	require.NoError(t, err)
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 50 {
				picked, err := f.Pick(decode(t, string(record)))
				if err != nil {
					return err
				}
				if _, skip, err := picked.Skip(); skip || err != nil {
					return fmt.Errorf("left out: %t, %w", skip, err)
				}
				bill, err := picked.Bill()
				if err != nil {
					return err
				}
				if string(bill.Model) != string(want.Model) {
					return fmt.Errorf("another bill: %s", bill.Model)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

func TestPickKeepsOnlyNamedFields(t *testing.T) {
	f := builtIn(t)
	record, err := os.ReadFile("testdata/orders/returned.json")
	require.NoError(t, err)
	order := pick(t, f, string(record))

	var fields map[string]any
	require.NoError(t, json.Unmarshal(order.Fields, &fields))
	items := fields["items"].([]any)
	delete(fields, "items")
	for name := range fields {
		assert.Contains(t, []string{"as_id", "as_date", "outer_as_id", "so_id", "type", "modified", "confirm_date", "shop_name", "wms_co_id", "status", "good_status", "freight", "refund"}, name)
	}
	for _, item := range items {
		for name := range item.(map[string]any) {
			assert.Contains(t, []string{"asi_id", "sku_id", "name", "properties_value", "type", "qty", "r_qty", "defective_qty", "price", "amount", "receive_date"}, name)
		}
	}
}

// What decides whether an order is left out need not be in its bill, and still tells two
// versions apart.
func TestAnOrderThatIsLeftOutAsksForNoBill(t *testing.T) {
	f := builtIn(t)
	record, err := os.ReadFile("testdata/orders/returned.json")
	require.NoError(t, err)
	order := pick(t, f, string(record))
	leftOut := pick(t, f, strings.Replace(string(record), `"Confirmed"`, `"Cancelled"`, 1))
	require.NotEmpty(t, order.BillHash)
	require.Empty(t, leftOut.BillHash)
	require.Equal(t, order.BillNumber, leftOut.BillNumber)
	require.False(t, order.Same(leftOut))
	require.False(t, leftOut.Same(order))
	require.True(t, leftOut.Same(leftOut))
}

func TestPickRefusesOnlyAnOrderWithoutAKey(t *testing.T) {
	f := builtIn(t)
	for name, record := range map[string]string{
		"no key":          `{"so_id": "SO1", "receiver_name": "张三"}`,
		"null":            `{"as_id": null}`,
		"empty":           `{"as_id": " "}`,
		"a list":          `{"as_id": []}`,
		"a truth":         `{"as_id": true}`,
		"an odd number":   `{"as_id": 1e999}`,
		"no field at all": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Pick(decode(t, record))
			require.True(t, fault.Is(err, fault.Final), "%v", err)
			assert.Equal(t, "missing_value", fault.As(err).Reason)
			assert.Equal(t, "as_id", fault.As(err).Field)
			assert.NotContains(t, err.Error(), "张三")
		})
	}
	for name, record := range map[string]string{
		"key alone":         `{"as_id": 1}`,
		"odd items":         `{"as_id": 1, "items": 5}`,
		"odd line":          `{"as_id": 1, "items": [[1]]}`,
		"odd values":        `{"as_id": 1, "shop_name": [], "modified": {}, "items": [{"r_qty": {}, "price": [], "asi_id": {}}]}`,
		"items that are no": `{"as_id": 1, "items": null}`,
	} {
		t.Run(name, func(t *testing.T) {
			picked, err := f.Pick(decode(t, record))
			require.NoError(t, err)
			assert.Equal(t, "1", picked.Order.ID)
		})
	}
}

// Versions are told apart by modified, whatever the ranges are about.
func TestChangedAtIsModified(t *testing.T) {
	record := `{"as_id": 1, "modified": "2024-03-03 03:00:00", "created": "2024-03-01 01:00:00", "confirm_date": "2024-03-02 02:00:00"}`
	for dateType, want := range map[string]time.Time{
		"0": time.Date(2024, 3, 3, 3, 0, 0, 0, beijing.Zone),
		"1": time.Date(2024, 3, 1, 1, 0, 0, 0, beijing.Zone),
		"2": time.Date(2024, 3, 2, 2, 0, 0, 0, beijing.Zone),
	} {
		f := *builtIn(t)
		f.Source.DateType = dateType
		order := pick(t, &f, record)
		assert.Equal(t, "2024-03-03 03:00:00", order.ChangedAt.Format(time.DateTime), dateType)
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(record), &fields))
		assert.True(t, want.Equal(f.CountedAt(fields)), "date_type %s: %s", dateType, f.CountedAt(fields))
	}
	assert.True(t, pick(t, builtIn(t), `{"as_id": 1}`).ChangedAt.IsZero())
	assert.True(t, pick(t, builtIn(t), `{"as_id": 1, "modified": "昨天"}`).ChangedAt.IsZero())
}

func TestPickFailsOnWhatNoReplyCanHold(t *testing.T) {
	_, err := builtIn(t).Pick(map[string]any{"as_id": "1", "so_id": make(chan int)})
	require.True(t, fault.Is(err, fault.Final))
	assert.ErrorContains(t, err, "order 1: its fields can't be written as JSON")
}

// Each case is one change to testdata/base.yaml and one order.
func TestWhyAnOrderHasNoBill(t *testing.T) {
	for _, test := range []struct {
		name          string
		old, new      string // in base.yaml
		order         string // fields beside those of a good order
		item          string // instead of a good line
		reason, field string
		message       string
	}{
		{
			name: "a code that no table has", order: `"wms_co_id": 30000`,
			reason:  "unknown_code warehouses 30000",
			message: "order 1, line 1 (asi_id 5): table warehouses has no code “30000” and no default (needed for FStockId（仓库）)",
		},
		{
			name: "a code about a person", old: "field: wms_co_id", new: "field: shop_buyer_id", order: `"shop_buyer_id": "张三"`,
			reason:  "unknown_code",
			message: "order 1, line 1 (asi_id 5): table warehouses has no code (not shown) and no default (needed for FStockId（仓库）)",
		},
		{
			name: "a code that is absent and no default", order: `"wms_co_id": null`,
			reason: "missing_value", field: "wms_co_id",
			message: "order 1, line 1 (asi_id 5): wms_co_id（仓库编号） is absent (needed for FStockId（仓库）)",
		},
		{
			name: "no line kept", item: `{"type": "补发", "r_qty": 1}`,
			reason:  "no_lines",
			message: "order 1: none of its lines meets the lines condition",
		},
		{
			name: "a quantity that is absent in a condition without coalesce", item: `{"asi_id": 5, "type": "退货"}`,
			reason: "missing_value", field: "r_qty",
			message: "order 1, line 1 (asi_id 5): r_qty（实收数量） is absent (needed for the lines condition)",
		},
		{
			name: "no customer", old: "FRetcustId: { field: shop_name, table: customers }", new: "FRetcustId: { field: so_id }",
			reason: "missing_value", field: "so_id",
			message: "order 1: so_id（线上订单号） is absent (needed for FRetcustId（退货客户）)",
		},
		{
			name: "no customer out of two fields", old: "FRetcustId: { field: shop_name, table: customers }", new: "FRetcustId: { expression: so_id + o_id }",
			reason: "missing_value", field: "o_id",
			message: "order 1: all of o_id（内部订单号）, so_id（线上订单号） are absent (needed for FRetcustId（退货客户）)",
		},
		{
			name: "no customer out of an expression of its own", old: "FRetcustId: { field: shop_name, table: customers }", new: `FRetcustId: { expression: '""' }`,
			reason:  "missing_value",
			message: "order 1: the text is empty (needed for FRetcustId（退货客户）)",
		},
		{
			name: "a division by nothing", old: `"round(item.price * item.r_qty, 2)"`, new: "item.price / (item.r_qty - 2)",
			reason:  "expression_failed",
			message: "order 1, line 1 (asi_id 5): the divisor is 0 (needed for FAmount（金额）)",
		},
		{
			name: "a line that is not there", old: "{ field: item.sku_id }", new: "{ expression: 'items[1].sku_id' }",
			reason:  "expression_failed",
			message: "order 1, line 1 (asi_id 5): the expression has no result: index out of range: 1 (array length is 1) (needed for FMaterialId（物料编码）)",
		},
		{
			name: "a value of 100 characters", item: `{"asi_id": 5, "type": "退货", "r_qty": "` + strings.Repeat("件", 100) + `"}`,
			reason: "malformed_value", field: "r_qty",
			message: "order 1, line 1 (asi_id 5): r_qty（实收数量） “" + strings.Repeat("件", 40) + "…” is too long for a number (needed for the lines condition)",
		},
		{
			name: "a value that is a truth", item: `{"asi_id": 5, "type": "退货", "r_qty": true}`,
			reason: "malformed_value", field: "r_qty",
			message: "order 1, line 1 (asi_id 5): r_qty（实收数量） “true” is not a number (needed for the lines condition)",
		},
		{
			name: "a value that is a number", item: `{"asi_id": 5, "type": "退货", "r_qty": 1e100}`,
			reason: "malformed_value", field: "r_qty",
			message: "order 1, line 1 (asi_id 5): r_qty（实收数量） “1e100” is too long for a number (needed for the lines condition)",
		},
		{
			name: "a value about a person", old: "field: wms_co_id", new: "field: l_id", order: `"l_id": true`,
			reason: "malformed_value", field: "l_id",
			message: "order 1: l_id（快递单号） (not shown) is not text",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Contains(t, base(t), test.old)
			f := load(t, strings.Replace(base(t), test.old, test.new, 1), warehousesCSV)
			item := `{"asi_id": 5, "type": "退货", "sku_id": "A", "r_qty": 2, "price": 3, "receive_date": "2024-03-01"}`
			if test.item != "" {
				item = test.item
			}
			record := `{"as_id": 1, "shop_name": "x", "wms_co_id": 20001, "items": [` + item + `]`
			if test.order != "" {
				record += ", " + test.order
			}
			_, err := f.Open(pick(t, f, record+"}")).Bill()
			failed := fault.As(err)
			require.NotNil(t, failed, "%v", err)
			assert.Equal(t, fault.Final, failed.Class)
			assert.Equal(t, test.reason, failed.Reason)
			assert.Equal(t, test.field, failed.Field)
			assert.Equal(t, test.message, failed.Err.Error())
			assert.NotEmpty(t, failed.Advice)
		})
	}
}

func TestAPreconditionThatCannotBeDecidedFails(t *testing.T) {
	f := load(t, strings.Replace(base(t), `when: type == "仅退款"`, "when: refund > 0", 1), warehousesCSV)
	_, skip, err := f.Open(pick(t, f, `{"as_id": 1}`)).Skip()
	assert.False(t, skip)
	require.NotNil(t, fault.As(err))
	assert.Equal(t, "order 1: refund（应退金额） is absent (needed for leave_out “仅退款”)", fault.As(err).Err.Error())
}

func TestHowFieldsGetTheirValues(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"constant number", "FRealQty: { field: item.r_qty }", "FRealQty: { constant: 12.50 }", `"FRealQty":12.5`},
		{"constant number below nothing", "FRealQty: { field: item.r_qty }", "FRealQty: { constant: -3 }", `"FRealQty":-3`},
		{"constant bool", "FIsFree: { expression: item.price == 0 }", "FIsFree: { constant: true }", `"FIsFree":true`},
		{"constant date", `{ expression: "latest(map(lines, .receive_date))" }`, "{ constant: 2024-02-29 }", `"FDate":"2024-02-29"`},
		{"constant text", "FBillNo: { field: as_id }", "FBillNo: { field: as_id }\n    FHeadNote: { constant: '<a> & \"b\"' }", `"FHeadNote":"<a> & \"b\""`},
		{"constant text in a block", "FBillNo: { field: as_id }", "FBillNo: { field: as_id }\n    FHeadNote:\n      constant: |-\n        one\n        two", `"FHeadNote":"one two"`},
		{"text as a reference", "FMaterialId: { field: item.sku_id }", "FMaterialId: { field: item.sku_id }", `"FMaterialId":{"FNumber":"A"}`},
		{"bill type", "FBillNo: { field: as_id }", "FBillNo: { field: as_id }\n    FBillTypeID: { field: type }", `"FBillTypeID":{"FNUMBER":"普通退货"}`},
		{"contact", "FBillNo: { field: as_id }", "FBillNo: { field: as_id }\n    FReceiveCusContact: { constant: 客服 }", `"FReceiveCusContact":{"FNAME":"客服"}`},
		{"count as a number", "FRealQty: { field: item.r_qty }", "FRealQty: { expression: len(lines) }", `"FRealQty":1`},
		{"table row", "shop_name: x", "shop_name: x", `"FRetcustId":{"FNumber":"CUST"}`},
		{"table of a computed code", "{ field: shop_name, table: customers }", `{ expression: '"天猫" + "旗舰店"', table: customers }`, `"FRetcustId":{"FNumber":"CUST_TMALL"}`},
		{"table with pass", "default: CUST\n", "default: pass\n", `"FRetcustId":{"FNumber":"x"}`},
		{"table from a file", "field: wms_co_id", "field: wms_co_id", `"FStockId":{"FNumber":"CK001"}`},
		{"date of a line", "FAmount:", "FDeliveryDate: { field: item.receive_date }\n      FAmount:", `"FDeliveryDate":"2024-03-01"`},
		{"number as text", "FBillNo: { field: as_id }", "FBillNo: { field: as_id }\n    FHeadNote: { expression: 'text(sum(map(lines, .price)))' }", `"FHeadNote":"3"`},
		{"field of the order in a line", "FAmount:", "FNote: { field: as_id }\n      FAmount:", `"FNote":"1"`},
		{"what is left out", "FAmount:", "FNote: { field: so_id }\n      FPrice: { field: refund }\n      FAmount:", `"FRealQty":2,"FAmount":6`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := load(t, strings.Replace(base(t), test.old, test.new, 1), warehousesCSV)
			bill, err := f.Open(pick(t, f, `{"as_id": 1, "type": "普通退货", "shop_name": "x", "wms_co_id": 20001,
				"items": [{"type": "退货", "sku_id": "A", "r_qty": 2, "price": 3, "receive_date": "2024-03-01 23:59:59"}]}`)).Bill()
			require.NoError(t, err)
			assert.Contains(t, strings.Replace(string(bill.Model), " "+bill.Mark.String(), "", 1), test.want)
		})
	}
}

func TestAnOrderThatIsNoJSONFails(t *testing.T) {
	f := builtIn(t)
	opened := f.Open(contract.Order{ID: "1", Fields: json.RawMessage(`{"as_id"`)})
	_, _, err := opened.Skip()
	assert.True(t, fault.Is(err, fault.Final))
	_, err = opened.Bill()
	assert.True(t, fault.Is(err, fault.Final))
}
