// Package allowance divides the source's calls a second among the workers: each keeps to
// its share, so that all together keep to the limit without coordination.
package allowance

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// overdraft is how many calls a worker may be ahead of its share with calls that the
// server has limited already. One worker gets more than a few of these only while the
// others are busy; then its share has to limit them too, or all workers together would
// exceed the limit.
const overdraft = 5

const (
	// recount is how long a count of the workers is valid, and the delay before the next
	// attempt after a failed one.
	recount = 10 * time.Second
	// countTimeout bounds a count, since calls wait for it.
	countTimeout = 5 * time.Second
)

// Share is one worker's share of the calls a second. It is safe for concurrent use.
type Share struct {
	perSecond rate.Limit // of all workers
	count     func(context.Context) (int, error)

	mu       sync.Mutex
	workers  int       // 0 until they have been counted
	counted  time.Time // time of the last count, whose error is countErr
	countErr error
	// free is when the next call fits into the share.
	free time.Time
}

// New makes a worker's share of perSecond calls a second. count gives the number of
// workers, this one included; it is called before the first call, and later once its
// result is ten seconds old.
func New(perSecond rate.Limit, count func(context.Context) (workers int, err error)) *Share {
	return &Share{perSecond: perSecond, count: count}
}

type sharedKey struct{}

// Shared marks the calls made with the context as those of an activity that makes many
// calls. The server limits activities, not their calls, so the share has to.
func Shared(ctx context.Context) context.Context { return context.WithValue(ctx, sharedKey{}, true) }

// Wait returns when a call may be made. A call with a [Shared] context waits for this
// worker's share. Any other may be made at once, since the server has limited it, but
// counts against the share; it waits only if this worker got more than a few of these.
//
// The error is the context's or, for a shared call while the workers have never been
// counted, that of count; the call must not be made then. If a later count fails, the
// last number stays valid.
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

// take counts a call, or gives how long it has to wait.
func (s *Share) take(ahead int) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	each := time.Duration(float64(time.Second) * float64(max(s.workers, 1)) / float64(s.perSecond))
	if s.free.Before(now) {
		s.free = now
	}
	if wait = s.free.Sub(now) - time.Duration(ahead)*each; wait > 0 {
		return min(wait, recount) // by then there may be fewer workers
	}
	s.free = s.free.Add(each)
	return 0
}

// recount counts the workers if the last count is too old, once for all waiting calls.
// It fails only while their number has never been known.
func (s *Share) recount(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counted.IsZero() || time.Since(s.counted) >= recount {
		// Other calls use the result too.
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
