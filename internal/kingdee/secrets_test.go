package kingdee

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// Whatever a server quotes of a request, no error of the call or of a bill shows a
// secret.
func TestErrorsHoldNoSecrets(t *testing.T) {
	quoted := func(r *http.Request, body string) string {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&b, "%s=%s ", name, r.Header.Get(name))
		}
		return b.String() + body
	}
	inJSON := func(text string) string {
		raw, err := json.Marshal(text)
		require.NoError(t, err)
		return string(raw)
	}
	ends := map[string]func(said string) string{
		"of a bill": func(said string) string {
			return `{"Result":{"ResponseStatus":{"Errors":[{"FieldName":` + inJSON(said) + `,"Message":` + inJSON(said) + `,"DIndex":0},{"Message":"x","DIndex":1}],"MsgCode":11}}}`
		},
		"of the call": func(said string) string {
			return `{"Result":{"ResponseStatus":{"Errors":[{"Message":` + inJSON(said) + `,"DIndex":0}],"MsgCode":2}}}`
		},
		"of the framework": func(said string) string { return `response_error:{"Message":` + inJSON(said) + `}` },
		"as raw text":      func(said string) string { return `response_error:` + inJSON(said) },
		"as a page":        func(said string) string { return "<html>" + html.EscapeString(said) + "</html>" },
		"with HTTP 500":    func(said string) string { return said },
		"of a gateway":     func(said string) string { return `{"errcode":4002,"description":` + inJSON(said) + `}` },
	}
	for _, auth := range everyAuth {
		for name, end := range ends {
			for _, at := range []string{"login", "save"} {
				// With the last of these, the vendor's text is cut within the secrets.
				for _, before := range []int{0, 200, 260, 900, 960} {
					t.Run(fmt.Sprint(auth, " ", name, " ", at, " ", before), func(t *testing.T) {
						secrets := []string{"pass&word", "0123456789abcdef", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY", "cXJ2cCN1fn8qfHl"}
						server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
							login := methodOf(r) != MethodBatchSave
							if login && at == "save" {
								http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: "session-1234567890", Path: "/"})
								write(w, loggedInReply)
								return
							}
							for _, header := range []string{"X-Api-Signature", "X-Kd-Signature"} {
								if value := r.Header.Get(header); value != "" {
									secrets = append(secrets, value[:20])
								}
							}
							if login && auth == AuthSign {
								var sent struct{ Parameters []any }
								assert.NoError(t, json.Unmarshal([]byte(body), &sent))
								secrets = append(secrets, fmt.Sprint(sent.Parameters[4])[:20])
							}
							secrets = append(secrets, "session-123")
							if name == "with HTTP 500" {
								w.WriteHeader(http.StatusInternalServerError)
							}
							write(w, end(strings.Repeat("字", before)+quoted(r, body)))
						})
						config := vectorConfig(server.URL)
						config.Auth = auth
						results, err := newClient(t, config).BatchSave(t.Context(), BatchSave{Form: returns, Model: bills(`{"FBillNo":"RT100"}`, `{"FBillNo":"RT101"}`)})
						if err == nil {
							err = results[0].Err
						}
						f := fault.As(err)
						require.NotNil(t, f, "%v", err)
						for _, secret := range secrets {
							assert.NotContains(t, fmt.Sprintf("%+v %#v", f, f), secret)
						}
					})
				}
			}
		}
	}
}
