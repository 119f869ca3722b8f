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

// mend is something that keeps the promise, and is taken out; without any, nothing is.
// Each is taken out around the product: by a clock, a ledger, or what the life itself does
// in place of Temporal and of the two systems.
type mend struct {
	clock  func(*worker) groupcommit.Clock
	ledger func(*worker) kingdee.Ledger
	// maySend sends what a look-up allows no more, and looking has no attempt look first.
	maySend, looking bool
	// used answers "saved" where a number is used already.
	used bool
	// moved forgets that rows have moved, and narrow what is beyond the ends of a window.
	moved, narrow bool
	// settled tells no order that waits that it needs nothing, and olderParked has it take
	// any version.
	settled, olderParked bool
	// unparked and unfinished move the watermark on where something was left out.
	unparked, unfinished bool

	// draw makes what is missed more frequent.
	draw func(*settings)
}

// slowClock hardly goes on, so that a look-up never becomes too old.
type slowClock struct{ clock }

func (c slowClock) Now() (monotonic, wall time.Time) {
	monotonic, wall = c.clock.Now()
	slow := func(t time.Time) time.Time { return c.w.life.begun.Add(t.Sub(c.w.life.begun) / 1000) }
	return slow(monotonic), slow(wall)
}

// blindClock does not show that the worker was suspended.
type blindClock struct{ clock }

func (c blindClock) Now() (monotonic, wall time.Time) {
	monotonic, wall = c.clock.Now()
	return monotonic.Add(-c.w.away + c.w.slept), wall.Add(-c.w.away)
}

// youngMarks shows each mark as if it were of long ago, so that none is newer.
type youngMarks struct{ kingdee.Ledger }

func (y youngMarks) FindBills(ctx context.Context, formID, textField string, numbers []string) (map[string][]kingdee.Bill, error) {
	found, err := y.Ledger.FindBills(ctx, formID, textField, numbers)
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

// With any of the mends taken out, a law is broken before long.
func TestWithoutAMend(t *testing.T) {
	if testing.Short() || raceDetector { // minutes there; each full run plays them
		t.Skip("it plays some thousand lives")
	}
	moving := func(s *settings) {
		s.flow.Options.Grain, s.window = contract.GrainOrder, 6*time.Hour
		s.orders, s.pageSize, s.latency, s.changes, s.lateRows = 20, 2, 2*time.Second, 5*time.Second, 2
	}
	still := func(s *settings) {
		s.unique, s.workers, s.stills, s.flow.Options.Existing = true, 3, 2, flow.ExistingUpdate
	}
	unparkable := func(s *settings) { s.unparkable = 1 }
	byHand := func(s *settings) { s.unique, s.entries = true, 2 }
	f := loadFlow(t)
	for name, without := range map[string]mend{
		"look-ups are trusted too long":                                  {clock: func(w *worker) groupcommit.Clock { return slowClock{clock{w}} }},
		"a suspended worker sends what it had queued":                    {clock: func(w *worker) groupcommit.Clock { return blindClock{clock{w}} }, draw: still},
		"a request is not checked when it is written":                    {maySend: true, draw: still},
		"activities of a worker share nothing":                           {ledger: func(w *worker) kingdee.Ledger { return w.newGroups() }},
		"nobody looks before a save":                                     {ledger: func(w *worker) kingdee.Ledger { return client{w} }, looking: true},
		"an older version is not told from a newer":                      {ledger: func(w *worker) kingdee.Ledger { return youngMarks{w.groups} }},
		"a number that is used counts as saved":                          {used: true, draw: byHand},
		"an entry and a departure cancel out":                            {moved: true, draw: moving},
		"the source is asked for the window alone":                       {narrow: true},
		"orders that wait are not told that they need nothing":           {settled: true},
		"an order that waits takes an older version":                     {olderParked: true},
		"the watermark moves on though an order could not be parked":     {unparked: true, draw: unparkable},
		"the watermark moves on though a window was not read to its end": {unfinished: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4000) {
				if l := play(t, f, seed, without, false); len(l.violations) > 0 {
					t.Logf("seed %d: %s", seed, l.violations[0])
					// It is the mend alone that is missed.
					require.Empty(t, play(t, f, seed, mend{draw: without.draw}, false).violations)
					return
				}
			}
			require.Fail(t, "nothing was broken")
		})
	}
}
