// Package simulation plays whole lives of the product in virtual time: what it does with
// orders, from the reading of pages to the last bill, between a source, a ledger and a
// Temporal in memory, while everything that can go wrong does. A life follows from its
// seed alone, and a seed that breaks a law plays again exactly; see docs/reliability.md.
//
// The product's own are the clients' groups, the booking, the activities, the reading of
// windows and their accounts, the arithmetic of ranges, and the rules of orders that
// wait. What the workflows do with these is told here once more, without Temporal.
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
	lives     = flag.Int("lives", 2000, "how many lives are played")
	again     = flag.Uint64("again", 50, "how many of them are played twice")
	firstSeed = flag.Uint64("first", 0, "the seed of the first")
	oneSeed   = flag.Int64("seed", -1, "have TestOneLife play this life and print all that happens")
)

// A life leaves hardly anything behind; what it does is mostly to allocate.
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

// play plays the life of a seed, without a mend, and with record writes down what happens.
func play(t *testing.T, f *flow.Flow, seed uint64, without mend, record bool) (l *life) {
	synctest.Test(t, func(*testing.T) {
		l = newLife(f, rand.New(rand.NewPCG(seed, 0)), without, record)
		l.live()
	})
	return l
}

// Whatever goes wrong, all orders have their bills in the end, and none has two.
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
					l := play(t, f, seed, mend{}, false)
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

// A life that is played again is the same, whatever order its goroutines ran in.
func TestALifePlaysAgain(t *testing.T) {
	f := loadFlow(t)
	for seed := range uint64(*again) {
		first, second := play(t, f, seed, mend{}, true), play(t, f, seed, mend{}, true)
		require.Equal(t, first.lines, second.lines, "seed %d", seed)
	}
}

// TestOneLife prints a life, for whoever wants to know why it failed.
func TestOneLife(t *testing.T) {
	if *oneSeed < 0 { // TestLives plays them all
		t.Skip("-seed says which")
	}
	l := play(t, loadFlow(t), uint64(*oneSeed), mend{}, true)
	fmt.Println(strings.Join(l.lines, "\n"))
	require.Empty(t, l.violations, "%+v", l.settings)
}
