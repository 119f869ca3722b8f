package flowfile

import (
	"slices"
	"strings"
	"unicode"

	"refundsync/internal/flow"
	"refundsync/internal/spelling"
)

// keywords of expressions. All are in lower case, or as they stand here.
var keywords = []string{"and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches", "true", "false"}

// operatorsMeant are the operators of spreadsheets, of SQL and of other languages, and
// what expressions have in their place.
var operatorsMeant = map[string]string{
	"=": "==", "===": "==", "<>": "!=", "!==": "!=", "=<": "<=", "=>": ">=", "=!": "!=",
}

// misspelt finds in an expression what comes from an input method, from a spreadsheet
// or from another language. The library would say of it no more than that it did not
// expect it. quote is one that the file lets stand within the expression.
func misspelt(text string, quote rune) []flow.Mistake {
	var mistakes []flow.Mistake
	source := []rune(text)
	report := func(from, to int, what message) {
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
				report(from, from+1, say("从这里开始的引号 %[1]s 没有结束，应以同样的 %[1]s 结束。", "The quote %[1]s that begins here does not end; expected the same %[1]s at the end of the text.", string(r)))
			}
			i = end
		case typographic:
			i = from + 1 + slices.IndexFunc(source[from+1:], func(r rune) bool { _, ok := spelling.StraightQuote(r); return ok || spelling.IsQuote(r) }) + 1
			if i == from+1 {
				report(from, from+1, instead(string(r), string(quote)))
				break
			}
			meant := string(quote) + string(source[from+1:i-1]) + string(quote)
			report(from, i, say("文本的引号应为英文的：%[1]s。", "A text stands in straight quotes: %[1]s.", meant))
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			for i < len(source) && (source[i] == '_' || unicode.IsLetter(source[i]) || unicode.IsDigit(source[i])) {
				i++
			}
			word := string(source[from:i])
			member := from > 0 && source[from-1] == '.'
			keyword := slices.IndexFunc(keywords, func(k string) bool { return strings.EqualFold(k, word) })
			switch {
			case spelling.PlainText(word) != word:
				report(from, i, instead(word, spelling.PlainText(word)))
			case !member && keyword >= 0 && keywords[keyword] != word:
				report(from, i, say("%[1]s 应写成 %[2]s。", "%[1]s is written %[2]s.", word, keywords[keyword]))
			}
			words = [2]string{words[1], word}
		case isComparison(r):
			for i < len(source) && isComparison(source[i]) {
				i++
			}
			found := string(source[from:i])
			meant := spelling.PlainText(found)
			if other, ok := operatorsMeant[meant]; ok && !(meant == "=" && words[0] == "let") {
				meant = other
			}
			if found != meant {
				report(from, i, say("%[1]s 应写成 %[2]s。", "%[1]s is written %[2]s.", found, meant))
			}
		case spelling.IsLookalike(r):
			for i < len(source) && source[i] == r {
				i++
			}
			form, _ := spelling.PlainForm(r)
			report(from, i, instead(string(r), form))
		default:
			i++
		}
	}
	return mistakes
}

func isComparison(r rune) bool { return strings.ContainsRune("=<>!＝＜＞！≥≤≠", r) }
