package main

import (
	"time"

	"refundsync/internal/tally"
	"refundsync/workflows"
)

// progress is how far a run is.
type progress struct {
	run workflows.SyncFlowProgress
	// Tally adds up all windows, those under way included.
	tally.Tally
	// expected is about how many orders the run has in all; 0 if that is not known.
	expected int
	// share is how much of the run is done, 0 to 1: of the orders expected, or else of
	// the windows.
	share float64
}

// newProgress adds up what a run and its windows under way report. The source counts the
// orders of a window that has begun; those to come are assumed to have their share of what
// the run expects.
func newProgress(run workflows.SyncFlowProgress, windows []workflows.SyncWindowProgress) progress {
	p := progress{run: run, Tally: run.Tally}
	uncounted, known, done := run.Windows-run.WindowsDone, run.Tally.Fetched, float64(run.WindowsDone)
	for _, window := range windows {
		p.Add(window.Tally)
		if window.DataCount == 0 {
			continue
		}
		orders := max(window.DataCount, window.Tally.Fetched)
		uncounted--
		known += orders
		done += float64(window.Tally.Fetched-window.Tally.InFlight()) / float64(orders)
	}
	if uncounted <= 0 {
		p.expected = known
	} else if run.Orders > 0 {
		p.expected = max(known+run.Orders*uncounted/run.Windows, 1)
	}
	switch {
	case p.expected > 0:
		p.share = min(float64(p.Fetched-p.InFlight())/float64(p.expected), 1)
	case run.Windows > 0:
		p.share = min(done/float64(run.Windows), 1)
	}
	return p
}

// pace is how fast a run goes.
type pace struct {
	// permille is how much is done. It never falls, though the next report may have less:
	// a window that ends between two queries is in neither answer, and there may be more
	// orders than were expected.
	permille int
	// moments are those of the last paceSpan, the oldest first.
	moments []moment
}

// moment is what was done at a time, 0 to 1.
type moment struct {
	at    time.Time
	share float64
}

const (
	// paceSpan is how far the pace looks back: long enough for activities that report
	// many orders at once, short enough to forget how it was before.
	paceSpan = 2 * time.Minute
	// paceLeast is how long it measures before it estimates the rest.
	paceLeast = 3 * time.Second
)

// add adds a measurement.
func (v *pace) add(now time.Time, p progress) {
	v.permille = max(v.permille, int(1000*p.share))
	if p.run.Control.Waits() {
		v.moments = nil
		return
	}
	v.moments = append(v.moments, moment{now, p.share})
	for now.Sub(v.moments[0].at) > paceSpan {
		v.moments = v.moments[1:]
	}
}

// remaining is how long the run still takes at that pace; "" if that is not known.
func (v *pace) remaining() string {
	if rest, ok := remainingAfter(v.moments); ok {
		return shortDuration(rest)
	}
	return ""
}

// remainingAfter is how long the rest takes at the pace between the first moment and the
// last; false if nothing was done between them, or they are too close to tell.
func remainingAfter(moments []moment) (time.Duration, bool) {
	if len(moments) == 0 {
		return 0, false
	}
	first, last := moments[0], moments[len(moments)-1]
	took, done := last.at.Sub(first.at), last.share-first.share
	if took < paceLeast || done <= 0 {
		return 0, false
	}
	return time.Duration((1 - last.share) / done * float64(took)), true
}
