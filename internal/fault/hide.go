package fault

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// leastOfSecret is the shortest prefix of a secret that is masked, in characters.
const leastOfSecret = 4

// Hide masks secrets in the fault in err's chain, since a vendor may quote what it was
// sent. It finds them as they are and escaped as in a query, in JSON or in HTML, where
// each character may have another form and be escaped several times, and finds the
// start of a secret if the text was truncated within it. It ignores empty secrets.
func Hide(err error, secrets ...string) {
	f := As(err)
	if f == nil {
		return
	}
	for _, words := range []*string{&f.Code, &f.Message, &f.Field} {
		*words = maskAll(*words, secrets)
	}
	if f.Err == nil {
		return
	}
	if words := f.Err.Error(); maskAll(words, secrets) != words {
		f.Err = &masked{maskAll(words, secrets), f.Err}
	}
}

// masked is an error whose words held a secret.
type masked struct {
	words string
	err   error
}

func (m *masked) Error() string { return m.words }

func (m *masked) Unwrap() error { return m.err }

func maskAll(words string, secrets []string) string {
	for _, secret := range secrets {
		words = Mask(words, secret)
	}
	return words
}

// Mask is [Hide] for a text that isn't in a fault.
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

// cutAt gives the offset of the ellipsis of a text that was truncated here, by us or by
// a vendor, possibly within an escaped character; -1 if it wasn't.
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

// form gives the length of a character at the start of a text, as it is or as .NET and
// others escape it, once or several times, with hex digits of either case; 0 if the text
// starts with another character.
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
		return form(text, '+') // in a query
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

// inJSON reads \u002b, \" and \\, after any number of backslashes.
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
