package jushuitan

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// issuer is the part of the open platform that gives tokens.
type issuer struct {
	init, refresh string // replies
	calls         []string
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply, form := i.init, map[string]string{}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for name := range r.PostForm {
		form[name] = r.PostForm.Get(name)
	}
	call := r.URL.Path + " " + form["grant_type"]
	if r.URL.Path == refreshToken {
		reply, call = i.refresh, call+" "+form["refresh_token"]+" "+form["scope"]
	} else if len(form["code"]) != 6 {
		call += " without a code"
	}
	if form["sign"] != SignOpen(testSecret, form) || form["app_key"] != "test_key" || form["charset"] != "utf-8" {
		call += " badly signed"
	}
	i.calls = append(i.calls, call)
	if reply == "" {
		w.WriteHeader(http.StatusBadGateway)
	}
	_, _ = fmt.Fprint(w, reply)
}

func grants(t *testing.T, i *issuer) *Grants {
	t.Helper()
	server := httptest.NewServer(dated(openNow.UTC().Format(http.TimeFormat), i.ServeHTTP))
	t.Cleanup(server.Close)
	g, err := NewGrants(openApp(server.URL), func() time.Time { return openNow })
	require.NoError(t, err)
	return g
}

func TestRenew(t *testing.T) {
	const (
		initCall    = getInitToken + " authorization_code"
		refreshCall = refreshToken + " refresh_token r1 all"
		gives       = `{"code":0,"msg":"执行成功","data":{"access_token":"%s","expires_in":%s,"refresh_token":"%s","scope":"all"}}`
		refuses     = `{"code":%d,"msg":"它的原话"}`
	)
	fresh := fmt.Sprintf(gives, "t2", "2592000", "r2")
	same := fmt.Sprintf(gives, "t1", `"15552000"`, "")
	current := Grant{AccessToken: "t1", RefreshToken: "r1", Expires: openNow.Add(time.Hour)}
	for _, c := range []struct {
		name     string
		issuer   issuer
		current  Grant
		rejected bool
		want     Grant
		calls    []string
		reason   string
	}{
		{"the first", issuer{init: fresh}, Grant{}, false, Grant{"t2", "r2", openNow.Add(2592000 * time.Second)}, []string{initCall}, ""},
		{"a life that is not told", issuer{init: fmt.Sprintf(gives, "t2", `""`, "")}, Grant{}, false, Grant{"t2", "", openNow.Add(usualLife)}, []string{initCall}, ""},
		{"refreshed, the value stays", issuer{refresh: same}, current, false, Grant{"t1", "r1", openNow.Add(15552000 * time.Second)}, []string{refreshCall}, ""},
		{"refreshed, with another value", issuer{refresh: fresh}, current, true, Grant{"t2", "r2", openNow.Add(2592000 * time.Second)}, []string{refreshCall}, ""},
		{"refresh too early", issuer{init: fresh, refresh: fmt.Sprintf(refuses, 130)}, current, false, Grant{"t2", "r2", openNow.Add(2592000 * time.Second)}, []string{refreshCall, initCall}, ""},
		{"refresh forbidden", issuer{init: fresh, refresh: fmt.Sprintf(refuses, 150)}, current, false, Grant{"t2", "r2", openNow.Add(2592000 * time.Second)}, []string{refreshCall, initCall}, ""},
		{"refresh gives what was rejected", issuer{init: fresh, refresh: same}, current, true, Grant{"t2", "r2", openNow.Add(2592000 * time.Second)}, []string{refreshCall, initCall}, ""},
		{"refresh is limited", issuer{init: fresh, refresh: fmt.Sprintf(refuses, 199)}, current, false, Grant{}, []string{refreshCall}, "call_limit"},
		{"the platform is away", issuer{init: fresh}, current, false, Grant{}, []string{refreshCall}, "http_status"},
		{"all give what was rejected", issuer{init: same, refresh: same}, current, true, Grant{}, []string{refreshCall, initCall}, "bad_token"},
		{"a service provider's application", issuer{init: fmt.Sprintf(refuses, 21024), refresh: fmt.Sprintf(refuses, 150)}, current, true, Grant{}, []string{refreshCall, initCall}, NotSelfBuilt},
		{"no token in the reply", issuer{init: `{"code":0,"data":{"expires_in":1}}`}, Grant{}, false, Grant{}, []string{initCall}, "malformed_reply"},
		{"a text alone", issuer{init: `{"code":0,"msg":"系统繁忙"}`}, Grant{}, false, Grant{}, []string{initCall}, "no_code"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := grants(t, &c.issuer).Renew(t.Context(), c.current, c.rejected)
			require.Equal(t, c.calls, c.issuer.calls)
			require.Equal(t, c.want, got)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, c.reason, f.Reason)
			require.NotEmpty(t, f.Call)
		})
	}
}

func TestTokensInMemory(t *testing.T) {
	i := &issuer{init: `{"code":0,"data":{"access_token":"t2","expires_in":60}}`}
	tokens := TokensInMemory(grants(t, i), Grant{AccessToken: "given"})
	has := func(want string, calls int) {
		t.Helper()
		token, err := tokens.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, token)
		require.Len(t, i.calls, calls)
	}
	has("given", 0)
	require.NoError(t, tokens.Rejected(t.Context(), "given"))
	has("t2", 1)
	require.NoError(t, tokens.Rejected(t.Context(), "given"), "not the current one")
	has("t2", 1)
	require.Error(t, tokens.Rejected(t.Context(), "t2"), "the platform has no other")
}

func TestSealedGrants(t *testing.T) {
	app := openApp("https://localhost")
	grant := Grant{AccessToken: "t1", RefreshToken: "r1", Expires: openNow.UTC()}
	sealed, err := app.Seal(grant)
	require.NoError(t, err)
	for _, secret := range []string{"t1", "r1", "access_token"} {
		require.NotContains(t, string(sealed), secret)
	}
	got, err := app.Unseal(sealed)
	require.NoError(t, err)
	require.Equal(t, grant, got)

	again, err := app.Seal(grant)
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "the nonce differs")
	for name, other := range map[string]OpenApp{"another secret": {Key: "test_key", Secret: "other"}, "another application": {Key: "other", Secret: testSecret}} {
		_, err := other.Unseal(sealed)
		require.Error(t, err, name)
	}
	for i := range sealed {
		damaged := append([]byte(nil), sealed...)
		damaged[i] ^= 1
		_, err := app.Unseal(damaged)
		require.Error(t, err)
	}
	_, err = app.Unseal(nil)
	require.Error(t, err)

	require.Equal(t, TokenID("t1"), TokenID("t1"))
	require.NotEqual(t, TokenID("t1"), TokenID("t2"))
	require.Empty(t, TokenID(""))
}

func TestNewGrantsRefusesBadSettings(t *testing.T) {
	_, err := NewGrants(OpenApp{}, nil)
	require.Error(t, err)
	require.True(t, errors.As(err, new(*fault.Error)))
}
