package flowfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What loads and is still to be looked at. Each case is one change to testdata/base.yaml.
func TestNotes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "base.yaml"))
	require.NoError(t, err)
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a table that no field uses", "  warehouses:\n", "  shops: { values: { a: b } }\n  warehouses:\n", "No field uses the table shops."},
		{"a condition without a field", `when: type == "仅退款"`, "when: 1 > 2", "names no field of the order"},
		{"an expression without a field", "FIsFree: { expression: item.price == 0 }", "FIsFree: { expression: 1 == 1 }", "names no field of the order"},
		{"a value that no order has", `when: type == "仅退款"`, `when: type == "仅退"`, "type（售后类型） has no such value that is documented"},
		{"a value in a list", `when: type == "仅退款"`, `when: type in ["仅退款", "退款"]`, "type（售后类型） has no such value that is documented"},
		{"an absent value", `when: type == "仅退款"`, `when: type == ""`, ""},
		{"a field without a list", `when: type == "仅退款"`, `when: shop_name == "x"`, ""},
		{"the order's amount in each line", `FAmount: { expression: "round(item.price * item.r_qty, 2)" }`, "FAllAmount: { field: refund }", "FAllAmount（价税合计） is the same in each line of the bill"},
		{"the order's amount shared by its lines", `FAmount: { expression: "round(item.price * item.r_qty, 2)" }`, `FAllAmount: { expression: "round(refund * item.r_qty / sum(map(lines, .r_qty)), 2)" }`, ""},
		{"a line to fill in", "FormId: SAL_RETURNSTOCK", "FormId: SAL_RETURNSTOCK # the form ←", "Lines marked ←, which are to be filled in: 1."},
		{"an arrow within a comment", "FormId: SAL_RETURNSTOCK", "FormId: SAL_RETURNSTOCK # 退货 ← 售后", ""},
		{"a condition twice", "    - when: type == \"仅退款\"\n", "    - when: type == \"仅退款\"\n      reason: a\n    - when: type  ==  \"仅退款\"\n", "is already in line 40 and never decides here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			require.Contains(t, string(raw), c.old)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "base.yaml"), []byte(strings.Replace(string(raw), c.old, c.new, 1)), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "warehouses.csv"), []byte("code,value\n20001,CK001\n"), 0o600))
			_, notes, err := CheckFolder(folder)
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, notes)
				return
			}
			require.Len(t, notes, 1)
			require.Contains(t, notes[0].What, c.want)
			require.NotZero(t, notes[0].Line)
		})
	}
}
