// Package qimen simulates the Qimen gateway (奇门) with Jushuitan (聚水潭) behind it, for
// jushuitan.refund.list.query: as strict as the vendor is known to be, and as untidy in
// its replies.
package qimen

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// Method is the only method served.
const Method = "jushuitan.refund.list.query"

// Credentials are what a caller must present.
type Credentials struct {
	AppKey, AppSecret string
	// TargetAppKey is Jushuitan's own key at the gateway.
	TargetAppKey string
	// CustomerID is the merchant.
	CustomerID string
}

// Options configure the gateway.
type Options struct {
	Credentials Credentials
	// Seed determines the odd forms of replies.
	Seed uint64
	// ExclusiveStart and ExclusiveEnd exclude start_time or end_time from the range. What
	// the vendor does is unknown.
	ExclusiveStart, ExclusiveEnd bool
	// CallsPerSecond and CallsPerMinute are the call limits; 0 is no limit. The vendor's
	// are 5 and 100.
	CallsPerSecond, CallsPerMinute int
	// PageLatency is the time each page takes.
	PageLatency time.Duration
	// Now is the gateway's clock; nil is time.Now.
	Now func() time.Time
	// Faults decides what goes wrong; nil is no faults.
	Faults *faults.Injector
	// OrderChanged is called with the newer version of every order that changes; nil is
	// no-op.
	OrderChanged func(newer *merchant.Order)
	// Arrive returns the orders that have arrived by now, modified by a clock that is
	// ahead by the given duration; nil is none. With it the orders live in the present:
	// one that changes is modified now.
	Arrive func(now time.Time, ahead time.Duration) []*merchant.Order
}

// Gateway is the simulated gateway, an http.Handler for /router/qm.
type Gateway struct {
	options Options
	secrets atomic.Pointer[[]string]
	faults  *faults.Injector
	store   *store
	limits  []*limit

	mu       sync.Mutex
	calls    map[string]int
	refusals map[string]int // by code
	refused  int
}

// wire names the gateway's faults that concern HTTP only.
var wire = faults.Wire{
	ServerError:   faults.SourceServerError,
	Hang:          faults.SourceHang,
	MalformedJSON: faults.SourceMalformedJSON,
	TruncatedBody: faults.SourceTruncatedBody,
}

// New opens a gateway to the orders of a merchant.
func New(options Options, orders []*merchant.Order) *Gateway {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Faults == nil {
		options.Faults = faults.None()
	}
	if options.OrderChanged == nil {
		options.OrderChanged = func(*merchant.Order) {}
	}
	g := &Gateway{
		options:  options,
		faults:   options.Faults,
		store:    newStore(orders),
		calls:    map[string]int{},
		refusals: map[string]int{},
	}
	g.AcceptSecrets(options.Credentials.AppSecret)
	if n := options.CallsPerSecond; n > 0 {
		g.limits = append(g.limits, newLimit(n, time.Second, errPerSecond))
	}
	if n := options.CallsPerMinute; n > 0 {
		g.limits = append(g.limits, newLimit(n, time.Minute, errPerMinute))
	}
	return g
}

// AcceptSecrets sets the valid application secrets: several while one is being rotated.
func (g *Gateway) AcceptSecrets(secrets ...string) { g.secrets.Store(&secrets) }

// Calls counts the calls by method, including refused ones.
func (g *Gateway) Calls() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.calls)
}

// Refusals counts the refused calls by code.
func (g *Gateway) Refusals() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.refusals)
}

// ServeHTTP answers one call. Every reply has status 200, even failures, except the 5xx
// of faults.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r)
	if err != nil {
		g.refuse(w, errorReply{Code: 41, Message: "Invalid Arguments: " + err.Error()})
		return
	}
	if params["method"] == Method {
		g.count(Method)
	}
	if !g.faults.Before(w, r, wire) {
		return
	}
	now := g.clock()
	setDate(w, now)
	if refusal := g.checkSystem(params, now); refusal != nil {
		g.refuse(w, *refusal)
		return
	}
	if refusal := g.checkLimits(); refusal != nil {
		g.refuse(w, *refusal)
		return
	}
	request, refusal := parseRequest(params)
	if refusal != nil {
		g.refuse(w, *refusal)
		return
	}
	if !wait(r, g.options.PageLatency) {
		return
	}
	setDate(w, now.Add(g.options.PageLatency))
	g.writePage(w, request)
}

// now is the time by the source's clock.
func (g *Gateway) now() time.Time { return g.options.Now().Add(g.ahead()) }

// ahead is how far the source's clock is ahead.
func (g *Gateway) ahead() time.Duration {
	if g.faults.On(faults.SourceClockBehind) {
		return -g.faults.ClockError()
	}
	return 0
}

// clock is the time as a call sees it.
func (g *Gateway) clock() time.Time {
	if g.faults.Strikes(faults.SourceClockOff) {
		return g.now().Add(g.faults.ClockError())
	}
	return g.now()
}

// setDate sets the Date header; net/http would use this machine's time.
func setDate(w http.ResponseWriter, now time.Time) {
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
}

func (g *Gateway) count(method string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[method]++
}

// wait waits for d; false means that the caller has gone.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
