package allowance

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"
)

func among(workers int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return workers, nil }
}

// calls makes calls one after the other and gives when each was allowed.
func calls(t *testing.T, ctx context.Context, share *Share, count int) (at []time.Duration) {
	t.Helper()
	begun := time.Now()
	for range count {
		require.NoError(t, share.Wait(ctx))
		at = append(at, time.Since(begun))
	}
	return at
}

func TestShare(t *testing.T) {
	for _, test := range []struct {
		name    string
		workers int
		// before is how many calls that the server has limited come first.
		before int
		want   []time.Duration
	}{
		{name: "a worker alone has all of it", workers: 1, want: []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond}},
		{name: "one of four has a quarter", workers: 4, want: []time.Duration{0, 800 * time.Millisecond, 1600 * time.Millisecond}},
		{name: "the server's calls count", workers: 1, before: 3, want: []time.Duration{600 * time.Millisecond, 800 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				share := New(5, among(test.workers))
				for _, at := range calls(t, t.Context(), share, test.before) {
					require.Zero(t, at, "a call that the server has limited doesn't wait")
				}
				require.Equal(t, test.want, calls(t, Shared(t.Context()), share, len(test.want)))
			})
		})
	}
}

// A worker that gets nearly all calls that the server allows is slowed down: the others
// use their shares.
func TestOverdraftIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := calls(t, t.Context(), New(1, among(2)), overdraft+3)
		require.Equal(t, []time.Duration{0, 2 * time.Second, 4 * time.Second}, at[overdraft:])
	})
}

func TestWorkersAreCounted(t *testing.T) {
	away := errors.New("the server is down")
	t.Run("after ten seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			workers, asked := 1, 0
			share := New(1, func(context.Context) (int, error) { asked++; return workers, nil })
			calls(t, Shared(t.Context()), share, 10) // the last one after 9 seconds
			require.Equal(t, 1, asked)
			workers = 4
			require.Equal(t, []time.Duration{time.Second, 5 * time.Second, 9 * time.Second}, calls(t, Shared(t.Context()), share, 3))
			require.Equal(t, 2, asked)
		})
	})
	t.Run("while a call waits for long", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			workers := 100
			share := New(1, func(context.Context) (int, error) { return workers, nil })
			calls(t, Shared(t.Context()), share, 1)
			workers = 1
			require.Equal(t, []time.Duration{100 * time.Second, 101 * time.Second}, calls(t, Shared(t.Context()), share, 2))
		})
	})
	t.Run("the last number stays valid while counting fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			err := error(nil)
			share := New(1, func(context.Context) (int, error) { return 2, err })
			calls(t, Shared(t.Context()), share, 1)
			err = away
			time.Sleep(time.Minute)
			require.Equal(t, []time.Duration{0, 2 * time.Second}, calls(t, Shared(t.Context()), share, 2))
		})
	})
	t.Run("only shared calls fail while the number was never known", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			err, asked := away, 0
			share := New(1, func(context.Context) (int, error) { asked++; return 1, err })
			require.ErrorIs(t, share.Wait(Shared(t.Context())), away)
			require.NoError(t, share.Wait(t.Context()))
			require.Equal(t, 1, asked, "a server that is down is not asked for every call")
			err = nil
			time.Sleep(recount)
			require.NoError(t, share.Wait(Shared(t.Context())))
		})
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share := New(0.001, among(1))
		calls(t, t.Context(), share, overdraft+1)
		begun := time.Now()
		for _, ctx := range []context.Context{t.Context(), Shared(t.Context()), Shared(t.Context())} {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			go func() { _ = share.Wait(ctx) }()
			require.ErrorIs(t, share.Wait(ctx), context.DeadlineExceeded)
		}
		require.Equal(t, 3*time.Second, time.Since(begun))
	})
}

// Law: whatever calls the workers get, no span has more of them than the rate allows,
// plus a few for each worker.
func TestTogetherTheyKeepToTheRate(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		perSecond := rapid.Float64Range(0.5, 50).Draw(r, "calls a second")
		workers := rapid.IntRange(1, 5).Draw(r, "workers")
		type caller struct {
			shared bool
			pauses []time.Duration // before each of its calls
		}
		pause := rapid.OneOf(rapid.Just(time.Duration(0)), rapid.Map(rapid.IntRange(0, 20_000), func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }))
		callers := make([][]caller, workers)
		for i := range callers {
			callers[i] = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) caller {
				return caller{rapid.Bool().Draw(r, "shared"), rapid.SliceOfN(pause, 1, 20).Draw(r, "pauses")}
			}), 0, 5).Draw(r, "callers")
		}
		var mu sync.Mutex
		var made []time.Time
		synctest.Test(t, func(t *testing.T) {
			var all sync.WaitGroup
			for _, ofOne := range callers {
				share := New(rate.Limit(perSecond), among(workers))
				for _, c := range ofOne {
					all.Go(func() {
						ctx := t.Context()
						if c.shared {
							ctx = Shared(ctx)
						}
						for _, pause := range c.pauses {
							time.Sleep(pause)
							if err := share.Wait(ctx); err != nil {
								t.Error(err)
							}
							mu.Lock()
							made = append(made, time.Now())
							mu.Unlock()
						}
					})
				}
			}
			all.Wait()
		})
		slices.SortFunc(made, time.Time.Compare)
		for first := range made {
			for last := first; last < len(made); last++ {
				span := made[last].Sub(made[first]) + time.Microsecond // the shares round
				most := perSecond*span.Seconds() + float64(workers*(overdraft+1))
				if calls := last - first + 1; float64(calls) > most {
					r.Fatalf("%d calls in %v, %.1f a second allowed to %d workers", calls, span, perSecond, workers)
				}
			}
		}
	})
}
