package syncworker

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
)

// marked and released are what the SDK tells of a slot.
type marked struct {
	worker.SlotMarkUsedInfo
	permit *worker.SlotPermit
}

func (m marked) Permit() *worker.SlotPermit { return m.permit }

type released struct {
	worker.SlotReleaseInfo
	permit *worker.SlotPermit
}

func (r released) Permit() *worker.SlotPermit { return r.permit }

// newPolls are slots with so many polls under way.
func newPolls(t *testing.T, polls int) (*drainingSlots, []*worker.SlotPermit) {
	t.Helper()
	fixed, err := worker.NewFixedSizeSlotSupplier(100)
	require.NoError(t, err)
	slots := newDrainingSlots(fixed)
	var permits []*worker.SlotPermit
	for range polls {
		permit, err := slots.ReserveSlot(t.Context(), nil)
		require.NoError(t, err)
		permits = append(permits, permit)
	}
	return slots, permits
}

// drainTime is how long it takes to drain.
func drainTime(slots *drainingSlots) time.Duration {
	begun := time.Now()
	slots.drain()
	return time.Since(begun)
}

func TestDrainWaitsForPolls(t *testing.T) {
	for _, test := range []struct {
		name  string
		polls int
		// come is how many polls bring an activity, one each every, and back how
		// many come back without one at last.
		come, back  int
		every       time.Duration
		least, most time.Duration
	}{
		{name: "no polls", most: 0},
		{name: "polls that bring nothing", polls: 3, least: quiet, most: quiet + quiet/5},
		{name: "polls that all bring an activity", polls: 3, come: 3, every: 400 * time.Millisecond, least: 1200 * time.Millisecond, most: 1300 * time.Millisecond},
		{name: "polls that end", polls: 3, come: 1, back: 2, every: 100 * time.Millisecond, least: 100 * time.Millisecond, most: 200 * time.Millisecond},
		{name: "one that stays behind", polls: 3, come: 2, every: 400 * time.Millisecond, least: 800*time.Millisecond + quiet, most: 800*time.Millisecond + quiet + quiet/5},
		{name: "activities that never cease", polls: 50, come: 50, every: 400 * time.Millisecond, least: mostQuiet, most: mostQuiet + quiet/5},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slots, permits := newPolls(t, test.polls)
				var polling sync.WaitGroup
				defer polling.Wait()
				polling.Go(func() {
					for _, permit := range permits[:test.come] {
						time.Sleep(test.every)
						slots.MarkSlotUsed(marked{permit: permit})
					}
					for _, permit := range permits[test.come:][:test.back] {
						slots.ReleaseSlot(released{permit: permit})
					}
				})
				took := drainTime(slots)
				require.GreaterOrEqual(t, took, test.least)
				require.LessOrEqual(t, took, test.most)
			})
		})
	}
}

func TestDrainedSlotsAreGivenToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots, permits := newPolls(t, 1)
		permit := slots.TryReserveSlot(nil)
		require.NotNil(t, permit)
		slots.MarkSlotUsed(marked{permit: permits[0]})
		slots.drain()
		require.Nil(t, slots.TryReserveSlot(nil))

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begun := time.Now()
		_, err := slots.ReserveSlot(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(begun))

		// What is under way is given back as ever.
		slots.ReleaseSlot(released{permit: permits[0]})
		slots.ReleaseSlot(released{permit: permit})
	})
}
