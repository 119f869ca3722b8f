package flowfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

// Each of these would take the YAML library seconds and gigabytes.
func TestOddYAMLIsRefusedBeforeItIsRead(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"nested brackets": {strings.Repeat("[\n", maxSigns+1), "brackets and special characters"},
		"brackets":        {strings.Repeat("{", maxSigns+1), "brackets and special characters"},
		"anchors":         {strings.Repeat("a: &a 1\n", maxSigns+1), "brackets and special characters"},
		"aliases":         {"a: &a 1\n" + strings.Repeat("b: *a\n", maxSigns+1), "brackets and special characters"},
		"blocks":          {strings.Repeat("a: |\n", maxSigns+1), "brackets and special characters"},
		"many keys":       {strings.Repeat("a: b\n", maxFlowLines+1), "more than 5000 lines"},
		"deep lists":      {strings.Repeat("- ", maxLine), "more than 4000 bytes"},
		"a long line":     {"a: " + strings.Repeat("a: ", maxLine), "more than 4000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse("flow.yaml", []byte(c.text), nil)
			require.Len(t, p.problems, 1)
			require.Contains(t, p.problems[0].What, c.says)
		})
	}
}

func TestMistakesOfAFileAreBounded(t *testing.T) {
	table := &flow.Table{Rows: map[string]string{}}
	d := newDocument("table.csv", []byte("code,value\n"+strings.Repeat("a\n", 3*maxProblems)))
	d.csvRows(table, []byte(strings.Join(d.lines, "\n")))
	require.Len(t, d.problems, maxProblems)
}
