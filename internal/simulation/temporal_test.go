package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"refundsync/activities"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/groupcommit"
)

// activity is what a workflow has a worker do, as Temporal does it: one attempt after the
// other until one comes to an end, each on any worker.
type activity struct {
	*life
	name     string
	attempts int
	do       func(ctx context.Context, w *worker, try *attempt) (any, error)
	then     func(any, error)
	holds    func() []contract.Order   // the versions that it may save; nil for none
	beaten   *activities.PagesProgress // nil for one that tells nothing
	current  *attempt
	tried    int
}

// attempt is one of an activity. Where its worker misses its heartbeats it is given up,
// and may go on all the same.
type attempt struct {
	*activity
	number int
	w      *worker
	held   []*held
	told   activities.PagesProgress // by the attempt before
}

// execute begins an activity; then is told its outcome.
func (l *life) execute(name string, attempts int, do func(ctx context.Context, w *worker, try *attempt) (any, error), then func(any, error)) *activity {
	l.count++
	l.open++
	a := &activity{life: l, name: fmt.Sprintf("%06d %s", l.count, name), attempts: attempts, do: do, then: then}
	a.after(a.between(time.Millisecond, a.settings.toStart), a.begin)
	return a
}

func (a *activity) begin() {
	var awake []*worker
	for _, w := range a.workers {
		if !w.gone && !w.suspended {
			awake = append(awake, w)
		}
	}
	if len(awake) == 0 {
		a.after(5*time.Second, a.begin)
		return
	}
	w := awake[a.rand.IntN(len(awake))]
	a.tried++
	try := &attempt{activity: a, number: a.tried, w: w}
	if a.holds != nil {
		for _, order := range a.holds() {
			try.held = append(try.held, a.hold(order))
		}
	}
	if a.beaten != nil {
		try.told = *a.beaten
	}
	a.current = try
	w.running = append(w.running, try)
	name := fmt.Sprintf("%s #%d", a.name, try.number)
	a.note("%s: %s begins", w.name, name)
	ctx := groupcommit.WithAttempt(context.WithValue(w.ctx, taskKey{}, name), try.number)
	a.woke = true
	go func() {
		value, err := a.do(ctx, w, try)
		w.tell("end "+name, func() { w.on(w, w.latency(), func() { try.end(value, err) }) })
	}()
}

// end takes the outcome of an attempt, unless it was given up before.
func (try *attempt) end(value any, err error) {
	try.w.running = slices.DeleteFunc(try.w.running, func(other *attempt) bool { return other == try })
	a := try.activity
	for _, h := range try.held {
		h.release()
	}
	a.note("%s: %s #%d ends: %v %v", try.w.name, a.name, try.number, value, err)
	switch f := fault.As(err); {
	case a.current != try:
	case err == nil, f != nil && f.Class == fault.Final:
		a.over(value, err)
	case f != nil:
		a.again(f.Delay, err)
	default:
		a.again(0, err)
	}
}

// again has another attempt be made after a wait, if there is one left.
func (a *activity) again(wait time.Duration, err error) {
	a.current = nil
	if a.tried >= a.attempts {
		a.over(nil, err)
		return
	}
	if wait == 0 {
		wait = min(2*time.Second<<min(a.tried-1, 10), 5*time.Minute)
	}
	a.after(wait, a.begin)
}

func (a *activity) over(value any, err error) {
	a.current = nil
	a.open--
	a.then(value, err)
}

var errHeartbeat = errors.New("heartbeat timeout")

// missHeartbeats gives up what a worker does that is suspended or gone, if it stays so.
// The last heartbeat was sent up to 24 s ago, and one is missed after 30 s.
func (w *worker) missHeartbeats() {
	for _, try := range w.running {
		w.after(6*time.Second+w.between(0, 24*time.Second), func() {
			if try.current == try && (w.gone || w.suspended) {
				try.again(0, errHeartbeat)
			}
		})
	}
}
