package fault

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// leastOfSecret is how much of a secret's beginning is worth hiding, in characters.
const leastOfSecret = 4

// cut is how a text ends that was cut, by us or by a vendor.
const cut = `(?:…|\.\.\.)`

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
			*text = hide(*text, secret)
		}
	}
}

func hide(text, secret string) string {
	if secret == "" || text == "" {
		return text
	}
	var whole, beginning, end strings.Builder
	for i, r := range []rune(secret) {
		form := formsOf(r)
		whole.WriteString(form)
		if i >= leastOfSecret {
			beginning.WriteString("(?:")
			end.WriteString(")?")
		}
		beginning.WriteString(form)
	}
	text = regexp.MustCompile(whole.String()).ReplaceAllLiteralString(text, "***")
	if len([]rune(secret)) <= leastOfSecret {
		return text
	}
	// Within an escaped character, too.
	const part = `(?:%[0-9A-Fa-f]?|\\u?[0-9A-Fa-f]{0,3}|&#?[0-9A-Za-z]{0,6})?`
	return regexp.MustCompile(beginning.String()+end.String()+part+"("+cut+")").ReplaceAllString(text, "***$1")
}

// formsOf matches a character as it is, and as .NET and others escape it, with hex
// digits of either case; what escapes may be escaped again.
func formsOf(r rune) string {
	hex := func(format string, value any) string { return "(?i:" + fmt.Sprintf(format, value) + ")" }
	forms := []string{regexp.QuoteMeta(string(r))}
	if r < 0x10000 {
		forms = append(forms, `\\+`+hex("u%04x", r))
	}
	query := ""
	for _, b := range []byte(string(r)) {
		query += `%(?:25)*` + hex("%02x", b)
	}
	forms = append(forms, query, `&(?:amp;)*`+fmt.Sprintf(`#0*(?:%d|x0*%s);`, r, hex("%x", r)))
	if escaped := html.EscapeString(string(r)); escaped != string(r) && !strings.HasPrefix(escaped, "&#") {
		forms = append(forms, `&(?:amp;)*`+escaped[1:])
	}
	switch r {
	case ' ':
		forms = append(forms, `\+`)
	case '"':
		forms = append(forms, `\\+"`, `&(?:amp;)*quot;`)
	case '\'':
		forms = append(forms, `&(?:amp;)*apos;`)
	case '\\', '/':
		forms = append(forms, `\\+`+regexp.QuoteMeta(string(r)))
	}
	return "(?:" + strings.Join(forms, "|") + ")"
}
