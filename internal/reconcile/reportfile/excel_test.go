package reportfile

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"refundsync/internal/reconcile"
)

// written gives a file of the report in the format.
func written(t require.TestingT, format string, r reconcile.Report, rows []reconcile.Row) []byte {
	var out bytes.Buffer
	require.NoError(t, Write(&out, format, r, each(rows)))
	return out.Bytes()
}

func readExcel(t *testing.T, r reconcile.Report, rows []reconcile.Row) *excelize.File {
	t.Helper()
	file, err := excelize.OpenReader(bytes.NewReader(written(t, "xlsx", r, rows)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file
}

func TestExcelSheets(t *testing.T) {
	r, rows := sample(1, 300, 14)
	file := readExcel(t, r, rows)
	require.Equal(t, []string{"Summary", "By day", "By shop", "By warehouse", "Differences", "Not audited", "Parked", "Skipped", "Not by this sync", "All orders", "About"}, file.GetSheetList())
	for _, sheet := range file.GetSheetList() {
		panes, err := file.GetPanes(sheet)
		require.NoError(t, err)
		require.True(t, panes.Freeze, sheet)
	}
	filters := map[string]string{}
	for _, name := range file.GetDefinedName() {
		if name.Name == "_xlnm._FilterDatabase" {
			filters[name.Scope] = name.RefersTo
		}
	}
	require.Equal(t, "'All orders'!$A$1:$Q$"+strconv.Itoa(len(rows)+1), filters["All orders"])
}
