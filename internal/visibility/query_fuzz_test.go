package visibility

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzQuery(f *testing.F) {
	for _, value := range []string{"", `'`, `\`, `\'`, `x' OR 1=1`} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		rest, ok := strings.CutPrefix(All(Equal("A", value), Running), "A = ")
		require.True(t, ok)
		got, rest := read(t, rest)
		require.Equal(t, value, got)
		require.Equal(t, " AND "+Running, rest)
	})
}
