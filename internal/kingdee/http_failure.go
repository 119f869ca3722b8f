package kingdee

import (
	"context"
	"errors"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
	"refundsync/internal/text"
)

// longestWait bounds the wait that the server asks for.
const longestWait = 24 * time.Hour

var (
	adviseURL         = text.New("Check that KINGDEE_URL is the address of the Kingdee server, with /k3cloud/ at its end.")
	adviseNetwork     = text.New("It is retried; if it keeps failing, check the network, the proxy (HTTPS_PROXY, NO_PROXY) and KINGDEE_URL.")
	adviseCertificate = text.New("If the certificate is issued by your own CA, set KINGDEE_CA_FILE to the path of the CA's certificate (PEM); if the name differs, change KINGDEE_URL to a name in the certificate; if it has expired, renew it, and check this machine's clock.")
)

var (
	malformedReply = rule{fault.Retry, "malformed_reply", ofCall, 0, adviseLookFirst}
	tooLarge       = rule{fault.Retry, "reply_too_large", ofCall, 0, adviseLookFirst}
	wrongAddress   = rule{fault.Final, "wrong_address", ofCall, 0, adviseURL}
	noSession      = rule{fault.Retry, "no_session", ofCall, 0,
		text.New("It is retried; if it is frequent, raise KINGDEE_SESSIONS or process fewer bills at once.")}
	// The process was suspended, or logging in and connecting took too long.
	lookUpTooOld = rule{fault.Retry, "look_up_too_old", ofCall, 0,
		text.New("The bills are looked up before the call is retried.")}
)

// waitFailure is for a wait for a session that ended without one; nothing was sent.
func waitFailure(method string, err error) error {
	if errors.Is(err, context.Canceled) {
		return cancelled(method)
	}
	return noSession.failure(method, text.Errorf("no call was made, because no session became free in time: %w", err))
}

// connectionFailure is for a request without a whole reply.
func connectionFailure(ctx context.Context, method string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return cancelled(method)
	}
	if f := fault.As(err); f != nil {
		return f // it was not sent
	}
	return completed(method, httpfault.OfConnection(err))
}

// completed adds the system, the call and the advice to a failure. A request that was
// sent may have taken effect unless it was refused.
func completed(method string, f *fault.Error) *fault.Error {
	f.System, f.Call = system, method
	switch {
	case f.Reason == httpfault.Unreachable:
		f.Advice = adviseNetwork
	case f.Reason == httpfault.Certificate:
		f.Advice = adviseCertificate
	case f.Reason == httpfault.AccessDenied:
		f.Advice = text.Join(" ", adviseURL, adviseCredentials)
	case f.Reason == httpfault.CallLimit:
		f.Advice, f.Delay = callLimit.advice, callLimit.delay
	case f.Class == fault.Final:
		f.Advice = adviseURL
	default:
		f.Advice = adviseLookFirst
	}
	return f
}

func cancelled(method string) error {
	return text.Errorf("%s %s: the call was cancelled, and may have taken effect: %w", system, method, context.Canceled)
}
