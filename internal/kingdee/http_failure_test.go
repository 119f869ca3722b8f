package kingdee

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/replysize"
)

func TestHTTPStatus(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		retryAfter string
		class      fault.Class
		reason     string
		delay      time.Duration
		advice     string
	}{
		"500":                   {500, "", fault.Retry, "http_status", 0, "looked up by its number"},
		"502":                   {502, "", fault.Retry, "http_status", 0, "looked up by its number"},
		"503 with a delay":      {503, "7", fault.Retry, "http_status", 7 * time.Second, "looked up by its number"},
		"519 without a code":    {519, "", fault.Retry, "http_status", 0, "looked up by its number"},
		"400":                   {400, "", fault.Final, "http_status", 0, "KINGDEE_URL"},
		"404":                   {404, "", fault.Final, "http_status", 0, "KINGDEE_URL"},
		"401":                   {401, "", fault.Final, "access_denied", 0, "KINGDEE_APP_SECRET"},
		"403":                   {403, "", fault.Final, "access_denied", 0, "KINGDEE_URL"},
		"408":                   {408, "", fault.Retry, "timeout", 0, "looked up by its number"},
		"429":                   {429, "", fault.RateLimited, "call_limit", callLimitDelay, "KINGDEE_SESSIONS"},
		"429 with a delay":      {429, "90", fault.RateLimited, "call_limit", 90 * time.Second, "KINGDEE_SESSIONS"},
		"429 with a date":       {429, "Fri, 01 Mar 2024 00:00:00 GMT", fault.RateLimited, "call_limit", callLimitDelay, "KINGDEE_SESSIONS"},
		"503 with a huge delay": {503, "99999999999", fault.Retry, "http_status", 24 * time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				calls++
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				w.WriteHeader(test.status)
				write(w, savedReply)
			})
			_, err := newClient(t, vectorConfig(server.URL)).BatchSave(t.Context(), oneBill)
			f := requireFault(t, err, test.class, test.reason)
			assert.Equal(t, test.delay, f.Delay)
			assert.Contains(t, f.Advice.String(), test.advice)
			assert.Equal(t, "HTTP "+name[:3], f.Code)
			assert.Equal(t, 1, calls, "retries are not the client's")
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request, string) {
		assert.Fail(t, "the redirect was followed")
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
				http.Redirect(w, r, elsewhere.URL, status)
			})
			_, err := newClient(t, vectorConfig(server.URL)).BatchSave(t.Context(), oneBill)
			f := requireFault(t, err, fault.Final, "redirect")
			assert.Contains(t, f.Advice.String(), "KINGDEE_URL")
		})
	}
}

func TestBrokenConnections(t *testing.T) {
	for name, test := range map[string]struct {
		handle func(w http.ResponseWriter, r *http.Request)
		change func(*Client)
		class  fault.Class
		reason string
	}{
		"closed before a reply": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, fault.Retry, "connection"},
		"a reply cut short": {func(w http.ResponseWriter, _ *http.Request) { cutShort(w) }, nil, fault.Retry, "connection"},
		"an endless reply": {
			func(w http.ResponseWriter, _ *http.Request) { write(w, savedReply) },
			func(c *Client) { c.maxReply = int64(len(savedReply)) - 1 }, fault.Retry, "reply_too_large"},
		"a reply of values without end": {
			func(w http.ResponseWriter, _ *http.Request) {
				write(w, "["+strings.Repeat("{},", replysize.MostValues)+"{}]")
			},
			nil, fault.Retry, "reply_too_large"},
		// A port that was free may be taken by now; port 1 is never assigned.
		"nobody there":                      {nil, func(c *Client) { c.base.Host = "127.0.0.1:1" }, fault.Retry, "unreachable"},
		"https, but the server speaks http": {nil, func(c *Client) { c.base.Scheme = "https" }, fault.Final, "not_https"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) { test.handle(w, r) })
			c := newClient(t, vectorConfig(server.URL))
			if test.change != nil {
				test.change(c)
			}
			_, err := c.BatchSave(t.Context(), oneBill)
			f := requireFault(t, err, test.class, test.reason)
			assert.Equal(t, "BatchSave", f.Call)
			assert.NotContains(t, f.Error(), "0123456789abcdef")
		})
	}
}

func TestNoReplyInTime(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter){
		"none at all": func(http.ResponseWriter) {},
		"half of it": func(w http.ResponseWriter) {
			write(w, `{"Result"`)
			w.(http.Flusher).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
					begin(w)
					<-r.Context().Done()
				})
				begun := time.Now()
				_, err := c.BatchSave(t.Context(), oneBill)
				f := requireFault(t, err, fault.Retry, "timeout")
				assert.Equal(t, "BatchSave", f.Call)
				assert.NotContains(t, f.Error(), "0123456789abcdef")
				assert.Equal(t, defaultTimeout, time.Since(begun))
			})
		})
	}
}

func TestReplyOfTheLargestSizeIsRead(t *testing.T) {
	c := newClient(t, vectorConfig(always(t, savedReply).URL))
	c.maxReply = int64(len(savedReply))
	results, err := c.BatchSave(t.Context(), oneBill)
	require.NoError(t, err)
	assert.NoError(t, results[0].Err)
}

// secureServer answers over TLS, with a certificate that no public CA has signed.
func secureServer(t *testing.T, changes ...func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w, savedReply) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // failing handshakes are expected
	for _, change := range changes {
		change(server)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestPrivateCA(t *testing.T) {
	server := secureServer(t)
	config := vectorConfig(server.URL)
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(server.Certificate())
	results, err := newClient(t, config).BatchSave(t.Context(), oneBill)
	require.NoError(t, err)
	assert.NoError(t, results[0].Err)
}

func TestUntrustedCertificate(t *testing.T) {
	trusting := func(config *Config, server *httptest.Server) {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AddCert(server.Certificate())
	}
	for name, test := range map[string]struct {
		server *httptest.Server
		change func(*Config, *httptest.Server)
		class  fault.Class
		reason string
		says   string
	}{
		"unknown CA": {secureServer(t), func(*Config, *httptest.Server) {}, fault.Final, "tls_certificate", "KINGDEE_CA_FILE"},
		"another name": {secureServer(t), func(config *Config, server *httptest.Server) {
			trusting(config, server)
			config.URL = strings.Replace(config.URL, "127.0.0.1", "localhost", 1)
		}, fault.Final, "tls_certificate", "not localhost"},
		"TLS 1.1": {secureServer(t, func(server *httptest.Server) {
			server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		}), trusting, fault.Retry, "connection", "protocol version"},
	} {
		t.Run(name, func(t *testing.T) {
			config := vectorConfig(test.server.URL)
			test.change(&config, test.server)
			_, err := newClient(t, config).BatchSave(t.Context(), oneBill)
			f := requireFault(t, err, test.class, test.reason)
			assert.ErrorContains(t, f, test.says)
		})
	}
}

func TestCancelledCall(t *testing.T) {
	for auth, method := range map[Auth]string{AuthSignature: "BatchSave", AuthPassword: "ValidateUser"} {
		t.Run(string(auth), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			server := serve(t, func(_ http.ResponseWriter, r *http.Request, _ string) {
				cancel()
				<-r.Context().Done()
			})
			config := vectorConfig(server.URL)
			config.Auth = auth
			_, err := newClient(t, config).BatchSave(ctx, oneBill)
			require.ErrorIs(t, err, context.Canceled)
			assert.Contains(t, err.Error(), method)
		})
	}
}

// Some proxies offer HTTP/2 and answer it with 502.
func TestHTTP1Only(t *testing.T) {
	server := secureServer(t, func(server *httptest.Server) {
		server.EnableHTTP2 = true
		server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 1 {
				w.WriteHeader(http.StatusBadGateway)
			}
			write(w, savedReply)
		})
	})
	config := vectorConfig(server.URL)
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(server.Certificate())
	_, err := newClient(t, config).BatchSave(t.Context(), oneBill)
	require.NoError(t, err)
}
