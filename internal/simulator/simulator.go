// Package simulator runs both outside systems on loopback: Jushuitan behind
// the Qimen gateway with the orders of a made-up merchant, and the merchant's
// Kingdee Cloud Galaxy; and beside them the robots of group chats. Any correct client can use them over HTTP. Because the
// merchant is made up, what a correct sync must do is known: see Truth and
// Compare. Faults can be ordered, see package faults; none of them breaks a
// rule that the real systems keep. What changes at the source is kept in
// memory alone: a simulator made anew has its orders as they were made.
package simulator

import (
	"time"

	"refundsync/internal/simulator/chat"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/qimen"
	"refundsync/internal/text"
)

// Options set the simulators up. The zero value of a field is its default.
type Options struct {
	// Seed decides all that is made up.
	Seed uint64
	// Orders is how many orders the customary filter (status=Confirmed,
	// good_status=SELLER_RECEIVED) returns; default 1000.
	Orders int
	// From is the instant from which orders are modified, Days for how many
	// days of 24 hours; default 2024-03-01 00:00:00 Beijing time, and 3.
	From time.Time
	Days int
	// Kinds are those of the orders; without any, all, in the shares that they have
	// in life.
	Kinds []merchant.Kind
	// ArrivePerMinute is how many orders arrive a minute, besides, from now on.
	// With it From is Days before now by default, and an order that changes is
	// modified when it does.
	ArrivePerMinute int

	// PageLatency is how long the source takes for a page.
	PageLatency time.Duration
	// CallLatency is how long Kingdee takes for a call, BillLatency how much
	// longer for each bill saved or changed in it.
	CallLatency, BillLatency time.Duration
	// CallsPerSecond and CallsPerMinute limit the calls to the source; 0 is no
	// limit. The real ones are believed to be 5 and 100.
	CallsPerSecond, CallsPerMinute int
	// ExclusiveStart and ExclusiveEnd leave an order modified exactly at
	// start_time or end_time out. Which the real source does is unknown.
	ExclusiveStart, ExclusiveEnd bool

	// Auth is the way of authentication that the environment tells a worker
	// to use; all ways work. Default "signature".
	Auth string
	// SessionLifetime is how long a session of Kingdee lives after its last
	// call; default 20 minutes.
	SessionLifetime time.Duration
	// AllowDuplicateNumbers makes a Kingdee without the rule that a bill
	// number is used once.
	AllowDuplicateNumbers bool
	// Habits are what Kingdee's settings do to bills; they can be changed at run time.
	Habits galaxy.Habits
	// Data is the file that keeps Kingdee's bills across restarts; "" keeps
	// them in memory alone.
	Data string
	// Now is the clock of both systems; nil is time.Now.
	Now func() time.Time

	// Faults say how often what goes wrong; none is nothing. They can be
	// changed at run time.
	Faults faults.Probabilities
	// FaultSeed decides when faults strike; 0 is Seed.
	FaultSeed uint64
	// HangTime is how long a hanging connection hangs, SaveDelay how much
	// later a late save lands, ClockError how far a clock that is off is fast, and
	// one that is behind slow.
	// Defaults 5 s, 1 s and 15 min.
	HangTime, SaveDelay, ClockError time.Duration
}

// Defaults of the options.
const (
	DefaultOrders = 1000
	DefaultDays   = 3
)

// DefaultFrom is the instant from which orders are modified by default.
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
	gateway  *qimen.Gateway
	tenant   *galaxy.Tenant
	robots   *chat.Robots
}

// New makes the merchant and opens both systems; Start makes them reachable.
// The error says which option or file is wrong.
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
	var arrive func(time.Time, time.Duration) []*merchant.Order
	if options.ArrivePerMinute > 0 {
		arrive = m.Arrive
	}
	gateway := qimen.New(qimen.Options{
		Credentials:    gatewayCredentials,
		Seed:           options.Seed,
		ExclusiveStart: options.ExclusiveStart,
		ExclusiveEnd:   options.ExclusiveEnd,
		CallsPerSecond: options.CallsPerSecond,
		CallsPerMinute: options.CallsPerMinute,
		PageLatency:    options.PageLatency,
		Now:            options.Now,
		Faults:         injector,
		OrderChanged:   m.Replace,
		Arrive:         arrive,
	}, m.Orders())
	s := &Simulator{options: options, merchant: m, faults: injector, gateway: gateway,
		robots: chat.New(chat.Options{Credentials: robotCredentials, Now: options.Now, Faults: injector})}
	s.tenant, err = galaxy.New(galaxy.Options{
		Credentials: tenantCredentials,
		BaseData: galaxy.BaseData{
			Organisations: []string{merchant.Organisation},
			Customers:     merchant.Customers(),
			Materials:     merchant.Materials(),
			Stocks:        merchant.Stocks(),
			Names:         merchant.Names(),
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

// Close drops the saves that are still to land late, as a server does that is
// switched off, and closes the data file. It is called when no server runs any
// more.
func (s *Simulator) Close() error { return s.tenant.Close() }

// Range is the range of time that all orders are modified in that are there from
// the start: from is part of it, to is not. An order that arrives is modified
// later, save for the first few seconds; one that changes is modified at to or
// later.
func (s *Simulator) Range() (from, to time.Time) {
	o := s.merchant.Options()
	return o.From.In(merchant.Beijing), o.To().In(merchant.Beijing)
}

// Truth says what the built-in flow must make of every order that the
// customary filter returns, given the orders as they are now and the materials
// that Kingdee knows by now.
func (s *Simulator) Truth() merchant.Truth {
	s.gateway.Arrive()
	return s.merchant.Truth(s.tenant.KnowsMaterial)
}

// StopArriving lets no further order arrive.
func (s *Simulator) StopArriving() { s.merchant.StopArriving() }

// AddMaterial adds a material to Kingdee, which can make an order savable.
func (s *Simulator) AddMaterial(number string) error { return s.tenant.AddMaterial(number) }

// PutBaseData adds an entry to the base data of a form of Kingdee's, or replaces one.
func (s *Simulator) PutBaseData(formID string, item galaxy.BaseItem) error {
	return s.tenant.PutBaseData(formID, item)
}

// SetHabits changes what Kingdee's settings do to bills.
func (s *Simulator) SetHabits(h galaxy.Habits) { s.tenant.SetHabits(h) }

// VoidBills makes all bills of a number void.
func (s *Simulator) VoidBills(number string) error { return s.tenant.VoidBills(number) }

// AcceptSecrets sets which secrets of the application each system takes: several,
// while one is changed for another. Both begin with that of the environment.
func (s *Simulator) AcceptSecrets(jushuitan, kingdee []string) {
	s.gateway.AcceptSecrets(jushuitan...)
	s.tenant.AcceptSecrets(kingdee...)
}

// HoldSaves keeps saves back once Kingdee has so many bills, until ReleaseSaves, so
// that what is done in the middle of a run can take as long as it needs.
func (s *Simulator) HoldSaves(bills int) { s.tenant.HoldSaves(bills) }

// ReleaseSaves lets all saves go on.
func (s *Simulator) ReleaseSaves() { s.tenant.ReleaseSaves() }

// HeldSaves counts the calls that are kept back.
func (s *Simulator) HeldSaves() int { return s.tenant.HeldSaves() }

// ExpireSessions ends all sessions of Kingdee and returns how many there were.
func (s *Simulator) ExpireSessions() int { return s.tenant.ExpireSessions() }
