package workflows

import "go.temporal.io/sdk/workflow"

// limit bounds what is in flight at a time. It is a workflow.Semaphore whose size may change
// while it is held.
type limit struct {
	// size is how much may be in flight now; 0 holds everything back.
	size func() int
	// over means that nothing more is begun: then nobody waits, and whoever gets a place
	// must check it.
	over  func() bool
	taken int
}

func newLimit(size func() int, over func() bool) *limit {
	return &limit{size: size, over: over}
}

// Acquire takes a place as soon as one is free. Its error is a cancellation.
func (l *limit) Acquire(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return l.free() > 0 || l.over() }); err != nil {
		return err
	}
	l.taken++
	return nil
}

func (l *limit) free() int { return l.size() - l.taken }

// Release frees a place.
func (l *limit) Release() { l.taken-- }
