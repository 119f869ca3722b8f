package visibility

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// read reads the quoted string at the start of a query as Temporal's parser does, where
// a backslash escapes any character, and a quote escapes a quote. rest is what follows.
func read(t require.TestingT, query string) (value, rest string) {
	require.True(t, strings.HasPrefix(query, "'"), query)
	var b strings.Builder
	for i := 1; i < len(query); i++ {
		switch {
		case query[i] == '\\' && i+1 < len(query), query[i] == '\'' && strings.HasPrefix(query[i+1:], "'"):
			i++
			b.WriteByte(query[i])
		case query[i] == '\'':
			return b.String(), query[i+1:]
		default:
			b.WriteByte(query[i])
		}
	}
	require.Fail(t, "the string does not end", query)
	return "", ""
}

func TestNoValueIsPartOfAQuery(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		value := rapid.OneOf(
			rapid.String(),
			rapid.StringOfN(rapid.SampledFrom([]rune(`\'" OR=x`)), 0, 20, -1),
		).Draw(r, "value")
		rest, ok := strings.CutPrefix(All(Equal("A", value), Running), "A = ")
		require.True(r, ok)
		got, rest := read(r, rest)
		require.Equal(r, value, got)
		require.Equal(r, " AND "+Running, rest)
	})
	require.Equal(t, `RefundsyncShop = 'x\\'' OR WorkflowType = ''y'`, Equal("RefundsyncShop", `x\' OR WorkflowType = 'y`))
	require.Equal(t, `WorkflowType IN ('A', 'B')`, OfTypes("A", "B"))
}
