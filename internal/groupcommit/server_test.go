package groupcommit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/kingdee"
)

func clientOf(t *testing.T, server *httptest.Server, auth kingdee.Auth) *kingdee.Client {
	t.Helper()
	c, err := kingdee.New(kingdee.Config{
		URL: server.URL + "/k3cloud/", Auth: auth, AcctID: "1", Username: "demo", Password: "secret",
		AppID: "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY", AppSecret: "0123456789abcdef0123456789abcdef", Sessions: 1,
	})
	require.NoError(t, err)
	return c
}

// serve answers every request with what reply gives for its body.
func serve(t *testing.T, reply func(w http.ResponseWriter, r *http.Request, body string)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, r, string(body))
	}))
	t.Cleanup(server.Close)
	return server
}

func write(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) }

func status(fields string) string { return `{"Result":{"ResponseStatus":{` + fields + `}}}` }
