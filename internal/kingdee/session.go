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

// session is one of the pool. It serves one request at a time, as Kingdee's sessions
// do. In signature mode it is only a cookie jar: the server opens a session by itself
// and names it in a cookie.
type session struct {
	http     *http.Client
	loggedIn bool
	// sent are the secrets of the last request: signatures, cookies and the credential
	// of a login.
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

// forget makes the next request start a new session.
func (s *session) forget() {
	// New fails only on bad options, of which there are none. A jar sees one server, so
	// it needs no list of public suffixes.
	s.http.Jar, _ = cookiejar.New(nil)
	s.loggedIn = false
}

// doubtsSession reports whether a call may have failed because its session has ended,
// which Kingdee and the web servers in front of it report in many ways: a status, a
// redirect, a login page, an unknown reply. A worker must not use such a session for
// ever.
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
	// select picks at random between a free session and a context that is done.
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

// SessionsInUse is how many of Config.Sessions have a call in flight.
func (c *Client) SessionsInUse() int { return cap(c.sessions) - len(c.sessions) }
