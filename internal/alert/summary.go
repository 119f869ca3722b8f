package alert

import (
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/fault"
	"refundsync/internal/literal"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// Reconciliation says how both systems agree over some days.
type Reconciliation struct {
	// From and To are the first and the last day, 2006-01-02 in Beijing time; "" if it failed
	// before they were known.
	From string `json:"from"`
	To   string `json:"to"`
	// Failed is the reason of one that did not finish, "" for others. The rest is then empty.
	Failed string `json:"failed,omitempty"`
	// Differences counts the orders and bills that differ, by their kind.
	Differences map[string]int `json:"differences,omitempty"`
	// NotAudited counts the bills that should be audited and are not.
	NotAudited int `json:"not_audited,omitempty"`
	// Source is the orders that should have a bill, Kingdee the bills of our orders.
	Source  Sum `json:"source"`
	Kingdee Sum `json:"kingdee"`
}

// Sum is a number of orders or bills, with their amount with tax.
type Sum struct {
	Count  int             `json:"count"`
	Amount decimal.Decimal `json:"amount"`
}

// Agrees reports whether it finished and found no difference.
func (r Reconciliation) Agrees() bool {
	return r.Failed == "" && len(r.Differences) == 0 && r.NotAudited == 0
}

// Days are its days as people read them.
func (r Reconciliation) days() text.Text {
	if r.From == r.To {
		return text.Literal(r.From)
	}
	return text.New("%s to %s", r.From, r.To)
}

// Summary is how a day went.
type Summary struct {
	// Day is 2006-01-02 in Beijing time.
	Day string `json:"day"`
	// Counts are nil if they could not be read.
	*Counts
	// Reconciliation is the last one, nil if there was none; Reconciles says that the flow
	// reconciles daily.
	Reconciliation *Reconciliation `json:"reconciliation,omitempty"`
	Reconciles     bool            `json:"reconciles,omitempty"`
	// Watermark is the flow's now, nil if there is none yet. The lag is too long if it is over
	// LagLimitSeconds.
	Watermark       *time.Time `json:"watermark,omitempty"`
	LagLimitSeconds int        `json:"lag_limit_seconds"`
}

// Counts are what the runs that ended on a day did, by hand or not, and the parked orders
// that were saved on it.
type Counts struct {
	// Runs counts the runs, and RunsFailed those that failed, were cancelled, were terminated
	// or timed out. RunsHeld counts others, which did nothing because the flow was held.
	Runs       int `json:"runs"`
	RunsFailed int `json:"runs_failed"`
	RunsHeld   int `json:"runs_held,omitempty"`
	// Saved counts the bills that were saved, with tax; WereParked those of them whose orders
	// had been parked.
	Saved      Sum `json:"saved"`
	WereParked int `json:"were_parked,omitempty"`
	// Updated counts changes of bills.
	Updated int `json:"updated"`
	// LeftOut counts the orders that incremental runs left out, by reason, each once.
	LeftOut map[string]int `json:"left_out,omitempty"`
	// Parked counts the orders that wait now, by reason.
	Parked map[string]int `json:"parked,omitempty"`
	// KeptSince is set if Temporal has forgotten what ended earlier on the day.
	KeptSince *time.Time `json:"kept_since,omitempty"`
}

func (s Summary) lines(flow string, now time.Time) []string {
	var m Message
	if c := s.Counts; c != nil {
		m.add(c.lines()...)
	} else {
		m.add(text.Sprintf("✗ The day's runs could not be counted. See: %s", "starter status --flow "+flow))
	}
	switch r := s.Reconciliation; {
	case r != nil:
		m.add(r.line())
	case s.Reconciles:
		m.add(text.Sprintf("✗ No daily reconciliation has been reported yet. See: %s", "starter schedule show --flow "+flow))
	}
	if s.Watermark == nil {
		m.add(text.Sprintf("✗ No watermark has been reported yet."))
		return m.Lines
	}
	lag := now.Sub(*s.Watermark).Truncate(time.Minute)
	m.add(text.Sprintf("%s Watermark: %s, %s behind.", mark(int(lag/time.Second) <= s.LagLimitSeconds), clock(*s.Watermark), hours(int(lag/time.Second))))
	return m.Lines
}

func (c Counts) lines() []string {
	var m Message
	m.add(text.Sprintf("%s Runs: %d, not completed: %d.", mark(c.RunsFailed == 0), c.Runs, c.RunsFailed))
	if c.RunsHeld > 0 {
		m.add(text.Sprintf("⏸ Runs that did nothing because the flow was held: %d.", c.RunsHeld))
	}
	if c.WereParked > 0 {
		m.add(text.Sprintf("Bills saved: %d, %s with tax. Of their orders, %d had been parked.", c.Saved.Count, c.Saved.Amount.StringFixed(2), c.WereParked))
	} else {
		m.add(text.Sprintf("Bills saved: %d, %s with tax.", c.Saved.Count, c.Saved.Amount.StringFixed(2)))
	}
	m.add(text.Sprintf("Bills updated: %d.", c.Updated))
	if len(c.LeftOut) > 0 {
		m.add(text.Sprintf("Orders left out: %d (%s).", total(c.LeftOut), byReason(c.LeftOut, fault.ReasonText)))
	} else {
		m.add(text.Sprintf("No order was left out."))
	}
	if len(c.Parked) > 0 {
		m.add(text.Sprintf("✗ Orders parked now: %d (%s).", total(c.Parked), byReason(c.Parked, fault.ReasonText)))
	} else {
		m.add(text.Sprintf("✓ No order is parked now."))
	}
	if c.KeptSince != nil {
		m.add(text.Sprintf("✗ Temporal no longer has what ended before %s, which is not counted: its retention is too short.", clock(*c.KeptSince)))
	}
	return m.Lines
}

// line is a reconciliation in a summary.
func (r Reconciliation) line() string {
	switch {
	case r.Failed != "":
		return text.Sprintf("✗ The last reconciliation did not finish. Reason: %s.", literal.Chat(fault.ReasonText(r.Failed).String()))
	case r.Agrees():
		return text.Sprintf("✓ Last reconciliation, of %s: no differences.", r.days())
	}
	return text.Sprintf("✗ Last reconciliation, of %s: differences %d, bills not audited %d.", r.days(), total(r.Differences), r.NotAudited)
}

// firing is a reconciliation that does not agree, in an alert.
func (r Reconciliation) firing(flow string) []string {
	var m Message
	if len(r.Differences) > 0 {
		m.add(text.Sprintf("✗ The reconciliation of %s found differences: %d (%s).", r.days(), total(r.Differences), byReason(r.Differences, func(kind string) text.Text { return reconcile.Kind(kind).Label() })))
	}
	if r.NotAudited > 0 {
		m.add(text.Sprintf("✗ The reconciliation of %s found bills that are not audited: %d.", r.days(), r.NotAudited))
	}
	m.add(text.Sprintf("Jushuitan: %d orders, %s with tax. Kingdee: %d bills, %s with tax.", r.Source.Count, r.Source.Amount.StringFixed(2), r.Kingdee.Count, r.Kingdee.Amount.StringFixed(2)))
	return append(m.Lines, see("starter reconcile --flow "+flow+" --from "+r.From+" --to "+r.To))
}

func mark(well bool) string {
	if well {
		return "✓"
	}
	return "✗"
}
