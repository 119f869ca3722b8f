package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flowfile"
)

const shortFlow = `# head
tables:
  # By shop.
  customers:
    values:
      天猫: C1 # one

  units:
    default: Pcs
    values: { A: kg }
bill:
  fields:
    FBillTypeID: { constant: XSTHD01_SYS } # 单据类型: 标准
    FSaleOrgId: { constant: "100", required: true } # 销售组织
    FEntity:
      FEntryTaxRate: { constant: 13 } # 税率
      # FSaleOrgId: { constant: "1" }
`

func TestSetConstant(t *testing.T) {
	for _, c := range []struct{ name, key, value, old, want string }{
		{"a word", "FBillTypeID", "A B", "FBillTypeID: { constant: XSTHD01_SYS } # 单据类型: 标准", `FBillTypeID: { constant: "A B" } # new`},
		{"quoted, with more", "FSaleOrgId", "101", `FSaleOrgId: { constant: "100", required: true } # 销售组织`, `FSaleOrgId: { constant: "101", required: true } # new`},
		{"a number", "FEntryTaxRate", "9", "FEntryTaxRate: { constant: 13 } # 税率", "FEntryTaxRate: { constant: 9 } # new"},
		{"the same", "FSaleOrgId", "100", "FSaleOrgId", "FSaleOrgId"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := SetConstant(shortFlow, c.key, c.value, "new")
			require.NoError(t, err)
			require.Equal(t, replaceOnce(t, shortFlow, c.old, c.want), got)
		})
	}
	_, err := SetConstant(shortFlow, "FNone", "1", "")
	require.ErrorContains(t, err, "FNone")
}

func TestSetTable(t *testing.T) {
	got, err := SetTable(shortFlow, "customers", "tables/customers.csv", "")
	require.NoError(t, err)
	require.Equal(t, replaceOnce(t, shortFlow, "    values:\n      天猫: C1 # one\n", "    file: tables/customers.csv\n"), got)
	got, err = SetTable(shortFlow, "units", "tables/units.csv", "Pcs")
	require.NoError(t, err)
	require.Equal(t, replaceOnce(t, shortFlow, "    default: Pcs\n    values: { A: kg }\n", "    default: \"Pcs\"\n    file: tables/units.csv\n"), got)
	_, err = SetTable(shortFlow, "bill", "x", "")
	require.ErrorContains(t, err, "bill")
}

// What is written loads, with the rows that were given.
func TestTheBuiltInFlowWithOtherTables(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "flows", "refund_to_return.yaml"))
	require.NoError(t, err)
	file, folder := string(data), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "tables"), 0o700))
	rows := []Row{{Entry: Entry{"00123", "甲, \"乙\""}, Target: Entry{"CK 1", "=1+1"}}}
	for table, fallback := range map[string]string{"customers": "", "warehouses": "", "materials": "pass", "units": "Pcs"} {
		file, err = SetTable(file, table, "tables/"+table+".csv", fallback)
		require.NoError(t, err)
		content, err := TableFile(rows)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "tables", table+".csv"), content, 0o600))
		rows = nil // an empty table is one, too
	}
	file, err = SetConstant(file, "FSaleOrgId", "101", "销售组织")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "f.yaml"), []byte(file), 0o600))
	flows, err := flowfile.LoadFolder(folder)
	require.NoError(t, err)
	require.Contains(t, flows, "refund_to_return")
	require.Equal(t, len(file), len(flows["refund_to_return"].Files[0].Text))
}

func TestTableFileHoldsNoFormula(t *testing.T) {
	_, err := TableFile([]Row{{Entry: Entry{Code: "=1+1"}, Target: Entry{Code: "C"}}})
	require.ErrorContains(t, err, "=1+1")
	content, err := TableFile([]Row{{Entry: Entry{"1", "a"}, Target: Entry{"C", "b"}}})
	require.NoError(t, err)
	require.Equal(t, "\ufeffcode,value,remark\r\n1,C,a → b\r\n", string(content))
}

func replaceOnce(t *testing.T, in, old, with string) string {
	t.Helper()
	require.Contains(t, in, old)
	return strings.Replace(in, old, with, 1)
}
