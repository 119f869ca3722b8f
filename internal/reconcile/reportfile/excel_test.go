package reportfile

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"refundsync/internal/reconcile"
)

func openExcel(t require.TestingT, content []byte) *excelize.File {
	file, err := excelize.OpenReader(bytes.NewReader(content))
	require.NoError(t, err)
	return file
}

// excelFile is a workbook with the sheets of a sample.
func excelFile(t *testing.T, r reconcile.Report, rows []reconcile.Row) *excelize.File {
	t.Helper()
	file := openExcel(t, written(t, "xlsx", r, rows))
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file
}

func TestExcelSheets(t *testing.T) {
	r, rows := sample(1, 300, 14)
	content := written(t, "xlsx", r, rows)
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	filtered := 0
	for _, part := range archive.File {
		opened, err := part.Open()
		require.NoError(t, err)
		raw, err := io.ReadAll(opened)
		require.NoError(t, err)
		filtered += strings.Count(string(raw), "<autoFilter ref=")
	}
	require.Equal(t, 11, filtered, "each sheet has a filter")
	file := excelFile(t, r, rows)
	require.Equal(t, []string{"Summary", "By day", "By shop", "By warehouse", "Differences", "Not audited", "Parked", "Skipped", "Not by this flow", "All orders", "About"}, file.GetSheetList())
	names := map[string]string{}
	for _, name := range file.GetDefinedName() {
		names[name.Scope+" "+name.Name] = name.RefersTo
	}
	for _, sheet := range file.GetSheetList() {
		panes, err := file.GetPanes(sheet)
		require.NoError(t, err)
		head := map[bool]int{true: 5, false: 1}[sheet == "Summary"]
		require.True(t, panes.Freeze, sheet)
		require.Equal(t, head, panes.YSplit, sheet)
		require.Equal(t, fmt.Sprintf("'%s'!$%d:$%d", sheet, head, head), names[sheet+" _xlnm.Print_Titles"])
		require.Contains(t, names[sheet+" _xlnm._FilterDatabase"], fmt.Sprintf("'%s'!$A$%d:", sheet, head))
		cells, err := file.GetRows(sheet)
		require.NoError(t, err)
		for i, name := range cells[head-1] {
			column, err := excelize.ColumnNumberToName(i + 1)
			require.NoError(t, err)
			width, err := file.GetColWidth(sheet, column)
			require.NoError(t, err)
			require.GreaterOrEqual(t, width, 10.0, "%s: %s", sheet, name)
		}
	}
	require.Equal(t, "'All orders'!$A$1:$Q$"+strconv.Itoa(len(rows)+1), names["All orders _xlnm._FilterDatabase"], "the line of totals is not filtered")
}

// TestExcelCells: ids are texts, numbers are numbers, days are dates, and what differs has a
// fill.
func TestExcelCells(t *testing.T) {
	row := reconcile.Row{
		Kind: reconcile.Different, OrderID: "700000346001234567", OnlineOrder: "0012", BillNumber: "=1+1", Day: "2026-11-03",
		Shop: "+天猫旗舰店", Customer: "100", Warehouse: "CK001, CK002", Status: "B", NotAudited: true, Version: "123456",
		Sides: reconcile.Sides{
			Source:  reconcile.Sum{Count: 1, Quantity: decimal.RequireFromString("2.5"), Amount: decimal.RequireFromString("12345678901.10")},
			Kingdee: reconcile.Sum{Count: 1, Quantity: decimal.RequireFromString("3"), Amount: decimal.RequireFromString("12345678888.605")},
		},
		Differences: []reconcile.Difference{
			{Field: reconcile.FieldQuantity, Item: "9901", Source: "2.5", Kingdee: "3"}, {Field: reconcile.FieldPrice, Item: "9901", Source: "12.5", Kingdee: "-0.333333"},
			{Field: reconcile.FieldCustomer, Source: "100", Kingdee: ""}, {Field: reconcile.FieldQuantity, Item: "9902", Source: "unreadable", Kingdee: "1"},
		},
	}
	var r reconcile.Report
	r.Sums = sumsOf([]reconcile.Row{row})
	file := excelFile(t, r, []reconcile.Row{row})
	const isText, isNumber = excelize.CellTypeInlineString, excelize.CellTypeUnset
	for _, c := range []struct {
		sheet, cell, raw, shown string
		kind                    excelize.CellType
		marked                  bool
	}{
		{"All orders", "A2", "Different", "Different", isText, true},
		{"All orders", "C2", "700000346001234567", "700000346001234567", isText, false},
		{"All orders", "D2", "0012", "0012", isText, false},
		{"All orders", "E2", "=1+1", "=1+1", isText, false},
		{"All orders", "F2", "46329", "2026-11-03", isNumber, false},
		{"All orders", "G2", "+天猫旗舰店", "+天猫旗舰店", isText, false},
		{"All orders", "H2", "100", "100", isText, false},
		{"All orders", "J2", "2.5", "2.50 ", isNumber, false},
		{"All orders", "K2", "12345678901.1", "12,345,678,901.10 ", isNumber, false},
		{"All orders", "L2", "3", "3 ", isNumber, false},
		{"All orders", "M2", "12345678888.605", "12,345,678,888.605 ", isNumber, false},
		{"All orders", "N2", "-12.495", "-12.495 ", isNumber, true},
		{"All orders", "O2", "under review (审核中)", "under review (审核中)", isText, true},
		{"All orders", "P2", "123456", "123456", isText, false},
		{"Differences", "G2", "9901", "9901", isText, false},
		{"Differences", "H2", "2.5", "2.50 ", isNumber, true},
		{"Differences", "I2", "3", "3 ", isNumber, true},
		{"Differences", "I3", "-0.333333", "-0.333333 ", isNumber, true},
		{"Differences", "H4", "100", "100", isText, true},
		{"Differences", "I4", "none", "none", isText, true},
		{"Differences", "H5", "unreadable", "unreadable", isText, true},
	} {
		name := c.sheet + " " + c.cell
		kind, err := file.GetCellType(c.sheet, c.cell)
		require.NoError(t, err)
		require.Equal(t, c.kind, kind, name)
		raw, err := file.GetCellValue(c.sheet, c.cell, excelize.Options{RawCellValue: true})
		require.NoError(t, err)
		require.Equal(t, c.raw, raw, name)
		shown, err := file.GetCellValue(c.sheet, c.cell)
		require.NoError(t, err)
		require.Equal(t, c.shown, shown, name)
		formula, err := file.GetCellFormula(c.sheet, c.cell)
		require.NoError(t, err)
		require.Empty(t, formula, name)
		style, err := file.GetCellStyle(c.sheet, c.cell)
		require.NoError(t, err)
		look, err := file.GetStyle(style)
		require.NoError(t, err)
		require.Equal(t, c.marked, strings.Contains(fmt.Sprint(look.Fill.Color), markFill), name)
	}
}

// TestExcelTotals: the totals of each sheet that has all rows are those of the report, as
// values and as the formulas compute them.
func TestExcelTotals(t *testing.T) {
	r, rows := sample(3, 500, 40)
	file := excelFile(t, r, rows)
	for sheet, columns := range map[string]string{"Summary": "C D E F G H I", "By day": "B C D E F G H", "By shop": "B C D E F G H", "By warehouse": "B C D E F G H", "All orders": "- J K - L M N"} {
		cells, err := file.GetRows(sheet)
		require.NoError(t, err)
		last := len(cells)
		require.Equal(t, "Total", cells[last-1][0], sheet)
		for i, want := range []decimal.Decimal{
			decimal.NewFromInt(int64(r.Totals.Source.Count)), r.Totals.Source.Quantity, r.Totals.Source.Amount,
			decimal.NewFromInt(int64(r.Totals.Kingdee.Count)), r.Totals.Kingdee.Quantity, r.Totals.Kingdee.Amount,
			r.Totals.Kingdee.Amount.Sub(r.Totals.Source.Amount),
		} {
			column := strings.Fields(columns)[i]
			if column == "-" {
				continue
			}
			cell := column + strconv.Itoa(last)
			got, err := file.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			require.True(t, want.Equal(decimal.RequireFromString(got)), "%s %s: %s, not %s", sheet, cell, got, want)
			formula, err := file.GetCellFormula(sheet, cell)
			require.NoError(t, err)
			head := map[bool]int{true: 5, false: 1}[sheet == "Summary"]
			require.Equal(t, fmt.Sprintf("SUBTOTAL(9,%[1]s%[2]d:%[1]s%[3]d)", column, head+1, last-1), formula)
			computed, err := file.CalcCellValue(sheet, cell, excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			require.True(t, want.Equal(decimal.RequireFromString(computed).Round(2)), "%s %s: %s, not %s", sheet, cell, computed, want)
		}
	}
}

func TestExcelKeepsEveryDigit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := decimal.New(rapid.Int64().Draw(r, "digits"), rapid.Int32Range(-12, 3).Draw(r, "exponent"))
		switch v := number(d).(type) {
		case float64:
			require.Equal(r, d.String(), strconv.FormatFloat(v, 'f', -1, 64))
		case string:
			require.Equal(r, d.String(), v)
		}
	})
	require.IsType(t, float64(0), number(decimal.RequireFromString("-1234567890123.45")))
	require.IsType(t, float64(0), number(decimal.RequireFromString("0.0000000000000000123")))
	require.IsType(t, float64(0), number(decimal.RequireFromString("1.50000000000000000")))
	require.IsType(t, "", number(decimal.RequireFromString("12345678901234.567")))
}

func TestExcelHasNoMoreRowsThanExcel(t *testing.T) {
	s := &sheet{table: everything(reconcile.Report{}).table, row: excelize.TotalRows + 1}
	require.ErrorContains(t, s.set(nil), `the sheet "All orders" would have more than 1048576 rows`)
}
