package kingdee

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
)

// session is one place in the pool. Whoever holds it makes one request at a
// time on it, because that is all that a session of Kingdee serves. In
// signature mode it is a cookie jar alone: the server opens a session by itself
// and names it in a cookie.
type session struct {
	http     *http.Client
	loggedIn bool
	// sent are the secrets that the last request carried: signatures, cookies and
	// what a login proves itself with.
	sent []string
}

func newSession(transport http.RoundTripper) *session {
	s := &session{http: &http.Client{
		Transport: transport,
		// A redirect would carry the signature or the session to another
		// address, and a POST must not be sent twice.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s.forget()
	return s
}

// forget lets the next request start a new session.
func (s *session) forget() {
	// New fails on bad options only, and there are none. One jar sees one
	// server, so it needs no list of public suffixes.
	s.http.Jar, _ = cookiejar.New(nil)
	s.loggedIn = false
}

// doubtsSession reports whether a call may have failed because its session has
// ended, which Kingdee and the web servers before it say in many ways: a status, a
// redirect, a page to log in, a reply that nobody understands. What is sure is that
// a worker must not go on with such a session for ever.
func doubtsSession(err error) bool {
	f := fault.As(err)
	return f != nil && slices.Contains([]string{
		sessionLost.reason, httpfault.AccessDenied, httpfault.Redirect, wrongAddress.reason, gatewayRefused.reason,
		httpfault.Status, malformedReply.reason, exception.reason, unknownError.reason,
	}, f.Reason)
}

func (s *session) hasCookie(base *url.URL, name string) bool {
	for _, cookie := range s.http.Jar.Cookies(base) {
		if cookie.Name == name {
			return true
		}
	}
	return false
}

// take waits for a free session until ctx is done.
func (c *Client) take(ctx context.Context, call string) (*session, error) {
	// Of a free session and a context that is done, select picks either.
	if err := ctx.Err(); err != nil {
		return nil, waitFailure(call, err)
	}
	select {
	case s := <-c.sessions:
		return s, nil
	case <-ctx.Done():
		return nil, waitFailure(call, ctx.Err())
	}
}

func (c *Client) put(s *session) { c.sessions <- s }

// SessionsInUse is how many sessions have a call under way at this moment, of
// Config.Sessions.
func (c *Client) SessionsInUse() int { return cap(c.sessions) - len(c.sessions) }
