package jushuitan

import (
	"context"
	"errors"
	"net/http"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
	"refundsync/internal/text"
)

var (
	adviseRetry       = text.New("It is retried; if it keeps failing, check the network, the proxy (HTTPS_PROXY, NO_PROXY), JUSHUITAN_URL and the state of Qimen.")
	adviseCertificate = text.New("Check the host of JUSHUITAN_URL, and this machine's CA certificates and clock.")
	adviseURL         = text.New("Check JUSHUITAN_URL: it should be https://…/router/qm")
)

// longestWait bounds the wait that the gateway asks for: a daily allowance is renewed
// within a day.
const longestWait = 24 * time.Hour

// waitFailure is for a wait under the client's own limit that ended without a
// call: ctx was cancelled, or its deadline comes before our turn.
func waitFailure(err error) error {
	if errors.Is(err, context.Canceled) {
		return cancelled()
	}
	f := newFault(fault.RateLimited, "client_limit",
		text.Errorf("no call was made, because its turn under this program's own limit came too late: %w", err),
		text.New("It is retried; if it keeps failing, read fewer windows at once or raise JUSHUITAN_CALLS_PER_SECOND."))
	f.Delay = time.Second
	return f
}

// connectionFailure is for a call without a whole reply.
func connectionFailure(err error) error {
	if errors.Is(err, context.Canceled) {
		return cancelled()
	}
	return completed(httpfault.OfConnection(err))
}

// completed adds the system, the call and the advice to a failure.
func completed(f *fault.Error) *fault.Error {
	f.System, f.Call = system, refundListQuery
	switch {
	case f.Reason == httpfault.Certificate:
		f.Advice = adviseCertificate
	case f.Reason == httpfault.CallLimit:
		f.Advice, f.Delay = adviseSlower, limitDelay
	case f.Class == fault.Final:
		f.Advice = adviseURL
	default:
		f.Advice = adviseRetry
	}
	return f
}

// statusFailure is for an HTTP status other than 2xx. raw may be incomplete.
func statusFailure(response *http.Response, raw []byte) error {
	f, said := completed(httpfault.OfStatus(response.StatusCode)), failureIn(raw)
	if f.Class == fault.Final && f.Reason != httpfault.Redirect && said != nil && said.Reason != noCode.reason {
		// A gateway in front may set a status of its own beside the envelope,
		// and the envelope knows more.
		return said
	}
	if f.Class != fault.Final {
		f.Delay = max(f.Delay, httpfault.RetryAfter(response.Header, longestWait))
	}
	if said != nil {
		f.Err = text.Errorf("%w: “%s”", f.Err, said.What())
		f.Delay = max(f.Delay, said.Delay)
	}
	return f
}

func tooLarge() error {
	return newFault(fault.Final, "reply_too_large", text.Errorf("the reply is over 32 MiB, or has over a million values, and was not read"),
		text.New("Lower page_size in the flow file."))
}

// malformed is for a reply that is not what the interface promises. It may have been
// cut or mixed up on its way, so it is worth a retry. err quotes nothing of the reply,
// which may contain personal data.
func malformed(err error) *fault.Error {
	return newFault(fault.Retry, "malformed_reply", text.Errorf("reply not understood: %w", err), adviseRetry)
}
