// Package allowance shares the source's calls a second among the workers: each keeps to
// its part, so that together they keep to the whole, without asking one another.
package allowance

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// overdraft is how many calls a worker may be ahead of its share with those that the
// server has counted already. More than a few only come to one worker if the others are
// busy; then the share holds them up as well, or all together would be too fast.
const overdraft = 5

const (
	// recount is how long a number of workers holds, and how long it is before they are
	// counted again where that failed.
	recount = 10 * time.Second
	// countTimeout bounds the counting: calls wait for it.
	countTimeout = 5 * time.Second
)

// Share is one worker's part of the calls a second. It may be used by many goroutines
// at once.
type Share struct {
	perSecond rate.Limit // of all workers
	count     func(context.Context) (int, error)

	mu       sync.Mutex
	workers  int       // 0 until they have been counted
	counted  time.Time // when they were last, with countErr
	countErr error
	// free is when the calls that were made are paid for.
	free time.Time
}

// New gives a share of perSecond calls a second. count tells between how many workers
// they are shared, this one included; it is asked before the first call, and again once
// its answer is ten seconds old.
func New(perSecond rate.Limit, count func(context.Context) (workers int, err error)) *Share {
	return &Share{perSecond: perSecond, count: count}
}

type sharedKey struct{}

// Shared marks the calls made with the context as those of an activity that makes many:
// the server, which counts activities, does not limit them, so the share does.
func Shared(ctx context.Context) context.Context { return context.WithValue(ctx, sharedKey{}, true) }

// Wait returns when a call may be made. One by a context that is [Shared] waits for this
// worker's share. Any other is made at once, since the server has limited it, but counts
// against the share; it waits only where more than a few of them have come to this worker.
//
// The error is the context's, or for a shared call that of count, where the workers have
// never been counted; no call is to be made then. Where they have, the last number holds.
func (s *Share) Wait(ctx context.Context) error {
	shared := ctx.Value(sharedKey{}) != nil
	ahead := overdraft
	if shared {
		ahead = 0
	}
	for {
		if err := s.recount(ctx); err != nil && shared {
			return err
		}
		wait := s.take(ahead)
		if wait <= 0 {
			return ctx.Err()
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take makes a call count, unless it has to wait: then it says how long.
func (s *Share) take(ahead int) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	each := time.Duration(float64(time.Second) * float64(max(s.workers, 1)) / float64(s.perSecond))
	if s.free.Before(now) {
		s.free = now
	}
	if wait = s.free.Sub(now) - time.Duration(ahead)*each; wait > 0 {
		return min(wait, recount) // there may be fewer workers by then
	}
	s.free = s.free.Add(each)
	return 0
}

// recount counts the workers if that was too long ago, once for all that wait. It fails
// as long as their number is not known at all.
func (s *Share) recount(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counted.IsZero() || time.Since(s.counted) >= recount {
		// Others rely on the answer as well.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout)
		defer cancel()
		workers, err := s.count(ctx)
		if err == nil {
			s.workers = workers
		}
		s.counted, s.countErr = time.Now(), err
	}
	if s.workers > 0 {
		return nil
	}
	return s.countErr
}
