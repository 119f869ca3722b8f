package fault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHide(t *testing.T) {
	const secret = `p&ss "word"/1`
	for name, c := range map[string]struct{ text, want string }{
		"as it is":              {"wrong: " + secret + "!", "wrong: ***!"},
		"twice":                 {secret + secret, "******"},
		"in a query":            {"a=1&password=p%26ss+%22word%22%2F1&b=2", "a=1&password=***&b=2"},
		"in JSON":               {`{"p":"p\u0026ss \"word\"/1"}`, `{"p":"***"}`},
		"cut within":            {`wrong: p&ss "wo…`, `wrong: ***…`},
		"cut within, more":      {`wrong: p&ss "wo… (request_id 1)`, `wrong: ***… (request_id 1)`},
		"its first letters":     {`p&s…`, `p&s…`},
		"nothing of it":         {"wrong", "wrong"},
		"no beginning in words": {`p&ss is short`, `p&ss is short`},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Error{Code: c.text, Message: c.text, Field: c.text}
			Hide(fmt.Errorf("around: %w", f), "", secret, "another")
			require.Equal(t, []string{c.want, c.want, c.want}, []string{f.Code, f.Message, f.Field})
		})
	}
	Hide(nil, secret)
	Hide(errors.New(secret), secret)
}
