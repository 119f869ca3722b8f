package jushuitan

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/replysize"
	"refundsync/internal/text"
)

var system = text.New("Jushuitan")

// maxReply bounds a reply, in bytes after decompression. A page of 100 orders is some
// hundred KiB.
const maxReply = 32 << 20

// Client calls Jushuitan for one merchant, through the transports that are set. It is safe
// for concurrent use.
type Client struct {
	http       *http.Client
	now        func() time.Time
	transports map[string]limited // by the catalog's name
}

// limited is a transport with its own allowance.
type limited struct {
	transport
	limiter *rate.Limiter
}

// transport is a way to call Jushuitan.
type transport interface {
	// newRequest builds the signed request of a call.
	newRequest(ctx context.Context, source *catalog.Interface, params map[string]string) (request, error)
	// rule says what the code of a failure means.
	rule(e envelope) rule
	advice() advice
}

// request is a signed request.
type request struct {
	*http.Request
	// secrets must not get into errors.
	secrets []string
	// token is the open platform's; "" elsewhere.
	token string
}

// New checks the settings and makes a client, without a call. It returns all mistakes in
// the settings at once, as a joined error of *fault.Error.
func New(config Config) (*Client, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	c := &Client{http: newHTTPClient(config.Timeout), now: config.Now, transports: map[string]limited{}}
	add := func(name string, t transport) {
		// Burst 1: a burst on top of the steady rate would break the limit.
		c.transports[name] = limited{t, rate.NewLimiter(config.CallsPerSecond, 1)}
	}
	if config.Qimen != nil {
		add(catalog.Qimen, qimenTransport{*config.Qimen, config.Now})
	}
	if config.Open != nil {
		add(catalog.Open, openTransport{*config.Open, config.Now})
	}
	return c, nil
}

func newHTTPClient(timeout time.Duration) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16 // several windows are read at once
	return &http.Client{
		Transport: transport,
		Timeout:   timeout,
		// A redirect would carry secrets to another address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// List reads one page of a source, after waiting for its turn under Config.CallsPerSecond.
//
// params are the business parameters by the names of the interface: times as
// yyyy-MM-dd HH:mm:ss in Beijing time, lists joined by commas. Blank ones are not sent.
//
// It is one HTTP request, except on the open platform if the token is rejected: the call is
// made once more if [Tokens] gives another token.
//
// Every failure is a *fault.Error, except that a cancelled ctx gives an error
// for which errors.Is(err, context.Canceled) holds. Its text never contains a
// secret, a token, the sign or any data of an order.
func (c *Client) List(ctx context.Context, source *catalog.Interface, params map[string]string) (Page, error) {
	by, ok := c.transports[source.Transport]
	if !ok {
		return Page{}, &fault.Error{
			Class: fault.Final, Reason: "no_access", System: system, Call: source.Name,
			Err:    text.Errorf("no access to %s is set", source.TransportLabel()),
			Advice: text.New("Set %s and the settings that belong to it.", transportSettings[source.Transport]),
		}
	}
	this := call{name: source.Name, key: source.Source.Key, params: params, transport: by}
	page, token, err := c.list(ctx, by, source, this)
	f := fault.As(err)
	if f == nil || f.Reason != badTokenReason || token == "" {
		return page, err
	}
	tokens := by.transport.(openTransport).Tokens
	if err := tokens.Rejected(ctx, token); err != nil {
		return Page{}, this.tokenFailure(err)
	}
	if next, err := tokens.Token(ctx); err != nil || next == token {
		return Page{}, f
	}
	page, _, err = c.list(ctx, by, source, this)
	return page, err
}

// list makes a call, and gives the token that was sent with it.
func (c *Client) list(ctx context.Context, by limited, source *catalog.Interface, this call) (Page, string, error) {
	if err := by.limiter.Wait(ctx); err != nil {
		return Page{}, "", this.waitFailure(err)
	}
	// Made after the wait: a timestamp that is minutes off is refused.
	request, err := by.newRequest(ctx, source, this.params)
	if err != nil {
		return Page{}, "", this.requestFailure(err)
	}
	reply, err := send(c.http, request, this, c.now)
	var page Page
	if err == nil {
		page, err = this.readReply(reply.raw, reply.contentType)
		page.Clock = reply.clock
		err = page.Clock.check(this, err)
	}
	if err != nil {
		fault.Hide(err, request.secrets...)
		return Page{}, request.token, err
	}
	return page, request.token, nil
}

// reply is a reply with an HTTP status of success.
type reply struct {
	raw         []byte
	contentType string
	clock       Clock
}

func send(client *http.Client, request request, this call, now func() time.Time) (reply, error) {
	sent := now()
	response, err := client.Do(request.Request)
	if err != nil {
		return reply{}, this.connectionFailure(err)
	}
	received := now()
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if replysize.TooMany(raw) {
		return reply{}, this.tooLarge()
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return reply{}, this.statusFailure(response, raw)
	}
	if err != nil {
		return reply{}, this.connectionFailure(err)
	}
	if len(raw) > maxReply {
		return reply{}, this.tooLarge()
	}
	return reply{raw, response.Header.Get("Content-Type"), readClock(response, sent, received)}, nil
}

// call is one call, which its reply is read by and its failures name.
type call struct {
	name string
	// key is the field without which an object is no order.
	key    string
	params map[string]string
	transport
}

func (c call) newFault(class fault.Class, reason string, err error, advice text.Text) *fault.Error {
	return &fault.Error{Class: class, Reason: reason, System: system, Call: c.name, Err: err, Advice: advice}
}

// requestFailure is for a call whose request could not be made.
func (c call) requestFailure(err error) error {
	if f := fault.As(err); f != nil && f.Call == "" {
		f.System, f.Call = system, c.name
	}
	return err
}

// tokenFailure is for a token that can't be had.
func (c call) tokenFailure(err error) error {
	if fault.As(err) != nil || errors.Is(err, context.Canceled) {
		return err
	}
	return c.newFault(fault.Retry, "no_token", err, text.New("It is retried; if it keeps failing, check the connection to Temporal and whether a worker runs."))
}
