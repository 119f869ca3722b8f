package jushuitan

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/fault"
	"refundsync/internal/replysize"
	"refundsync/internal/text"
)

var system = text.New("Jushuitan")

const (
	refundListQuery = "jushuitan.refund.list.query"

	// maxReply bounds a reply, in bytes after decompression. A page of 100
	// orders is some hundred KiB.
	maxReply = 32 << 20
)

// Client calls the gateway for one merchant. It is safe for concurrent use.
type Client struct {
	config  Config
	http    *http.Client
	limiter *rate.Limiter
}

// New checks the settings and makes a client, without a call. It returns all mistakes in
// the settings at once, as a joined error of *fault.Error.
func New(config Config) (*Client, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.CallsPerSecond == 0 {
		config.CallsPerSecond = defaultCallsPerSecond
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16 // several windows are read at once
	return &Client{
		config: config,
		http: &http.Client{
			Transport: transport,
			Timeout:   config.Timeout,
			// A redirect would carry session and sign to another address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// Burst 1: a burst on top of the steady rate would break the limit.
		limiter: rate.NewLimiter(config.CallsPerSecond, 1),
	}, nil
}

// RefundList makes one call of jushuitan.refund.list.query, after waiting for
// its turn under Config.CallsPerSecond.
//
// params are the business parameters (page_index, page_size, start_time,
// end_time, date_type, status, good_status, shop_id, wms_co_id, as_ids, …) as
// they go on the wire: times as yyyy-MM-dd HH:mm:ss in Beijing time, lists
// joined by commas. Blank ones are not sent.
//
// Every failure is a *fault.Error, except that a cancelled ctx gives an error
// for which errors.Is(err, context.Canceled) holds. Its text never contains the
// secret, the session, the sign or any data of an order.
func (c *Client) RefundList(ctx context.Context, params map[string]string) (Page, error) {
	if err := c.limiter.Wait(ctx); err != nil {
		return Page{}, waitFailure(err)
	}
	// Made after the wait: the gateway refuses a timestamp 10 minutes off.
	request, sign, err := c.newRequest(ctx, params)
	if err != nil {
		return Page{}, err
	}
	page, err := c.send(request, params)
	if err != nil {
		fault.Hide(err, c.config.AppSecret, c.config.Session, sign)
		return Page{}, err
	}
	return page, nil
}

func (c *Client) send(request *http.Request, params map[string]string) (Page, error) {
	sent := c.config.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return Page{}, connectionFailure(err)
	}
	received := c.config.Now()
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if replysize.TooMany(raw) {
		return Page{}, tooLarge()
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return Page{}, statusFailure(response, raw)
	}
	if err != nil {
		return Page{}, connectionFailure(err)
	}
	if len(raw) > maxReply {
		return Page{}, tooLarge()
	}
	page, err := readReply(raw, response.Header.Get("Content-Type"), params)
	page.Clock = readClock(response, sent, received)
	return page, page.Clock.check(err)
}

func newFault(class fault.Class, reason string, err error, advice text.Text) *fault.Error {
	return &fault.Error{Class: class, Reason: reason, System: system, Call: refundListQuery, Err: err, Advice: advice}
}

func cancelled() error {
	return text.Errorf("%s %s: the call was cancelled: %w", system, refundListQuery, context.Canceled)
}
