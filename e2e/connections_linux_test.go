package e2e

import (
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

const (
	proxyPassword = "s3cret-of-the-proxy"
	temporalKey   = "k3y-of-temporal"
)

// connectProxy is an HTTP proxy with a password that allows tunnels to the named places,
// each to its real address.
type connectProxy struct {
	mu     sync.Mutex
	places map[string]string // real address by host:port
	used   map[string]int
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	p.mu.Lock()
	place, known := p.places[r.Host]
	p.used[r.Host]++
	p.mu.Unlock()
	switch {
	case !ok || user != "refundsync" || password != proxyPassword:
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	case r.Method != http.MethodConnect || !known:
		http.Error(w, "no way", http.StatusForbidden)
		return
	}
	there, err := net.Dial("tcp", place)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	join(readWriter{buffered, here}, there)
}

// tunnels counts the requested tunnels by host:port.
func (p *connectProxy) tunnels() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.used)
}

type readWriter struct {
	io.Reader
	net.Conn
}

func (rw readWriter) Read(p []byte) (int, error) { return rw.Reader.Read(p) }

// join copies between two connections until one of them ends.
func join(one, other net.Conn) {
	var done sync.WaitGroup
	for _, pair := range [][2]net.Conn{{one, other}, {other, one}} {
		done.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
		})
	}
	done.Wait()
}

// All connections go through a proxy with a password, to servers whose certificates are
// signed by private CAs; Temporal requires a client certificate and a key.
func TestSyncThroughAProxyWithPrivateCAs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 100})
	gateway, tenant, temporal, ours := testkit.NewCertificate(t, "qimen.example.com"), testkit.NewCertificate(t, "kingdee.example.com"), testkit.NewCertificate(t, "temporal.example.com"), testkit.NewCertificate(t, "worker")
	inside, err := url.Parse(w.server.URL())
	require.NoError(t, err)
	over := func(certificate tls.Certificate) string {
		server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(inside))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // failing handshakes are the point
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	proxy := &connectProxy{used: map[string]int{}, places: map[string]string{
		"qimen.example.com:443":     over(gateway),
		"kingdee.example.com:443":   over(tenant),
		"temporal.example.com:7233": guardTemporal(t, w.env["TEMPORAL_ADDRESS"], door{temporal, []tls.Certificate{ours}, []string{temporalKey}}).Listener.Addr().String(),
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)

	for name, value := range map[string]string{
		"JUSHUITAN_URL":                    "https://qimen.example.com/router/qm",
		"KINGDEE_URL":                      "https://kingdee.example.com/k3cloud/",
		"KINGDEE_CA_FILE":                  testkit.File(t, testkit.CertificatePEM(tenant)),
		"SSL_CERT_FILE":                    testkit.File(t, testkit.CertificatePEM(gateway)),
		"HTTPS_PROXY":                      "http://refundsync:" + proxyPassword + "@" + server.Listener.Addr().String(),
		"TEMPORAL_ADDRESS":                 "temporal.example.com:7233",
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(temporal)),
		"TEMPORAL_TLS_CLIENT_CERT_PATH":    testkit.File(t, testkit.CertificatePEM(ours)),
		"TEMPORAL_TLS_CLIENT_KEY_PATH":     testkit.File(t, testkit.KeyPEM(t, ours)),
		"TEMPORAL_API_KEY":                 temporalKey,
	} {
		w.env[name] = value
	}
	// The environment's proxy and the system's CAs are per process.
	worker := w.startWorkerProcess(t)
	requireTruth(t, w, w.starterSync(t, 3))
	w.starter(t, 0, "check")
	used := proxy.tunnels()
	for place := range proxy.places {
		assert.Positive(t, used[place], place)
	}
	assert.Len(t, used, len(proxy.places), "nothing else went out")
	worker.Terminate(t)
	assert.NotContains(t, worker.Output(), proxyPassword)

	for name, change := range map[string]struct{ variable, value, says string }{
		"without the CA of Kingdee":  {"KINGDEE_CA_FILE", "", "KINGDEE_CA_FILE"},
		"without the CA of Temporal": {"TEMPORAL_TLS_SERVER_CA_CERT_PATH", "", "TEMPORAL_TLS_SERVER_CA_CERT_PATH"},
		"with a wrong password":      {"HTTPS_PROXY", "http://refundsync:" + proxyPassword + "x@" + server.Listener.Addr().String(), "HTTPS_PROXY"},
		"with half an address":       {"HTTPS_PROXY", "http://refundsync:" + proxyPassword + "/@" + server.Listener.Addr().String(), "HTTPS_PROXY: it is not the URL of a proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			e := w.with(change.variable, change.value).starter(t, 1, "check")
			assert.Contains(t, e.stdout, change.says)
			assert.NotContains(t, e.stdout+e.stderr, proxyPassword)
		})
	}
}
