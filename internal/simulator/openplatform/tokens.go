package openplatform

import (
	"fmt"
	"regexp"
	"sync"
	"time"
)

// TokenOptions say how tokens live. What the vendor does is partly unknown.
type TokenOptions struct {
	// Life is how long a token lives, as expires_in says; 0 is 30 days.
	Life time.Duration
	// RefreshWindow is how long before its end a token can be refreshed; 0 is 7 days.
	// Earlier refreshes are refused.
	RefreshWindow time.Duration
	// NewValues gives a token of a new value for each grant and refresh; otherwise the value
	// stays and only its life is extended.
	NewValues bool
	// OldLive lets the former token live on until its end where there is a new value.
	OldLive bool
	// ServiceProvider makes the application one of a service provider's: its token is
	// granted for the authorisation code alone, and can't be refreshed.
	ServiceProvider bool
}

// AuthorizationCode is what the merchant's browser gets when the merchant authorises the
// application.
const AuthorizationCode = "simulated-authorization"

// tokens are the tokens of the application.
type tokens struct {
	options TokenOptions

	mu      sync.Mutex
	granted int
	current string
	ends    map[string]time.Time // by token
}

func newTokens(options TokenOptions) *tokens {
	if options.Life == 0 {
		options.Life = 30 * 24 * time.Hour
	}
	if options.RefreshWindow == 0 {
		options.RefreshWindow = 7 * 24 * time.Hour
	}
	return &tokens{options: options, ends: map[string]time.Time{}}
}

// token is a grant, as replies have it.
type token struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
}

// grant extends the current token, or gives a new one.
func (t *tokens) grant(now time.Time) token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.extend(now)
}

// extend is grant for a caller that holds the lock.
func (t *tokens) extend(now time.Time) token {
	if !t.lives(t.current, now) || t.options.NewValues {
		if !t.options.OldLive {
			delete(t.ends, t.current)
		}
		t.granted++
		t.current = fmt.Sprintf("simulated-token-%d", t.granted)
	}
	t.ends[t.current] = now.Add(t.options.Life)
	return token{t.current, int(t.options.Life / time.Second), refreshOf(t.current), "all"}
}

func refreshOf(token string) string { return "refresh-" + token }

// refresh extends a token near its end.
func (t *tokens) refresh(refreshToken string, now time.Time) (token, *refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.options.ServiceProvider:
		return token{}, noRefresh
	case !t.lives(t.current, now) || refreshToken != refreshOf(t.current):
		return token{}, badToken
	case t.ends[t.current].Sub(now) > t.options.RefreshWindow:
		return token{}, noRefresh
	}
	return t.extend(now), nil
}

// lives requires that the caller holds the lock.
func (t *tokens) lives(token string, now time.Time) bool {
	end, known := t.ends[token]
	return known && now.Before(end)
}

func (t *tokens) valid(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lives(token, now)
}

func (t *tokens) end() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.ends)
	clear(t.ends)
	return n
}

// anyCode is the code with which an application of the merchant's own asks for a token.
var anyCode = regexp.MustCompile(`^[0-9A-Za-z]{6}$`)

// grants are the calls for tokens, by path.
func (p *Platform) grants() map[string]func(form map[string]string, now time.Time) (token, *refusal) {
	return map[string]func(form map[string]string, now time.Time) (token, *refusal){
		"/openWeb/auth/getInitToken": func(form map[string]string, now time.Time) (token, *refusal) {
			switch {
			case p.options.Tokens.ServiceProvider:
				return token{}, notOwnApp
			case form["grant_type"] != "authorization_code" || !anyCode.MatchString(form["code"]):
				return token{}, badParameter("code")
			}
			return p.tokens.grant(now), nil
		},
		"/openWeb/auth/accessToken": func(form map[string]string, now time.Time) (token, *refusal) {
			if form["grant_type"] != "authorization_code" || form["code"] != AuthorizationCode {
				return token{}, badParameter("code")
			}
			return p.tokens.grant(now), nil
		},
		"/openWeb/auth/refreshToken": func(form map[string]string, now time.Time) (token, *refusal) {
			if form["grant_type"] != "refresh_token" || form["scope"] != "all" {
				return token{}, badParameter("grant_type")
			}
			return p.tokens.refresh(form["refresh_token"], now)
		},
	}
}
