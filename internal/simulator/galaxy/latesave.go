package galaxy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lateSaves are pending saves whose callers have already had an answer, or never will.
type lateSaves struct {
	ctx     context.Context
	stop    context.CancelFunc
	group   sync.WaitGroup
	pending atomic.Int64
}

func newLateSaves() *lateSaves {
	l := &lateSaves{}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// start runs save after a delay, unless close is called first.
func (l *lateSaves) start(delay time.Duration, save func()) {
	l.pending.Add(1)
	l.group.Go(func() {
		defer l.pending.Add(-1)
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			save()
		case <-l.ctx.Done():
		}
	})
}

// close drops the saves that have not begun, as a server that is switched off does, and
// waits for the others.
func (l *lateSaves) close() {
	l.stop()
	l.group.Wait()
}
