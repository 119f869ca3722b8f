package workflows

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// Law: whatever a text holds, its summary is its beginning, in whole characters, and within
// the bound.
func TestLongTextsAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Repeat(rapid.String().Draw(t, "text"), rapid.IntRange(1, 500).Draw(t, "times"))
		summary := literal.Markdown(words)
		for name, c := range map[string]struct {
			text, short string
			fits        bool
		}{
			"summary": {summary, shortSummary(text.Literal(words)), len(summary) <= 360},
		} {
			require.True(t, utf8.ValidString(c.short), name)
			require.True(t, strings.HasPrefix(c.text, strings.TrimSuffix(c.short, "…")), name)
			require.Equal(t, c.fits, c.short == c.text, name)
		}
		require.LessOrEqual(t, len(shortSummary(text.Literal(words))), 360)
	})
}
