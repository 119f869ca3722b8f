package workflows

import (
	"math"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
)

// Window is a span of time in whole seconds, both ends included: the time that the source's
// date_type refers to has a resolution of one second.
//
// Consecutive windows share no second and miss none. It is unknown whether the source
// includes the ends of the requested span, so the request has one second more on each side,
// and orders outside the window are skipped, because another window reads them.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Asked is the span to request from the source.
func (w Window) Asked() (start, end time.Time) {
	return w.From.Add(-time.Second), w.To.Add(time.Second)
}

// Holds reports whether t, cut to the second, lies in the window.
func (w Window) Holds(t time.Time) bool {
	t = t.Truncate(time.Second)
	return !t.Before(w.From) && !t.After(w.To)
}

// Neighbours reports whether t lies in one of the two additional seconds of the request: it
// belongs to the window before or after.
func (w Window) Neighbours(t time.Time) bool {
	start, end := w.Asked()
	return !w.Holds(t) && Window{From: start, To: end}.Holds(t)
}

// String gives the window in Beijing time.
func (w Window) String() string {
	from, to := w.From.In(beijing.Zone), w.To.In(beijing.Zone)
	format := time.DateTime
	switch {
	case from.Format(time.DateOnly) == to.Format(time.DateOnly):
		format = time.TimeOnly
	case from.Year() == to.Year():
		format = "01-02 15:04:05"
	}
	return from.Format(time.DateTime) + "–" + to.Format(format)
}

// FirstWindow is the first window of the span, no longer than longest.
func FirstWindow(span Window, longest time.Duration) Window {
	to := span.From.Add(longest - time.Second)
	if to.After(span.To) {
		to = span.To
	}
	return Window{From: span.From, To: to}
}

// windowCount is how many windows the span has.
func windowCount(span Window, longest time.Duration) int {
	if span.To.Before(span.From) {
		return 0
	}
	return int(span.To.Sub(span.From)/longest) + 1
}

// fewOrders is up to how many orders a run chooses the grain order.
const fewOrders = 5000

// A window of time longer than a second is cut if it has more orders than this, into windows
// of about half as many, so that several are read concurrently.
const (
	mostByOrder = 1000
	mostByPage  = 5000
	// mostParts bounds the parts; one that is still too large is cut in turn.
	mostParts = 24
)

// mostOrders is how many orders a window may have before it is cut.
func mostOrders(grain string, window Window) int {
	switch {
	case window.From.Equal(window.To):
		return math.MaxInt
	case grain == contract.GrainPage:
		return mostByPage
	}
	return mostByOrder
}

// partsOf is into how many windows a window of so many orders is cut.
func partsOf(grain string, orders int) int {
	each := mostByOrder / 2
	if grain == contract.GrainPage {
		each = mostByPage / 2
	}
	return min((orders+each-1)/each, mostParts)
}

// cut cuts the window into so many parts of about the same length, but at most one per
// second.
func (w Window) cut(parts int) (windows []Window) {
	seconds := int(w.To.Sub(w.From)/time.Second) + 1
	parts = min(parts, seconds)
	for i := range parts {
		windows = append(windows, Window{
			From: w.From.Add(time.Duration(i*seconds/parts) * time.Second),
			To:   w.From.Add(time.Duration((i+1)*seconds/parts-1) * time.Second),
		})
	}
	return windows
}
