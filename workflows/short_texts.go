package workflows

import "unicode/utf8"

// longestSummary bounds a summary, in bytes. Temporal servers allow 400, the
// quotes of its JSON included.
const longestSummary = 360

// shortSummary cuts a summary that Temporal would refuse.
func shortSummary(text string) string {
	if len(text) <= longestSummary {
		return text
	}
	end := longestSummary - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
