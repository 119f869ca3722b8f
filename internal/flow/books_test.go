package flow_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
)

// fields are those of an order or of one of its lines.
type fields map[string]any

// with gives the fields with some changed; nil removes one.
func (f fields) with(others fields) fields {
	changed := maps.Clone(f)
	maps.Copy(changed, others)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// wholeLine has 2 pieces for 39.80 that all came back.
var wholeLine = fields{
	"asi_id": 1, "sku_id": "MAT-001", "name": "T恤", "properties_value": "白色;M", "type": "退货", "qty": 2, "r_qty": 2, "defective_qty": 0,
	"price": "19.90", "amount": "39.80", "receive_date": "2024-03-02 18:30:00",
}

// sentLine is of goods sent to the buyer.
var sentLine = wholeLine.with(fields{"asi_id": 9, "sku_id": "MAT-002", "type": "换货", "r_qty": 0})

func sampleOrder(t *testing.T, header fields, lines ...fields) contract.Order {
	t.Helper()
	raw, err := json.Marshal(fields{
		"as_id": 81000001, "outer_as_id": "T1", "so_id": "SO1", "type": "普通退货", "status": "Confirmed", "good_status": "SELLER_RECEIVED",
		"modified": "2024-03-03 10:20:30", "confirm_date": "2024-03-02 12:00:00", "shop_name": "天猫旗舰店", "wms_co_id": 20001, "refund": "39.80",
		"items": lines,
	}.with(header))
	require.NoError(t, err)
	return pick(t, builtIn(t), string(raw))
}

// bookedAs shows a bill's lines: material, quantity, price, warehouse and stock status.
func bookedAs(t *testing.T, bill flow.Bill) (lines []string) {
	t.Helper()
	var model struct {
		FEntity []struct {
			FMaterialId, FStockId, FStockstatusId struct{ FNumber string }
			FRealQty, FTaxPrice                   json.Number
			FIsFree                               bool
		}
	}
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	for _, line := range model.FEntity {
		text := fmt.Sprintf("%s %s × %s %s %s", line.FMaterialId.FNumber, line.FRealQty, line.FTaxPrice, line.FStockId.FNumber, line.FStockstatusId.FNumber)
		if line.FIsFree {
			text += " free"
		}
		lines = append(lines, text)
	}
	return lines
}

// The built-in flow makes a bill of an order, leaves it out or parks it, and never silently
// drops goods that came back.
func TestWhatBecomesOfAnOrder(t *testing.T) {
	const sound, damaged = "KCZT01_SYS", "KCZT08_SYS"
	refundOnly := fields{"type": "仅退款"}
	for _, test := range []struct {
		name    string
		header  fields
		lines   []fields
		booked  []string
		leftOut string
		parked  string
	}{
		{name: "received in full", lines: []fields{wholeLine}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "cancelled", header: fields{"status": "Cancelled"}, lines: []fields{wholeLine}, leftOut: "已作废 (cancelled)"},
		{name: "of a status that is not known", header: fields{"status": "Archive"}, lines: []fields{wholeLine}, parked: "unknown_status"},
		{name: "of goods of a status that is not known", header: fields{"good_status": "LOST"}, lines: []fields{wholeLine}, parked: "unknown_good_status"},
		{name: "received in part", lines: []fields{wholeLine.with(fields{"r_qty": 1})}, booked: []string{"MAT-001 1 × 19.9 CK001 " + sound}},

		{name: "refunded with less than the price", lines: []fields{wholeLine.with(fields{"price": 100, "amount": 150})}, booked: []string{"MAT-001 2 × 75 CK001 " + sound}},
		{name: "refunded with what can't be shared out", lines: []fields{wholeLine.with(fields{"qty": 3, "r_qty": 3, "amount": "10.00"})}, booked: []string{"MAT-001 3 × 3.333333 CK001 " + sound}},
		{name: "a price of 0 with an amount", lines: []fields{wholeLine.with(fields{"price": 0})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "an amount without a price", lines: []fields{wholeLine.with(fields{"price": nil})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "a price without an amount", lines: []fields{wholeLine.with(fields{"amount": nil})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "a gift", lines: []fields{wholeLine.with(fields{"price": 0, "amount": 0})}, booked: []string{"MAT-001 2 × 0 CK001 " + sound + " free"}},
		{name: "a price of 0 without an amount", lines: []fields{wholeLine.with(fields{"price": 0, "amount": nil})}, parked: "money_missing"},
		{name: "a price with an amount of 0", lines: []fields{wholeLine.with(fields{"amount": 0})}, parked: "money_missing"},
		{name: "an amount of 0 without a price", lines: []fields{wholeLine.with(fields{"amount": 0, "price": nil})}, parked: "money_missing"},
		{name: "neither price nor amount", lines: []fields{wholeLine.with(fields{"amount": nil, "price": nil})}, parked: "money_missing"},
		{name: "a negative price", lines: []fields{wholeLine.with(fields{"price": -5})}, parked: "negative_money"},
		{name: "a negative amount", lines: []fields{wholeLine.with(fields{"amount": -10})}, parked: "negative_money"},
		{name: "an amount in words", lines: []fields{wholeLine.with(fields{"amount": "三十"})}, parked: "malformed_value"},
		{name: "an amount without a quantity to share it", lines: []fields{wholeLine.with(fields{"qty": nil})}, parked: "missing_value"},

		{name: "no quantity", lines: []fields{wholeLine.with(fields{"r_qty": nil})}, parked: "quantity_missing"},
		{name: "no quantity of the second line", lines: []fields{wholeLine, wholeLine.with(fields{"r_qty": nil})}, parked: "quantity_missing"},
		{name: "a negative quantity", lines: []fields{wholeLine, wholeLine.with(fields{"r_qty": -1})}, parked: "quantity_wrong"},
		{name: "a negative quantity alone", lines: []fields{wholeLine.with(fields{"r_qty": -1})}, parked: "quantity_wrong"},
		{name: "more than announced", lines: []fields{wholeLine.with(fields{"r_qty": 3})}, parked: "quantity_wrong"},
		{name: "nothing received", lines: []fields{wholeLine.with(fields{"r_qty": 0})}, leftOut: "仓库未收到货 (nothing received yet)"},
		{name: "nothing received of an exchange", header: fields{"type": "换货"}, lines: []fields{wholeLine.with(fields{"r_qty": 0}), sentLine.with(fields{"r_qty": nil})}, leftOut: "仓库未收到货 (nothing received yet)"},
		{name: "no lines at all", lines: []fields{}, parked: "no_lines"},

		{name: "refund only", header: refundOnly, lines: []fields{wholeLine.with(fields{"r_qty": 0})}, leftOut: "仅退款，没有退货 (refund only, no goods came back)"},
		{name: "refund only without lines", header: fields{"type": "仅退款", "items": ""}, leftOut: "仅退款，没有退货 (refund only, no goods came back)"},
		{name: "refund only with goods", header: refundOnly, lines: []fields{wholeLine}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "refund only and no quantity", header: refundOnly, lines: []fields{wholeLine.with(fields{"r_qty": nil})}, parked: "quantity_missing"},
		{name: "repair", header: fields{"type": "维修"}, lines: []fields{wholeLine}, parked: "repair"},
		{name: "repair not received", header: fields{"type": "维修"}, lines: []fields{wholeLine.with(fields{"r_qty": 0})}, leftOut: "仓库未收到货 (nothing received yet)"},

		{name: "exchange", header: fields{"type": "换货"}, lines: []fields{wholeLine, sentLine}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "exchange with the quantity copied", header: fields{"type": "换货"}, lines: []fields{wholeLine, sentLine.with(fields{"r_qty": 2})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "received under the line sent", header: fields{"type": "换货"}, lines: []fields{wholeLine.with(fields{"r_qty": 0}), sentLine.with(fields{"r_qty": 1})}, parked: "received_as_sent"},
		{name: "received in part, and under the line sent", header: fields{"type": "换货"}, lines: []fields{wholeLine.with(fields{"r_qty": 1}), sentLine.with(fields{"r_qty": 1})}, parked: "received_as_sent"},
		{name: "only a line sent, received", header: fields{"type": "换货"}, lines: []fields{sentLine.with(fields{"r_qty": 1})}, parked: "received_as_sent"},
		{name: "only lines sent", header: fields{"type": "补发"}, lines: []fields{sentLine, sentLine.with(fields{"type": "补发", "r_qty": nil})}, leftOut: "没有退回的商品行，只有发出的 (goods sent out only)"},
		{name: "a line of an unknown kind beside another", lines: []fields{wholeLine, wholeLine.with(fields{"type": "退货换新"})}, parked: "unknown_line_type"},
		{name: "a line of an unknown kind alone", lines: []fields{wholeLine.with(fields{"type": "退货换新"})}, parked: "unknown_line_type"},
		{name: "a line of an unknown kind that was not received", lines: []fields{wholeLine, wholeLine.with(fields{"type": "退货换新", "r_qty": 0})}, parked: "unknown_line_type"},
		{name: "another spelling of a kind", lines: []fields{wholeLine.with(fields{"type": "其他"})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},

		{name: "damaged in part", lines: []fields{wholeLine.with(fields{"defective_qty": 1, "amount": "39.81"})}, booked: []string{"MAT-001 1 × 19.91 CK001 " + sound, "MAT-001 1 × 19.9 CK001 " + damaged}},
		{name: "all damaged", lines: []fields{wholeLine.with(fields{"defective_qty": 2})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + damaged}},
		{name: "damaged in part, received in part", lines: []fields{wholeLine.with(fields{"qty": 4, "r_qty": 3, "defective_qty": 1, "amount": "40"})}, booked: []string{"MAT-001 2 × 10 CK001 " + sound, "MAT-001 1 × 10 CK001 " + damaged}},
		{name: "damaged, without an amount", lines: []fields{wholeLine.with(fields{"defective_qty": 1, "amount": nil})}, booked: []string{"MAT-001 1 × 19.9 CK001 " + sound, "MAT-001 1 × 19.9 CK001 " + damaged}},
		{name: "more damaged than received", lines: []fields{wholeLine.with(fields{"defective_qty": 3})}, parked: "malformed_value"},
		{name: "damaged in words", lines: []fields{wholeLine.with(fields{"defective_qty": "一件"})}, parked: "malformed_value"},

		{name: "a shop in full width, with what is not seen", header: fields{"shop_name": "\u3000天猫旗舰店\u200b"}, lines: []fields{wholeLine}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound}},
		{name: "a new shop", header: fields{"shop_name": "视频号新店"}, lines: []fields{wholeLine}, parked: "unknown_code customers 视频号新店"},
		{name: "a new warehouse", header: fields{"wms_co_id": 29999}, lines: []fields{wholeLine}, parked: "unknown_code warehouses 29999"},
		{name: "no shop", header: fields{"shop_name": nil}, lines: []fields{wholeLine}, parked: "missing_value"},
		{name: "no warehouse", header: fields{"wms_co_id": nil}, lines: []fields{wholeLine}, parked: "missing_value"},
		{name: "a new shop without goods", header: fields{"type": "仅退款", "shop_name": "视频号新店"}, lines: []fields{wholeLine.with(fields{"r_qty": 0})}, leftOut: "仅退款，没有退货 (refund only, no goods came back)"},
		{name: "received in two months", lines: []fields{wholeLine, wholeLine.with(fields{"receive_date": "2024-02-29 10:00:00"})}, parked: "two_months"},
		{name: "one line without a date", lines: []fields{wholeLine, wholeLine.with(fields{"receive_date": "0001-01-01 00:00:00"})}, booked: []string{"MAT-001 2 × 19.9 CK001 " + sound, "MAT-001 2 × 19.9 CK001 " + sound}},
	} {
		t.Run(test.name, func(t *testing.T) {
			opened := builtIn(t).Open(sampleOrder(t, test.header, test.lines...))
			reason, skip, err := opened.Skip()
			require.NoError(t, err)
			require.Equal(t, test.leftOut, reason)
			require.Equal(t, test.leftOut != "", skip)
			if skip {
				return
			}
			bill, err := opened.Bill()
			if test.parked == "" {
				require.NoError(t, err)
				require.Equal(t, test.booked, bookedAs(t, bill))
				return
			}
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, test.parked, f.Reason, f.Error())
			require.Equal(t, fault.Final, f.Class)
			require.NotEmpty(t, f.Advice.String())
			require.ErrorContains(t, err, "81000001")
		})
	}
}

// The failure of a code without a row shows the line to add, in the form of its table.
func TestAnUnknownCodeIsToldWithTheLineToAdd(t *testing.T) {
	for _, test := range []struct {
		name        string
		header      fields
		place, line string
	}{
		{"a table of the flow file", fields{"shop_name": "视频号\u200b新店 \"A\""}, "tables.customers.values", `"视频号新店 \"A\"": "<Kingdee's code>"`},
		{"a table of a file", fields{"wms_co_id": "2,9"}, "tables/warehouses.csv", `"2,9",<Kingdee's code>,`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := builtIn(t).Open(sampleOrder(t, test.header, wholeLine)).Bill()
			require.NotNil(t, fault.As(err))
			assert.Contains(t, fault.As(err).Advice.String(), test.place)
			assert.True(t, strings.HasSuffix(fault.As(err).Advice.String(), test.line), fault.As(err).Advice.String())
		})
	}
}

// The note of a line shows the refund if that is not the price.
func TestALineSaysWhatWasRefunded(t *testing.T) {
	for want, line := range map[string]fields{
		"1 T恤 白色;M": wholeLine,
		"1 售价 19.9 × 2，退款 30 T恤 白色;M": wholeLine.with(fields{"amount": "30.00"}),
	} {
		bill, err := builtIn(t).Open(sampleOrder(t, nil, line)).Bill()
		require.NoError(t, err)
		assert.Contains(t, string(bill.Model), `"FNote":"`+want+`"`)
	}
}

func TestNotesOfLinesAreCut(t *testing.T) {
	bill, err := builtIn(t).Open(sampleOrder(t, nil, wholeLine.with(fields{"name": strings.Repeat("名", 300)}))).Bill()
	require.NoError(t, err)
	var model struct{ FEntity []struct{ FNote string } }
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	assert.Equal(t, 255, lengthInUTF16(model.FEntity[0].FNote))
	assert.True(t, strings.HasSuffix(model.FEntity[0].FNote, "名…"))
}

func TestControlCharactersAreInNoText(t *testing.T) {
	for raw, want := range map[string]string{
		"尺码\n偏小\t大":             "尺码 偏小 大",
		"a\x00b\x1f\x7f\u0085c": "abc",
		"a\r\nb":                "a b",
	} {
		bill, err := builtIn(t).Open(sampleOrder(t, fields{"outer_as_id": raw}, wholeLine.with(fields{"name": raw}))).Bill()
		require.NoError(t, err)
		assert.Contains(t, string(bill.Model), `"FThirdBillNo":"`+want+`"`)
		assert.Contains(t, string(bill.Model), `"FNote":"1 `+want+` 白色;M"`)
	}
}

// An order comes with the money that no bill holds, by reason.
func TestWhatIsNotBookedIsToldWithTheOrder(t *testing.T) {
	nothing := wholeLine.with(fields{"r_qty": 0})
	const freight, refund = "运费 (freight)", "没有退货的退款 (money refunded without goods)"
	for _, test := range []struct {
		name   string
		header fields
		line   fields
		want   map[string]string
	}{
		{"none", nil, wholeLine, map[string]string{}},
		{"a freight of 0", fields{"freight": "0.00"}, wholeLine, map[string]string{}},
		{"freight", fields{"freight": "8.50"}, wholeLine, map[string]string{freight: "8.5"}},
		{"money without goods", fields{"type": "仅退款"}, nothing, map[string]string{refund: "39.8"}},
		{"both", fields{"type": "仅退款", "freight": 8}, nothing, map[string]string{refund: "39.8", freight: "8"}},
		{"money with goods", fields{"type": "仅退款"}, wholeLine, map[string]string{}},
		{"of a cancelled order", fields{"status": "Cancelled", "freight": 8}, wholeLine, map[string]string{}},
		{"freight in words", fields{"freight": "八元"}, wholeLine, map[string]string{freight + " (amount unreadable)": "0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := map[string]string{}
			for reason, amount := range sampleOrder(t, test.header, test.line).NotBooked {
				got[reason] = amount.String()
			}
			require.Equal(t, test.want, got)
		})
	}
}

// Groups of fields within a line: flex fields, a location, serial numbers, the link to
// the line of the source bill.
func TestGroupsWithinALine(t *testing.T) {
	text := strings.Replace(base(t), "      FIsFree:", `      FAuxpropId:
        FAUXPROPID__FF100001: { field: item.properties_value }
      FStocklocId:
        FSTOCKLOCID__FF100002: { constant: A-01 }
      FSerialSubEntity:
        FSerialNo: { field: item.shop_sku_id }
      FEntity_Link:
        FEntity_Link_FRuleId: { constant: OutStock-SalReturnStock }
        FEntity_Link_FBaseunitQty: { field: item.r_qty }
      FIsFree:`, 1)
	f := load(t, text, warehousesCSV)
	model := func(line string) string {
		bill, err := f.Open(pick(t, f, `{"as_id": 1, "shop_name": "x", "wms_co_id": 20001, "items": [{"type": "退货", "sku_id": "A", "r_qty": 2, "price": 3, "receive_date": "2024-03-01"`+line+`}]}`)).Bill()
		require.NoError(t, err)
		return string(bill.Model)
	}
	assert.Contains(t, model(`, "properties_value": "红", "shop_sku_id": "SN1"`), `"FAuxpropId":{"FAUXPROPID__FF100001":{"FNumber":"红"}},"FStocklocId":{"FSTOCKLOCID__FF100002":{"FNumber":"A-01"}},`+
		`"FSerialSubEntity":[{"FSerialNo":"SN1"}],"FEntity_Link":[{"FEntity_Link_FRuleId":"OutStock-SalReturnStock","FEntity_Link_FBaseunitQty":2}],"FIsFree"`)
	without := model("")
	assert.NotContains(t, without, "FAuxpropId", "a group without a value is left out")
	assert.NotContains(t, without, "FSerialSubEntity")
}

// The alternatives in the built-in flow's comments work as they are.
func TestTheChoicesOfTheBuiltInFlow(t *testing.T) {
	file, err := os.ReadFile(builtInPath)
	require.NoError(t, err)
	text := strings.Replace(string(file), "tables/warehouses.csv", "warehouses.csv", 1)
	const price = `FTaxPrice: { expression: "has(item.amount) ? round(item.amount / item.qty, 6) : item.price", required: true }`
	partly := wholeLine.with(fields{"qty": 4, "r_qty": 2, "price": 20, "amount": 60, "defective_qty": 2})
	for _, test := range []struct{ old, choice, want string }{
		{price, `FTaxPrice: { field: item.price, required: true }`, `"FTaxPrice":20,`},
		{price, `FTaxPrice: { expression: "has(item.amount) ? round(item.amount / item.r_qty, 6) : item.price", required: true }`, `"FTaxPrice":30,`},
		{"      FEntryTaxRate:", `FAmount: { expression: "round(round(item.amount / item.qty, 6) * item.r_qty / 1.13, 2)" }`, `"FAmount":26.55,`},
		{"FReturnType: { constant: THLX01_SYS }", `FReturnType: { expression: 'type == "换货" ? "THLX02_SYS" : "THLX01_SYS"' }`, `"FReturnType":{"FNumber":"THLX02_SYS"}`},
		{"FStockId: { field: wms_co_id, table: warehouses }", `FStockId: { expression: 'coalesce(item.defective_qty, 0) > 0 ? "次品" : wms_co_id', table: warehouses }`, `"FStockId":{"FNumber":"CK008"}`},
		{"      FEntryTaxRate:", `FAuxpropId: { FAUXPROPID__FF100001: { field: item.properties_value } }`, `"FAuxpropId":{"FAUXPROPID__FF100001":{"FNumber":"白色;M"}}`},
		{"      FEntryTaxRate:", `FStocklocId: { FSTOCKLOCID__FF100002: { constant: A-01 } }`, `"FStocklocId":{"FSTOCKLOCID__FF100002":{"FNumber":"A-01"}}`},
	} {
		t.Run(test.choice, func(t *testing.T) {
			require.Contains(t, text, test.choice)
			taken := test.choice
			if strings.HasPrefix(test.old, " ") { // beside it, not instead
				taken = "      " + test.choice + "\n" + test.old
			}
			f := load(t, strings.Replace(text, "\n      "+strings.TrimSpace(test.old), "\n      "+strings.TrimSpace(taken), 1), warehousesCSV+"次品,CK008,\n")
			raw, err := json.Marshal(fields{"as_id": 1, "type": "换货", "shop_name": "天猫旗舰店", "wms_co_id": 20001, "modified": "2024-03-03 10:20:30", "items": []fields{partly, sentLine}})
			require.NoError(t, err)
			bill, err := f.Open(pick(t, f, string(raw))).Bill()
			require.NoError(t, err)
			require.Contains(t, string(bill.Model), test.want)
		})
	}
}
