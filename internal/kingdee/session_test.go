package kingdee

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"refundsync/internal/fault"
)

var everyAuth = []Auth{AuthSignature, AuthAppSecret, AuthSign, AuthPassword}

// sessionServer opens sessions as Kingdee does, on a login or, with signed headers, on
// the first request, and counts the requests in flight on each.
type sessionServer struct {
	mu       sync.Mutex
	sessions int            // opened so far
	inFlight map[string]int // by session
	most     map[string]int // the most of inFlight, by session
}

func (s *sessionServer) enter(w http.ResponseWriter, r *http.Request) (session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		session = cookie.Value
	} else {
		s.sessions++
		session = fmt.Sprint("s", s.sessions)
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: session, Path: "/"})
	}
	if s.inFlight == nil {
		s.inFlight, s.most = map[string]int{}, map[string]int{}
	}
	s.inFlight[session]++
	s.most[session] = max(s.most[session], s.inFlight[session])
	return session
}

func (s *sessionServer) leave(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight[session]--
}

func TestSessionsAreSharedOut(t *testing.T) {
	const sessions, rounds = 3, 5
	for _, auth := range everyAuth {
		t.Run(string(auth), func(t *testing.T) {
			var kingdee sessionServer
			arrived := make(chan struct{}, sessions*rounds)
			release := make(chan struct{})
			server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
				session := kingdee.enter(w, r)
				defer kingdee.leave(session)
				if methodOf(r) != "BatchSave" {
					write(w, loggedInReply)
					return
				}
				arrived <- struct{}{}
				<-release
				write(w, savedReply)
			})
			config := vectorConfig(server.URL)
			config.Auth, config.Sessions = auth, sessions
			c := newClient(t, config)

			var calls errgroup.Group
			for range sessions * rounds {
				calls.Go(func() error {
					_, err := c.BatchSave(t.Context(), oneBill)
					return err
				})
			}
			for range rounds {
				// All of them are in flight at once.
				for range sessions {
					<-arrived
				}
				assert.Empty(t, arrived, "more calls than sessions")
				assert.Equal(t, sessions, c.SessionsInUse())
				for range sessions {
					release <- struct{}{}
				}
			}
			require.NoError(t, calls.Wait())
			assert.Zero(t, c.SessionsInUse())
			assert.Equal(t, sessions, kingdee.sessions, "each place keeps its own session")
			for session, most := range kingdee.most {
				assert.Equal(t, 1, most, "requests at once on session %s", session)
			}
		})
	}
}

func TestWaitForASessionEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, vectorConfig("https://example.com"))
		held, err := c.take(t.Context(), "test")
		require.NoError(t, err)

		waiting, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := c.BatchSave(waiting, oneBill)
			ended <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)

		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = c.BatchSave(short, oneBill)
		requireFault(t, err, fault.Retry, "no_session")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		c.put(held)
		for range 20 { // a session is free, but time is up: the outcome must not be random
			_, err = c.BatchSave(short, oneBill)
			requireFault(t, err, fault.Retry, "no_session")
		}
		again, err := c.take(t.Context(), "test")
		require.NoError(t, err)
		assert.Same(t, held, again)
	})
}

// losing answers a number of calls with "session lost".
type losing struct {
	sessionServer
	times  int
	reply  string // to the calls after that
	lost   string // to the first calls
	logins int
	bodies []string
	seen   []string // the session of each call
}

func (l *losing) start(t *testing.T) *httptest.Server {
	return serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
		session := l.enter(w, r)
		defer l.leave(session)
		switch methodOf(r) {
		case "ValidateUser", "LoginByAppSecret", "LoginBySign":
			l.logins++
			write(w, loggedInReply)
			return
		}
		l.bodies = append(l.bodies, body)
		l.seen = append(l.seen, session)
		if len(l.bodies) <= l.times {
			write(w, l.lost)
			return
		}
		write(w, l.reply)
	})
}

func TestLostSessionIsRenewedOnce(t *testing.T) {
	shapes := map[string]struct {
		lost, reply string
		call        func(context.Context, *Client) error
	}{
		"BatchSave": {lostReply, savedReply, func(ctx context.Context, c *Client) error {
			_, err := c.BatchSave(ctx, oneBill)
			return err
		}},
		"Submit": {lostReply, savedReply, func(ctx context.Context, c *Client) error {
			_, err := c.Submit(ctx, returns, []string{"RT100"})
			return err
		}},
		"ExecuteBillQuery, wrapped": {lostQueryReply, `[]`, func(ctx context.Context, c *Client) error {
			_, err := c.ExecuteBillQuery(ctx, BillQuery{FormID: "SAL_RETURNSTOCK"})
			return err
		}},
		"ExecuteBillQuery, bare": {lostReply, `[]`, func(ctx context.Context, c *Client) error {
			_, err := c.ExecuteBillQuery(ctx, BillQuery{FormID: "SAL_RETURNSTOCK"})
			return err
		}},
		"framework error": {`response_error:{"Message":"会话信息已丢失，请重新登录"}`, savedReply, func(ctx context.Context, c *Client) error {
			_, err := c.BatchSave(ctx, oneBill)
			return err
		}},
	}
	for name, shape := range shapes {
		for _, auth := range everyAuth {
			t.Run(name+"/"+string(auth), func(t *testing.T) {
				kingdee := losing{times: 1, lost: shape.lost, reply: shape.reply}
				config := vectorConfig(kingdee.start(t).URL)
				config.Auth = auth
				require.NoError(t, shape.call(t.Context(), newClient(t, config)))
				require.Len(t, kingdee.bodies, 2)
				assert.Equal(t, kingdee.bodies[0], kingdee.bodies[1], "the same call again")
				assert.Equal(t, []string{"s1", "s2"}, kingdee.seen, "on a new session")
				if auth == AuthSignature {
					assert.Zero(t, kingdee.logins)
				} else {
					assert.Equal(t, 2, kingdee.logins)
				}
			})
			t.Run(name+"/"+string(auth)+"/for good", func(t *testing.T) {
				kingdee := losing{times: 100, lost: shape.lost}
				config := vectorConfig(kingdee.start(t).URL)
				config.Auth = auth
				f := requireFault(t, shape.call(t.Context(), newClient(t, config)), fault.SessionLost, "session_lost")
				assert.Len(t, kingdee.bodies, 2, "renewed once and only once")
				assert.Contains(t, f.Advice.String(), "KINGDEE_APP_SECRET")
				assert.Contains(t, f.Message, "会话信息已丢失")
			})
		}
	}
}

// signsOfADeadSession are the ways in which Kingdee and the web servers in front of it
// report that a login has expired. If the sign refuses the call, it is retried.
var signsOfADeadSession = map[string]struct {
	status  int
	body    string
	refused bool
}{
	"401":                       {401, ``, true},
	"403":                       {403, ``, true},
	"a redirect":                {302, ``, true},
	"a page to log in":          {200, `<html><form action="/k3cloud/login">登录</form></html>`, true},
	"expired, as text":          {200, `会话已过期`, true},
	"expired, with HTTP 500":    {500, `{"Message":"登录超时，请重新登录"}`, true},
	"the status with HTTP 500":  {500, lostReply, true},
	"the framework's text":      {200, `response_error:"会话信息已丢失，请重新登录"`, true},
	"the status at the top":     {200, `{"ResponseStatus":{"IsSuccess":false,"MsgCode":1,"Errors":[]}}`, true},
	"errors as texts":           {200, status(`"Errors":["会话信息已丢失，请重新登录"]`), true},
	"one error without a list":  {200, status(`"Errors":"会话信息已丢失，请重新登录"`), true},
	"a message without errors":  {200, `{"Result":{"ErrorCode":500,"Message":"会话信息已丢失，请重新登录"}}`, true},
	"an error of the product":   {200, status(`"MsgCode":4,"Errors":[{"Message":"未将对象引用设置到对象的实例。","DIndex":0}]`), false},
	"an unknown shape":          {200, `{"unknown":1}`, false},
	"an unknown text":           {200, `Service Unknown`, false},
	"an unknown HTTP 500":       {500, ``, false},
	"an error of no known kind": {200, status(`"Errors":[{"Message":"x"}]`), false},
}

func TestDeadSessionIsRenewed(t *testing.T) {
	for name, sign := range signsOfADeadSession {
		for _, auth := range []Auth{AuthAppSecret, AuthSign, AuthPassword} {
			t.Run(name+"/"+string(auth), func(t *testing.T) {
				logins, dead := 0, 0
				server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
					if methodOf(r) != MethodBatchSave {
						logins++
						http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: fmt.Sprint("s", logins), Path: "/"})
						write(w, loggedInReply)
						return
					}
					if cookie, err := r.Cookie(sessionCookie); assert.NoError(t, err) && cookie.Value == "s1" && dead > 0 {
						dead++
						w.Header().Set("Location", "/k3cloud/login")
						w.WriteHeader(sign.status)
						write(w, sign.body)
						return
					}
					write(w, savedReply)
				})
				config := vectorConfig(server.URL)
				config.Auth = auth
				c := newClient(t, config)
				_, err := c.BatchSave(t.Context(), oneBill)
				require.NoError(t, err)
				dead++ // the session has ended
				_, err = c.BatchSave(t.Context(), oneBill)
				if sign.refused {
					require.NoError(t, err)
				} else {
					require.Equal(t, fault.Retry, fault.As(err).Class, "whether it was saved is open")
					_, err = c.BatchSave(t.Context(), oneBill)
					require.NoError(t, err)
				}
				require.Equal(t, 2, logins)
				require.Equal(t, 2, dead, "the session was used once more")
			})
		}
	}
}

// A failure that recurs after a login is not about the session.
func TestRefusalOfANewSessionIsFinal(t *testing.T) {
	for name, reason := range map[string]string{"401": "access_denied", "403": "access_denied", "a redirect": "redirect", "a page to log in": "wrong_address"} {
		t.Run(name, func(t *testing.T) {
			sign, calls := signsOfADeadSession[name], 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
				if methodOf(r) != MethodBatchSave {
					write(w, loggedInReply)
					return
				}
				calls++
				w.WriteHeader(sign.status)
				write(w, sign.body)
			})
			config := vectorConfig(server.URL)
			config.Auth = AuthPassword
			_, err := newClient(t, config).BatchSave(t.Context(), oneBill)
			f := requireFault(t, err, fault.Final, reason)
			assert.Contains(t, f.Advice.String(), "KINGDEE_URL")
			assert.Equal(t, 1, calls)
		})
	}
}

// What Kingdee did must not be repeated, whatever MsgCode says.
func TestNoRenewalAfterASuccess(t *testing.T) {
	kingdee := losing{times: 100, lost: `{"Result":{"ResponseStatus":{"IsSuccess":false,"MsgCode":1,
		"Errors":[{"Message":"会话信息已丢失，请重新登录","DIndex":0}],"SuccessEntitys":[{"Id":7,"Number":"RT101","DIndex":1}]}}}`}
	c := newClient(t, vectorConfig(kingdee.start(t).URL))
	results, err := c.BatchSave(t.Context(), BatchSave{Model: bills(`{}`, `{}`)})
	require.NoError(t, err)
	assert.Len(t, kingdee.bodies, 1)
	requireFault(t, results[0].Err, fault.Retry, "session_lost")
	assert.Equal(t, BillResult{ID: "7", Number: "RT101"}, results[1])
}

// After an abandoned request the server may still be processing it on its session, so
// the next request must not use that session.
func TestNoSecondRequestOnASessionInDoubt(t *testing.T) {
	for name, breakOff := range map[string]func(w http.ResponseWriter, r *http.Request){
		"timed out":            func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"lost before a reply":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"lost within a reply":  func(w http.ResponseWriter, _ *http.Request) { cutShort(w) },
		"cancelled by context": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var kingdee sessionServer
				var mu sync.Mutex
				var seen []string
				c := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
					session := kingdee.enter(w, r)
					mu.Lock()
					seen = append(seen, session)
					count := len(seen)
					mu.Unlock()
					if count != 2 {
						write(w, savedReply)
						return
					}
					if name == "cancelled by context" {
						cancel()
					}
					breakOff(w, r)
				})
				_, err := c.BatchSave(ctx, oneBill)
				require.NoError(t, err)
				_, err = c.BatchSave(ctx, oneBill)
				require.Error(t, err)
				_, err = c.BatchSave(t.Context(), oneBill)
				require.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				assert.Equal(t, []string{"s1", "s1", "s2"}, seen)
			})
		})
	}
}

// cutShort promises more than it sends.
func cutShort(w http.ResponseWriter) {
	w.Header().Set("Content-Length", fmt.Sprint(len(savedReply)))
	write(w, savedReply[:40])
}
