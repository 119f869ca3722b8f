package kingdee

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

var system = text.New("Kingdee")

const (
	formService = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."

	// maxReply bounds a reply, in bytes after decompression. The reply to a
	// save of 400 bills, or a page of FindBills, is some hundred KiB.
	maxReply = 32 << 20
)

// Client calls one Kingdee account. It is safe for concurrent use: Config.Sessions
// calls are made at once, the others wait for their turn.
type Client struct {
	config   Config
	base     *url.URL
	signer   signer // of AuthSignature
	sessions chan *session
	maxReply int64
}

// New checks the settings and makes a client, without a call. It returns all mistakes in
// the settings at once, as a joined error of *fault.Error.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	c := &Client{config: config, sessions: make(chan *session, config.Sessions), maxReply: maxReply}
	var err error
	if c.base, err = url.Parse(config.URL); err != nil {
		return nil, err
	}
	if config.Auth == AuthSignature {
		if c.signer, err = newSigner(config); err != nil {
			return nil, err
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = config.Sessions
	transport.TLSClientConfig = &tls.Config{RootCAs: config.RootCAs}
	// Some proxies in front of Kingdee offer HTTP/2 and answer it with 502.
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	for range config.Sessions {
		c.put(newSession(transport))
	}
	return c, nil
}

// call makes one call of DynamicFormService on a session of its own. If the session is
// lost, the call took no effect and is retried once on a new session. So is a call on an
// existing login that was refused as web servers refuse an expired session.
func call[T any](ctx context.Context, c *Client, method string, body []byte, decode func(raw []byte) (T, error)) (T, error) {
	s, err := c.take(ctx, method)
	if err != nil {
		var none T
		return none, err
	}
	defer c.put(s)
	old := s.loggedIn
	reply, err := attempt(ctx, c, s, method, body, decode)
	if fault.Is(err, fault.SessionLost) || old && fault.Is(err, fault.Final) && doubtsSession(err) {
		reply, err = attempt(ctx, c, s, method, body, decode)
	}
	return reply, err
}

func attempt[T any](ctx context.Context, c *Client, s *session, method string, body []byte, decode func(raw []byte) (T, error)) (T, error) {
	var none T
	if err := c.logIn(ctx, s); err != nil {
		return none, c.hideSecrets(s, err)
	}
	raw, err := c.post(ctx, s, method, formService, body)
	var reply T
	if err == nil {
		reply, err = decode(raw)
	}
	if doubtsSession(err) {
		s.forget()
	}
	if err != nil {
		return none, c.hideSecrets(s, err)
	}
	if results, ok := any(reply).([]BillResult); ok {
		for i := range results {
			results[i].Err = c.hideSecrets(s, results[i].Err)
		}
	}
	return reply, nil
}

// hideSecrets masks what the server may quote of a request.
func (c *Client) hideSecrets(s *session, err error) error {
	_, key, _ := strings.Cut(c.config.AppID, "_")
	fault.Hide(err, append(s.sent, c.config.Password, c.config.AppSecret, key, c.signer.clientSecret)...)
	return err
}
