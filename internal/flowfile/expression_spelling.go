package flowfile

import (
	"slices"
	"strings"
	"unicode"

	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// keywords of expressions, which are case-sensitive.
var keywords = []string{"and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches", "true", "false"}

// foreignOperators are operators of spreadsheets, of SQL and of other languages, and what
// expressions have in their place.
var foreignOperators = map[string]string{
	"=": "==", "===": "==", "<>": "!=", "!==": "!=", "=<": "<=", "=>": ">=", "=!": "!=",
}

// misspellings finds in an expression what comes from an input method, a spreadsheet or
// another language, of which the library only says that it is unexpected. quote is the
// one that the file allows within the expression.
func misspellings(expression string, quote rune) []flow.Mistake {
	var mistakes []flow.Mistake
	source := []rune(expression)
	report := func(from, to int, what text.Text) {
		mistakes = append(mistakes, flow.Mistake{From: from, To: to, What: what})
	}
	words := [2]string{} // the last two
	for i := 0; i < len(source); {
		r, from := source[i], i
		_, typographic := spelling.StraightQuote(r)
		switch {
		case spelling.IsQuote(r):
			end, closed := spelling.EndOfLiteral(source, i)
			if !closed {
				report(from, from+1, text.New("The text that begins with %[1]c here has no closing %[1]c.", r))
			}
			i = end
		case typographic:
			i = from + 1 + slices.IndexFunc(source[from+1:], func(r rune) bool { _, ok := spelling.StraightQuote(r); return ok || spelling.IsQuote(r) }) + 1
			if i == from+1 {
				report(from, from+1, lookalike(r, string(quote)))
				break
			}
			report(from, i, text.New("Texts take straight quotes: %s.", string(quote)+string(source[from+1:i-1])+string(quote)))
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			for i < len(source) && (source[i] == '_' || unicode.IsLetter(source[i]) || unicode.IsDigit(source[i])) {
				i++
			}
			word := string(source[from:i])
			member := from > 0 && source[from-1] == '.'
			keyword := slices.IndexFunc(keywords, func(k string) bool { return strings.EqualFold(k, word) })
			switch {
			case spelling.PlainText(word) != word:
				report(from, i, replace(word, spelling.PlainText(word)))
			case !member && keyword >= 0 && keywords[keyword] != word:
				report(from, i, replace(word, keywords[keyword]))
			}
			words = [2]string{words[1], word}
		case isComparison(r):
			for i < len(source) && isComparison(source[i]) {
				i++
			}
			found := string(source[from:i])
			meant := spelling.PlainText(found)
			if other, ok := foreignOperators[meant]; ok && !(meant == "=" && words[0] == "let") {
				meant = other
			}
			if found != meant {
				report(from, i, replace(found, meant))
			}
		case spelling.IsLookalike(r):
			for i < len(source) && source[i] == r {
				i++
			}
			form, _ := spelling.PlainForm(r)
			report(from, i, lookalike(r, form))
		default:
			i++
		}
	}
	return mistakes
}

func isComparison(r rune) bool { return strings.ContainsRune("=<>!＝＜＞！≥≤≠", r) }
