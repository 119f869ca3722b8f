package flow_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

// readBack is the bill of an order as Kingdee would give it if it kept what was sent.
func readBack(t *testing.T) (flow.Bill, [][]any) {
	t.Helper()
	f := builtIn(t)
	bill, err := f.Open(pick(t, f, `{"as_id":"70001","so_id":"SO1","shop_name":"天猫旗舰店","wms_co_id":20001,"modified":"2024-03-01 08:00:00",
		"items":[{"asi_id":1,"sku_id":"M1","type":"退货","r_qty":10,"price":"1.50"},{"asi_id":2,"sku_id":"M2","type":"退货","r_qty":"2.0","price":3}]}`)).Bill()
	require.NoError(t, err)
	require.Equal(t, []string{"FDocumentStatus", "FBillNo", "FDate", "FRetcustId.FNumber", "FSaleOrgId.FNumber", "FStockOrgId.FNumber", "FHeadNote",
		"FMaterialId.FNumber", "FRealQty", "FTaxPrice", "FEntryTaxRate", "FStockId.FNumber"}, bill.ReadBackKeys())
	head := []any{"A", "70001", "2024-03-01T00:00:00", "CUST_TMALL", "100", "100", "text " + bill.Mark.String()}
	return bill, [][]any{
		append(append([]any{}, head...), "M1", json.Number("10.0000000000"), json.Number("1.5"), "13.00", "CK001"),
		append(append([]any{}, head...), "M2", json.Number("2"), "3.00", json.Number("13"), "CK001"),
	}
}

func TestBillReadBackAsSent(t *testing.T) {
	bill, rows := readBack(t)
	require.Empty(t, bill.Differences("A", rows))
}

func TestDifferencesOfABillReadBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(rows [][]any) [][]any
		told   []string
		stops  bool
	}{
		{"another number", func(r [][]any) [][]any { r[0][1] = "XSTHD000001"; return r }, []string{"FBillNo: 70001 → XSTHD000001"}, true},
		{"the number in another case, or cut", func(r [][]any) [][]any { r[0][1] = "7000"; return r }, []string{"FBillNo: 70001 → 7000"}, true},
		{"no right to the number", func(r [][]any) [][]any { r[0][1] = nil; return r }, []string{"FBillNo: 70001 → unreadable"}, true},
		{"no mark", func(r [][]any) [][]any { r[0][6] = "note"; return r }, nil, true},
		{"no right to the note", func(r [][]any) [][]any { r[0][6] = nil; return r }, nil, true},
		{"another rate", func(r [][]any) [][]any { r[1][10] = json.Number("9"); return r }, []string{"FEntryTaxRate[2]: 13 → 9"}, false},
		{"another warehouse", func(r [][]any) [][]any { r[0][11] = "CK002"; return r }, []string{"FStockId[1]: CK001 → CK002"}, false},
		{"another status and day", func(r [][]any) [][]any { r[0][0], r[0][2] = "C", "2024-03-02"; return r }, []string{"FDocumentStatus: A → C", "FDate: 2024-03-01 → 2024-03-02"}, false},
		{"masked price", func(r [][]any) [][]any { r[0][9] = nil; return r }, []string{"FTaxPrice[1]: 1.5 → unreadable"}, false},
		{"a line missing", func(r [][]any) [][]any { return r[:1] }, []string{"FEntity: 2 → 1"}, false},
		{"a number that is none", func(r [][]any) [][]any { r[0][8] = "ten"; return r }, []string{"FRealQty[1]: 10 → ten"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bill, rows := readBack(t)
			differences := bill.Differences("A", c.change(rows))
			require.NotEmpty(t, differences)
			var told []string
			stops := false
			for _, d := range differences {
				told, stops = append(told, d.String()), stops || bill.IsFoundBy(d)
			}
			if c.told != nil {
				require.Equal(t, c.told, told)
			}
			require.Equal(t, c.stops, stops)
		})
	}
}

func TestNumberOf(t *testing.T) {
	f := builtIn(t)
	number, err := f.NumberOf("70001")
	require.NoError(t, err)
	require.Equal(t, "70001", number)
}
