package groupcommit

import (
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

const (
	// growAfter is how many calls of each place must go well before one more call
	// goes at a time. With the advised 20 bills a call and 4 sessions, all are back
	// some 20 s after the last refusal. Sooner would be dear where Kingdee takes
	// fewer at once for good: each try of one too many fails the orders of a call.
	growAfter = 10
	// shortestPause and longestPause bound how long no call begins.
	shortestPause = time.Second
	longestPause  = time.Minute
)

// allowance is how many calls Kingdee is given at a time, from 1 to all sessions:
// additive increase, multiplicative decrease. A call that Kingdee can't take
// halves it, and calls that go well raise it again, one by one. Where even one
// call at a time is too many, a pause goes before the next, twice as long each
// time, as long as Kingdee asks for at most.
//
// Calls of an earlier round, which began before it last shrank, change nothing:
// those that are refused were sent at the pace that was too fast, and those that
// go well don't show that the slower one is right.
type allowance struct {
	sessions int
	calls    int
	round    int // how often it shrank
	wentWell int // calls of this round, since it last grew
	pause    time.Duration
	resume   time.Time // no call begins before
}

// ended takes in the end of a call that began in a round.
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
