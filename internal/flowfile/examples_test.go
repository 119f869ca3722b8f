package flowfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oneExample runs an example of testdata/base.yaml, changed by a pair of old and new text.
func oneExample(t *testing.T, example string, pair ...string) (Example, error) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "base.yaml"))
	require.NoError(t, err)
	folder := t.TempDir()
	path := filepath.Join(folder, "base.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(pair...).Replace(string(raw))), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "warehouses.csv"), []byte("code,value\n20001,CK001\n"), 0o600))
	require.NoError(t, os.Mkdir(ExamplesFolder(folder, "base"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(ExamplesFolder(folder, "base"), "one.yaml"), []byte(example), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(ExamplesFolder(folder, "base"), "notes.txt"), []byte("no example"), 0o600))
	f, err := Load(path)
	require.NoError(t, err)
	examples, err := RunExamples(f, ExamplesFolder(folder, "base"))
	if err != nil {
		return Example{}, err
	}
	require.Len(t, examples, 1)
	return examples[0], nil
}

const exampleOrder = `order: {"as_id": 1, "type": "普通退货", "shop_name": "x", "wms_co_id": 20001,
  "items": [{"type": "退货", "sku_id": "007", "r_qty": 2, "price": 3.10, "receive_date": "2024-03-01 23:59:59"}]}
`

func TestWhatAnExampleSays(t *testing.T) {
	for _, c := range []struct {
		name, expects string
		want          []string
	}{
		{"a bill", "bill: { FBillNo: \"1\", FDate: \"2024-03-01\", FRetcustId: CUST, FHeadNote: null, FEntity: [{ FMaterialId: \"007\", FRealQty: 2.0, FAmount: 6.2, FIsFree: false }] }", nil},
		{"a number without quotes", "bill: { FBillNo: 1 }", nil},
		{"no fields", "bill: {}", nil},
		{"another value", "bill: { FRetcustId: CUST_TMALL }", []string{"FRetcustId（退货客户）: expected CUST_TMALL, got CUST"}},
		{"another quantity", "bill: { FEntity: [{ FRealQty: 3 }] }", []string{"FEntity[1].FRealQty（实退数量）: expected 3, got 2"}},
		{"a field that is not sent", "bill: { FHeadNote: note }", []string{"FHeadNote: expected note, but it is not sent."}},
		{"a misspelt field", "bill: { FRetCustId: CUST }", []string{"FRetCustId: expected CUST, but it is not sent. Did you mean FRetcustId?"}},
		{"a field that is sent", "bill: { FDate: null }", []string{"FDate（日期）: expected (nothing), got 2024-03-01"}},
		{"more lines", "bill: { FEntity: [{}, {}] }", []string{"FEntity: expected 2 entries, got 1"}},
		{"a part that is a value", "bill: { FDate: { x: y } }", []string{"FDate（日期）: expected {x: y}, got 2024-03-01"}},
		{"left out", "left_out: 仅退款", []string{"expected: left out: 仅退款; got: a bill"}},
		{"parked", "parked: missing_value", []string{"expected: parked: missing_value; got: a bill"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			example, err := oneExample(t, exampleOrder+c.expects)
			require.NoError(t, err)
			require.Equal(t, c.want, words(example.Differences))
		})
	}
}

func TestWhatBecameOfAnExample(t *testing.T) {
	for _, c := range []struct {
		name, order, expects, want string
	}{
		{"left out", `{ as_id: 1, type: 仅退款 }`, "left_out: 仅退款", ""},
		{"left out, for another reason", `{ as_id: 1, type: 仅退款 }`, "left_out: 已作废", "expected: left out: 已作废; got: left out: 仅退款"},
		{"left out, and no bill", `{ as_id: 1, type: 仅退款 }`, "bill: {}", "expected: a bill; got: left out: 仅退款"},
		{"parked", `{ as_id: 1, type: 普通退货 }`, "parked: no_lines", ""},
		{"parked, for another reason", `{ as_id: 1, type: 普通退货 }`, "parked: missing_value", "expected: parked: missing_value; got: parked: no_lines (order 1: none of its lines meets the lines condition)"},
		{"no key", `{ type: 普通退货 }`, "parked: missing_value", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			example, err := oneExample(t, "order: "+c.order+"\n"+c.expects)
			require.NoError(t, err)
			require.Equal(t, c.want, strings.Join(words(example.Differences), "\n"))
		})
	}
}

func TestAnExampleSaysWhatTablesFromKingdeeHold(t *testing.T) {
	kingdee := []string{"    default: CUST\n    values: { 天猫旗舰店: CUST_TMALL }\n", "    { from: kingdee, form: BD_Customer, by: FName, value: FNumber }\n"}
	example, err := oneExample(t, exampleOrder+"tables: { customers: { x: C1 } }\nbill: { FRetcustId: C1 }", kingdee...)
	require.NoError(t, err)
	require.Empty(t, words(example.Differences))
	example, err = oneExample(t, exampleOrder+"parked: unknown_code customers x", kingdee...)
	require.NoError(t, err)
	require.Empty(t, words(example.Differences), "a table that the example does not name is empty")
}

func TestMistakesInAnExample(t *testing.T) {
	for name, c := range map[string]struct{ example, says string }{
		"no outcome":            {exampleOrder, "found 0 of them"},
		"two outcomes":          {exampleOrder + "bill: {}\nparked: x", "found 2 of them"},
		"no order":              {"bill: {}", "lacks the key order"},
		"an order that is none": {"order: [1]\nbill: {}", "the order as Jushuitan shows it"},
		"a misspelt key":        {exampleOrder + "bil: {}", "Did you mean bill?"},
		"a table of the file":   {exampleOrder + "tables: { customers: { x: C1 } }\nbill: {}", "no table customers from Kingdee"},
		"no YAML":               {"order: [", "one.yaml:1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oneExample(t, c.example)
			require.ErrorAs(t, err, new(Problems))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestAFlowWithoutExamples(t *testing.T) {
	examples, err := RunExamples(builtIn(t), filepath.Join(t.TempDir(), "none"))
	require.NoError(t, err)
	require.Empty(t, examples)
}
