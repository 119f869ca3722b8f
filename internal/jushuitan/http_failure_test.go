package jushuitan

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"refundsync/internal/fault"
	"refundsync/internal/replysize"
	"refundsync/internal/testkit/nettest"
)

// requireFault also checks what holds for every failure: it names system and call, and
// shows neither the URL's query nor a secret.
func requireFault(t *testing.T, err error, class fault.Class, reason string) *fault.Error {
	t.Helper()
	f := fault.As(err)
	require.NotNil(t, f, "%v", err)
	require.Equal(t, class, f.Class, f.Error())
	require.Equal(t, reason, f.Reason, f.Error())
	require.Contains(t, f.Error(), "Jushuitan jushuitan.refund.list.query")
	require.NotEmpty(t, f.Advice.String())
	for _, secret := range []string{testSecret, testSession, "sign="} {
		require.NotContains(t, fmt.Sprintf("%+v %#v %+v", err, f, f.Err), secret)
	}
	return f
}

func TestHTTPStatus(t *testing.T) {
	const envelope = `{"error_response":{"code":25,"msg":"Invalid signature"}}`
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		class  fault.Class
		reason string
		delay  time.Duration
	}{
		{"500", 500, nil, "", fault.Retry, "http_status", 0},
		{"502 with a page", 502, nil, "<html>Bad Gateway</html>", fault.Retry, "http_status", 0},
		{"503 with Retry-After", 503, http.Header{"Retry-After": {"30"}}, "", fault.Retry, "http_status", 30 * time.Second},
		{"503 with odd Retry-After", 503, http.Header{"Retry-After": {"soon"}}, "", fault.Retry, "http_status", 0},
		{"500 with an envelope", 500, nil, envelope, fault.Retry, "http_status", 0},
		{"429", 429, nil, "", fault.RateLimited, "call_limit", limitDelay},
		{"429 with Retry-After", 429, http.Header{"Retry-After": {"60"}}, "", fault.RateLimited, "call_limit", time.Minute},
		{"429 with a code alone", 429, nil, `{"code":200}`, fault.RateLimited, "call_limit", time.Minute},
		{"429 with a wait in the envelope", 429, nil, `{"error_response":{"code":7,"sub_msg":"This ban will last for 60 more seconds"}}`,
			fault.RateLimited, "call_limit", 61 * time.Second},
		{"403 with a text alone", 403, nil, `{"message":"Forbidden"}`, fault.Final, "access_denied", 0},
		{"408", 408, nil, "", fault.Retry, "timeout", 0},
		{"404", 404, nil, "not found", fault.Final, "http_status", 0},
		{"403 with an envelope", 403, nil, envelope, fault.Final, "bad_signature", 0},
		{"304", 304, nil, "", fault.Final, "redirect", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range test.header {
					w.Header()[name] = values
				}
				replyWith(test.status, test.body)(w, nil)
			})
			_, err := client.List(t.Context(), refunds, seedParams())
			f := requireFault(t, err, test.class, test.reason)
			require.Equal(t, test.delay, f.Delay)
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("the signed request went elsewhere")
			}))
			defer elsewhere.Close()
			client := gateway(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+"/?"+r.URL.RawQuery, status)
			})
			_, err := client.List(t.Context(), refunds, seedParams())
			f := requireFault(t, err, fault.Final, "redirect")
			require.Equal(t, fmt.Sprintf("HTTP %d", status), f.Code)
			require.Contains(t, f.Advice.String(), "JUSHUITAN_URL")
		})
	}
}

func TestConnectionLost(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"before the reply", func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = connection.Close()
			}
		}},
		{"within the reply", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, emptyPage[:40])
		}},
		{"within a chunked reply that looks whole", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, emptyPage)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := gateway(t, test.handler).List(t.Context(), refunds, seedParams())
			requireFault(t, err, fault.Retry, "connection")
		})
	}
}

func TestNobodyListens(t *testing.T) {
	// A port that was free may be taken by now; port 1 is never assigned.
	client, err := New(settings("http://127.0.0.1:1/router/qm"))
	require.NoError(t, err)
	_, err = client.List(t.Context(), refunds, seedParams())
	requireFault(t, err, fault.Retry, "unreachable")
}

func TestTimeout(t *testing.T) {
	for _, test := range []struct {
		name  string
		begin func(w http.ResponseWriter)
	}{
		{"before the reply", func(http.ResponseWriter) {}},
		{"within the reply", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, emptyPage[:40])
			_ = http.NewResponseController(w).Flush()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := slowGateway(t, test.begin)
				begun := time.Now()
				_, err := client.List(t.Context(), refunds, seedParams())
				f := requireFault(t, err, fault.Retry, "timeout")
				require.ErrorIs(t, f, context.DeadlineExceeded)
				require.Equal(t, defaultTimeout, time.Since(begun))
			})
		})
	}
}

func TestDeadlineOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := slowGateway(t, func(http.ResponseWriter) {})
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.List(ctx, refunds, seedParams())
		f := requireFault(t, err, fault.Retry, "timeout")
		require.ErrorIs(t, f, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(begun))
	})
}

// slowGateway begins a reply and never ends it, in a synctest bubble.
func slowGateway(t *testing.T, begin func(w http.ResponseWriter)) *Client {
	t.Helper()
	server := nettest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the lost connection goes unnoticed
		begin(w)
		<-r.Context().Done()
	}))
	client, err := New(settings(nettest.URL))
	require.NoError(t, err)
	client.http.Transport = &http.Transport{DialContext: server.Dial}
	return client
}

func TestCancelIsNoFault(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := client.List(ctx, refunds, seedParams())
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, fault.As(err))
	require.NotContains(t, err.Error(), "sign=")
}

func TestCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(replyWith(http.StatusOK, emptyPage))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the failing handshake is expected
	server.StartTLS()
	defer server.Close()
	client, err := New(settings(server.URL))
	require.NoError(t, err)
	_, err = client.List(t.Context(), refunds, seedParams())
	requireFault(t, err, fault.Final, "tls_certificate")
}

func TestOldTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(replyWith(http.StatusOK, emptyPage))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.StartTLS()
	defer server.Close()
	client, err := New(settings(server.URL))
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	client.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: trusted}
	_, err = client.List(t.Context(), refunds, seedParams())
	require.ErrorContains(t, requireFault(t, err, fault.Retry, "connection"), "protocol version")
}

func TestHTTPSToAnHTTPServer(t *testing.T) {
	client := gateway(t, replyWith(http.StatusOK, emptyPage), func(c *Config) {
		c.Qimen.URL = strings.Replace(c.Qimen.URL, "http://", "https://", 1)
	})
	_, err := client.List(t.Context(), refunds, seedParams())
	requireFault(t, err, fault.Final, "not_https")
}

func TestReplyTooLarge(t *testing.T) {
	// A few KiB on the wire: the decompressed size counts.
	client := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		_, _ = io.CopyN(packed, zeros{}, maxReply+1)
		_ = packed.Close()
	})
	_, err := client.List(t.Context(), refunds, seedParams())
	f := requireFault(t, err, fault.Final, "reply_too_large")
	require.Contains(t, f.Advice.String(), "page_size")
}

func TestReplyOfTooManyValues(t *testing.T) {
	client := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"datas":[`+strings.Repeat("{},", replysize.MostValues)+`{}]}`)
	})
	_, err := client.List(t.Context(), refunds, seedParams())
	requireFault(t, err, fault.Final, "reply_too_large")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestCallsAreSpacedEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := settings("http://localhost/router/qm")
		config.CallsPerSecond = 0 // the default, 5
		client, err := New(config)
		require.NoError(t, err)
		client.http.Transport = answering(emptyPage)
		start := time.Now()
		for call := range 6 {
			_, err := client.List(t.Context(), refunds, seedParams())
			require.NoError(t, err)
			require.Equal(t, time.Duration(call)*200*time.Millisecond, time.Since(start).Round(time.Millisecond))
		}
	})
}

// answering answers without a network, which synctest's clock can't follow.
type answering string

func (reply answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(reply)))}, nil
}

func TestTurnAfterTheDeadline(t *testing.T) {
	var calls atomic.Int32
	client := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = io.WriteString(w, emptyPage)
	}, func(c *Config) { c.CallsPerSecond = rate.Every(time.Hour) })
	_, err := client.List(t.Context(), refunds, seedParams())
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = client.List(ctx, refunds, seedParams())
	f := requireFault(t, err, fault.RateLimited, "client_limit")
	require.Positive(t, f.Delay)

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = client.List(ctx, refunds, seedParams())
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 1, calls.Load())
}
