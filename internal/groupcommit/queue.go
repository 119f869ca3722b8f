package groupcommit

import (
	"context"
	"slices"
	"time"

	"refundsync/internal/kingdee"
)

// patience bounds how long a group that is not full yields to full ones.
const patience = 25

// claim names a bill that one call at a time may save, submit or audit.
type claim struct {
	method string
	numberOf
}

// queueKey separates what can't share a call.
type queueKey struct {
	call groupCall
	most int // numbers in a call
}

// queue is the members that wait for one call, in order of arrival.
type queue struct {
	key     queueKey
	waiting []*member
}

// share puts the members of one caller into calls of at most size numbers, and waits
// until each has its outcome or ctx is done. The error is that of ctx.
func (g *Groups) share(ctx context.Context, call groupCall, size int, members []*member) error {
	if err := ctx.Err(); err != nil {
		return kingdee.NotSent(call.method(), err)
	}
	key := queueKey{call: call, most: most(ctx, size)}
	g.mu.Lock()
	for _, m := range members {
		m.ctx, m.key, m.done = ctx, key, make(chan struct{})
		g.join(m)
	}
	g.dispatch()
	g.mu.Unlock()

	for _, m := range members {
		select {
		case <-m.done:
		case <-ctx.Done():
			if g.withdraw(members) {
				return kingdee.Interrupted(ctx, call.method())
			}
			return kingdee.NotSent(call.method(), ctx.Err())
		}
	}
	return nil
}

// join puts a member into its queue, or behind the member that has its bill.
func (g *Groups) join(m *member) {
	if m.claim != nil {
		behind, taken := g.claims[*m.claim]
		if taken {
			g.claims[*m.claim] = append(behind, m)
			return
		}
		g.claims[*m.claim] = nil
	}
	g.enqueue(m)
}

func (g *Groups) enqueue(m *member) {
	q := g.queue(m.key)
	if q == nil {
		q = &queue{key: m.key}
		g.queues = append(g.queues, q)
	}
	m.since = time.Now()
	q.waiting = append(q.waiting, m)
}

// queue is nil if no member waits.
func (g *Groups) queue(key queueKey) *queue {
	for _, q := range g.queues {
		if q.key == key {
			return q
		}
	}
	return nil
}

// withdraw removes the members that were not sent, and reports whether one was sent.
func (g *Groups) withdraw(members []*member) (sent bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range members {
		sent = sent || m.sent
		is := func(other *member) bool { return other == m }
		if q := g.queue(m.key); q != nil && slices.ContainsFunc(q.waiting, is) {
			q.waiting = slices.DeleteFunc(q.waiting, is)
			g.prune()
			g.release(m.claim)
		} else if m.claim != nil && slices.ContainsFunc(g.claims[*m.claim], is) {
			g.claims[*m.claim] = slices.DeleteFunc(g.claims[*m.claim], is)
		}
	}
	g.dispatch()
	return sent
}

// prune drops empty queues.
func (g *Groups) prune() {
	g.queues = slices.DeleteFunc(g.queues, func(q *queue) bool { return len(q.waiting) == 0 })
}

// release gives a bill to the next member that waits for it.
func (g *Groups) release(c *claim) {
	if c == nil {
		return
	}
	behind := g.claims[*c]
	if len(behind) == 0 {
		delete(g.claims, *c)
		return
	}
	g.claims[*c] = behind[1:]
	g.enqueue(behind[0])
}

// dispatch sends groups while there are places, and sets a timer for the next group that
// is due.
func (g *Groups) dispatch() {
	if g.wake != nil {
		g.wake.Stop()
		g.wake = nil
	}
	for g.underWay < g.allowance.calls && len(g.queues) > 0 {
		q, wait := g.next()
		wait = max(wait, time.Until(g.allowance.resume))
		if wait > 0 {
			g.wake = g.options.Clock.AfterFunc(wait, func() {
				g.mu.Lock()
				defer g.mu.Unlock()
				g.dispatch()
			})
			return
		}
		g.underWay++
		g.stayAwake()
		go g.run(q.key.call, g.take(q), g.allowance.round)
	}
}

// next is the queue whose group is next, and how long until it is due: of those that are
// due, the one whose turn came first.
func (g *Groups) next() (next *queue, wait time.Duration) {
	now := time.Now()
	var turn time.Time
	for _, q := range g.queues {
		first := q.waiting[0].since
		due, its := time.Duration(0), first
		if q.numbers() < q.key.most {
			due, its = max(0, first.Add(g.options.Wait).Sub(now)), first.Add(patience*g.options.Wait)
		}
		if next == nil || due < wait || due == wait && its.Before(turn) {
			next, wait, turn = q, due, its
		}
	}
	return next, wait
}

func (q *queue) numbers() (n int) {
	for _, m := range q.waiting {
		n += len(m.numbers)
	}
	return n
}

// take removes a group from its queue: as many members as fit, and at least one.
func (g *Groups) take(q *queue) []*member {
	end, numbers := 0, 0
	for _, m := range q.waiting {
		numbers += len(m.numbers)
		if end > 0 && numbers > q.key.most {
			break
		}
		m.sent = true
		end++
	}
	group := slices.Clone(q.waiting[:end])
	q.waiting = slices.Delete(q.waiting, 0, end)
	g.prune()
	return group
}
