package groupcommit

import (
	"time"
)

// Observer is notified of what groups do, for metrics. Its methods are called
// concurrently, and delay a call until they return.
type Observer interface {
	// Waited reports how long the first member of a group waited for others to share
	// the call, and for a session. call is the method's name, such as batchSave.
	Waited(call string, wait time.Duration)
	// Called reports a call that has ended: its bills or numbers, and its error as a
	// whole. took includes a login.
	Called(call string, size int, took time.Duration, err error)
	// Allowed reports that the number of calls that may be in flight has changed. At
	// first it is the number of sessions. It must not call Groups.
	Allowed(calls int)
}

// noObserver is the default observer.
type noObserver struct{}

func (noObserver) Waited(string, time.Duration)             {}
func (noObserver) Called(string, int, time.Duration, error) {}
func (noObserver) Allowed(int)                              {}
