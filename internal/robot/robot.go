// Package robot sends messages to the robots of group chats (企业微信 WeCom, 钉钉
// DingTalk, 飞书 Feishu) and to plain JSON webhooks. It knows nothing of Temporal
// or of flows. A robot's address holds its key: neither the address nor the
// secret appears in an error.
package robot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"refundsync/internal/alert"
	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// Kind says whose robot it is.
type Kind string

// The kinds of robots.
const (
	WeCom    Kind = "wecom"
	DingTalk Kind = "dingtalk"
	Feishu   Kind = "feishu"
	Webhook  Kind = "webhook"
)

const (
	defaultTimeout = 10 * time.Second
	// maxReply is far above what any robot answers, in bytes.
	maxReply = 64 << 10
	// mostQuoted bounds a text before it is looked through for secrets, in bytes.
	mostQuoted = 4 << 10
)

// Config is a robot's address and how to sign for it.
type Config struct {
	Kind Kind
	// URL is the full address as the vendor shows it, key included.
	URL string
	// Secret signs the messages of DingTalk (加签) and Feishu (签名校验) robots;
	// empty for a robot without.
	Secret string
	// Timeout bounds a call; default 10 seconds.
	Timeout time.Duration
	// Now is the clock of the signatures; nil is time.Now.
	Now func() time.Time
}

// Answer is what a robot said of a message that it took.
type Answer struct {
	// Code and Message are the robot's own; the code of a plain webhook is its
	// HTTP status.
	Code, Message string
}

// Robot sends messages to one chat. It is safe for use by many goroutines.
type Robot struct {
	config  Config
	address *url.URL
	vendor  vendor
	client  *http.Client
	secrets []string
}

// vendor is what differs between the kinds.
type vendor interface {
	// request gives the address to post to, made from a copy of the robot's own,
	// and the body.
	request(address url.URL, secret string, now time.Time, notice alert.Notice) (url.URL, any)
	// answer reads a reply. Its error is a *fault.Error; what the vendor said
	// is in it.
	answer(status int, raw []byte) (Answer, error)
}

// New makes a robot. The error tells that the kind or the address can't be used.
func New(config Config) (*Robot, error) {
	vendors := map[Kind]vendor{WeCom: wecom{}, DingTalk: dingtalk{}, Feishu: feishu{}, Webhook: webhook{}}
	v, ok := vendors[config.Kind]
	if !ok {
		return nil, fmt.Errorf("没有机器人类型 %q。 There is no such kind of robot", config.Kind)
	}
	address, err := url.Parse(config.URL)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("%s 机器人的地址不是完整的网址。 The address of the robot is not a full one", config.Kind)
	}
	config.Timeout = cmp.Or(config.Timeout, defaultTimeout)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Robot{
		config:  config,
		address: address,
		vendor:  v,
		client: &http.Client{
			Timeout: config.Timeout,
			// A message is not sent on to an address that nobody has named.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		secrets: secretsOf(address, config.Secret),
	}, nil
}

// secretsOf are what must not be told, should a robot repeat it.
func secretsOf(address *url.URL, secret string) []string {
	parts := append(strings.Split(address.Path, "/"), secret)
	for _, values := range address.Query() {
		parts = append(parts, values...)
	}
	return slices.DeleteFunc(parts, func(part string) bool { return len(part) < 8 })
}

// Send sends a message and judges the reply by its business code, because
// HTTP 200 can be a refusal. The error is a *fault.Error, or the context's once
// ctx is cancelled. A message whose reply was lost may have arrived all the same.
func (r *Robot) Send(ctx context.Context, notice alert.Notice) (Answer, error) {
	address, content := r.vendor.request(*r.address, r.config.Secret, r.config.Now(), notice)
	body, err := encode(content)
	if err != nil {
		return Answer{}, r.told(failure(fault.Final, "robot_message", err.Error(), ""))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		// The text of the error holds the address.
		return Answer{}, r.told(failure(fault.Final, "robot_address", "地址不能用。 The address can't be used.", adviseAddress))
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", version.UserAgent())
	response, err := r.client.Do(request)
	if err != nil {
		return Answer{}, r.told(connectionFailure(ctx, err))
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return Answer{}, r.told(connectionFailure(ctx, err))
	}
	answer, err := r.vendor.answer(response.StatusCode, raw)
	if f := fault.As(err); f != nil && f.Class == fault.RateLimited {
		f.Delay = max(httpfault.RetryAfter(response.Header, longestWait), limitDelay)
	}
	answer.Message = r.clean(answer.Message)
	return answer, r.told(err)
}

// told completes a fault with whose robot it was, and hides what must be hidden.
func (r *Robot) told(err error) error {
	if f := fault.As(err); f != nil {
		f.System, f.Call = text.Literal(systems[r.config.Kind]), "robot"
		f.Message = r.clean(f.Message)
	}
	return err
}

// clean bounds a text that came from outside.
func (r *Robot) clean(text string) string {
	text = cut(text, mostQuoted)
	for _, secret := range r.secrets {
		text = fault.Mask(text, secret)
	}
	return cut(text, 300)
}

var systems = map[Kind]string{
	WeCom: "企业微信 WeCom", DingTalk: "钉钉 DingTalk", Feishu: "飞书 Feishu", Webhook: "Webhook",
}

// encode is JSON with < > & as they are, as people would see them in a chat.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// cut keeps a text within so many bytes, without breaking a character.
func cut(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	end := most - len(more)
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end] + more
}
