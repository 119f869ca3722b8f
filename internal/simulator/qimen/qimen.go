// Package qimen simulates the Qimen gateway (奇门) with Jushuitan (聚水潭) behind it: as strict
// as the vendor is known to be, and as untidy in its replies. It serves the interfaces of
// the catalog that are called by way of Qimen.
package qimen

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

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
	// CallsPerSecond and CallsPerMinute are the call limits; 0 is no limit. The vendor's
	// are 5 and 100.
	CallsPerSecond, CallsPerMinute int
	// HiddenShops are the shops whose after-sales orders are not shown.
	HiddenShops []int64
}

// Gateway is the simulated gateway, an http.Handler for /router/qm.
type Gateway struct {
	options Options
	source  *source.Source
	secrets atomic.Pointer[[]string]
	faults  *faults.Injector
	limits  source.Limits
	served  map[string]*catalog.Interface
	source.Counts
}

// New opens a gateway to a source.
func New(options Options, of *source.Source) *Gateway {
	g := &Gateway{
		options: options,
		source:  of,
		faults:  of.Faults(),
		limits:  source.NewLimits(options.CallsPerSecond, options.CallsPerMinute),
		served:  source.Interfaces(catalog.Qimen),
	}
	g.AcceptSecrets(options.Credentials.AppSecret)
	return g
}

// AcceptSecrets sets the valid application secrets: several while one is being rotated.
func (g *Gateway) AcceptSecrets(secrets ...string) { g.secrets.Store(&secrets) }

// ServeHTTP answers one call. Every reply has status 200, even failures, except the 5xx
// of faults.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r)
	if err != nil {
		g.refuse(w, errorReply{Code: 41, Message: "Invalid Arguments: " + err.Error()})
		return
	}
	face := g.served[params["method"]]
	if face != nil {
		g.Call(face.Name)
	}
	if !g.faults.Before(w, r, source.Wire) {
		return
	}
	now := g.source.Clock()
	source.SetDate(w, now)
	if refusal := g.checkSystem(params, now); refusal != nil {
		g.refuse(w, *refusal)
		return
	}
	if refusal := g.checkLimits(); refusal != nil {
		g.refuse(w, *refusal)
		return
	}
	gateway := source.Gateway{DefaultPage: defaultPageSize, Hidden: map[merchant.Document][]int64{merchant.Refunds: g.options.HiddenShops}}
	query, problem := gateway.ParseQuery(face, params)
	switch {
	case problem == nil:
	case problem.Missing:
		g.refuse(w, *refusal(40, "Missing Required Arguments:"+problem.What))
		return
	default:
		g.refuse(w, *refusal(41, "Invalid Arguments:"+problem.What))
		return
	}
	if !g.source.Wait(r) {
		return
	}
	source.SetDate(w, now.Add(g.source.PageLatency()))
	g.writePage(w, face, query)
}

// defaultPageSize is used if the caller names none.
const defaultPageSize = 50

// checkLimits refuses a call beyond the limits.
func (g *Gateway) checkLimits() *errorReply {
	if g.faults.Strikes(faults.SourceCallLimit) {
		return &limitReplies[g.faults.Pick(faults.SourceCallLimit, len(limitReplies))]
	}
	if code, message := g.limits.Exceeded(g.source.RealNow()); code != 0 {
		return &errorReply{Code: strconv.Itoa(code), Message: message}
	}
	return nil
}

// limitReplies are the vendors' refusals for an exceeded call limit.
var limitReplies = []errorReply{
	{Code: "199", Message: "接口调用频率超过每秒的限制"},
	{Platform: true, Code: 7, Message: "App Call Limited", SubCode: "isp.call-limited", SubMessage: "This ban will last for 1 more seconds"},
	{Platform: true, Code: "ApiCallLimit", Message: "E005: frequency exceeds the limit. this ban will last 1 seconds"},
	{Platform: true, Code: 15, Message: "Remote service error", SubCode: "isv.access-limited-by-app-access-count", SubMessage: "This ban will last for 1 more seconds"},
}
