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

func TestSetCompany(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"a first one", "version: 1\nname: a # of the flow\ntitle: A\n", "version: 1\nname: a_north\ncompany: north\ntitle: A\n"},
		{"another", "company: south\nname: a\n# name: b\n", "name: a_north\ncompany: north\n# name: b\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := SetCompany(c.file, "a_north", "north")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	_, err := SetCompany("version: 1\n", "a", "north")
	require.ErrorContains(t, err, "name")
}

func TestSetPrefix(t *testing.T) {
	for _, c := range []struct{ name, number, want string }{
		{"a field", "{ field: as_id }", `{ expression: '"NORTH" + as_id' }`},
		{"a prefix", `{ expression: '"YF-" + io_id' }`, `{ expression: '"NORTHYF-" + io_id' }`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "bill:\n  fields:\n    FBillNo: " + c.number + " # the number\n    FNote: { field: as_id }\n"
			got, err := SetPrefix(file, "FBillNo", "NORTH")
			require.NoError(t, err)
			require.Equal(t, replaceOnce(t, file, c.number, c.want), got)
		})
	}
	_, err := SetPrefix("    FBillNo: { expression: upper(as_id) }\n", "FBillNo", "NORTH")
	require.ErrorContains(t, err, "FBillNo")
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

func TestSetFile(t *testing.T) {
	file := "tables:\n  a: { file: tables/a.csv }\n  b:\n    file: \"tables/a.csv\"\n  c: { file: tables/aa.csv } # tables/a.csv\n"
	want := "tables:\n  a: { file: tables/a_north.csv }\n  b:\n    file: \"tables/a_north.csv\"\n  c: { file: tables/aa.csv } # tables/a.csv\n"
	require.Equal(t, want, SetFile(file, "tables/a.csv", "tables/a_north.csv"))
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
	file, err = SetCompany(file, "refund_to_return_north", "north")
	require.NoError(t, err)
	file, err = SetPrefix(file, "FBillNo", "NORTH")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "f.yaml"), []byte(file), 0o600))
	flows, err := flowfile.LoadFolder(folder)
	require.NoError(t, err)
	require.Contains(t, flows, "refund_to_return_north")
	f := flows["refund_to_return_north"]
	require.Equal(t, len(file), len(f.Files[0].Text))
	require.Equal(t, "north", f.Company)
	number, err := f.NumberOf("7")
	require.NoError(t, err)
	require.Equal(t, "NORTH7", number)
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
