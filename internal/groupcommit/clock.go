package groupcommit

import (
	"time"
)

// Clock is how a process tells the time.
type Clock interface {
	// Now gives the time by the two clocks of a process. The monotonic one stops while a
	// virtual machine is suspended; the wall clock can be set back.
	Now() (monotonic, wall time.Time)
	// AfterFunc is [time.AfterFunc].
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer stops a [Clock.AfterFunc].
type Timer interface{ Stop() bool }

// machine is the clock of this machine.
type machine struct{}

func (machine) Now() (monotonic, wall time.Time) {
	now := time.Now()
	return now, now.Round(0)
}

func (machine) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// moment is a reading of a [Clock].
type moment struct{ monotonic, wall time.Time }

func (g *Groups) now() moment {
	monotonic, wall := g.options.Clock.Now()
	return moment{monotonic, wall}
}

// since is the longer of the times elapsed on the two clocks.
func (m moment) since(earlier moment) time.Duration {
	return max(m.monotonic.Sub(earlier.monotonic), m.wall.Sub(earlier.wall))
}

// isAfter compares two moments of one process.
func (m moment) isAfter(other moment) bool { return m.monotonic.After(other.monotonic) }
