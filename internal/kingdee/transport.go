package kingdee

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"refundsync/internal/replysize"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// post makes one HTTP request on the session and returns the body of the reply.
func (c *Client) post(ctx context.Context, s *session, method, service string, body []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	address := *c.base
	address.Path += service + method + ".common.kdsvc"
	request, err := http.NewRequestWithContext(limited, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, connectionFailure(ctx, method, err)
	}
	// The transport may resend a request if it found the connection broken.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(checkedBody{ctx, bytes.NewReader(body)}), nil }
	request.Body, _ = request.GetBody()
	// No Idempotency-Key: Go's transport resends a POST that carries one.
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", version.UserAgent())
	if c.config.Auth == AuthSignature {
		c.signer.sign(request.Header, address.Path, c.config.Now())
	}
	s.sent = []string{request.Header.Get("X-Api-Signature"), request.Header.Get("X-Kd-Signature")}
	for _, cookie := range s.http.Jar.Cookies(c.base) {
		s.sent = append(s.sent, cookie.Value)
	}
	return c.send(ctx, s, method, request)
}

func (c *Client) send(ctx context.Context, s *session, method string, request *http.Request) ([]byte, error) {
	response, err := s.http.Do(request)
	if err != nil {
		// The server may still be processing the request on this session, which serves
		// one at a time: the next request gets a new session.
		s.forget()
		return nil, connectionFailure(ctx, method, err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		// An incomplete body is useful as well.
		raw, _ := io.ReadAll(io.LimitReader(response.Body, readable))
		return nil, httpFailure(method, response, unwrap(raw))
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, c.maxReply+1))
	if err != nil {
		s.forget()
		return nil, connectionFailure(ctx, method, err)
	}
	if int64(len(raw)) > c.maxReply || replysize.TooMany(raw) {
		return nil, tooLarge.failure(method, text.Errorf("the reply exceeds the limit and was not read completely"))
	}
	raw = unwrap(raw)
	if f := textFailure(method, raw); f != nil {
		return nil, f
	}
	return raw, nil
}

type sendCheckKey struct{}

// WithSendCheck has check called when a request of the call is written, which may be long
// after the call began: it may have waited for a session, a connection or a login. If
// check fails, the request is not sent and the call fails with its error.
func WithSendCheck(ctx context.Context, check func() error) context.Context {
	return context.WithValue(ctx, sendCheckKey{}, check)
}

// MaySend calls the check of [WithSendCheck]: nil if a request may still be sent.
func MaySend(ctx context.Context) error {
	if check, ok := ctx.Value(sendCheckKey{}).(func() error); ok {
		return check()
	}
	return nil
}

// checkedBody is the body of a request that is checked when it is written to the
// connection.
type checkedBody struct {
	ctx  context.Context
	rest *bytes.Reader // not embedded: its WriteTo would go round the check
}

func (b checkedBody) Read(p []byte) (int, error) {
	if b.rest.Len() > 0 { // the transport reads once more after the end, when all has been sent
		if err := MaySend(b.ctx); err != nil {
			return 0, err
		}
	}
	return b.rest.Read(p)
}

// encode writes JSON as Kingdee's SDKs do: < > & are not escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, badRequest.failure("", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
