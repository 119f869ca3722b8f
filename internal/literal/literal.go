// Package literal escapes text from outside for the medium that shows it, with one
// function per medium. An order, a reply or a person's reason may contain characters
// that the medium would interpret.
package literal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// box replaces a character that would be obeyed.
const box = "□"

// obeyed reports whether a terminal, an editor or a browser obeys a character instead
// of showing it: C0 and C1 controls, which include tab and line feed, bidirectional
// controls, unusual line breaks, and tag characters, which are invisible text.
func obeyed(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return r >= 0xE0000 && r <= 0xE007F
}

// valid replaces each byte that isn't UTF-8 by a box.
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

// Terminal escapes lines of text for a terminal: a character that would be obeyed, and
// a byte that isn't UTF-8, becomes a box. Tabs and line feeds stay, as does a carriage
// return before a line feed.
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

// Cell is [Terminal] for a cell of a table, where a tab would shift the columns.
func Cell(text string) string {
	return strings.NewReplacer("\t", " ", "\r", "").Replace(Terminal(text))
}

// Line puts a text on one line: line breaks and tabs become spaces, and other
// characters that would be obeyed become boxes.
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

// CSV escapes a cell of a CSV file, so that no spreadsheet takes it for a formula: what
// could be one gets a ' in front, which programs that read the file see too.
func CSV(text string) string {
	text = Line(text)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, blank))
	if strings.ContainsRune("=+-@|%＝＋－＠", first) && first != utf8.RuneError || text != "" && blank([]rune(text)[0]) {
		return "'" + text
	}
	return text
}

// blank reports whether a spreadsheet may skip a character before a formula.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '□'
}

// CSVText makes a cell that a spreadsheet keeps as text although it looks like a
// number, such as an order's id.
func CSVText(text string) string {
	return `="` + strings.ReplaceAll(Line(text), `"`, `""`) + `"`
}

// Markdown escapes a part of a line of CommonMark with GitHub's extensions, for the Web
// UI: it becomes no emphasis, code, link, image, tag, cell or list.
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
		case '_': // literal within a word
			escaped = !word(at(i-1)) || !word(at(i+1))
		case ':': // https://, mailto:
			escaped = at(i+1) == '/' || word(at(i-1)) && word(at(i+1)) && !unicode.IsDigit(at(i-1))
		case '.': // www., or an ordered list
			escaped = endsInWWW(runes[:i]) || digits(runes[:i])
		case ')':
			escaped = digits(runes[:i])
		case '#', '+', '-', '=':
			escaped = strings.TrimSpace(string(runes[:i])) == ""
		case ' ': // an indented code block, or a line break
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

// noBreak is a no-break space.
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

// Chat escapes a part of a line of a message to a group chat. The robots' dialects of
// Markdown have no escapes that work in all clients, so characters that would be obeyed
// become full-width.
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
