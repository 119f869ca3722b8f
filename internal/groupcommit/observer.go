package groupcommit

import (
	"time"
)

// Observer is told what groups do, for metrics. Its methods are called by
// many goroutines at once, and hold up a call until they return.
type Observer interface {
	// Waited tells how long the first member of a group has waited until the
	// group went: for others to share the call, and for a session. call is the
	// method's name, such as batchSave.
	Waited(call string, wait time.Duration)
	// Called tells of a call that has ended: how many bills or numbers it held,
	// and what it failed with as a whole. took includes logging in where that was
	// needed.
	Called(call string, size int, took time.Duration, err error)
	// Allowed tells that another number of calls may be under way at a time from
	// now on: fewer because Kingdee can't take more, or more again. Until then it
	// is as many as there are sessions. It must call no groups.
	Allowed(calls int)
}

// nobody is the observer of groups that have none.
type nobody struct{}

func (nobody) Waited(string, time.Duration)             {}
func (nobody) Called(string, int, time.Duration, error) {}
func (nobody) Allowed(int)                              {}
