package flow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		name, number, existing string
		names, want            []string
	}{
		{"keys", "{ field: as_id }", "report", []string{"1", " 2", "", "1"}, []string{"1", "2"}},
		{"numbers with a prefix, or keys", `{ expression: '"TH" + as_id' }`, "report", []string{"TH1", "2", "TH2", "TH"}, []string{"1", "2", "TH"}},
		{"numbers with a suffix", `{ expression: 'as_id + "-R"' }`, "report", []string{"1-R", "2-S"}, []string{"1", "2-S"}},
		{"supplements", "{ field: as_id }", "supplement", []string{"1-2", "1", "2-9", "3-10", "4-1"}, []string{"1", "2", "3-10", "4-1"}},
		{"supplements with a prefix", `{ expression: '"TH" + as_id' }`, "supplement", []string{"TH1-3", "1-3"}, []string{"1", "1-3"}},
		{"no supplements", "{ field: as_id }", "report", []string{"1-2"}, []string{"1-2"}},
		{"numbers that do not show the key", `{ expression: 'replace(as_id, "1", "2")' }`, "report", []string{"22"}, []string{"22"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := os.ReadFile(builtInPath)
			require.NoError(t, err)
			text := string(raw)
			require.Contains(t, text, "FBillNo: { field: as_id }")
			text = strings.Replace(text, "FBillNo: { field: as_id }", "FBillNo: "+c.number, 1)
			text = strings.Replace(text, "existing: report", "existing: "+c.existing, 1)
			f := load(t, strings.Replace(text, "file: tables/warehouses.csv", "file: warehouses.csv", 1), warehousesCSV)
			require.Equal(t, c.existing, f.Options.Existing)
			require.Equal(t, c.want, f.Keys(c.names))
		})
	}
}
