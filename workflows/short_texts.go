package workflows

import (
	"unicode/utf8"

	"refundsync/internal/literal"
)

// longestSummary bounds a summary, in bytes. Temporal servers allow 400, the
// quotes of its JSON included.
const longestSummary = 360

// shortSummary makes a summary, which the Web UI shows as Markdown, of a text, and cuts
// what Temporal would refuse.
func shortSummary(text string) string {
	text = literal.Markdown(text)
	if len(text) <= longestSummary {
		return text
	}
	end := longestSummary - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
