// Package spelling knows how people misspell what programs read: characters that look like
// others, names that are nearly right, and numbers as spreadsheets write them.
package spelling

import (
	"strings"
	"unicode"
)

// Lookalikes are characters that input methods, word processors and web pages put in place
// of those that YAML, expressions and codes are made of.

// StraightQuote is the quote that a typographic or full-width one stands for; false for
// every other character.
func StraightQuote(r rune) (rune, bool) {
	switch {
	case strings.ContainsRune("“”„‟«»「」『』＂", r):
		return '"', true
	case strings.ContainsRune("‘’‚‛´＇", r):
		return '\'', true
	}
	return r, false
}

// plainForms are the characters that lookalikes stand for, except quotes, invisible ones
// and the full-width forms of ASCII, which are in its order.
var plainForms = map[rune]string{
	'、': ",", '。': ".", '【': "[", '】': "]", '×': "*", '÷': "/", '–': "-", '—': "-", '−': "-", '≥': ">=", '≤': "<=", '≠': "!=",
	'\u00a0': " ", '\u3000': " ",
}

// PlainForm is what a lookalike stands for, "" for an invisible character; false for every
// other character.
func PlainForm(r rune) (string, bool) {
	if quote, ok := StraightQuote(r); ok {
		return string(quote), true
	}
	if form, ok := plainForms[r]; ok {
		return form, true
	}
	if r >= '！' && r <= '～' {
		return string(r - '！' + '!'), true
	}
	return "", IsInvisible(r)
}

// IsLookalike tells whether a character has a [PlainForm].
func IsLookalike(r rune) bool {
	_, ok := PlainForm(r)
	return ok
}

// IsInvisible tells whether a character has no width, so that nobody sees it in a file.
func IsInvisible(r rune) bool {
	return r == '\u00ad' || r == '\ufeff' || unicode.Is(unicode.Cf, r)
}

// PlainText replaces every lookalike by its [PlainForm].
func PlainText(text string) string {
	var b strings.Builder
	for _, r := range text {
		if form, ok := PlainForm(r); ok {
			b.WriteString(form)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// EndOfLiteral is the index after a quoted text that begins at from; false if the quote is
// not closed.
func EndOfLiteral(source []rune, from int) (int, bool) {
	quote := source[from]
	for i := from + 1; i < len(source); i++ {
		switch {
		case source[i] == quote:
			return i + 1, true
		case source[i] == '\\' && quote != '`':
			i++
		}
	}
	return len(source), false
}

// IsQuote tells whether a character is a straight quote.
func IsQuote(r rune) bool { return r == '"' || r == '\'' || r == '`' }

// LookalikeOutsideQuotes is the index of the first of these lookalikes outside quotes; -1
// if there is none.
func LookalikeOutsideQuotes(source []rune, some string) int {
	for i := 0; i < len(source); i++ {
		switch {
		case IsQuote(source[i]):
			end, _ := EndOfLiteral(source, i)
			i = end - 1
		case strings.ContainsRune(some, source[i]):
			return i
		}
	}
	return -1
}
