package workflows

import (
	"math"

	"go.temporal.io/sdk/workflow"
)

// limit bounds what is under way at a time. It is a workflow.Semaphore whose
// size may change while it is held.
type limit struct {
	// size is how much may be under way now; 0 holds all that is new back.
	size func() int
	// over tells that nothing more is begun: nobody is kept waiting then, and
	// who gets a place must ask the same.
	over  func() bool
	taken int64
}

func newLimit(size func() int, over func() bool) *limit {
	return &limit{size: size, over: over}
}

// Acquire takes n places as soon as they are free. More than there are at all
// wait until nothing else is under way. Its error is a cancellation.
func (l *limit) Acquire(ctx workflow.Context, n int64) error {
	if err := workflow.Await(ctx, func() bool { return l.free() >= n || l.over() }); err != nil {
		return err
	}
	l.taken += n
	return nil
}

func (l *limit) free() int64 {
	size := int64(l.size())
	if size > 0 && l.taken == 0 {
		return math.MaxInt64
	}
	return size - l.taken
}

// Release gives n places back.
func (l *limit) Release(n int64) {
	l.taken -= n
}
