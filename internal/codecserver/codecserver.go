// Package codecserver decrypts payloads for the Temporal Web UI in a browser and for the
// temporal command. It speaks Temporal's codec server protocol,
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

	"refundsync/internal/text"
)

// Options configure the server.
type Options struct {
	Codec converter.PayloadCodec
	// Token is what people sign in with.
	Token string
	// UIOrigin is the Web UI's origin, as scheme://host:port; pages of others are refused.
	UIOrigin string
	// Namespaces are those it serves.
	Namespaces []string
}

// New serves POST /decode and /encode, with the namespace in the header X-Namespace
// or in the path before them, and a bearer token; the same below /session/{session},
// without a token, for people who have signed in on the page at /; and GET /healthz.
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

// allowUI tells a browser that only pages of the Web UI may ask. It is false if another
// page asks.
func (s *server) allowUI(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == s.UIOrigin {
		w.Header().Set("Access-Control-Allow-Origin", s.UIOrigin)
	}
	return origin == "" || origin == s.UIOrigin
}

var onlyUI = text.New("Only pages of REFUNDSYNC_CODEC_UI_ORIGIN may ask")

// preflight answers a browser's CORS preflight request.
func (s *server) preflight(w http.ResponseWriter, r *http.Request) {
	if !s.allowUI(w, r) {
		http.Error(w, onlyUI.String(), http.StatusForbidden)
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
		http.Error(w, onlyUI.String(), http.StatusForbidden)
	case !s.signedIn(r):
		http.Error(w, text.Sprintf("Sign in on this server's first page, or send a bearer token"), http.StatusUnauthorized)
	case !s.serves(r):
		http.Error(w, text.Sprintf("The request names no namespace, or one that is not served here"), http.StatusForbidden)
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

// serves reports whether the request names a namespace, and only ones that are served.
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

// signInState is what the page shows, in the language of the program.
type signInState struct {
	Language, Explanation, Token, SignIn text.Text
	// Refusal is why the form is shown again.
	Refusal  text.Text
	UIOrigin string
	// Endpoint is the address for the Web UI, in the session of who has just signed in.
	Endpoint string
}

func (s *server) showSignIn(w http.ResponseWriter, _ *http.Request) {
	s.showForm(w, http.StatusOK, text.Text{})
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	if !s.isToken(strings.TrimSpace(r.PostFormValue("token"))) {
		s.showForm(w, http.StatusUnauthorized, text.New("Wrong token."))
		return
	}
	// A page over TLS can't ask one without, and a proxy with TLS may be in front.
	scheme, _, _ := strings.Cut(s.UIOrigin, ":")
	s.show(w, http.StatusOK, signInState{
		Explanation: text.New("You are signed in for %d hours. In the Temporal Web UI, click the glasses at the top right, enter the address below and apply it, then reload the page to see the content decrypted. Do not share the address: whoever has it can decrypt.",
			int(sessionLength.Hours())),
		Endpoint: scheme + "://" + r.Host + "/session/" + s.sessions.begin(),
	})
}

func (s *server) showForm(w http.ResponseWriter, status int, refusal text.Text) {
	s.show(w, status, signInState{
		Explanation: text.New("Sign in, and the Temporal Web UI can show decrypted content."),
		Refusal:     refusal, Token: text.New("Token"), SignIn: text.New("Sign in"),
	})
}

func (s *server) show(w http.ResponseWriter, status int, state signInState) {
	state.UIOrigin, state.Language = s.UIOrigin, text.New("en")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	// It fails only if the client is gone.
	_ = signInPage.Execute(w, state)
}
