package simulation

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/kingdee"
)

// safeguard is something that upholds the promise and is removed; the zero value removes
// nothing. Each is removed from outside the product: by a clock, by a ledger, or in what
// the life does in place of Temporal and the two systems.
type safeguard struct {
	clock  func(*worker) groupcommit.Clock
	ledger func(*worker) kingdee.Ledger
	// maySend sends what its look-up no longer permits; looking saves without a look-up.
	maySend, looking bool
	// used answers "saved" if a number is already in use.
	used bool
	// moved ignores that rows have moved; narrow ignores what is beyond the ends of a
	// window.
	moved, narrow bool
	// settled does not tell waiting orders that they need nothing; olderParked has them
	// accept any version.
	settled, olderParked bool
	// discards does not tell that a person has discarded an order.
	discards bool
	// unparked and unfinished advance the watermark although something was missed.
	unparked, unfinished bool

	// draw makes it more likely that the safeguard is needed.
	draw func(*settings)
}

// slowClock hardly advances, so that a look-up never becomes too old.
type slowClock struct{ clock }

func (c slowClock) Now() (monotonic, wall time.Time) {
	monotonic, wall = c.clock.Now()
	slow := func(t time.Time) time.Time { return c.w.life.begun.Add(t.Sub(c.w.life.begun) / 1000) }
	return slow(monotonic), slow(wall)
}

// blindClock hides that the worker was suspended.
type blindClock struct{ clock }

func (c blindClock) Now() (monotonic, wall time.Time) {
	monotonic, wall = c.clock.Now()
	return monotonic.Add(-c.w.away + c.w.slept), wall.Add(-c.w.away)
}

// youngMarks shows each mark as very old, so that none is newer.
type youngMarks struct{ kingdee.Ledger }

func (y youngMarks) FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	found, err := y.Ledger.FindBills(ctx, form, numbers)
	for _, bills := range found {
		for i := range bills {
			if mark, ok := flow.FindMark(bills[i].Text); ok {
				mark.ChangedAt = time.Time{}
				bills[i].Text = mark.String()
			}
		}
	}
	return found, err
}

// Without any one of the safeguards, a law is soon violated.
func TestWithoutASafeguard(t *testing.T) {
	if testing.Short() || raceDetector { // takes minutes there; every full run covers it
		t.Skip("it plays several thousand lives")
	}
	moving := func(s *settings) {
		s.flow.Options.Grain, s.window = contract.GrainOrder, 6*time.Hour
		s.orders, s.pageSize, s.latency, s.changes, s.lateRows = 20, 2, 2*time.Second, 5*time.Second, 2
	}
	still := func(s *settings) {
		s.unique, s.workers, s.suspensions, s.flow.Options.Existing = true, 3, 2, flow.ExistingUpdate
	}
	unparkable := func(s *settings) { s.unparkable = 1 }
	byHand := func(s *settings) { s.unique, s.entries = true, 2 }
	f := loadFlow(t)
	for name, without := range map[string]safeguard{
		"look-ups are trusted too long":                                  {clock: func(w *worker) groupcommit.Clock { return slowClock{clock{w}} }},
		"a suspended worker sends what it had queued":                    {clock: func(w *worker) groupcommit.Clock { return blindClock{clock{w}} }, draw: still},
		"a request is not checked when it is written":                    {maySend: true, draw: still},
		"activities of a worker share nothing":                           {ledger: func(w *worker) kingdee.Ledger { return w.newGroups() }},
		"saves go without a look-up":                                     {ledger: func(w *worker) kingdee.Ledger { return client{w} }, looking: true},
		"older versions are not told from newer ones":                    {ledger: func(w *worker) kingdee.Ledger { return youngMarks{w.groups} }},
		"a used number counts as saved":                                  {used: true, draw: byHand},
		"an entry and a departure cancel out":                            {moved: true, draw: moving},
		"the source is asked for the window only":                        {narrow: true},
		"orders that wait are not told that they need nothing":           {settled: true},
		"an order that waits takes an older version":                     {olderParked: true},
		"orders that a person has discarded are saved":                   {discards: true},
		"the watermark moves on though an order could not be parked":     {unparked: true, draw: unparkable},
		"the watermark moves on though a window was not read to its end": {unfinished: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4000) {
				if l := play(t, f, seed, without, false); len(l.violations) > 0 {
					t.Logf("seed %d: %s", seed, l.violations[0])
					// Only the missing safeguard explains the violation.
					require.Empty(t, play(t, f, seed, safeguard{draw: without.draw}, false).violations)
					return
				}
			}
			require.Fail(t, "no law was violated")
		})
	}
}
