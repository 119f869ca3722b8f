package httpfault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestOfConnection(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		class  fault.Class
		reason string
	}{
		"refused":                 {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, fault.Retry, Unreachable},
		"no such host":            {&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, fault.Retry, Unreachable},
		"the DNS does not answer": {&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, fault.Retry, Unreachable},
		"no connection in time":   {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, fault.Retry, Unreachable},
		"the proxy is away": {&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}},
			fault.Retry, Unreachable},
		"a SOCKS proxy refuses":        {&net.OpError{Op: "socks connect", Err: errors.New("not allowed")}, fault.Retry, Unreachable},
		"an HTTP proxy refuses":        {errors.New("Forbidden"), fault.Retry, Connection},
		"reset":                        {&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, fault.Retry, Connection},
		"cut within the reply":         {io.ErrUnexpectedEOF, fault.Retry, Connection},
		"an old version of TLS":        {&net.OpError{Op: "remote error", Err: tls.AlertError(70)}, fault.Retry, Connection},
		"no reply in time":             {context.DeadlineExceeded, fault.Retry, Timeout},
		"no reply in time of a socket": {&net.OpError{Op: "read", Err: &net.DNSError{IsTimeout: true}}, fault.Retry, Timeout},
		"an unknown CA": {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
			fault.Final, Certificate},
		"https to an HTTP server": {http.ErrSchemeMismatch, fault.Final, NotHTTPS},
	} {
		t.Run(name, func(t *testing.T) {
			// As the client wraps it; the address contains what was signed.
			f := OfConnection(fmt.Errorf("call: %w", &url.Error{Op: "Post", URL: "https://gateway/?sign=secret", Err: test.err}))
			require.Equal(t, test.class, f.Class)
			require.Equal(t, test.reason, f.Reason)
			require.ErrorIs(t, f, test.err)
			require.NotContains(t, f.Error(), "secret")
			require.Equal(t, f.Error(), OfConnection(test.err).Error(), "not wrapped, as when the body is read")
		})
	}
}

func TestOfStatus(t *testing.T) {
	for _, test := range []struct {
		status int
		class  fault.Class
		reason string
	}{
		{301, fault.Final, Redirect}, {304, fault.Final, Redirect}, {308, fault.Final, Redirect},
		{400, fault.Final, Status}, {404, fault.Final, Status},
		{401, fault.Final, AccessDenied}, {403, fault.Final, AccessDenied},
		{408, fault.Retry, Timeout}, {429, fault.RateLimited, CallLimit},
		{500, fault.Retry, Status}, {503, fault.Retry, Status}, {519, fault.Retry, Status},
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			f := OfStatus(test.status)
			require.Equal(t, test.class, f.Class)
			require.Equal(t, test.reason, f.Reason)
			require.Equal(t, fmt.Sprint("HTTP ", test.status), f.Code)
			require.Error(t, f.Err)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "600": 10 * time.Minute, "601": 10 * time.Minute,
		"99999999999999999999": 0, "-1": 0, "1.5": 0, "Fri, 01 Mar 2024 09:00:00 GMT": 0,
	} {
		require.Equal(t, want, RetryAfter(http.Header{"Retry-After": {header}}, 10*time.Minute), header)
	}
	require.Zero(t, RetryAfter(nil, time.Minute))
}

// A proxy that does not listen has received no call.
func TestProxyThatIsAway(t *testing.T) {
	proxy, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	for _, address := range []string{"http://example.invalid/", "https://example.invalid/"} {
		_, err := client.Post(address, "text/plain", strings.NewReader(""))
		require.Equal(t, Unreachable, OfConnection(err).Reason, address)
	}
}
