package workflows

import "unicode/utf8"

const (
	// longestMessage bounds what a failure says, in characters. A result lists
	// 100 failures, and Temporal refuses a payload over 2 MiB.
	longestMessage = 1000
	// longestSummary bounds a summary, in bytes. Temporal servers allow 400, the
	// quotes of its JSON included.
	longestSummary = 360
)

// ShortMessage cuts a message that is too long to travel with a failure.
func ShortMessage(text string) string {
	if utf8.RuneCountInString(text) <= longestMessage {
		return text
	}
	return string([]rune(text)[:longestMessage]) + "…"
}

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
