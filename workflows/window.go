package workflows

import (
	"math"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
)

// Window is a span of time in whole seconds, both ends included, in the
// source's own measure: the time its date_type counts by has a resolution of
// one second.
//
// Windows that follow each other share no second and leave none out. Whether
// the source includes the ends of the span it is asked for is unknown, so it
// is asked for one second more on each side, and what lies outside the window
// is left to the window it belongs to.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Asked is the span to ask the source for.
func (w Window) Asked() (start, end time.Time) {
	return w.From.Add(-time.Second), w.To.Add(time.Second)
}

// Holds reports whether t, cut to the second, lies in the window.
func (w Window) Holds(t time.Time) bool {
	t = t.Truncate(time.Second)
	return !t.Before(w.From) && !t.After(w.To)
}

// Neighbours reports whether t lies in one of the two seconds beyond the window that
// the source is asked for: it belongs to the window before or behind.
func (w Window) Neighbours(t time.Time) bool {
	start, end := w.Asked()
	return !w.Holds(t) && Window{From: start, To: end}.Holds(t)
}

// String gives the window in Beijing time.
func (w Window) String() string {
	from, to := w.From.In(beijing.Zone), w.To.In(beijing.Zone)
	format := "01-02 15:04:05"
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		format = time.TimeOnly
	}
	return from.Format("2006-01-02 15:04:05") + "–" + to.Format(format)
}

// FirstWindow cuts the first window, no longer than longest, off the span.
func FirstWindow(span Window, longest time.Duration) Window {
	to := span.From.Add(longest - time.Second)
	if to.After(span.To) {
		to = span.To
	}
	return Window{From: span.From, To: to}
}

// windowCount is how many windows FirstWindow cuts off the span in all.
func windowCount(span Window, longest time.Duration) int {
	if span.To.Before(span.From) {
		return 0
	}
	return int(span.To.Sub(span.From)/longest) + 1
}

// fewOrders is how many orders a run has at most that goes order by order by itself.
const fewOrders = 5000

// A window of time that is longer than a second is cut if its first page counts more
// orders than this, into windows of about half as many: several are read side by side.
const (
	mostByOrder = 1000
	mostByPage  = 5000
	// mostParts bounds these windows; one that is still too large is cut again.
	mostParts = 24
)

// mostOrders is how many orders a window may have for one to be saved.
func mostOrders(grain string, window Window) int {
	switch {
	case window.From.Equal(window.To):
		return math.MaxInt
	case grain == contract.GrainPage:
		return mostByPage
	}
	return mostByOrder
}

// partsOf is into how many windows one of so many orders is cut.
func partsOf(grain string, orders int) int {
	each := mostByOrder / 2
	if grain == contract.GrainPage {
		each = mostByPage / 2
	}
	return min((orders+each-1)/each, mostParts)
}

// cut cuts the window into so many of about the same length, or as many as it has
// seconds.
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
