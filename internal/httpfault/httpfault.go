// Package httpfault classifies the failures of HTTP calls: no connection, no whole
// reply, a status. It gives a failure its class, reason and words; the client adds the
// system, the call and the advice.
package httpfault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// The reasons.
const (
	// Unreachable is a call that was not made because there was no connection.
	Unreachable = "unreachable"
	// Connection is a connection that broke. The call may have taken effect.
	Connection = "connection"
	// Timeout is a reply that did not come in time. The call may have taken effect.
	Timeout = "timeout"
	// Certificate is a server whose certificate is not trusted.
	Certificate = "tls_certificate"
	// NotHTTPS is an address that wrongly says https.
	NotHTTPS = "not_https"
	// CallLimit is HTTP 429.
	CallLimit = "call_limit"
	// AccessDenied is HTTP 401 and 403.
	AccessDenied = "access_denied"
	// Redirect is HTTP 3xx: requests that carry secrets follow none.
	Redirect = "redirect"
	// Status is any other HTTP status: fault.Retry from 500 on, otherwise fault.Final.
	Status = "http_status"
)

// beforeTheRequest are the operations of a *net.OpError that come before a request is
// sent: to the server, or to the HTTP or SOCKS proxy before it.
var beforeTheRequest = []string{"dial", "proxyconnect", "socks connect"}

// OfConnection is for a call without a whole reply. err is that of [http.Client.Do] or
// of reading the body. The caller handles a cancelled ctx first.
func OfConnection(err error) *fault.Error {
	err = withoutURL(err)
	var timeout net.Error
	var operation *net.OpError
	var certificate *tls.CertificateVerificationError
	f := &fault.Error{Class: fault.Retry}
	switch {
	case errors.As(err, &certificate):
		f.Class, f.Reason, f.Err = fault.Final, Certificate, text.Errorf("the server's certificate is not trusted: %w", err)
	case errors.Is(err, http.ErrSchemeMismatch):
		f.Class, f.Reason, f.Err = fault.Final, NotHTTPS, text.Errorf("the address says https, but the server speaks http: %w", err)
	case errors.As(err, &operation) && slices.Contains(beforeTheRequest, operation.Op):
		f.Reason, f.Err = Unreachable, text.Errorf("no connection, so no call was made: %w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.Reason, f.Err = Timeout, text.Errorf("timed out waiting for the reply: %w", err)
	default:
		f.Reason, f.Err = Connection, text.Errorf("connection lost: %w", err)
	}
	return f
}

// OfStatus is for an HTTP status other than 2xx.
func OfStatus(status int) *fault.Error {
	f := &fault.Error{Class: fault.Final, Code: Code(status)}
	switch {
	case status >= 500:
		f.Class, f.Reason, f.Err = fault.Retry, Status, text.Errorf("the server failed")
	case status == http.StatusTooManyRequests:
		f.Class, f.Reason, f.Err = fault.RateLimited, CallLimit, text.Errorf("the server limits calls")
	case status == http.StatusRequestTimeout:
		f.Class, f.Reason, f.Err = fault.Retry, Timeout, text.Errorf("the server timed out waiting for the request")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		f.Reason, f.Err = AccessDenied, text.Errorf("the server denied access")
	case status >= 300 && status < 400:
		f.Reason, f.Err = Redirect, text.Errorf("the server redirects to another address, to which no secret or signature is sent")
	default:
		f.Reason, f.Err = Status, text.Errorf("the server refused the request")
	}
	return f
}

// Code is the Code of a failure with an HTTP status.
func Code(status int) string { return fmt.Sprintf("HTTP %d", status) }

// RetryAfter reads an HTTP header Retry-After in seconds, up to a longest wait; 0 if
// there is none.
func RetryAfter(header http.Header, longest time.Duration) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(longest/time.Second))) * time.Second
}

// withoutURL unwraps an HTTP client's error, whose text holds the address and so what
// was signed.
func withoutURL(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}
