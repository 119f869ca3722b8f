// Package literal shows texts of others as they are, and as nothing else: each medium
// has characters that it would obey, and an order, a reply or a person's reason may
// hold any of them. One function a medium; whoever writes to it calls that one.
package literal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// box stands for a character that is obeyed and not seen.
const box = "□"

// obeyed reports whether a terminal, an editor or a browser obeys a character instead
// of showing it: controls of both sets, what turns the direction of writing, breaks of
// lines beside the usual ones, and tags, which are text that nobody sees. Tab and line
// feed are among them.
func obeyed(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return r >= 0xE0000 && r <= 0xE007F
}

// valid has a box in the place of each byte that is no character.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			b.WriteString(box)
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// Terminal is a text of several lines on a terminal: a character that would be obeyed,
// and a byte that is no character, is a box. The only ones obeyed are tab and line
// feed, and a carriage return before that.
func Terminal(text string) string {
	text = valid(text)
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\n', r == '\t', r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
			b.WriteRune(r)
		case obeyed(r):
			b.WriteString(box)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Cell is [Terminal] for a cell of a table, whose columns a tab would shift.
func Cell(text string) string {
	return strings.NewReplacer("\t", " ", "\r", "").Replace(Terminal(text))
}

// Line is a text as one line: breaks and tabs are blanks, and what else would be
// obeyed is a box.
func Line(text string) string {
	text = valid(text)
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case r == '\n', r == '\t', r == '\r':
			b.WriteByte(' ')
		case obeyed(r):
			b.WriteString(box)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// CSV is a text as a cell of a CSV file, which no spreadsheet takes for a formula. A
// program that reads the file finds a ' before what could be one.
func CSV(text string) string {
	text = Line(text)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, blank))
	if strings.ContainsRune("=+-@|%＝＋－＠", first) && first != utf8.RuneError || text != "" && blank([]rune(text)[0]) {
		return "'" + text
	}
	return text
}

// blank is what a spreadsheet may leave away before it looks for a formula.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '□'
}

// CSVText is a text as a cell that a spreadsheet keeps as text although it looks like
// a number, such as an order's id.
func CSVText(text string) string {
	return `="` + strings.ReplaceAll(Line(text), `"`, `""`) + `"`
}

// Markdown is a text as a part of a line of CommonMark with GitHub's extensions, which
// the Web UI shows: no emphasis, code, link, picture, tag, cell or list comes of it.
func Markdown(text string) string {
	runes := []rune(Line(text))
	var b strings.Builder
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return ' '
		}
		return runes[i]
	}
	for i, r := range runes {
		escaped := strings.ContainsRune("\\`*[]<>|~&@", r)
		switch r {
		case '_': // within a word it is one
			escaped = !word(at(i-1)) || !word(at(i+1))
		case ':': // https://, mailto:
			escaped = at(i+1) == '/' || word(at(i-1)) && word(at(i+1)) && !unicode.IsDigit(at(i-1))
		case '.': // www., and an ordered list
			escaped = endsInWWW(runes[:i]) || digits(runes[:i])
		case ')':
			escaped = digits(runes[:i])
		case '#', '+', '-', '=':
			escaped = strings.TrimSpace(string(runes[:i])) == ""
		case ' ': // an indented block of code, or a break
			if strings.TrimSpace(string(runes[:i])) == "" || at(i+1) == ' ' || i+1 == len(runes) {
				r = noBreak
			}
		}
		if escaped {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// noBreak is a blank that stays where it is.
const noBreak = '\u00a0'

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func digits(runes []rune) bool {
	for _, r := range runes {
		if !unicode.IsDigit(r) {
			return false
		}
	}
	return len(runes) > 0
}

func endsInWWW(runes []rune) bool {
	return len(runes) >= 3 && strings.EqualFold(string(runes[len(runes)-3:]), "www")
}

// Chat is a text as a part of a line of a message of a group chat. Their robots know
// several kinds of Markdown, none of which has escapes in all clients: so what would be
// obeyed is written in full width.
func Chat(text string) string {
	runes := []rune(Line(text))
	for i, r := range runes {
		switch {
		case r == '_' && i > 0 && i+1 < len(runes) && word(runes[i-1]) && word(runes[i+1]):
		case r == ':' && !(i+1 < len(runes) && runes[i+1] == '/'):
		case r == '.' && !endsInWWW(runes[:i]):
		case strings.ContainsRune("\\`*_[]<>|~@#:.", r):
			runes[i] = r - '!' + '！'
		}
	}
	return string(runes)
}
