package flowfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

// versionOf is a version of a flow with one CSV file.
func versionOf(yaml, csv string) []flow.File {
	return []flow.File{{Name: "base.yaml", Text: yaml}, {Name: "warehouses.csv", Text: csv}}
}

func TestDiff(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "base.yaml"))
	require.NoError(t, err)
	const csv = "code,value\n20001,CK001\n20002,CK002\n"
	base := string(raw)
	for _, c := range []struct {
		name     string
		old, new string // in the YAML
		csv      string // instead of the CSV
		want     []string
	}{
		{name: "nothing"},
		{name: "a comment", old: "version: 1", new: "version: 1 # a comment"},
		{name: "layout", old: "{ field: shop_name, table: customers }", new: "\n      field: shop_name\n      table: customers"},
		{name: "quotes that change nothing", old: "reason: 仅退款", new: "reason: '仅退款'"},
		{name: "another field", old: "FRealQty: { field: item.r_qty }", new: "FRealQty: { field: item.qty }",
			want: []string{"FRealQty（实退数量） is the field item.qty; it was the field item.r_qty"}},
		{name: "an expression for a constant", old: `FSaleOrgId: { constant: "100" }`, new: `FSaleOrgId: { expression: 'o_id == "" ? "100" : "200"', required: true }`,
			want: []string{`FSaleOrgId（销售组织） is the expression o_id == "" ? "100" : "200", required; it was the constant "100"`}},
		{name: "another table", old: "table: customers }", new: "table: warehouses }",
			want: []string{"FRetcustId（退货客户） is the field shop_name, by table warehouses; it was the field shop_name, by table customers"}},
		{name: "a number for a text", old: `FSaleOrgId: { constant: "100" }`, new: "FSaleOrgId: { constant: 100 }",
			want: []string{`FSaleOrgId（销售组织） is the constant 100; it was the constant "100"`}},
		{name: "a further field", old: "      FIsFree:", new: "      FNote: { field: item.name }\n      FIsFree:",
			want: []string{"FNote（备注） is new: the field item.name"}},
		{name: "a field less", old: "      FIsFree: { expression: item.price == 0 }\n", new: "",
			want: []string{"FIsFree（是否赠品） is no longer sent; it was the expression item.price == 0"}},
		{name: "a group", old: "      FIsFree:", new: "      FAuxpropId: { FAUXPROPID__FF100001: { field: item.properties_value } }\n      FIsFree:",
			want: []string{"FAUXPROPID__FF100001（辅助属性） is new: the field item.properties_value"}},
		{name: "another order of fields", old: "    FSaleOrgId: { constant: \"100\" }\n    FStockOrgId: { constant: \"100\" }\n", new: "    FStockOrgId: { constant: \"100\" }\n    FSaleOrgId: { constant: \"100\" }\n",
			want: []string{"the fields of head are sent in another order"}},
		{name: "rows of the file", old: "天猫旗舰店: CUST_TMALL", new: "天猫旗舰店: CUST_T, 京东: CUST_JD",
			want: []string{"table customers: code 京东 is new and gives CUST_JD", "table customers: code 天猫旗舰店 gives CUST_T; it gave CUST_TMALL"}},
		{name: "rows of a CSV file", csv: "code,value\n20001,CK009\n20003,CK003\n",
			want: []string{"table warehouses: code 20001 gives CK009; it gave CK001", "table warehouses: code 20002 is gone; it gave CK002", "table warehouses: code 20003 is new and gives CK003"}},
		{name: "no default", old: "    default: CUST\n", new: "", want: []string{"tables.customers.default is no longer set; it was CUST"}},
		{name: "a table more", old: "  warehouses:\n", new: "  shops: { values: { a: b } }\n  warehouses:\n", want: []string{"table shops is new; rows: 1"}},
		{name: "a condition", old: `when: type == "仅退款"`, new: `when: type in ["仅退款", "其它"]`,
			want: []string{`checks.leave_out: when of “仅退款” is type in ["仅退款", "其它"]; it was type == "仅退款"`}},
		{name: "a condition more", old: "  leave_out:\n", new: "  leave_out:\n    - when: status == \"Cancelled\"\n      reason: 已作废\n",
			want: []string{`checks.leave_out: “已作废” is new: status == "Cancelled"`}},
		{name: "a requirement", old: "checks:\n", new: "checks:\n  require:\n    - { that: has(so_id), reason: no_so, message: m, advice: a }\n",
			want: []string{"checks.require: “no_so” is new: has(so_id)"}},
		{name: "an option", old: "submit_and_audit: none", new: "submit_and_audit: explicit\n  grain: page",
			want: []string{"options.submit_and_audit is explicit; it was none", "options.grain is page; it was not set before"}},
		{name: "the lines", old: "lines: item.type", new: "lines: item.qty > 0 and item.type",
			want: []string{`bill.lines is item.qty > 0 and item.type == "退货" and item.r_qty > 0; it was item.type == "退货" and item.r_qty > 0`}},
		{name: "a parameter", old: "    status: Confirmed\n", new: "", want: []string{"source.parameters.status is no longer set; it was Confirmed"}},
		{name: "keys of another version of the program", old: "options:\n", new: "options:\n  unheard_of: [1, 2]\n", want: []string{"options.unheard_of is [1, 2]; it was not set before"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, base, c.old)
			after := versionOf(strings.Replace(base, c.old, c.new, 1), csv)
			if c.csv != "" {
				after[1].Text = c.csv
			}
			found, err := Diff(versionOf(base, csv), after)
			require.NoError(t, err)
			require.Equal(t, c.want, words(found))
			back, err := Diff(after, versionOf(base, csv))
			require.NoError(t, err)
			require.Len(t, back, len(found), "the other way round there are as many")
		})
	}
}

func TestDiffOfConditionsInAnotherOrder(t *testing.T) {
	list := func(first, second string) []flow.File {
		return []flow.File{{Name: "f.yaml", Text: "checks:\n  leave_out:\n    - { when: " + first + ", reason: " + first + " }\n    - { when: " + second + ", reason: " + second + " }\n"}}
	}
	found, err := Diff(list("a", "b"), list("b", "a"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Contains(t, found[0].String(), "checks.leave_out: the conditions are in another order")
	twice, err := Diff(list("a", "a"), list("a", "b"))
	require.NoError(t, err)
	require.Len(t, twice, 2, "one of two with one reason")
}

// A table whose text was not kept is not taken for an empty one.
func TestDiffOfATableThatWasNotKept(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "base.yaml"))
	require.NoError(t, err)
	before := versionOf(string(raw), "")
	before[1].Omitted = 1 << 20
	found, err := Diff(before, versionOf(string(raw), "code,value\n20001,CK001\n"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "the rows of table warehouses can't be compared: warehouses.csv was too large to be kept", found[0].String())
}

func TestDiffOfWhatIsNoFlow(t *testing.T) {
	good := []flow.File{{Name: "f.yaml", Text: "version: 1"}}
	for name, files := range map[string][]flow.File{
		"no files": nil, "no YAML": {{Name: "f.yaml", Text: "a: [b"}}, "a list": {{Name: "f.yaml", Text: "- a"}}, "empty": {{Name: "f.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Diff(files, good)
			require.ErrorContains(t, err, "the version before can't be read")
			_, err = Diff(good, files)
			require.ErrorContains(t, err, "the version after can't be read")
		})
	}
}

// Law: the rows that two versions of a table do not share are all told, and no others.
func TestDiffTellsEveryRow(t *testing.T) {
	rows := rapid.MapOf(rapid.StringMatching(`[a-z]{1,3}`), rapid.SampledFrom([]string{"x", "y", "z"}))
	files := func(rows map[string]string) []flow.File {
		var b strings.Builder
		b.WriteString("code,value\n")
		for code, value := range rows {
			b.WriteString(code + "," + value + "\n")
		}
		return []flow.File{{Name: "f.yaml", Text: "tables: { t: { file: t.csv } }"}, {Name: "t.csv", Text: b.String()}}
	}
	rapid.Check(t, func(r *rapid.T) {
		before, after := rows.Draw(r, "before"), rows.Draw(r, "after")
		found, err := Diff(files(before), files(after))
		require.NoError(r, err)
		differ := map[string]bool{}
		for code, value := range before {
			differ[code] = after[code] != value
		}
		for code, value := range after {
			differ[code] = before[code] != value
		}
		told := 0
		for code, differs := range differ {
			if !differs {
				continue
			}
			told++
			require.True(r, strings.Contains(strings.Join(words(found), "\n"), "code "+code+" "), code)
		}
		require.Len(r, found, told)
	})
}

func words[T interface{ String() string }](texts []T) (all []string) {
	for _, text := range texts {
		all = append(all, text.String())
	}
	return all
}
