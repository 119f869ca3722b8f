package kingdee

import (
	"net/http"
	"slices"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
)

// MayBeOneBill reports whether a call failed as a whole, without effect, for a
// cause that may be one of its bills. A mistake in the account is not; a missing
// right may be that to a bill's organisation.
func MayBeOneBill(err error) bool {
	f := fault.As(err)
	return f != nil && f.Class == fault.Final && !slices.Contains([]string{
		licence.reason, administratorForbidden.reason, loginFailed.reason, webAPIForbidden.reason, wrongDataCentre.reason,
		gatewayRefused.reason, wrongAddress.reason, httpfault.AccessDenied, httpfault.Redirect, httpfault.Certificate, httpfault.NotHTTPS,
	}, f.Reason)
}

// IsOpen reports whether an error leaves the outcome of the bill open.
func IsOpen(err error) bool {
	f := fault.As(err)
	return err != nil && (f == nil || f.Class == fault.Retry)
}

// IsOverload reports whether a call failed because Kingdee, or the web server in
// front of it, is overloaded: it refused the call as one too many (MsgCode 14,
// HTTP 429), did not answer in time (no reply, HTTP 408, HTTP 504), or had no
// capacity (HTTP 503). An unreachable address, a broken connection and any other
// 5xx are an outage or a mistake, which fewer calls don't cure.
func IsOverload(err error) bool {
	f := fault.As(err)
	switch {
	case f == nil:
		return false
	case f.Class == fault.RateLimited, f.Reason == httpfault.Timeout:
		return true
	default:
		return f.Code == httpfault.Code(http.StatusServiceUnavailable) || f.Code == httpfault.Code(http.StatusGatewayTimeout)
	}
}
