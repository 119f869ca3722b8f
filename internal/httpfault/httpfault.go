// Package httpfault says what an HTTP call failed with where the other system has no
// say: no connection, no whole reply, a status. It gives a failure its class, reason and
// message; whose call it was, and the advice, are the client's to add.
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
)

// The reasons.
const (
	// Unreachable is a call that was not made, for want of a connection.
	Unreachable = "unreachable"
	// Connection is a connection that broke. The call may have taken effect.
	Connection = "connection"
	// Timeout is a reply that did not come in time. The call may have taken effect.
	Timeout = "timeout"
	// Certificate is a server that can't prove who it is.
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

// OfConnection is for a call without a whole reply, whose error is that of
// [http.Client.Do] or of reading the body. Whether ctx was cancelled is the caller's to
// see before.
func OfConnection(err error) *fault.Error {
	err = withoutURL(err)
	var timeout net.Error
	var operation *net.OpError
	var certificate *tls.CertificateVerificationError
	f := &fault.Error{Class: fault.Retry, Err: err}
	switch {
	case errors.As(err, &certificate):
		f.Class, f.Reason, f.Message = fault.Final, Certificate, "服务器证书不可信："+certificate.Err.Error()+"。 The server's certificate is not trusted."
	case errors.Is(err, http.ErrSchemeMismatch):
		f.Class, f.Reason, f.Message = fault.Final, NotHTTPS, "地址是 https，对方说的却是 http。 The address says https, the server speaks http."
	case errors.As(err, &operation) && slices.Contains(beforeTheRequest, operation.Op):
		f.Reason, f.Message = Unreachable, "连接不上，没有发出调用："+err.Error()+"。 Not connected, no call was made."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.Reason, f.Message = Timeout, "等待回复超时。 Timed out waiting for the reply."
	default:
		f.Reason, f.Message = Connection, "连接中断："+err.Error()+"。 Connection lost."
	}
	return f
}

// OfStatus is for an HTTP status other than 2xx.
func OfStatus(status int) *fault.Error {
	f := &fault.Error{Class: fault.Final, Code: Code(status)}
	switch {
	case status >= 500:
		f.Class, f.Reason, f.Message = fault.Retry, Status, "服务器出错。 The server failed."
	case status == http.StatusTooManyRequests:
		f.Class, f.Reason, f.Message = fault.RateLimited, CallLimit, "服务器限流。 The server limits calls."
	case status == http.StatusRequestTimeout:
		f.Class, f.Reason, f.Message = fault.Retry, Timeout, "服务器没有等到完整的请求。 The server timed out waiting for the request."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		f.Reason, f.Message = AccessDenied, "服务器拒绝访问。 The server denies access."
	case status >= 300 && status < 400:
		f.Reason, f.Message = Redirect, "服务器要求转到别的地址，密钥和签名不会发往那里。 The server redirects elsewhere; no secret or signature is sent there."
	default:
		f.Reason, f.Message = Status, "服务器拒绝了请求。 The server refused the request."
	}
	return f
}

// Code is the Code of a failure with an HTTP status.
func Code(status int) string { return fmt.Sprintf("HTTP %d", status) }

// RetryAfter reads the form in seconds of an HTTP header Retry-After, up to a
// longest wait; 0 if there is none.
func RetryAfter(header http.Header, longest time.Duration) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(longest/time.Second))) * time.Second
}

// withoutURL takes the cause out of an HTTP client's error, whose text holds the
// address, and with it what was signed.
func withoutURL(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}
