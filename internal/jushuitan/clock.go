package jushuitan

import (
	"fmt"
	"net/http"
	"time"

	"refundsync/internal/fault"
)

// tolerance is how far a timestamp may be off the gateway's clock.
const tolerance = 10 * time.Minute

// agree is by how much two clocks that follow network time may differ.
const agree = 5 * time.Second

// Clock is what a reply tells of the source's clock, beside our own.
type Clock struct {
	// Date is the reply's, in whole seconds; zero where it has none that can be read.
	Date time.Time
	// Sent and Received are when the call began and the reply came, by our clock.
	Sent, Received time.Time
}

func readClock(response *http.Response, sent, received time.Time) Clock {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return Clock{}
	}
	return Clock{Date: date, Sent: sent, Received: received}
}

// Known reports whether the reply had a Date.
func (c Clock) Known() bool { return !c.Date.IsZero() }

// Time is what the source's clock showed at least when the call began: Date was
// written later, by as much as the whole call took at most.
func (c Clock) Time() time.Time { return c.Date.Add(-c.Received.Sub(c.Sent)) }

// Ahead is by how much the source's clock is ahead of ours at least, negative where
// it is behind, and 0 where the two may agree: Date was written at some moment of the
// call, and leaves out up to a second.
func (c Clock) Ahead() time.Duration {
	if !c.Known() {
		return 0
	}
	if ahead := c.Date.Sub(c.Received); ahead > agree {
		return ahead
	}
	if ahead := c.Date.Add(time.Second).Sub(c.Sent); ahead < -agree {
		return ahead
	}
	return 0
}

// String names both times.
func (c Clock) String() string {
	return fmt.Sprintf("聚水潭的时钟是 %[1]s，本机的是 %[2]s（北京时间）。 Jushuitan's clock says %[1]s, this machine's %[2]s (Beijing time)",
		c.Date.In(beijing).Format(time.DateTime), c.Received.In(beijing).Format(time.DateTime))
}

// check names both times where the gateway has refused ours, and refuses what it should
// have refused. err is how the call went.
func (c Clock) check(err error) error {
	switch f := fault.As(err); {
	case f != nil && f.Reason == badTimestamp.reason && c.Known():
		f.Message += " " + c.String()
	case err == nil && c.Ahead().Abs() > tolerance:
		return newFault(badTimestamp.class, badTimestamp.reason, c.String(), badTimestamp.advice)
	}
	return err
}
