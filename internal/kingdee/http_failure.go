package kingdee

import (
	"context"
	"errors"
	"fmt"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
	"refundsync/internal/text"
)

const adviseURL = "请检查 KINGDEE_URL：应为金蝶服务器的地址，以 /k3cloud/ 结尾。 Check KINGDEE_URL: the address of the Kingdee server, ending in /k3cloud/."

// longestWait bounds what the server asks for.
const longestWait = 24 * time.Hour

const (
	adviseNetwork     = "会自动重试；一直如此时，请检查网络、代理（HTTPS_PROXY、NO_PROXY）和 KINGDEE_URL。 Tried again by itself; if it lasts, check the network, the proxy (HTTPS_PROXY, NO_PROXY) and KINGDEE_URL."
	adviseCertificate = "证书由企业自己的 CA 签发时，把 CA 证书文件（PEM）的路径放进 KINGDEE_CA_FILE；名字不符时，按证书里的名字改 KINGDEE_URL；过期时，请换证书，并核对本机时钟。 " +
		"Where it is from a CA of your own, put the path of the CA's certificate (PEM) into KINGDEE_CA_FILE; where the name differs, change KINGDEE_URL to a name in the certificate; where it has expired, renew it, and check this machine's clock."
)

var (
	malformedReply = rule{fault.Retry, "malformed_reply", ofCall, 0, adviseLookFirst}
	tooLarge       = rule{fault.Retry, "reply_too_large", ofCall, 0, adviseLookFirst}
	wrongAddress   = rule{fault.Final, "wrong_address", ofCall, 0, adviseURL}
	noSession      = rule{fault.Retry, "no_session", ofCall, 0,
		"会自动重试；经常出现时，请调高 KINGDEE_SESSIONS，或减少同时处理的单据。 Tried again by itself; if it is frequent, raise KINGDEE_SESSIONS or handle fewer bills at once."}
	// The process was suspended, or logging in and connecting took very long.
	lookUpTooOld = rule{fault.Retry, "look_up_too_old", ofCall, 0,
		"会再查一次，然后重试。 They are looked up again, and tried again, by itself."}
)

// waitFailure is for a wait for a session that ended without one: nothing was
// sent.
func waitFailure(method string, err error) error {
	if errors.Is(err, context.Canceled) {
		return cancelled(method)
	}
	f := noSession.failure(method, "没有等到空闲的会话，没有发出调用。 No call was made: no session came free in time.")
	f.Err = err
	return f
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

// completed adds the system, the call and the advice to a failure. After a request was
// sent, only a refusal says that it took no effect.
func completed(method string, f *fault.Error) *fault.Error {
	f.System, f.Call = text.Literal(system), method
	switch {
	case f.Reason == httpfault.Unreachable:
		f.Advice = text.Literal(adviseNetwork)
	case f.Reason == httpfault.Certificate:
		f.Advice = text.Literal(adviseCertificate)
	case f.Reason == httpfault.AccessDenied:
		f.Advice = text.Literal(adviseURL + " " + adviseCredentials)
	case f.Reason == httpfault.CallLimit:
		f.Advice, f.Delay = text.Literal(callLimit.advice), callLimit.delay
	case f.Class == fault.Final:
		f.Advice = text.Literal(adviseURL)
	default:
		f.Advice = text.Literal(adviseLookFirst)
	}
	return f
}

func cancelled(method string) error {
	return fmt.Errorf("%s %s: 调用被取消，是否成功不清楚。 The call was cancelled, whether it took effect is unclear: %w", system, method, context.Canceled)
}
