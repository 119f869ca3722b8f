// Package simulation plays whole lives of the product in virtual time: everything it does
// with orders, from reading pages to the last bill, against a source, a ledger and a
// Temporal in memory, while everything that can go wrong does. A life depends only on its
// seed, so a seed that violates a law can be replayed exactly; see docs/reliability.md.
//
// The clients' groups, the booking, the activities, the reading of windows and their
// tallies, the arithmetic of ranges, and the rules of parked orders are the product's
// own. What the workflows do with these is repeated here without Temporal.
package simulation

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
)

var (
	lives     = flag.Int("lives", 1000, "how many lives are played")
	replays   = flag.Uint64("replays", 50, "how many of them are played twice")
	firstSeed = flag.Uint64("first", 0, "the seed of the first")
	oneSeed   = flag.Int64("seed", -1, "have TestOneLife play this life and print all that happens")
)

// A life keeps almost nothing in memory, but allocates a lot.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1000)
	os.Exit(m.Run())
}

func loadFlow(t testing.TB) *flow.Flow {
	t.Helper()
	f, err := flowfile.Load("testdata/flow.yaml")
	require.NoError(t, err)
	return f
}

// play plays the life of a seed, without a safeguard. With record it records what
// happens.
func play(t *testing.T, f *flow.Flow, seed uint64, without safeguard, record bool) (l *life) {
	synctest.Test(t, func(*testing.T) {
		l = newLife(f, rand.New(rand.NewPCG(seed, 0)), without, record)
		l.live()
	})
	return l
}

// Whatever goes wrong, in the end every order has its bill, and none has two.
func TestLives(t *testing.T) {
	count := *lives
	if testing.Short() || raceDetector {
		count = min(count, 200)
	}
	var played atomic.Int64
	var mu sync.Mutex
	struck := map[string]int{}
	begun := time.Now()
	t.Run("side by side", func(t *testing.T) {
		f := loadFlow(t)
		for shard := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					number := played.Add(1)
					if number > int64(count) {
						return
					}
					seed := *firstSeed + uint64(number-1)
					l := play(t, f, seed, safeguard{}, false)
					if len(l.violations) > 0 {
						t.Errorf("seed %d: %s\nto see it: go test ./internal/simulation -run TestOneLife -seed %[1]d", seed, strings.Join(l.violations, "\n"))
					}
					mu.Lock()
					for fault, times := range l.struck {
						struck[fault] += times
					}
					mu.Unlock()
				}
			})
		}
	})
	if testing.Verbose() {
		fmt.Printf("%d lives in %s\n", count, time.Since(begun).Round(time.Second))
		for _, fault := range slices.Sorted(maps.Keys(struck)) {
			fmt.Printf("%10d  %s\n", struck[fault], fault)
		}
	}
}

// A life is the same when replayed, whatever order its goroutines ran in.
func TestLivesAreReproducible(t *testing.T) {
	f := loadFlow(t)
	for seed := range uint64(*replays) {
		first, second := play(t, f, seed, safeguard{}, true), play(t, f, seed, safeguard{}, true)
		require.Equal(t, first.lines, second.lines, "seed %d", seed)
	}
}

// TestOneLife prints a life, to find out why it failed.
func TestOneLife(t *testing.T) {
	if *oneSeed < 0 { // TestLives plays them all
		t.Skip("-seed says which")
	}
	l := play(t, loadFlow(t), uint64(*oneSeed), safeguard{}, true)
	fmt.Println(strings.Join(l.lines, "\n"))
	require.Empty(t, l.violations, "%+v", l.settings)
}
