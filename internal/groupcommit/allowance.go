package groupcommit

import (
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

const (
	// growAfter is how many calls per place must succeed before one more call is
	// allowed at a time. With the advised 20 bills a call and 4 sessions, all are
	// allowed some 20 s after the last refusal. Growing faster would be costly if
	// Kingdee permanently accepts fewer: each call too many fails the orders in it.
	growAfter = 10
	// shortestPause and longestPause bound the time without new calls.
	shortestPause = time.Second
	longestPause  = time.Minute
)

// allowance is how many calls may be in flight, from 1 to all sessions: additive
// increase, multiplicative decrease. An overload halves it, and successful calls raise
// it one by one. If even one call at a time is too many, a pause precedes the next,
// twice as long each time, up to what Kingdee asks for.
//
// Calls of an earlier round, which began before it last shrank, change nothing: their
// refusals are due to the earlier pace, and their successes say nothing about the
// present one.
type allowance struct {
	sessions int
	calls    int
	round    int // how often it shrank
	wentWell int // calls of this round since it last grew
	pause    time.Duration
	resume   time.Time // no call begins before
}

// ended records the end of a call that began in a round.
func (a *allowance) ended(round int, err error) {
	switch {
	case round != a.round:
	case kingdee.IsOverload(err):
		a.shrink(fault.As(err).Delay)
	case err == nil:
		a.goesWell()
	}
}

func (a *allowance) shrink(delay time.Duration) {
	a.round++
	a.wentWell = 0
	if a.calls > 1 {
		a.calls /= 2
		return
	}
	a.pause = min(max(shortestPause, 2*a.pause), delay, longestPause)
	a.resume = time.Now().Add(a.pause)
}

func (a *allowance) goesWell() {
	a.pause = 0
	a.wentWell++
	if a.calls < a.sessions && a.wentWell >= growAfter*a.calls {
		a.calls++
		a.wentWell = 0
	}
}
