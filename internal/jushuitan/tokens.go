package jushuitan

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// Tokens gives the open platform's access token to all who call it.
type Tokens interface {
	// Token gives the current token.
	Token(ctx context.Context) (string, error)
	// Rejected says that the open platform has rejected a token, so that it is renewed if it
	// is still the current one.
	Rejected(ctx context.Context, token string) error
}

// Grant is an access token of the open platform.
type Grant struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	// Expires is when the access token expires; zero if unknown.
	Expires time.Time `json:"expires,omitzero"`
}

// The paths of the token calls. Source: openweb.jushuitan.com, documents docId=23 and 30.
const (
	getInitToken = "/openWeb/auth/getInitToken"
	refreshToken = "/openWeb/auth/refreshToken"
)

// usualLife is assumed where the reply does not say how long a token is valid: the shortest
// life that anybody has reported.
const usualLife = 24 * time.Hour

// Grants asks the open platform for tokens.
type Grants struct {
	app  OpenApp
	http *http.Client
	now  func() time.Time
}

// NewGrants checks the settings, without a call. Its errors are like those of [New]. now may
// be nil for time.Now.
func NewGrants(app OpenApp, now func() time.Time) (*Grants, error) {
	if err := (Config{Open: &Open{OpenApp: app}}).check(); err != nil {
		return nil, err
	}
	config := Config{Now: now}.withDefaults()
	return &Grants{app: app, http: newHTTPClient(config.Timeout), now: config.Now}, nil
}

// Renew gives the token that follows another; the zero Grant if there is none. It refreshes
// the token if it can, and asks for a new one otherwise: the platform accepts a refresh only
// near the expiry, and from some applications not at all. A token that has been rejected is
// never given again.
//
// Every failure is a *fault.Error like those of [Client.List]; it is final with the reason
// [NotSelfBuilt] if the merchant has to authorise the application.
func (g *Grants) Renew(ctx context.Context, current Grant, rejected bool) (Grant, error) {
	if current.RefreshToken != "" {
		next, err := g.ask(ctx, refreshToken, map[string]string{
			"grant_type": "refresh_token", "refresh_token": current.RefreshToken, "scope": "all",
		})
		switch {
		case err == nil && !(rejected && next.AccessToken == current.AccessToken):
			next.RefreshToken = cmp.Or(next.RefreshToken, current.RefreshToken)
			return next, nil
		case err != nil && !refusal(err):
			return Grant{}, err
		}
	}
	// Any code of six letters does for an application of the merchant's own.
	next, err := g.ask(ctx, getInitToken, map[string]string{"grant_type": "authorization_code", "code": rand.Text()[:6]})
	if err == nil && rejected && next.AccessToken == current.AccessToken {
		return Grant{}, call{name: getInitToken, transport: openTransport{}}.newFault(fault.Retry, badTokenReason,
			text.Errorf("the platform gives the token that it has rejected"), badToken.advice)
	}
	return next, err
}

// refusal reports whether the platform has refused a call for good, with a code of its own,
// which is a number.
func refusal(err error) bool {
	f := fault.As(err)
	if f == nil || f.Class == fault.RateLimited {
		return false
	}
	_, noNumber := strconv.Atoi(f.Code)
	return noNumber == nil
}

func (g *Grants) ask(ctx context.Context, path string, form map[string]string) (Grant, error) {
	this := call{name: path, transport: openTransport{}}
	now := g.now()
	request, err := g.app.request(ctx, path, now, form)
	if err != nil {
		return Grant{}, this.requestFailure(err)
	}
	reply, err := send(g.http, request, this, g.now)
	var grant Grant
	if err == nil {
		grant, err = this.readGrant(reply.raw, now)
		err = reply.clock.check(this, err)
	}
	if err != nil {
		fault.Hide(err, append(request.secrets, form["refresh_token"])...)
		return Grant{}, err
	}
	return grant, nil
}

// readGrant reads the reply of a token call that was made at a time.
func (c call) readGrant(raw []byte, at time.Time) (Grant, error) {
	e, err := openEnvelope(raw)
	switch {
	case err != nil || !utf8.Valid(raw):
		return Grant{}, c.malformed(text.Errorf("not a complete JSON object (%d bytes)", len(raw)))
	case e.failed:
		return Grant{}, c.failure(e)
	}
	grant := Grant{AccessToken: words(e.inner["access_token"]), RefreshToken: words(e.inner["refresh_token"])}
	if grant.AccessToken == "" {
		if e.message {
			return Grant{}, c.failure(e)
		}
		return Grant{}, c.malformed(text.Errorf("it has no access_token"))
	}
	life := usualLife
	if seconds, err := strconv.ParseInt(words(e.inner["expires_in"]), 10, 32); err == nil && seconds > 0 {
		life = time.Duration(seconds) * time.Second
	}
	grant.Expires = at.Add(life)
	return grant, nil
}

// TokensInMemory gives tokens to one process alone. given is the first; the zero Grant if
// there is none.
func TokensInMemory(grants *Grants, given Grant) Tokens {
	return &memoryTokens{grants: grants, grant: given}
}

type memoryTokens struct {
	grants *Grants

	mu    sync.Mutex
	grant Grant
}

func (t *memoryTokens) Token(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grant.AccessToken == "" || !t.grant.Expires.IsZero() && !t.grants.now().Before(t.grant.Expires) {
		return t.renew(ctx, false)
	}
	return t.grant.AccessToken, nil
}

func (t *memoryTokens) Rejected(ctx context.Context, token string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if token != t.grant.AccessToken {
		return nil
	}
	_, err := t.renew(ctx, true)
	return err
}

func (t *memoryTokens) renew(ctx context.Context, rejected bool) (string, error) {
	next, err := t.grants.Renew(ctx, t.grant, rejected)
	if err != nil {
		return "", err
	}
	t.grant = next
	return next.AccessToken, nil
}
