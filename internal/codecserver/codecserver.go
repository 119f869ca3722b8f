// Package codecserver decrypts what Temporal keeps for people: for the Web UI in a
// browser, and for the temporal command. It speaks Temporal's codec server protocol,
// https://docs.temporal.io/codec-server, and lets in whoever has the token.
package codecserver

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"
)

// Options are what the server is made of.
type Options struct {
	Codec converter.PayloadCodec
	// Token lets in.
	Token string
	// UIOrigin is the Web UI's, as scheme://host:port; no other page may ask.
	UIOrigin string
	// Namespaces are those that it serves.
	Namespaces []string
}

// New serves POST /decode and /encode, with the namespace in the header X-Namespace
// or before it in the path, and a bearer token; the same below /session/{session},
// without one, for who has signed in at the page at /; and GET /healthz.
func New(o Options) http.Handler {
	s := &server{
		Options:  o,
		payloads: converter.NewPayloadCodecHTTPHandler(boundedCodec{o.Codec}),
		working:  make(chan struct{}, atOnce),
		sessions: sessions{secret: []byte(o.Token), now: time.Now},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showSignIn)
	mux.HandleFunc("POST /{$}", s.signIn)
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	for _, path := range []string{"/decode", "/encode", "/{namespace}/decode", "/{namespace}/encode", "/session/{session}/decode", "/session/{session}/encode"} {
		mux.HandleFunc("POST "+path, s.convert)
		mux.HandleFunc("OPTIONS "+path, s.preflight)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		r.Body = http.MaxBytesReader(w, r.Body, mostBytes)
		mux.ServeHTTP(w, r)
	})
}

type server struct {
	Options
	payloads http.Handler
	working  chan struct{}
	sessions sessions
}

// allowUI tells a browser that pages of the Web UI, and no others, may ask. false
// says that another page is asking.
func (s *server) allowUI(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == s.UIOrigin {
		w.Header().Set("Access-Control-Allow-Origin", s.UIOrigin)
	}
	return origin == "" || origin == s.UIOrigin
}

// preflight answers what a browser asks before it sends what the Web UI sends.
func (s *server) preflight(w http.ResponseWriter, r *http.Request) {
	if !s.allowUI(w, r) {
		http.Error(w, "只允许来自 REFUNDSYNC_CODEC_UI_ORIGIN 的页面。 Only pages of that origin may ask", http.StatusForbidden)
		return
	}
	w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization, Authorization-Extras")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) convert(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.allowUI(w, r):
		http.Error(w, "只允许来自 REFUNDSYNC_CODEC_UI_ORIGIN 的页面。 Only pages of that origin may ask", http.StatusForbidden)
	case !s.signedIn(r):
		http.Error(w, "请先在本服务的首页登录，或给出 Authorization: Bearer。 Sign in at this server's first page, or give a bearer token", http.StatusUnauthorized)
	case !s.serves(r):
		http.Error(w, "请求没有写明命名空间，或不是本服务的。 The request names no namespace, or one that is not served here", http.StatusForbidden)
	default:
		select {
		case s.working <- struct{}{}:
			defer func() { <-s.working }()
		case <-r.Context().Done():
			return
		}
		if err := bounded(r); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		s.payloads.ServeHTTP(w, r)
	}
}

// serves reports whether the request names a namespace, and each that it names is
// served.
func (s *server) serves(r *http.Request) bool {
	named := 0
	for _, name := range []string{r.Header.Get("X-Namespace"), r.PathValue("namespace")} {
		if name == "" {
			continue
		}
		if !slices.Contains(s.Namespaces, name) {
			return false
		}
		named++
	}
	return named > 0
}

// signedIn reports whether the request comes with the token, or in a session.
func (s *server) signedIn(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && s.isToken(token) {
		return true
	}
	return s.sessions.valid(r.PathValue("session"))
}

// isToken takes as long for a wrong token as for the right one.
func (s *server) isToken(token string) bool {
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.Token))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

//go:embed sign_in.html
var signInHTML string

var signInPage = template.Must(template.New("sign_in").Parse(signInHTML))

// signInState is what the page shows.
type signInState struct {
	UIOrigin string
	// Endpoint is what the Web UI is told, for the session of who has just signed in.
	Endpoint string
	Refuse   bool
}

func (s *server) showSignIn(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, signInState{})
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	if !s.isToken(strings.TrimSpace(r.PostFormValue("token"))) {
		s.show(w, http.StatusUnauthorized, signInState{Refuse: true})
		return
	}
	// A page over TLS can't ask one without, and a proxy with TLS may be in front.
	scheme, _, _ := strings.Cut(s.UIOrigin, ":")
	s.show(w, http.StatusOK, signInState{Endpoint: scheme + "://" + r.Host + "/session/" + s.sessions.begin()})
}

func (s *server) show(w http.ResponseWriter, status int, state signInState) {
	state.UIOrigin = s.UIOrigin
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	// The only error is that of a client that is gone.
	_ = signInPage.Execute(w, state)
}
