package flow_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
)

// field gives the explanation of a field; line is that of the bill, 0 for the head.
func field(t *testing.T, e flow.Explanation, name string, line int) flow.ExplainedField {
	t.Helper()
	for _, f := range e.Fields {
		if f.Field == name && f.Line == line {
			return f
		}
	}
	require.Fail(t, "no such field", "%s of line %d", name, line)
	return flow.ExplainedField{}
}

func TestExplainsHowAFieldGotItsValue(t *testing.T) {
	const good = `{"as_id": 1, "so_id": "SO1", "shop_name": "x", "wms_co_id": 20001, "remark": "call 138", "modified": "2024-03-04 05:06:07",
		"items": [{"asi_id": 5, "type": "退货", "sku_id": "A", "qty": 2, "r_qty": 2, "price": 3, "receive_date": "2024-03-01 08:00:00"},
			{"asi_id": 6, "type": "换货", "sku_id": "B", "qty": 1, "receive_date": "2024-03-02"}]}`
	for _, test := range []struct {
		name     string
		old, new string // in base.yaml
		order    string // "" for the good one
		field    string
		line     int
		want     flow.ExplainedField
	}{
		{
			name: "constant", field: "FSaleOrgId",
			want: flow.ExplainedField{Place: "head", Label: "销售组织", Value: "100"},
		},
		{
			name: "field of the order", field: "FBillNo",
			want: flow.ExplainedField{Place: "head", Label: "单据编号", Expression: "as_id", Value: "1",
				Reads: []flow.Read{{Name: "as_id", Label: "售后单号", Values: []string{"1"}}}},
		},
		{
			name: "field of the line", field: "FRealQty", line: 1,
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "实退数量", Expression: "item.r_qty", Value: "2",
				Reads: []flow.Read{{Name: "item.r_qty", Label: "实收数量", Values: []string{"2"}}}},
		},
		{
			name: "expression over the lines kept", field: "FDate",
			want: flow.ExplainedField{Place: "head", Label: "日期", Expression: "latest(map(lines, .receive_date))", Value: "2024-03-01",
				Reads: []flow.Read{{Name: "lines.receive_date", Label: "收货时间", Values: []string{"2024-03-01 08:00:00"}}}},
		},
		{
			name: "expression over all lines and the order", field: "FDate",
			old: "latest(map(lines, .receive_date))", new: "coalesce(confirm_date, earliest(map(items, .receive_date)), modified)",
			want: flow.ExplainedField{Place: "head", Label: "日期", Expression: "coalesce(confirm_date, earliest(map(items, .receive_date)), modified)", Value: "2024-03-01",
				Reads: []flow.Read{
					{Name: "confirm_date", Label: "确认时间", Values: []string{""}},
					{Name: "items.receive_date", Label: "收货时间", Values: []string{"2024-03-01 08:00:00", "2024-03-02 00:00:00"}},
					{Name: "modified", Label: "修改时间", Values: []string{"2024-03-04 05:06:07"}},
				}},
		},
		{
			name: "loops within loops", field: "FIsFree", line: 1,
			old: "FIsFree: { expression: item.price == 0 }", new: `FIsFree: { expression: 'any(items, .r_qty == 9 or any(lines, .price == 9)) or item.price == 0' }`,
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "是否赠品", Expression: "any(items, .r_qty == 9 or any(lines, .price == 9)) or item.price == 0", Value: "",
				Wrong: "r_qty（实收数量） is absent",
				Reads: []flow.Read{
					{Name: "lines.price", Label: "单价", Values: []string{"3"}},
					{Name: "items.r_qty", Label: "实收数量", Values: []string{"2", ""}},
					{Name: "item.price", Label: "单价", Values: []string{"3"}},
				}},
		},
		{
			name: "a variable for the lines", field: "FDate",
			old: "latest(map(lines, .receive_date))", new: "let kept = lines; latest(map(kept, .receive_date))",
			want: flow.ExplainedField{Place: "head", Label: "日期", Expression: "let kept = lines; latest(map(kept, .receive_date))", Value: "2024-03-01",
				Reads: []flow.Read{{Name: "lines.receive_date", Label: "收货时间", Values: []string{"2024-03-01 08:00:00"}}}},
		},
		{
			name: "a line by its place", field: "FMaterialId", line: 1,
			old: "{ field: item.sku_id }", new: "{ expression: 'items[1].sku_id' }",
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "物料编码", Expression: "items[1].sku_id", Value: "B",
				Reads: []flow.Read{{Name: "items.sku_id", Label: "商品编码", Values: []string{"A", "B"}}}},
		},
		{
			name: "row of a table", field: "FStockId", line: 1,
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "仓库", Expression: "wms_co_id", Value: "CK001",
				Reads: []flow.Read{{Name: "wms_co_id", Label: "仓库编号", Values: []string{"20001"}}},
				Table: &flow.TableUsed{Name: "warehouses", Code: "20001", By: flow.ByRow}},
		},
		{
			name: "default of a table", field: "FRetcustId",
			want: flow.ExplainedField{Place: "head", Label: "退货客户", Expression: "shop_name", Value: "CUST",
				Reads: []flow.Read{{Name: "shop_name", Label: "店铺名称", Values: []string{"x"}}},
				Table: &flow.TableUsed{Name: "customers", Code: "x", By: flow.ByDefault}},
		},
		{
			name: "code passed on", field: "FRetcustId", old: "default: CUST\n", new: "default: pass\n",
			want: flow.ExplainedField{Place: "head", Label: "退货客户", Expression: "shop_name", Value: "x",
				Reads: []flow.Read{{Name: "shop_name", Label: "店铺名称", Values: []string{"x"}}},
				Table: &flow.TableUsed{Name: "customers", Code: "x", By: flow.ByPass}},
		},
		{
			name: "code without a row", field: "FStockId", line: 1, order: strings.Replace(good, "20001", "30000", 1),
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "仓库", Expression: "wms_co_id",
				Reads: []flow.Read{{Name: "wms_co_id", Label: "仓库编号", Values: []string{"30000"}}},
				Table: &flow.TableUsed{Name: "warehouses", Code: "30000"}, Wrong: "table warehouses has no code “30000” and no default"},
		},
		{
			name: "optional field without a value", field: "FHeadNote", old: "FBillNo: { field: as_id }", new: "FBillNo: { field: as_id }\n    FHeadNote: { field: o_id }",
			want: flow.ExplainedField{Place: "head", Label: "备注", Expression: "o_id", Reads: []flow.Read{{Name: "o_id", Label: "内部订单号", Values: []string{""}}}},
		},
		{
			name: "value about a person", field: "FHeadNote", old: "FBillNo: { field: as_id }", new: "FBillNo: { field: as_id }\n    FHeadNote: { expression: so_id + remark }",
			want: flow.ExplainedField{Place: "head", Label: "备注", Expression: "so_id + remark", Hidden: true, Reads: []flow.Read{
				{Name: "so_id", Label: "线上订单号", Values: []string{"SO1"}}, {Name: "remark", Label: "备注", Hidden: true}}},
		},
		{
			name: "code about a person", field: "FStockId", line: 1, old: "field: wms_co_id", new: "field: remark",
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "仓库", Expression: "remark", Hidden: true,
				Reads: []flow.Read{{Name: "remark", Label: "备注", Hidden: true}},
				Table: &flow.TableUsed{Name: "warehouses"}, Wrong: "table warehouses has no code (not shown) and no default"},
		},
		{
			name: "malformed number", field: "FAmount", line: 1, order: strings.Replace(good, `"price": 3`, `"price": "three"`, 1),
			want: flow.ExplainedField{Place: "FEntity", Line: 1, Label: "金额", Expression: "round(item.price * item.r_qty, 2)",
				Wrong: "price（单价） “three” is not a number",
				Reads: []flow.Read{
					{Name: "item.price", Label: "单价", Values: []string{"price（单价） “three” is not a number"}},
					{Name: "item.r_qty", Label: "实收数量", Values: []string{"2"}},
				}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Contains(t, base(t), test.old)
			f := load(t, strings.Replace(base(t), test.old, test.new, 1), warehousesCSV)
			order := test.order
			if order == "" {
				order = good
			}
			test.want.Field = test.field
			assert.Equal(t, test.want, field(t, f.Open(pick(t, f, order)).Explain(), test.field, test.line))
		})
	}
}

func TestExplainsWhyAnOrderHasNoBill(t *testing.T) {
	withRequire := func(that string) string {
		return strings.Replace(base(t), "  retry:", "  require:\n    - { that: '"+that+"', reason: odd, message: it is odd, advice: look at it }\n  retry:", 1)
	}
	for _, test := range []struct {
		name, flow, order string
		want              flow.Explanation
		reason            string // of the failure
	}{
		{
			name: "left out", flow: base(t), order: `{"as_id": 1, "type": "仅退款"}`,
			want: flow.Explanation{LeftOut: &flow.Condition{Reason: "仅退款", Expression: `type == "仅退款"`,
				Reads: []flow.Read{{Name: "type", Label: "售后类型", Values: []string{"仅退款"}}}}},
		},
		{
			name: "requirement of the order", flow: withRequire(`has(so_id)`), order: `{"as_id": 1}`, reason: "odd",
			want: flow.Explanation{Unmet: &flow.Condition{Reason: "odd", Message: "it is odd", Advice: "look at it", Expression: "has(so_id)",
				Reads: []flow.Read{{Name: "so_id", Label: "线上订单号", Values: []string{""}}}}},
		},
		{
			name: "requirement of each line", flow: withRequire(`item.price > 0`), order: `{"as_id": 1, "items": [{"price": 1}, {"price": 0}]}`, reason: "odd",
			want: flow.Explanation{Unmet: &flow.Condition{Reason: "odd", Message: "it is odd", Advice: "look at it", Expression: "item.price > 0", Line: 2,
				Reads: []flow.Read{{Name: "item.price", Label: "单价", Values: []string{"0"}}}}},
		},
		{
			name: "condition that can't be decided", flow: strings.Replace(base(t), `when: type == "仅退款"`, "when: refund > 0", 1),
			order: `{"as_id": 1}`, reason: "missing_value",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := load(t, test.flow, warehousesCSV)
			e := f.Open(pick(t, f, test.order)).Explain()
			if test.reason != "" {
				require.NotNil(t, fault.As(e.Err))
				assert.Equal(t, test.reason, fault.As(e.Err).Reason)
			} else {
				require.NoError(t, e.Err)
			}
			e.Err = nil
			assert.Equal(t, test.want, e)
		})
	}
}

func TestExplainsWhichLinesAreOnTheBill(t *testing.T) {
	damaged := wholeLine.with(fields{"asi_id": 2, "defective_qty": 1})
	e := builtIn(t).Open(sampleOrder(t, nil, sentLine, damaged)).Explain()
	require.NoError(t, e.Err)
	require.Len(t, e.Lines, 2)
	assert.Empty(t, e.Lines[0].BillLines)
	assert.Equal(t, []flow.Read{{Name: "item.type", Label: "明细类型", Values: []string{"换货"}}, {Name: "item.r_qty", Label: "实收数量", Values: []string{"0"}}}, e.Lines[0].Reads)
	assert.Equal(t, flow.ExplainedLine{Number: 2, ID: "2", BillLines: []int{1, 2}, Reads: e.Lines[1].Reads}, e.Lines[1], "it is split")
}

// What an explanation says is sent is what the bill holds, and explaining changes nothing.
func TestExplanationsAgreeWithTheBill(t *testing.T) {
	f := builtIn(t)
	order := sampleOrder(t, nil, wholeLine, sentLine, wholeLine.with(fields{"asi_id": 3, "defective_qty": 1}))
	before, err := f.Open(order).Bill()
	require.NoError(t, err)
	opened := f.Open(order)
	e := opened.Explain()
	bill, err := opened.Bill()
	require.NoError(t, err)
	assert.Equal(t, before.Model, bill.Model)
	assert.Equal(t, bill.Mark.String(), e.Mark)
	var model map[string]any
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	entries := model["FEntity"].([]any)
	require.Len(t, entries, 3)
	seen := 0
	for _, explained := range e.Fields {
		group := model
		switch explained.Place {
		case "SubHeadEntity":
			group = model["SubHeadEntity"].(map[string]any)
		case "FEntity":
			group = entries[explained.Line-1].(map[string]any)
		}
		value, sent := group[explained.Field]
		assert.Equal(t, sent, explained.Value != "", explained.Field)
		if sent {
			seen++
			raw, err := json.Marshal(value)
			require.NoError(t, err)
			assert.Contains(t, string(raw), explained.Value, explained.Field)
		}
	}
	assert.Equal(t, len(model)-2+len(model["SubHeadEntity"].(map[string]any))+len(entries[0].(map[string]any))*3, seen)
}

func TestExplainsTablesFromKingdee(t *testing.T) {
	f := load(t, strings.Replace(base(t), "  customers:\n    default: CUST\n    values: { 天猫旗舰店: CUST_TMALL }",
		"  customers: { from: kingdee, form: BD_Customer, by: FName, value: FNumber }", 1), warehousesCSV)
	order := pick(t, f, `{"as_id": 1, "shop_name": "x", "wms_co_id": 20001, "items": [{"type": "退货", "sku_id": "A", "r_qty": 2, "price": 3, "receive_date": "2024-03-01"}]}`)
	unread := field(t, f.Open(order).Explain(), "FRetcustId", 0)
	assert.Equal(t, &flow.TableUsed{Name: "customers", Code: "x"}, unread.Table)
	assert.Contains(t, unread.Wrong, "has not been read from Kingdee yet")
	f.KingdeeTables[0].Set(flow.NewTableState([]flow.TableEntry{{Code: "x", Value: "C7"}}))
	read := field(t, f.Open(order).Explain(), "FRetcustId", 0)
	assert.Equal(t, &flow.TableUsed{Name: "customers", Code: "x", By: flow.ByKingdee}, read.Table)
	assert.Equal(t, "C7", read.Value)
}
