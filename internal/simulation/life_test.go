package simulation

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
)

// life is one world from its beginning until all is quiet. It runs within a bubble of
// testing/synctest, by whose clock it goes. Everything is decided by one thread, the
// life's own, from its seed: a goroutine of the product that reaches out of itself waits
// in park, and goes on when the life says so, by itself.
type life struct {
	settings settings
	without  mend
	rand     *rand.Rand
	begun    time.Time

	events  events
	count   int  // of events and names, to tell them apart
	woke    bool // a goroutine was let go since all were quiet
	mu      sync.Mutex
	arrived []*arrival // of goroutines, since then

	source    *source
	ledger    *ledger
	workers   []*worker
	runs      []*run
	watermark *time.Time
	down      map[bool]bool // the source by true, Kingdee by false
	parked    map[string]*parked

	// inHand are, by order, the versions that somebody saves, or did.
	inHand map[string][]*held

	calm  bool // the storms are over
	ended bool
	// open counts what is to come to an end before all is quiet.
	open       int
	struck     map[string]int
	violations []string

	record bool
	lines  []string
}

// newLife begins a life.
func newLife(f *flow.Flow, r *rand.Rand, without mend, record bool) *life {
	l := &life{
		settings: draw(r, f), without: without, rand: r, begun: time.Now(), record: record,
		parked: map[string]*parked{}, down: map[bool]bool{}, struck: map[string]int{},
		inHand: map[string][]*held{},
	}
	if without.draw != nil {
		without.draw(&l.settings)
	}
	l.source = &source{life: l, rows: map[string]*row{}, versions: map[string][]*row{}}
	l.ledger = &ledger{life: l, refusing: map[string]bool{}}
	for range l.settings.workers {
		l.workers = append(l.workers, l.newWorker())
	}
	l.schedule()
	l.storms()
	l.after(l.settings.storms, l.calmDown)
	return l
}

// event is something that happens at an instant.
type event struct {
	at      time.Time
	order   int
	do      func()
	stopped bool
}

type events []*event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].order < e[j].order
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(*event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// after has something happen, whatever becomes of the workers.
func (l *life) after(d time.Duration, do func()) *event {
	l.count++
	e := &event{at: time.Now().Add(d), order: l.count, do: do}
	heap.Push(&l.events, e)
	return e
}

// longest bounds a life: one that is not quiet by then never will be.
const longest = 10 * 24 * time.Hour

// live plays the life until it ends, or breaks a law.
func (l *life) live() {
	for l.woke = true; len(l.violations) == 0 && !l.ended; {
		for l.woke {
			synctest.Wait()
			l.woke = false
			l.receive()
		}
		next := heap.Pop(&l.events).(*event)
		if next.stopped {
			continue
		}
		time.Sleep(time.Until(next.at))
		next.do()
		if time.Since(l.begun) > longest {
			l.violate("it never becomes quiet")
		}
	}
	if l.ended {
		l.check()
	}
	for _, w := range l.workers {
		w.kill()
	}
}

// receive takes in what goroutines came with at one moment, in an order that does not
// depend on which of them ran first.
func (l *life) receive() {
	l.mu.Lock()
	arrived := l.arrived
	l.arrived = nil
	l.mu.Unlock()
	slices.SortStableFunc(arrived, func(a, b *arrival) int { return strings.Compare(a.key, b.key) })
	for _, a := range arrived {
		if a.w.gone {
			continue
		}
		a.handle(a)
	}
}

// arrival is a goroutine of a worker that waits for the life.
type arrival struct {
	key      string
	w        *worker
	handle   func(*arrival)
	answered bool
	answers  chan any
}

// answer lets the goroutine go on.
func (a *arrival) answer(v any) {
	if !a.answered {
		a.answered = true
		delete(a.w.inside, a)
		a.w.woke = true
		a.answers <- v
	}
}

// errGone is what the goroutines of a worker get that was killed: they come to their
// ends, and nobody heeds what they do.
var errGone = errors.New("the worker is gone")

// park has a goroutine wait until the life answers. key tells it from all others that
// may arrive at the same moment.
func (w *worker) park(key string, handle func(*arrival)) any {
	a := &arrival{key: w.name + " " + key, w: w, handle: handle, answers: make(chan any, 1)}
	w.mu.Lock()
	if w.gone {
		w.mu.Unlock()
		return errGone
	}
	w.arrived = append(w.arrived, a)
	w.inside[a] = true
	w.mu.Unlock()
	return <-a.answers
}

// tell is park for a goroutine that does not wait.
func (w *worker) tell(key string, handle func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.gone {
		w.arrived = append(w.arrived, &arrival{key: w.name + " " + key, w: w, handle: func(*arrival) { handle() }, answered: true})
	}
}

// on has something happen on a worker: later if it is suspended by then, and never if it
// is gone.
func (l *life) on(w *worker, d time.Duration, do func()) *event {
	var e *event
	e = l.after(d, func() {
		switch {
		case w.gone:
		case w.suspended:
			w.held = append(w.held, e)
		default:
			do()
		}
	})
	return e
}

// between draws a duration, more often a short one.
func (l *life) between(shortest, longest time.Duration) time.Duration {
	part := l.rand.Float64()
	return shortest + time.Duration(part*part*float64(longest-shortest))
}

// held is a version of an order in the hands of somebody who may save it.
type held struct {
	changedAt, from, to time.Time
	still               bool
}

// hold takes in that somebody begins to save a version.
func (l *life) hold(order contract.Order) *held {
	h := &held{changedAt: order.ChangedAt, from: time.Now(), still: true}
	l.inHand[order.ID] = append(l.inHand[order.ID], h)
	return h
}

func (h *held) release() { h.to, h.still = time.Now(), false }

// overtaken reports whether an older version of an order was in somebody's hands while
// this one was: nothing calls back what is under way, so that may have come in last.
func (l *life) overtaken(id string, changedAt time.Time) bool {
	for _, older := range l.inHand[id] {
		for _, newer := range l.inHand[id] {
			meanwhile := (older.still || older.to.After(newer.from)) && (newer.still || newer.to.After(older.from))
			if meanwhile && older.changedAt.Before(changedAt) && !newer.changedAt.Before(changedAt) {
				return true
			}
		}
	}
	return false
}

// chance draws whether something happens that does so in one of n cases; never once the
// storms are over.
func (l *life) chance(n int) bool { return !l.calm && n > 0 && l.rand.IntN(n) == 0 }

// strike counts a fault.
func (l *life) strike(fault string) {
	l.struck[fault]++
	l.note("%s", fault)
}

func (l *life) violate(format string, args ...any) {
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
	l.note("VIOLATION %s", l.violations[len(l.violations)-1])
}

// note writes down what happened, where somebody wants to read it.
func (l *life) note(format string, args ...any) {
	if l.record {
		l.lines = append(l.lines, fmt.Sprintf("%12s %s", time.Since(l.begun).Round(time.Millisecond), fmt.Sprintf(format, args...)))
	}
}
