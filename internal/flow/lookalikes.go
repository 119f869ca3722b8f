package flow

import (
	"strings"
	"unicode"
)

// Input methods, word processors and web pages put in characters that look like
// those that YAML, expressions and codes are made of, and are others.

// straightQuote gives the quote that a typographic or full-width one stands for.
func straightQuote(r rune) (rune, bool) {
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

// plainForm gives what should stand in place of a lookalike; false for every other
// character. Of what can't be seen at all nothing is left.
func plainForm(r rune) (string, bool) {
	if quote, ok := straightQuote(r); ok {
		return string(quote), true
	}
	if form, ok := plainForms[r]; ok {
		return form, true
	}
	if r >= '！' && r <= '～' {
		return string(r - '！' + '!'), true
	}
	return "", isInvisible(r)
}

func isLookalike(r rune) bool {
	_, ok := plainForm(r)
	return ok
}

// isInvisible tells whether a character has no width: nobody can see it in a file.
func isInvisible(r rune) bool {
	return r == '\u00ad' || r == '\ufeff' || unicode.Is(unicode.Cf, r)
}

// plainText puts what is meant in place of every lookalike.
func plainText(text string) string {
	var b strings.Builder
	for _, r := range text {
		if form, ok := plainForm(r); ok {
			b.WriteString(form)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// visible names characters so that they are seen, also those that have no looks.
func visible(text string) message {
	for _, r := range text {
		switch {
		case r == '\u3000':
			return say("全角空格", "a full-width space")
		case r == '\u00a0':
			return say("不换行空格", "a no-break space")
		case isInvisible(r):
			return say("看不见的字符 %U", "the invisible character %U", r)
		}
	}
	return say(" %s ", "%s", text)
}

// instead says that one of these should stand there.
func instead(found, meant string) message {
	what := visible(found)
	switch meant {
	case "":
		return say("这里是%[1]s，请删去。", "Found %[2]s; remove it.", what.chinese, what.english)
	case " ":
		return say("这里是%[1]s，应为普通的空格。", "Found %[2]s, expected a plain space.", what.chinese, what.english)
	}
	return say("这里是%[1]s，应为英文的 %[3]s 。", "Found %[2]s, expected %[3]s.", what.chinese, what.english, meant)
}

// endOfLiteral is the index behind a text in quotes that begins at from; false if it
// does not end.
func endOfLiteral(source []rune, from int) (int, bool) {
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

func isQuote(r rune) bool { return r == '"' || r == '\'' || r == '`' }

// lookalikeOutsideQuotes finds the first of these lookalikes that is in no quotes; -1
// if there is none.
func lookalikeOutsideQuotes(source []rune, some string) int {
	for i := 0; i < len(source); i++ {
		switch {
		case isQuote(source[i]):
			end, _ := endOfLiteral(source, i)
			i = end - 1
		case strings.ContainsRune(some, source[i]):
			return i
		}
	}
	return -1
}
