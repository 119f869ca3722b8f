package workflows

import (
	"unicode/utf8"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// longestSummary bounds a summary, in bytes. Temporal servers allow 400, including the quotes
// of its JSON.
const longestSummary = 360

// shortSummary makes a summary of a text, which the Web UI shows as Markdown, and cuts it to
// what Temporal accepts.
func shortSummary(t text.Text) string {
	summary := literal.Markdown(t.String())
	if len(summary) <= longestSummary {
		return summary
	}
	end := longestSummary - len("…")
	for !utf8.RuneStart(summary[end]) {
		end--
	}
	return summary[:end] + "…"
}
