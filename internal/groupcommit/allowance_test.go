package groupcommit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

// limit is a refusal of the call limit that asks for a delay.
func limit(delay time.Duration) error {
	f := callLimit.failure(kingdee.MethodBatchSave, "")
	f.Delay = delay
	return f
}

func TestAllowance(t *testing.T) {
	type step struct {
		err   error
		times int
		calls int           // then allowed at a time
		pause time.Duration // from then on
	}
	refused := limit(30 * time.Second)
	for name, test := range map[string]struct {
		sessions int
		steps    []step
	}{
		"it halves, and grows by one after ten good calls a place": {4, []step{
			{refused, 1, 2, 0}, {nil, 19, 2, 0}, {nil, 1, 3, 0}, {nil, 29, 3, 0}, {nil, 1, 4, 0}, {nil, 1000, 4, 0},
		}},
		"an odd number loses the greater half": {9, []step{{refused, 1, 4, 0}, {refused, 1, 2, 0}, {refused, 1, 1, 0}}},
		"good calls before a refusal count for nothing": {2, []step{
			{refused, 1, 1, 0}, {nil, 9, 1, 0}, {refused, 1, 1, time.Second}, {nil, 9, 1, 0}, {nil, 1, 2, 0},
		}},
		"an outage and a mistake change nothing": {2, []step{
			{unreachable.failure(kingdee.MethodBatchSave, ""), 100, 2, 0}, {badRequest.failure(kingdee.MethodBatchSave, ""), 100, 2, 0},
			{refused, 1, 1, 0}, {unreachable.failure(kingdee.MethodBatchSave, ""), 100, 1, 0}, {nil, 10, 2, 0},
		}},
		"at one, pauses double up to what Kingdee asks for, and begin anew after a good call": {1, []step{
			{refused, 1, 1, time.Second}, {refused, 1, 1, 2 * time.Second}, {refused, 3, 1, 16 * time.Second},
			{refused, 1, 1, 30 * time.Second}, {refused, 9, 1, 30 * time.Second}, {nil, 1, 1, 0}, {refused, 1, 1, time.Second},
		}},
		"a pause is bounded, whatever Kingdee asks for": {1, []step{{limit(24 * time.Hour), 100, 1, time.Minute}}},
		"a time-out asks for no pause":                  {1, []step{{timedOut.failure(kingdee.MethodBatchSave, ""), 100, 1, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := allowance{sessions: test.sessions, calls: test.sessions}
				for i, step := range test.steps {
					for range step.times {
						time.Sleep(time.Until(a.resume)) // by the bubble's clock, in no time
						a.ended(a.round, step.err)
					}
					require.Equal(t, step.calls, a.calls, "calls after step %d", i)
					require.Equal(t, step.pause, max(0, time.Until(a.resume)), "pause after step %d", i)
				}
			})
		})
	}
}

// Calls that began before the allowance shrank neither shrink nor raise it.
func TestAllowanceIgnoresCallsOfAnEarlierRound(t *testing.T) {
	a := allowance{sessions: 8, calls: 8}
	a.ended(0, limit(time.Minute))
	for range 100 {
		a.ended(0, limit(time.Minute))
		a.ended(0, nil)
	}
	require.Equal(t, 4, a.calls)
}

// In any sequence, at least one call is allowed and never more than the sessions, a
// pause ends, and after enough successes all sessions are in use.
func TestAllowanceLaws(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			sessions := rapid.IntRange(1, 50).Draw(r, "sessions")
			a := allowance{sessions: sessions, calls: sessions}
			outcome := rapid.SampledFrom([]error{
				nil, nil, nil, limit(0), limit(30 * time.Second), limit(24 * time.Hour),
				timedOut.failure(kingdee.MethodBatchSave, ""), connectionLost.failure(kingdee.MethodBatchSave, ""),
			})
			for range rapid.IntRange(0, 200).Draw(r, "calls") {
				before := a
				a.ended(a.round-rapid.IntRange(0, 1).Draw(r, "rounds ago"), outcome.Draw(r, "outcome"))
				require.True(r, 1 <= a.calls && a.calls <= sessions, "%d calls of %d", a.calls, sessions)
				require.True(r, a.calls >= before.calls/2 && a.calls <= before.calls+1)
				require.LessOrEqual(r, time.Until(a.resume), longestPause)
			}
			for range growAfter * sessions * sessions {
				a.ended(a.round, nil)
			}
			require.Equal(r, sessions, a.calls)
		})
	})
}

// crowdedClient accepts a number of calls at a time, and refuses more.
type crowdedClient struct {
	*fakeClient
	takesAtOnce int // 0: all
	delay       time.Duration

	mu                      sync.Mutex
	underWay, most, tooMany int
}

func (c *crowdedClient) BatchSave(ctx context.Context, b kingdee.BatchSave) ([]kingdee.BillResult, error) {
	c.mu.Lock()
	c.underWay++
	c.most = max(c.most, c.underWay)
	refuse := c.takesAtOnce > 0 && c.underWay > c.takesAtOnce
	if refuse {
		c.tooMany++
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.underWay--
	}()
	if refuse {
		return nil, limit(c.delay)
	}
	return c.fakeClient.BatchSave(ctx, b)
}

// mostSince gives the most calls at a time, and how many were refused, since it was last
// called.
func (c *crowdedClient) mostSince() (most, tooMany int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most, tooMany = c.most, c.tooMany
	c.most, c.tooMany = c.underWay, 0
	return most, tooMany
}

// Kingdee accepts two calls at a time for a while, then all: the groups shrink to that,
// rarely probe for more, and use all sessions in the end.
func TestGroupsAdaptToWhatKingdeeTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &crowdedClient{fakeClient: newFakeClient(), takesAtOnce: 2, delay: 30 * time.Second}
		client.shows = func(string) bool { return false }
		g := newGroups(client, 8, Options{Bills: 1})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 20 { // 20 activities, each with one bill after another
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					_ = saveOne(t.Context(), g, fmt.Sprint(i, "/", n))
				}
			})
		}
		// All sleeps here are by the bubble's clock: they take no time, and end when all
		// goroutines wait.
		time.Sleep(10 * time.Second) // to find out how many it accepts
		client.mostSince()
		begun := len(client.made())
		time.Sleep(100 * time.Second)
		most, tooMany := client.mostSince()
		assert.LessOrEqual(t, most, 3, "one more than it takes is tried")
		made := len(client.made()) - begun
		assert.Greater(t, made, 1000, "of the 2,000 that it can take")
		assert.Less(t, tooMany*20, made, "one in twenty is refused at most")
		assert.Positive(t, tooMany, "it goes on trying")

		client.mu.Lock()
		client.takesAtOnce = 0
		client.mu.Unlock()
		time.Sleep(20 * time.Second)
		client.mostSince()
		time.Sleep(time.Second)
		most, _ = client.mostSince()
		assert.Equal(t, 8, most)
		stop()
		all.Wait()
	})
}

// A lasting limit, such as one of calls a minute, leads to pauses with one call after
// each, not to a call for every bill that waits.
func TestGroupsPauseWhileKingdeeTakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		client.takes = 0
		client.fails = func([]string) error {
			if time.Since(client.start) < time.Minute {
				return limit(30 * time.Second)
			}
			return nil
		}
		g := newGroupsForNew(client, 1, Options{Bills: 1})
		outcomes, wait := saving(t.Context(), g, numbered(1, 20)...)
		wait()
		var begun []time.Duration
		for _, call := range client.made() {
			begun = append(begun, call.begun)
		}
		assert.Equal(t, []time.Duration{
			0, time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second, 31 * time.Second, 61 * time.Second,
		}, slices.Compact(begun))
		for i, err := range outcomes {
			if i < 6 {
				requireFault(t, err, fault.RateLimited, "call_limit")
			} else {
				assert.NoError(t, err)
			}
		}
	})
}

// Reading the quantities of a bill takes a place like any call, one per bill, and its
// refusal shrinks the allowance.
func TestQuantitiesTakeAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		g := newGroupsForNew(client, 2, Options{Bills: 20, Wait: time.Hour})
		client.fails = func(numbers []string) error {
			if numbers[0] == "3" {
				return limit(30 * time.Second)
			}
			return nil
		}
		var all sync.WaitGroup
		for _, id := range []string{"1", "2", "3", "4", "4"} {
			all.Go(func() {
				quantities, err := g.ByItem(t.Context(), formF, id)
				if id == "3" {
					assert.Equal(t, fault.RateLimited, fault.As(err).Class)
					return
				}
				assert.NoError(t, err)
				assert.True(t, quantities["M1"].Equal(decimal.NewFromInt(1)))
			})
			synctest.Wait()
		}
		all.Wait()
		assert.ElementsMatch(t, []string{
			"by item F [1] at 0s", "by item F [2] at 0s", "by item F [3] at 100ms", "by item F [4] at 100ms", "by item F [4] at 200ms",
		}, client.groups())
		assert.Equal(t, 1, g.allowance.calls)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := g.ByItem(ctx, formF, "5")
		assert.ErrorIs(t, err, context.Canceled)
		assert.Len(t, client.made(), 5, "not asked for any more")
	})
}

// A caller that gives up in a pause is not sent, and every pause ends.
func TestCallerMayGiveUpInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		client.fails = poison(limit(30*time.Second), "1")
		g := newGroupsForNew(client, 1, Options{Bills: 1})
		require.Error(t, saveOne(t.Context(), g, "1"))
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		requireFault(t, saveOne(ctx, g, "2"), fault.Retry, "no_session")
		require.NoError(t, saveOne(t.Context(), g, "3"))
		require.Equal(t, []string{"save F [1] at 0s", "save F [3] at 1.1s"}, client.groups())
	})
}

func TestObserverIsToldHowManyCallsAreAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, observer := newFakeClient(), &notes{}
		client.fails = poison(timedOut.failure(kingdee.MethodBatchSave, ""), "1", "2", "3")
		g := newGroupsForNew(client, 4, Options{Bills: 1, Observer: observer})
		_, wait := saving(t.Context(), g, numbered(1, 3)...) // all at once: one shrinks
		wait()
		_, wait = saving(t.Context(), g, numbered(4, 80)...)
		wait()
		observer.lines = slices.DeleteFunc(observer.lines, func(line string) bool { return line[0] == 'B' })
		assert.Equal(t, []string{"2 calls allowed", "3 calls allowed", "4 calls allowed"}, observer.lines)
	})
}

// However many calls are refused or time out for a while: retries save every order, each
// in one bill, and in the end all sessions are in use.
func TestGroupsRecoverFromOverload(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sessions := rapid.IntRange(1, 6).Draw(r, "sessions")
		orders := rapid.IntRange(1, 60).Draw(r, "orders")
		fails := rapid.SliceOfN(rapid.SampledFrom([]error{
			nil, limit(5 * time.Second), limit(30 * time.Second), timedOut.failure(kingdee.MethodBatchSave, ""),
		}), 0, 40).Draw(r, "fails")
		saved := map[string]int{}
		numbers := numbered(1, orders)
		var calls, underWay int
		synctest.Test(t, func(t *testing.T) {
			client := newFakeClient()
			client.fails = func([]string) error { // under the client's lock
				if len(fails) == 0 {
					return nil
				}
				err := fails[0]
				fails = fails[1:]
				return err
			}
			var mu sync.Mutex
			client.refuses = func(number string) error {
				mu.Lock()
				defer mu.Unlock()
				saved[number]++
				return nil
			}
			client.shows = func(number string) bool {
				mu.Lock()
				defer mu.Unlock()
				return saved[number] > 0
			}
			g := newGroupsForNew(client, sessions, Options{Bills: 4, Wait: 20 * time.Millisecond})
			var all sync.WaitGroup
			for _, number := range numbers {
				all.Go(func() {
					err := saveOne(t.Context(), g, number)
					for attempt := 2; err != nil; attempt++ {
						time.Sleep(max(time.Second, fault.As(err).Delay)) // as a retry of Temporal's, by the bubble's clock
						err = saveOne(WithAttempt(t.Context(), attempt), g, number)
					}
				})
			}
			all.Wait()
			for i := 0; len(fails) > 0; i++ {
				_ = saveOne(t.Context(), g, fmt.Sprint("meanwhile ", i))
			}
			for i := range growAfter * sessions * sessions {
				_ = saveOne(t.Context(), g, fmt.Sprint("later ", i))
			}
			synctest.Wait()
			calls, underWay = g.allowance.calls, g.underWay
		})
		// Outside of the bubble, where rapid finds the smallest case that fails.
		for _, number := range numbers {
			require.Equal(r, 1, saved[number], "bills %s", number)
		}
		require.Equal(r, sessions, calls)
		require.Zero(r, underWay)
	})
}
