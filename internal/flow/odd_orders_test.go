package flow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// oddOrder is an order with one good line and the fields given.
func oddOrder(t *testing.T, fields map[string]any) string {
	t.Helper()
	order := map[string]any{
		"as_id": "70001", "type": "普通退货", "modified": "2024-03-01 08:00:00", "shop_name": "天猫旗舰店", "wms_co_id": "20001",
		"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "1", "price": "1"}},
	}
	for name, value := range fields {
		order[name] = value
	}
	raw, err := json.Marshal(order)
	require.NoError(t, err)
	return string(raw)
}

func TestOddBillNumbers(t *testing.T) {
	f := builtIn(t)
	for _, c := range []struct{ name, asID, why string }{
		{"a quote", "R'1", ""},
		{"quotes only", "''", ""},
		{"wildcards", "%_[a-z]*", ""},
		{"a backslash", `R\1\`, ""},
		{"what SQL would take for its own", "1'); drop table t; --", ""},
		{"Chinese and emoji", "退货😀1", ""},
		{"a space within", "R 1", ""},
		{"spaces around are the reply's", " R1 ", ""},
		{"a line break", "R\n1", "a control character"},
		{"a tab", "R\t1", "a control character"},
		{"a zero byte", "R\x001", "a control character"},
		{"255 bytes", strings.Repeat("货", 85), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			order := pick(t, f, oddOrder(t, map[string]any{"as_id": c.asID}))
			bill, err := f.Open(order).Bill()
			if c.why == "" {
				require.NoError(t, err)
				require.Equal(t, strings.TrimSpace(c.asID), bill.Number)
				require.Equal(t, bill.Number, order.BillNumber)
				return
			}
			require.ErrorContains(t, err, c.why)
			require.Equal(t, "malformed_value", fault.As(err).Reason)
			require.Equal(t, fault.Final, fault.As(err).Class)
			require.Empty(t, order.BillNumber)
		})
	}
	_, err := f.Pick(decode(t, oddOrder(t, map[string]any{"as_id": strings.Repeat("货", 86)})))
	require.ErrorContains(t, err, "255")
	require.Equal(t, "malformed_value", fault.As(err).Reason)
}

// A bill number that an expression makes can be what as_id can't.
func TestOddBillNumbersOfExpressions(t *testing.T) {
	for name, c := range map[string]struct{ expression, why string }{
		"a space at its end": {`as_id + " "`, "ends with a space"},
		"too long":           {`as_id + "` + strings.Repeat("x", 255) + `"`, "255"},
	} {
		t.Run(name, func(t *testing.T) {
			f := load(t, strings.Replace(base(t), "{ field: as_id }", "{ expression: '"+c.expression+"' }", 1), warehousesCSV)
			order := pick(t, f, oddOrder(t, nil))
			require.Empty(t, order.BillNumber)
			_, err := f.Open(order).Bill()
			require.ErrorContains(t, err, c.why)
		})
	}
}

func TestALongShopNameIsCutWhereItIsOnlyShown(t *testing.T) {
	f := builtIn(t)
	shop := strings.Repeat("店", 1000)
	order := pick(t, f, oddOrder(t, map[string]any{"shop_name": shop}))
	require.Equal(t, strings.Repeat("店", 100)+"…", order.Shop)
	require.Contains(t, string(order.Fields), shop)
}

// A list is read in each way that serialisers write it.
func TestItemsOfEachSpelling(t *testing.T) {
	f := builtIn(t)
	line := map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "1", "price": "1"}
	want := pick(t, f, oddOrder(t, map[string]any{"items": []any{line}}))
	for name, items := range map[string]any{
		"one line": line, "wrapped": map[string]any{"item": []any{line}}, "one line, wrapped": map[string]any{"item": line},
		"wrapped in a list": []any{[]any{line}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want, pick(t, f, oddOrder(t, map[string]any{"items": items})))
		})
	}
	none := pick(t, f, oddOrder(t, map[string]any{"items": []any{}}))
	for name, items := range map[string]any{"empty text": "", "empty object": map[string]any{}} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, none, pick(t, f, oddOrder(t, map[string]any{"items": items})))
		})
	}
}

// A bill is dated by the goods' arrival, however that is written, or else by the next time
// that the flow names.
func TestBillsAreDatedByTimesOfEachSpelling(t *testing.T) {
	f := builtIn(t)
	for received, want := range map[string]string{
		"2024-03-02 18:30:00": "2024-03-02", "2024-03-02 18:30": "2024-03-02", "2024/3/2 8:05:00": "2024-03-02", "2024/03/02": "2024-03-02",
		"0001-01-01 00:00:00": "2024-03-05", "1900-01-01": "2024-03-05", "0001-01-01T00:00:00": "2024-03-05", "": "2024-03-05",
	} {
		t.Run(received, func(t *testing.T) {
			line := map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "1", "price": "1", "receive_date": received}
			bill, err := f.Open(pick(t, f, oddOrder(t, map[string]any{"confirm_date": "2024/3/5 9:00:00", "items": []any{line}}))).Bill()
			require.NoError(t, err)
			var model struct{ FDate string }
			require.NoError(t, json.Unmarshal(bill.Model, &model))
			require.Equal(t, want, model.FDate)
		})
	}
}

// An order of 5,000 lines becomes a bill of 5,000 lines, and travels small.
func TestAnOrderOfThousandsOfLines(t *testing.T) {
	f := builtIn(t)
	var items []any
	for i := range 5000 {
		items = append(items, map[string]any{
			"asi_id": fmt.Sprint(810000001 + 3*i), "sku_id": fmt.Sprintf("TS%04d-WH-M", i), "type": "退货", "qty": "7", "r_qty": fmt.Sprint(1 + i%7),
			"price": fmt.Sprintf("%d.%02d", 10+i%90, i%100), "name": "纯棉T恤", "properties_value": "白色;M", "receive_date": "2024-03-01 09:00:00",
		})
	}
	order := pick(t, f, oddOrder(t, map[string]any{"items": items}))
	opened := f.Open(order)
	reason, skip, err := opened.Skip()
	require.NoError(t, err)
	require.False(t, skip, reason)
	bill, err := opened.Bill()
	require.NoError(t, err)
	var model struct{ FEntity []json.RawMessage }
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	require.Len(t, model.FEntity, 5000)

	raw, err := json.Marshal(order)
	require.NoError(t, err)
	require.Less(t, len(raw), 256<<10)
	t.Logf("%d bytes of fields travel as %d", len(order.Fields), len(raw))
}
