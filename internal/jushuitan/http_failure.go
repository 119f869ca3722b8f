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

// advice is what to do about failures of a transport.
type advice struct{ retry, certificate, url text.Text }

// longestWait bounds the wait that the gateway asks for: a daily allowance is renewed
// within a day.
const longestWait = 24 * time.Hour

// waitFailure is for a wait under the client's own limit that ended without a
// call: ctx was cancelled, or its deadline comes before our turn.
func (c call) waitFailure(err error) error {
	if errors.Is(err, context.Canceled) {
		return c.cancelled()
	}
	f := c.newFault(fault.RateLimited, "client_limit",
		text.Errorf("no call was made, because its turn under this program's own limit came too late: %w", err),
		text.New("It is retried; if it keeps failing, read fewer windows at once or raise JUSHUITAN_CALLS_PER_SECOND."))
	f.Delay = time.Second
	return f
}

// connectionFailure is for a call without a whole reply.
func (c call) connectionFailure(err error) error {
	if errors.Is(err, context.Canceled) {
		return c.cancelled()
	}
	return c.completed(httpfault.OfConnection(err))
}

// completed adds the system, the call and the advice to a failure.
func (c call) completed(f *fault.Error) *fault.Error {
	f.System, f.Call = system, c.name
	switch {
	case f.Reason == httpfault.Certificate:
		f.Advice = c.advice().certificate
	case f.Reason == httpfault.CallLimit:
		f.Advice, f.Delay = adviseSlower, limitDelay
	case f.Class == fault.Final:
		f.Advice = c.advice().url
	default:
		f.Advice = c.advice().retry
	}
	return f
}

// statusFailure is for an HTTP status other than 2xx. raw may be incomplete.
func (c call) statusFailure(response *http.Response, raw []byte) error {
	f, said := c.completed(httpfault.OfStatus(response.StatusCode)), c.failureIn(raw)
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

func (c call) tooLarge() error {
	return c.newFault(fault.Final, "reply_too_large", text.Errorf("the reply is over 32 MiB, or has over a million values, and was not read"),
		text.New("Lower page_size in the flow file."))
}

// malformed is for a reply that is not what the interface promises. It may have been
// cut or mixed up on its way, so it is worth a retry. err quotes nothing of the reply,
// which may contain personal data.
func (c call) malformed(err error) *fault.Error {
	return c.newFault(fault.Retry, "malformed_reply", text.Errorf("reply not understood: %w", err), c.advice().retry)
}

func (c call) cancelled() error {
	return text.Errorf("%s %s: the call was cancelled: %w", system, c.name, context.Canceled)
}
