package galaxy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lateSaves are the saves whose callers have had an answer already, or none,
// and that are still to land.
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

// start runs save after a delay, unless they are closed before.
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

// close drops the saves that have not begun, as a server does that is
// switched off, and waits for the others.
func (l *lateSaves) close() {
	l.stop()
	l.group.Wait()
}
