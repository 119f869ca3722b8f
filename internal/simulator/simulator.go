// Package simulator runs both outside systems on loopback: Jushuitan, with the documents of a
// made-up merchant, behind the Qimen gateway and its own open platform, and the merchant's
// Kingdee Cloud Galaxy. The robots of group chats run beside them. Any correct client can use
// them over HTTP. Because the merchant is made up, it is known what a correct sync must do:
// see Truth and Compare.
//
// Faults can be switched on, see package faults; none of them breaks a rule that the real
// systems keep. Changes at the source are kept in memory only: a new simulator has its
// orders as they were generated.
package simulator

import (
	"time"

	"refundsync/internal/simulator/chat"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/openplatform"
	"refundsync/internal/simulator/qimen"
	"refundsync/internal/simulator/source"
	"refundsync/internal/text"
)

// Options configure the simulators. The zero value of a field is its default.
type Options struct {
	// Seed determines everything that is made up.
	Seed uint64
	// Orders is the number of orders that the customary filter (status=Confirmed,
	// good_status=SELLER_RECEIVED) returns; default 1000.
	Orders int
	// From is the earliest modification time of the orders, Days the number of 24-hour
	// days over which they are spread; default 2024-03-01 00:00:00 Beijing time, and 3.
	From time.Time
	Days int
	// Kinds are the kinds of the orders; by default all, in realistic proportions.
	Kinds []merchant.Kind
	// ArrivePerMinute is the number of additional orders that arrive per minute from now
	// on. With it, From defaults to Days before now, and an order that changes is
	// modified at the time of the change.
	ArrivePerMinute int

	// PageLatency is the time that the source takes per page.
	PageLatency time.Duration
	// CallLatency is the time that Kingdee takes per call, BillLatency the additional
	// time per bill saved or changed in it.
	CallLatency, BillLatency time.Duration
	// CallsPerSecond and CallsPerMinute limit the calls to the source; 0 is no limit. The
	// real limits are believed to be 5 and 100.
	CallsPerSecond, CallsPerMinute int
	// ExclusiveStart and ExclusiveEnd exclude an order modified exactly at start_time or
	// end_time. What the real source does is unknown.
	ExclusiveStart, ExclusiveEnd bool

	// Auth is the authentication that the environment tells a worker to use; the
	// simulator accepts all of them. Default "signature".
	Auth string
	// AcctID is Kingdee's data centre; the same for all by default.
	AcctID string
	// SessionLifetime is how long a Kingdee session stays valid after its last call;
	// default 20 minutes.
	SessionLifetime time.Duration
	// AllowDuplicateNumbers removes Kingdee's rule that bill numbers are unique.
	AllowDuplicateNumbers bool
	// Habits are what Kingdee's settings do to bills; they can be changed at run time.
	Habits galaxy.Habits
	// SplitShops has Qimen show the after-sales orders of Taobao's and of some other shops
	// alone, and not those of all. The open platform never shows Taobao's.
	SplitShops bool
	// OpenPage is the highest page_size of the open platform; 0 is the documented one, 50.
	OpenPage int
	// Tokens says how the open platform's tokens live.
	Tokens openplatform.TokenOptions

	// Data is the file that keeps Kingdee's bills across restarts; "" keeps them in
	// memory only.
	Data string
	// Now is the clock of both systems; nil is time.Now.
	Now func() time.Time

	// Faults are the probabilities of faults; without any, nothing goes wrong. They can
	// be changed at run time.
	Faults faults.Probabilities
	// FaultSeed determines when faults strike; 0 is Seed.
	FaultSeed uint64
	// HangTime is how long a connection hangs, SaveDelay how much later a late save takes
	// effect, ClockError how far source-clock-off puts the clock forward and
	// source-clock-behind back. Defaults 5 s, 1 s and 15 min.
	HangTime, SaveDelay, ClockError time.Duration
}

// Defaults of the options.
const (
	DefaultOrders = 1000
	DefaultDays   = 3
)

// DefaultFrom is the default earliest modification time.
var DefaultFrom = time.Date(2024, time.March, 1, 0, 0, 0, 0, merchant.Beijing)

func (o *Options) fill() error {
	if o.Orders == 0 {
		o.Orders = DefaultOrders
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Days == 0 {
		o.Days = DefaultDays
	}
	if o.From.IsZero() && o.ArrivePerMinute > 0 {
		o.From = o.Now().Truncate(time.Second).AddDate(0, 0, -o.Days)
	}
	if o.From.IsZero() {
		o.From = DefaultFrom
	}
	if o.Auth == "" {
		o.Auth = AuthSignature
	}
	if o.FaultSeed == 0 {
		o.FaultSeed = o.Seed
	}
	if o.Orders < 0 || o.Days < 0 || o.ArrivePerMinute < 0 {
		return text.Errorf("the numbers of orders, days and arrivals per minute must not be negative: %d, %d, %d", o.Orders, o.Days, o.ArrivePerMinute)
	}
	return checkAuth(o.Auth)
}

// Simulator is both outside systems.
type Simulator struct {
	options  Options
	merchant *merchant.Merchant
	faults   *faults.Injector
	source   *source.Source
	gateway  *qimen.Gateway
	platform *openplatform.Platform
	robots   *chat.Robots
	// Tenant is Kingdee, with what people do there. Close it after all servers have stopped.
	*galaxy.Tenant
}

// New makes the merchant and opens both systems; Start makes them reachable. The error
// says which option or file is wrong.
func New(options Options) (*Simulator, error) {
	if err := options.fill(); err != nil {
		return nil, err
	}
	injector, err := faults.New(faults.Options{
		Seed:          options.FaultSeed,
		Probabilities: options.Faults,
		HangTime:      options.HangTime,
		SaveDelay:     options.SaveDelay,
		ClockError:    options.ClockError,
	})
	if err != nil {
		return nil, err
	}
	m := merchant.New(merchant.Options{
		Kinds: options.Kinds,
		Seed:  options.Seed, Orders: options.Orders, From: options.From, Days: options.Days,
		Arrivals: merchant.Arrivals{PerMinute: options.ArrivePerMinute, From: options.Now()},
	})
	var arrive func(time.Time, time.Duration) []merchant.Record
	if options.ArrivePerMinute > 0 {
		arrive = m.ArriveRecords
	}
	shown := source.New(source.Options{
		Seed:           options.Seed,
		ExclusiveStart: options.ExclusiveStart,
		ExclusiveEnd:   options.ExclusiveEnd,
		PageLatency:    options.PageLatency,
		Now:            options.Now,
		Faults:         injector,
		Records:        m.Records,
		Changed:        m.Replace,
		Arrive:         arrive,
	})
	gateway := qimen.New(qimen.Options{
		Credentials:    gatewayCredentials,
		CallsPerSecond: options.CallsPerSecond,
		CallsPerMinute: options.CallsPerMinute,
		HiddenShops:    options.hiddenShops(false),
	}, shown)
	platform := openplatform.New(openplatform.Options{
		AppKey:         platformKey,
		AppSecret:      platformSecret,
		LargestPage:    options.OpenPage,
		CallsPerSecond: options.CallsPerSecond,
		CallsPerMinute: options.CallsPerMinute,
		HiddenShops:    options.hiddenShops(true),
		Tokens:         options.Tokens,
	}, shown)
	s := &Simulator{options: options, merchant: m, faults: injector, source: shown, gateway: gateway, platform: platform,
		robots: chat.New(chat.Options{Credentials: robotCredentials, Now: options.Now, Faults: injector})}
	s.Tenant, err = galaxy.New(galaxy.Options{
		Credentials: options.tenant(),
		BaseData: galaxy.BaseData{
			Organisations: []string{merchant.Organisation},
			Customers:     merchant.Customers(),
			Materials:     merchant.Materials(),
			Stocks:        merchant.Stocks(),
			Names:         merchant.Names(),
			Units:         merchant.Units(),
		},
		SessionLifetime:       options.SessionLifetime,
		AllowDuplicateNumbers: options.AllowDuplicateNumbers,
		CallLatency:           options.CallLatency,
		BillLatency:           options.BillLatency,
		Habits:                options.Habits,
		Data:                  options.Data,
		Now:                   options.Now,
		Faults:                injector,
		BillStored:            s.billStored,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Range is the range of modification times of the initial orders, from inclusive, to
// exclusive. Orders that arrive are modified later, except in the first few seconds; an
// order that changes is modified at to or later.
func (s *Simulator) Range() (from, to time.Time) {
	o := s.merchant.Options()
	return o.From.In(merchant.Beijing), o.To().In(merchant.Beijing)
}

// hiddenShops are the shops whose after-sales orders are not shown by the open platform, or
// by Qimen.
func (o *Options) hiddenShops(open bool) []int64 {
	switch {
	case open:
		return merchant.OnlyQimen
	case o.SplitShops:
		return merchant.OnlyOpen
	default:
		return nil
	}
}

// Truth says what the built-in flow must do with every order, given the orders and the
// materials in Kingdee as they are now.
func (s *Simulator) Truth() merchant.Truth { return s.TruthOf(merchant.RefundToReturn) }

// TruthOf says what flows that run at once must do with every record that their sources
// show.
func (s *Simulator) TruthOf(flows ...merchant.Flow) merchant.Truth {
	s.source.Arrive()
	truths := make([]merchant.Truth, len(flows))
	for i, f := range flows {
		truths[i] = s.merchant.TruthOf(f, s.Tenant.KnowsMaterial)
		if hidden := s.options.hiddenShops(f.Open()); f.Document() == merchant.Refunds && hidden != nil {
			truths[i] = truths[i].Without(hidden)
		}
	}
	if len(truths) == 1 {
		return truths[0]
	}
	return merchant.Together(truths...)
}

// StopArriving stops orders from arriving.
func (s *Simulator) StopArriving() { s.merchant.StopArriving() }

// AcceptSecrets sets the application secrets that each system accepts: several while one
// is being rotated. Initially it is the one in the environment. The open platform's stays.
func (s *Simulator) AcceptSecrets(jushuitan, kingdee []string) {
	s.gateway.AcceptSecrets(jushuitan...)
	s.Tenant.AcceptSecrets(kingdee...)
}

// EndTokens ends all tokens of the open platform and returns their number.
func (s *Simulator) EndTokens() int { return s.platform.EndTokens() }
