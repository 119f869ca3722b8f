package flowfile

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

func FuzzTable(f *testing.F) {
	for _, text := range []string{"code,value\nA,B\n", "\ufeffcode,value,remark\r\n\"a\",\"b,c\",\n", "code;value\n", "code\tvalue\n", "", "code,value\n\"a\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDocument("table.csv", data)
		read := &flow.Table{Rows: map[string]string{}}
		d.csvRows(read, data)
		require.LessOrEqual(t, len(d.problems), maxProblems)
		for _, problem := range d.problems {
			require.True(t, utf8.ValidString(problem.String()))
			require.Positive(t, problem.Line)
		}
		for code, value := range read.Rows {
			require.True(t, len(d.problems) > 0 || value != "", "code %q has no value, and nobody is told", code)
		}
	})
}
