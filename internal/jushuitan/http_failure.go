package jushuitan

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"refundsync/internal/fault"
)

const (
	adviseRetry = "会自动重试；一直如此时，请检查网络、代理（HTTPS_PROXY、NO_PROXY）、JUSHUITAN_URL 和奇门的状态。 Tried again by itself; if it lasts, check the network, the proxy (HTTPS_PROXY, NO_PROXY), JUSHUITAN_URL and the state of Qimen."
	adviseURL   = "请检查 JUSHUITAN_URL：应为 https://…/router/qm 。 Check JUSHUITAN_URL: it should be https://…/router/qm."
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
	// The text of a *url.Error holds the URL, and with it session and sign.
	err = fault.WithoutURL(err)
	var f *fault.Error
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f = newFault(fault.Retry, "timeout", "等待回复超时。 Timed out waiting for the reply.", adviseRetry)
	case errors.As(err, &certificate):
		f = newFault(fault.Final, "tls_certificate", "服务器证书不可信："+certificate.Err.Error()+"。 The server's certificate is not trusted.",
			"请检查 JUSHUITAN_URL 的主机名、本机的 CA 证书和时钟。 Check the host of JUSHUITAN_URL, and this machine's CA certificates and clock.")
	case errors.Is(err, http.ErrSchemeMismatch):
		f = newFault(fault.Final, "not_https", "地址是 https，对方说的却是 http。 The address says https, the server speaks http.", adviseURL)
	default:
		f = newFault(fault.Retry, "connection", "连接失败或中断："+err.Error()+"。 Connection failed or lost.", adviseRetry)
	}
	f.Err = err
	return f
}

// statusFailure is for an HTTP status other than 2xx. raw may be incomplete.
func statusFailure(response *http.Response, raw []byte) error {
	status, said := response.StatusCode, failureIn(raw)
	var f *fault.Error
	switch {
	case status >= 500:
		f = newFault(fault.Retry, "http_status", "网关出错。 The gateway failed.", adviseRetry)
		f.Delay = fault.RetryAfter(response.Header.Get("Retry-After"), longestWait)
	case status == http.StatusTooManyRequests:
		f = newFault(fault.RateLimited, "call_limit", "网关限流。 The gateway limits calls.", adviseSlower)
		f.Delay = max(fault.RetryAfter(response.Header.Get("Retry-After"), longestWait), limitDelay)
	case status == http.StatusRequestTimeout:
		f = newFault(fault.Retry, "timeout", "网关没有等到完整的请求。 The gateway timed out waiting for the request.", adviseRetry)
	case status >= 300 && status < 400:
		f = newFault(fault.Final, "redirect",
			"网关要求转到别的地址，签名参数不会发往那里。 The gateway redirects elsewhere; signed parameters are not sent there.", adviseURL)
	case said != nil && said.Reason != noCode.reason:
		// A gateway in front may set a status of its own beside the envelope,
		// and the envelope knows more.
		return said
	default:
		f = newFault(fault.Final, "http_status", "网关拒绝了请求。 The gateway refused the request.", adviseURL)
	}
	f.Code = fmt.Sprintf("HTTP %d", status)
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
