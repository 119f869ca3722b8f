package e2e

import (
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"refundsync/internal/testkit"
)

// guardedTemporal is a TLS proxy in front of a Temporal server that admits callers with a
// client certificate and an API key that it accepts.
type guardedTemporal struct {
	*httptest.Server

	mu   sync.Mutex
	door door
	// calls counts the admitted calls, by the certificate's name and the key.
	calls map[string]int
}

// door is what a guardedTemporal presents and accepts.
type door struct {
	certificate tls.Certificate
	clients     []tls.Certificate
	keys        []string
}

func guardTemporal(t *testing.T, address string, d door) *guardedTemporal {
	t.Helper()
	g := &guardedTemporal{door: d, calls: map[string]int{}}
	http2 := &http.Protocols{}
	http2.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.Transport = &http.Transport{Protocols: http2}
	proxy.ErrorLog = log.New(io.Discard, "", 0) // cancelled calls are the point
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.enter(r) {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "16") // UNAUTHENTICATED
		w.Header().Set("Grpc-Message", "Request unauthorized.")
	}))
	g.Config.ErrorLog = proxy.ErrorLog
	g.EnableHTTP2 = true
	g.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		return &tls.Config{
			Certificates: []tls.Certificate{g.door.certificate}, NextProtos: []string{"h2"},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: testkit.CertificatePool(g.door.clients...),
		}, nil
	}}
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

func (g *guardedTemporal) enter(r *http.Request) bool {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.door.keys, key) {
		return false
	}
	g.calls[r.TLS.PeerCertificates[0].Subject.CommonName+" "+key]++
	return true
}

// change makes everybody reconnect through another door, as a server's restart does.
func (g *guardedTemporal) change(d door) {
	g.mu.Lock()
	g.door, g.calls = d, map[string]int{}
	g.mu.Unlock()
	g.CloseClientConnections()
}

// callers returns who was admitted since the last change.
func (g *guardedTemporal) callers() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.calls))
}
