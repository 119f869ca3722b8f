package testkit

import (
	"fmt"
	"testing"
	"time"
)

// Patience is how long tests wait for a state. It is generous, for busy machines.
const Patience = 3 * time.Minute

const shortestInterval, longestInterval = 5 * time.Millisecond, 250 * time.Millisecond

// Wait polls, in the test's own goroutine, until the state holds. After Patience it
// fails the test and names what it waited for, which is a format with its arguments.
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
