package fault

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/text"
)

func TestHide(t *testing.T) {
	const secret = `p&ss "word"/1`
	for name, c := range map[string]struct{ text, want string }{
		"as it is":                  {"wrong: " + secret + "!", "wrong: ***!"},
		"twice":                     {secret + secret, "******"},
		"in a query":                {"a=1&password=p%26ss+%22word%22%2F1&b=2", "a=1&password=***&b=2"},
		"in JSON":                   {`{"p":"p\u0026ss \"word\"/1"}`, `{"p":"***"}`},
		"truncated":                 {`wrong: p&ss "wo…`, `wrong: ***…`},
		"truncated, with more":      {`wrong: p&ss "wo… (request_id 1)`, `wrong: ***… (request_id 1)`},
		"in a query, in lower case": {"password=p%26ss+%22word%22%2f1", "password=***"},
		"in a query, twice":         {"password=p%2526ss%2520%2522word%2522%252F1", "password=***"},
		"by .NET in JSON":           {`"p\u0026ss \u0022word\u0022/1" "p\u0026ss \u0022word\u0022\/1"`, `"***" "***"`},
		"in JSON within JSON":       {`p\\u0026ss \\\"word\\\"\\/1`, `***`},
		"in HTML":                   {"p&amp;ss &quot;word&quot;/1, p&#38;ss &#34;word&#x22;&#x2F;1, p&amp;amp;ss &#034;word&quot;/1", "***, ***, ***"},
		"each character by itself":  {"%70%26%73s \\u0022w%6Frd&quot;/1", "***"},
		"truncated with dots":       {`wrong: p&ss "wo...`, `wrong: ***...`},
		"truncated in an escape":    {`wrong: p%26ss+%2… p&amp;ss &qu...`, `wrong: ***… ***...`},
		"its first letters":         {`p&s…`, `p&s…`},
		"nothing of it":             {"wrong", "wrong"},
		"a prefix, not truncated":   {`p&ss is short`, `p&ss is short`},
	} {
		t.Run(name, func(t *testing.T) {
			cause := errors.New("cause")
			f := &Error{Code: c.text, Message: c.text, Field: c.text, Err: text.Errorf("the server replied “%s”: %w", c.text, cause)}
			Hide(fmt.Errorf("around: %w", f), "", secret, "another")
			require.Equal(t, []string{c.want, c.want, c.want}, []string{f.Code, f.Message, f.Field})
			require.Equal(t, "the server replied “"+c.want+"”: cause", text.Of(f.Err).String())
			require.ErrorIs(t, f, cause)
		})
	}
	Hide(nil, secret)
	Hide(errors.New(secret), secret)
}

// Law: a secret is masked whatever form each of its characters has.
func TestNoFormOfASecretIsSeen(t *testing.T) {
	write := []func(r rune) string{
		func(r rune) string { return string(r) },
		func(r rune) string { return url.QueryEscape(string(r)) },
		func(r rune) string { return "%" + strings.ReplaceAll(fmt.Sprintf("% x", string(r)), " ", "%") },
		func(r rune) string { return url.QueryEscape(url.QueryEscape(string(r))) },
		func(r rune) string { return fmt.Sprintf(`\u%04x`, r) },
		func(r rune) string { return fmt.Sprintf(`\\u%04X`, r) },
		func(r rune) string { return fmt.Sprintf("&#%d;", r) },
		func(r rune) string { return fmt.Sprintf("&amp;#x%X;", r) },
		func(r rune) string { return html.EscapeString(string(r)) },
	}
	rapid.Check(t, func(r *rapid.T) {
		secret := rapid.StringOfN(rapid.SampledFrom([]rune("aB3+/ =&<>\"'%#密")), 8, 40, -1).Draw(r, "secret")
		var shown strings.Builder
		for _, character := range secret {
			shown.WriteString(rapid.SampledFrom(write).Draw(r, "form")(character))
		}
		if strings.HasPrefix(secret, "amp;") || strings.Contains(secret, "&") && strings.Contains(secret, "#") || strings.Contains(secret, "%") {
			return // an escape may be ambiguous with the characters after it
		}
		require.Equal(r, "told: ***.", Mask("told: "+shown.String()+".", secret))
	})
}
