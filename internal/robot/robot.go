// Package robot sends messages to the robots of group chats (企业微信 WeCom, 钉钉
// DingTalk, 飞书 Feishu) and to plain JSON webhooks. It knows neither Temporal nor
// flows. A robot's address contains its key: neither the address nor the secret
// appears in an error.
package robot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
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
	// mostQuoted bounds a text before it is searched for secrets, in bytes.
	mostQuoted = 4 << 10
)

// Config is a robot's address and how to sign for it.
type Config struct {
	Kind Kind
	// URL is the full address as the vendor shows it, key included.
	URL string
	// Secret signs the messages of DingTalk (加签) and Feishu (签名校验) robots;
	// empty if the robot has none.
	Secret string
	// Timeout bounds a call; default 10 seconds.
	Timeout time.Duration
	// Now is the clock of the signatures; nil is time.Now.
	Now func() time.Time
}

// Answer is a robot's reply to a message that it accepted.
type Answer struct {
	// Code and Message are the robot's own; the code of a plain webhook is the HTTP
	// status.
	Code, Message string
}

// Robot sends messages to one chat. It is safe for concurrent use.
type Robot struct {
	config  Config
	address *url.URL
	vendor  vendor
	client  *http.Client
	secrets []string
}

// vendor is what differs between the kinds.
type vendor interface {
	// request gives the address to post to, made from the robot's own, and the body.
	request(address url.URL, secret string, now time.Time, notice alert.Notice) (url.URL, any)
	// answer reads a reply. Its error is a *fault.Error that quotes the vendor.
	answer(status int, raw []byte) (Answer, error)
}

// New makes a robot. It fails if the kind or the address can't be used.
func New(config Config) (*Robot, error) {
	vendors := map[Kind]vendor{WeCom: wecom{}, DingTalk: dingtalk{}, Feishu: feishu{}, Webhook: webhook{}}
	v, ok := vendors[config.Kind]
	if !ok {
		return nil, text.Errorf("there is no kind of robot %q", config.Kind)
	}
	address, err := url.Parse(config.URL)
	if err != nil || address.Host == "" {
		return nil, text.Errorf("the address of the %s robot is not a complete URL", config.Kind)
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
			// A message goes to no address but the configured one.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		secrets: secretsOf(address, config.Secret),
	}, nil
}

// secretsOf are the parts of an address, and the secret, that a robot may repeat and no
// error may show.
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
		return Answer{}, r.ofRobot(failure(fault.Final, "robot_message", err, text.Text{}))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		// The error itself contains the address.
		return Answer{}, r.ofRobot(failure(fault.Final, "robot_address", text.Errorf("the address can't be used"), adviseAddress))
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", version.UserAgent())
	response, err := r.client.Do(request)
	if err != nil {
		return Answer{}, r.ofRobot(connectionFailure(ctx, err))
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return Answer{}, r.ofRobot(connectionFailure(ctx, err))
	}
	answer, err := r.vendor.answer(response.StatusCode, raw)
	if f := fault.As(err); f != nil && f.Class == fault.RateLimited {
		f.Delay = max(httpfault.RetryAfter(response.Header, longestWait), limitDelay)
	}
	answer.Message = r.clean(answer.Message)
	return answer, r.ofRobot(err)
}

// ofRobot adds to a failure whose robot it was, and masks secrets.
func (r *Robot) ofRobot(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	f.System, f.Call = systems[r.config.Kind], "robot"
	switch {
	case f.Message != "":
		f.Message, f.Err = r.clean(f.Message), nil
	case f.Err != nil:
		if cleaned := r.clean(f.Err.Error()); cleaned != f.Err.Error() {
			f.Err = errors.New(cleaned)
		}
	}
	return err
}

// clean masks secrets in a text and bounds it.
func (r *Robot) clean(quoted string) string {
	quoted = cut(quoted, mostQuoted)
	for _, secret := range r.secrets {
		quoted = fault.Mask(quoted, secret)
	}
	return cut(quoted, 300)
}

var systems = map[Kind]text.Text{
	WeCom: text.New("WeCom"), DingTalk: text.New("DingTalk"), Feishu: text.New("Feishu"), Webhook: text.New("Webhook"),
}

// encode is JSON that keeps < > & as they are, for a chat would show the escapes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// cut shortens a text to at most so many bytes, without breaking a character.
func cut(whole string, most int) string {
	const more = "…"
	if len(whole) <= most {
		return whole
	}
	end := most - len(more)
	for end > 0 && whole[end]&0xC0 == 0x80 {
		end--
	}
	return whole[:end] + more
}
