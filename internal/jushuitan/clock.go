package jushuitan

import (
	"net/http"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// tolerance is how far a timestamp may be off Jushuitan's clock.
const tolerance = 10 * time.Minute

// agree is how much two clocks that follow network time may differ.
const agree = 5 * time.Second

// Clock compares the source's clock, as a reply shows it, to our own.
type Clock struct {
	// Date is the reply's, in whole seconds; zero if it has none or it can't be read.
	Date time.Time
	// Sent and Received are when the call began and the reply arrived, by our clock.
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

// Time is the earliest that the source's clock can have shown when the call began: Date
// was written during the call.
func (c Clock) Time() time.Time { return c.Date.Add(-c.Received.Sub(c.Sent)) }

// Ahead is how much the source's clock is ahead of ours at least, negative if it is
// behind, and 0 if the two may agree: Date was written at some moment of the call, and
// is cut to the second.
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

// Text names both times.
func (c Clock) Text() text.Text {
	return text.New("Jushuitan's clock says %s, this machine's %s (Beijing time)",
		c.Date.In(beijing).Format(time.DateTime), c.Received.In(beijing).Format(time.DateTime))
}

// check adds both times to the refusal of ours, and fails a call that should have been
// refused. err is the call's own.
func (c Clock) check(this call, err error) error {
	switch f := fault.As(err); {
	case f != nil && f.Reason == badTimestamp.reason && c.Known():
		f.Advice = text.Join(" — ", c.Text(), f.Advice)
	case err == nil && c.Ahead().Abs() > tolerance:
		return this.newFault(badTimestamp.class, badTimestamp.reason, text.Errorf("%s", c.Text()), badTimestamp.advice)
	}
	return err
}
