package merchant

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However often a merchant is asked, the same orders arrive at the same times, each
// shortly after it was modified and with a known outcome.
func TestOrdersArriveByTheClock(t *testing.T) {
	options := Options{Seed: 3, Orders: 20, From: march, Days: 1}
	options.Arrivals = Arrivals{PerMinute: 30, From: options.To()}
	at := func(d time.Duration) time.Time { return options.To().Add(d) }
	often, once := New(options), New(options)
	for now := at(0); !now.After(at(10 * time.Minute)); now = now.Add(700 * time.Millisecond) {
		for _, o := range often.arrive(now, 0) {
			require.False(t, o.Modified.After(now))
			require.Less(t, now.Sub(o.Modified), longestDelay+2*time.Second)
			require.Zero(t, o.Modified.Nanosecond())
		}
	}
	often.arrive(at(10*time.Minute), 0)
	require.Len(t, once.arrive(at(10*time.Minute), 0), 300)
	require.Empty(t, once.arrive(at(10*time.Minute), 0))
	require.Equal(t, wireText(once, 3), wireText(often, 3))
	require.True(t, slices.IsSortedFunc(once.Orders(), byAsID))

	totals := once.Truth(known).Totals()
	require.Equal(t, 20+20/leftOutEvery+300, totals.Orders)
	require.Greater(t, totals.Saved, totals.Orders/2)

	once.StopArriving()
	require.Empty(t, once.arrive(at(20*time.Minute), 0))
}

// Modification times follow the merchant's clock; arrival times do not.
func TestModificationTimesFollowTheMerchantsClock(t *testing.T) {
	options := Options{Seed: 3, Orders: 20, From: march, Days: 1}
	options.Arrivals = Arrivals{PerMinute: 30, From: options.To()}
	now := options.To().Add(10 * time.Minute)
	right, slow := New(options).arrive(now, 0), New(options).arrive(now, -30*time.Second)
	require.Len(t, slow, len(right))
	for i := range right {
		require.Equal(t, -30*time.Second, slow[i].Modified.Sub(right[i].Modified))
	}
}
