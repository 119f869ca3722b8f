package testkit

import (
	"fmt"
	"testing"
	"time"
)

// Patience is how long a state is waited for, on a machine that does much else.
const Patience = 3 * time.Minute

const shortestInterval, longestInterval = 5 * time.Millisecond, 250 * time.Millisecond

// Wait looks, in the test's own goroutine, until the state holds. After Patience it
// fails the test with what was waited for, a format of the arguments.
func Wait(t testing.TB, what string, state func() bool, args ...any) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for interval := shortestInterval; !state(); interval = min(interval*5/4, longestInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", Patience, fmt.Sprintf(what, args...))
		}
		time.Sleep(interval)
	}
}
