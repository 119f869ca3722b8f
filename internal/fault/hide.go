package fault

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// leastOfSecret is how much of a secret's beginning is worth hiding, in characters.
const leastOfSecret = 4

// Hide masks secrets in the fault in err's chain, for a vendor may quote what it was
// sent: as they are, escaped as in a query, in JSON or in HTML, character by character
// and once or several times, and the beginning of one where the text was cut within it.
// Empty secrets are none.
func Hide(err error, secrets ...string) {
	f := As(err)
	if f == nil {
		return
	}
	for _, secret := range secrets {
		for _, text := range []*string{&f.Code, &f.Message, &f.Field} {
			*text = Mask(*text, secret)
		}
	}
}

// Mask is [Hide] for a text that is in no fault.
func Mask(text, secret string) string {
	if secret == "" {
		return text
	}
	var b strings.Builder
	length := utf8.RuneCountInString(secret)
	for kept := 0; ; {
		matched, end := 0, kept
		for _, r := range secret {
			size := form(text[end:], r)
			if size == 0 {
				break
			}
			matched, end = matched+1, end+size
		}
		switch {
		case matched == length:
			b.WriteString("***")
			kept = end
		case matched >= leastOfSecret && cutAt(text[end:]) >= 0:
			b.WriteString("***")
			kept = end + cutAt(text[end:])
		case kept == len(text):
			return b.String()
		default:
			b.WriteByte(text[kept])
			kept++
		}
	}
}

// cutAt is where the mark begins of a text that was cut here, by us or by a vendor, if
// need be within a character that was escaped; -1 if there is none.
func cutAt(rest string) int {
	const longestPart = 7 // of an escape
	for at := range min(len(rest), longestPart+1) {
		if strings.HasPrefix(rest[at:], "…") || strings.HasPrefix(rest[at:], "...") {
			return at
		}
		part := rest[:at+1]
		if !strings.ContainsAny(part[:1], `%\&`) || strings.Trim(part[1:], `\#abcdefghijklmnopqrstuvwxyzABCDEF0123456789`) != "" {
			return -1
		}
	}
	return -1
}

// form is the length of a character at the beginning of a text, as it is or as .NET
// and others escape it, with hex digits of either case, where what escapes may be
// escaped again; 0 if the text begins with another.
func form(text string, r rune) int {
	if text == "" {
		return 0
	}
	size := 0
	switch text[0] {
	case '%':
		size = inQuery(text, r)
	case '\\':
		size = inJSON(text, r)
	case '&':
		size = inHTML(text, r)
	}
	first, length := utf8.DecodeRuneInString(text)
	switch {
	case size > 0:
		return size
	case first == r:
		return length
	case r == ' ':
		return form(text, '+') // as queries have it
	}
	return 0
}

// inQuery reads %2b, and %252b.
func inQuery(text string, r rune) int {
	rest := text
	for _, b := range []byte(string(r)) {
		after, ok := strings.CutPrefix(rest, "%")
		if !ok {
			return 0
		}
		for b != '%' && strings.HasPrefix(after, "25") {
			after = after[2:]
		}
		if value, ok := hex(after, 2); !ok || value != uint64(b) {
			return 0
		}
		rest = after[2:]
	}
	return len(text) - len(rest)
}

// inJSON reads \u002b, \" and \\, behind any number of backslashes.
func inJSON(text string, r rune) int {
	rest := strings.TrimLeft(text, `\`)
	slashes := len(text) - len(rest)
	switch {
	case slashes == 0:
		return 0
	case strings.HasPrefix(rest, "u"):
		if value, ok := hex(rest[1:], 4); ok && value == uint64(r) {
			return slashes + 5
		}
	case strings.ContainsRune(`"'/`, r) && strings.HasPrefix(rest, string(r)):
		return slashes + 1
	}
	if r == '\\' {
		return slashes
	}
	return 0
}

// inHTML reads &amp;, &#43;, &#x2B; and &amp;#43;.
func inHTML(text string, r rune) int {
	rest, ok := strings.CutPrefix(text, "&")
	if !ok {
		return 0
	}
	for strings.HasPrefix(rest, "amp;") {
		rest = rest[len("amp;"):]
	}
	name, _, ok := strings.Cut(rest[:min(len(rest), 12)], ";")
	if ok && html.UnescapeString("&"+name+";") == string(r) {
		return len(text) - len(rest) + len(name) + len(";")
	}
	if r == '&' && len(rest) < len(text)-1 {
		return len(text) - len(rest)
	}
	return 0
}

func hex(text string, digits int) (uint64, bool) {
	if len(text) < digits {
		return 0, false
	}
	value, err := strconv.ParseUint(text[:digits], 16, 32)
	return value, err == nil
}
