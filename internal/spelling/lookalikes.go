// Package spelling knows how people misspell what programs read: with characters that look
// like others, with names that come close, and with the numbers of spreadsheets.
package spelling

import (
	"strings"
	"unicode"
)

// Input methods, word processors and web pages put in characters that look like
// those that YAML, expressions and codes are made of, and are others.

// StraightQuote gives the quote that a typographic or full-width one stands for.
func StraightQuote(r rune) (rune, bool) {
	switch {
	case strings.ContainsRune("“”„‟«»「」『』＂", r):
		return '"', true
	case strings.ContainsRune("‘’‚‛´＇", r):
		return '\'', true
	}
	return r, false
}

// plainForms are the characters that lookalikes stand for, but for quotes, invisible
// ones, and the full-width forms of ASCII, which lie in its order.
var plainForms = map[rune]string{
	'、': ",", '。': ".", '【': "[", '】': "]", '×': "*", '÷': "/", '–': "-", '—': "-", '−': "-", '≥': ">=", '≤': "<=", '≠': "!=",
	'\u00a0': " ", '\u3000': " ",
}

// PlainForm gives what should stand in place of a lookalike; false for every other
// character. Of what can't be seen at all nothing is left.
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

// IsLookalike tells whether [PlainForm] has something in place of a character.
func IsLookalike(r rune) bool {
	_, ok := PlainForm(r)
	return ok
}

// IsInvisible tells whether a character has no width: nobody can see it in a file.
func IsInvisible(r rune) bool {
	return r == '\u00ad' || r == '\ufeff' || unicode.Is(unicode.Cf, r)
}

// PlainText puts what is meant in place of every lookalike.
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

// EndOfLiteral is the index behind a text in quotes that begins at from; false if it
// does not end.
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

// LookalikeOutsideQuotes finds the first of these lookalikes that is in no quotes; -1
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
