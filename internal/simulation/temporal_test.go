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

// activity is an activity of a workflow, run as Temporal does: one attempt after another
// until one concludes, each on any worker.
type activity struct {
	*life
	name        string
	maxAttempts int
	do          func(ctx context.Context, w *worker, try *attempt) (any, error)
	then        func(any, error)
	holds       func() []contract.Order   // the versions that it may save; nil for none
	heartbeat   *activities.PagesProgress // the latest heartbeat; nil for one without heartbeats
	current     *attempt
	attempts    int
}

// attempt is one attempt of an activity. If its worker misses its heartbeats the attempt
// is abandoned, but may continue.
type attempt struct {
	*activity
	number   int
	w        *worker
	held     []*held
	progress activities.PagesProgress // the heartbeat of the previous attempt
}

// execute starts an activity; then is called with its outcome.
func (l *life) execute(name string, maxAttempts int, do func(ctx context.Context, w *worker, try *attempt) (any, error), then func(any, error)) *activity {
	l.count++
	l.open++
	a := &activity{life: l, name: fmt.Sprintf("%06d %s", l.count, name), maxAttempts: maxAttempts, do: do, then: then}
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
	a.attempts++
	try := &attempt{activity: a, number: a.attempts, w: w}
	if a.holds != nil {
		for _, order := range a.holds() {
			try.held = append(try.held, a.hold(order))
		}
	}
	if a.heartbeat != nil {
		try.progress = *a.heartbeat
	}
	a.current = try
	w.running = append(w.running, try)
	name := fmt.Sprintf("%s #%d", a.name, try.number)
	a.note("%s: %s begins", w.name, name)
	ctx := groupcommit.WithAttempt(context.WithValue(w.ctx, taskKey{}, name), try.number)
	a.woke = true
	go func() {
		value, err := a.do(ctx, w, try)
		w.post("end "+name, func() { w.on(w, w.latency(), func() { try.end(value, err) }) })
	}()
}

// end takes the outcome of an attempt, unless it was abandoned.
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
		a.retryAfter(f.Delay, err)
	default:
		a.retryAfter(0, err)
	}
}

// retryAfter makes another attempt after a wait, if any remain.
func (a *activity) retryAfter(wait time.Duration, err error) {
	a.current = nil
	if a.attempts >= a.maxAttempts {
		a.over(nil, err)
		return
	}
	if wait == 0 {
		wait = min(2*time.Second<<min(a.attempts-1, 10), 5*time.Minute)
	}
	a.after(wait, a.begin)
}

func (a *activity) over(value any, err error) {
	a.current = nil
	a.open--
	a.then(value, err)
}

var errHeartbeat = errors.New("heartbeat timeout")

// missHeartbeats abandons the maxAttempts of a worker that is suspended or gone, if it stays
// so. The last heartbeat was sent up to 24 s ago, and times out after 30 s.
func (w *worker) missHeartbeats() {
	for _, try := range w.running {
		w.after(6*time.Second+w.between(0, 24*time.Second), func() {
			if try.current == try && (w.gone || w.suspended) {
				try.retryAfter(0, errHeartbeat)
			}
		})
	}
}
