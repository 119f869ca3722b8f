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

const (
	adviseRetry       = "会自动重试；一直如此时，请检查网络、代理（HTTPS_PROXY、NO_PROXY）、JUSHUITAN_URL 和奇门的状态。 Tried again by itself; if it lasts, check the network, the proxy (HTTPS_PROXY, NO_PROXY), JUSHUITAN_URL and the state of Qimen."
	adviseCertificate = "请检查 JUSHUITAN_URL 的主机名、本机的 CA 证书和时钟。 Check the host of JUSHUITAN_URL, and this machine's CA certificates and clock."
	adviseURL         = "请检查 JUSHUITAN_URL：应为 https://…/router/qm 。 Check JUSHUITAN_URL: it should be https://…/router/qm."
)

// longestWait bounds what the gateway asks for: a daily allowance is there again
// within a day.
const longestWait = 24 * time.Hour

// waitFailure is for a wait under the client's own limit that did not end in a
// call: ctx was cancelled, or its deadline comes before our turn.
func waitFailure(err error) error {
	if errors.Is(err, context.Canceled) {
		return cancelled()
	}
	f := newFault(fault.RateLimited, "client_limit",
		"在本程序自己的调用频率限制下没有等到机会，没有发出调用。 No call was made: its turn under this program's own limit came too late.",
		"会自动重试；一直如此时，请减少同时读取的窗口，或调高 JUSHUITAN_CALLS_PER_SECOND。 Tried again by itself; if it lasts, read fewer windows at once or raise JUSHUITAN_CALLS_PER_SECOND.")
	f.Delay = time.Second
	f.Err = err
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
	f.System, f.Call = text.Literal(system), refundListQuery
	switch {
	case f.Reason == httpfault.Certificate:
		f.Advice = text.Literal(adviseCertificate)
	case f.Reason == httpfault.CallLimit:
		f.Advice, f.Delay = text.Literal(adviseSlower), limitDelay
	case f.Class == fault.Final:
		f.Advice = text.Literal(adviseURL)
	default:
		f.Advice = text.Literal(adviseRetry)
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
		f.Message += " " + said.Message
		f.Delay = max(f.Delay, said.Delay)
	}
	return f
}

func tooLarge() error {
	f := newFault(fault.Final, "reply_too_large", "回复超过 32 MiB 或 100 万个值，没有读取。 The reply is over 32 MiB, or has over a million values, and was not read.",
		"请把流程文件里的 page_size 调小。 Lower page_size in the flow file.")
	f.Err = ErrReplyTooLarge
	return f
}

// malformed is for a reply that is not what the interface promises. It may
// have been cut or mixed up on its way, so it is worth another try. The text
// quotes nothing of the reply, which may hold personal data.
func malformed(chinese, english string) *fault.Error {
	return newFault(fault.Retry, "malformed_reply", "看不懂的回复："+chinese+"。 Reply not understood: "+english+".", adviseRetry)
}
