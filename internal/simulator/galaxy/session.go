package galaxy

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

// The two cookies that hold a session. The SDKs also send the first as a header.
const (
	sessionCookie = "kdservice-sessionid"
	aspNetCookie  = "ASP.NET_SessionId"
)

// session is one login. It serves one request at a time.
type session struct {
	id   string
	busy sync.Mutex
	// Guarded by sessions.mu.
	used   time.Time
	served bool // a request before
}

// take claims the session for a request; false if it is serving another.
func (s *session) take() bool { return s.busy.TryLock() }

type sessions struct {
	lifetime time.Duration
	now      func() time.Time

	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(lifetime time.Duration, now func() time.Time) *sessions {
	return &sessions{lifetime: lifetime, now: now, byID: map[string]*session{}}
}

// open starts a session and sets its cookies.
func (ss *sessions) open(w http.ResponseWriter) *session {
	s := &session{id: rand.Text()}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.used = ss.now()
	ss.byID[s.id] = s
	for _, name := range []string{sessionCookie, aspNetCookie} {
		http.SetCookie(w, &http.Cookie{Name: name, Value: s.id, Path: "/"})
	}
	return s
}

// find returns the session of the request, or nil if there is none or it has expired. Its
// lifetime starts over.
func (ss *sessions) find(r *http.Request) *session {
	id := r.Header.Get(sessionCookie)
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		id = cookie.Value
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.byID[id]
	if s == nil {
		return nil
	}
	now := ss.now()
	if now.Sub(s.used) > ss.lifetime {
		delete(ss.byID, id)
		return nil
	}
	s.used = now
	return s
}

// release ends the request that claimed the session.
func (ss *sessions) release(s *session) {
	ss.mu.Lock()
	s.used, s.served = ss.now(), true
	ss.mu.Unlock()
	s.busy.Unlock()
}

func (ss *sessions) hasServed(s *session) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return s.served
}

// end ends one session.
func (ss *sessions) end(s *session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.byID, s.id)
}

func (ss *sessions) expireAll() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	n := len(ss.byID)
	clear(ss.byID)
	return n
}

func (ss *sessions) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.byID)
}
