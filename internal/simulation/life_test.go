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

// life is one world from its beginning until everything is quiet. It runs in a
// testing/synctest bubble, by its clock. A single thread, the life's own, decides
// everything from the seed: a goroutine of the product that calls out waits in park until
// the life lets it continue, alone.
type life struct {
	settings settings
	without  safeguard
	rand     *rand.Rand
	begun    time.Time

	events  events
	count   int  // of events and names, to make them unique
	woke    bool // a goroutine has continued since all were waiting
	mu      sync.Mutex
	arrived []*arrival // goroutines that arrived since then

	source    *source
	ledger    *ledger
	workers   []*worker
	runs      []*run
	watermark *time.Time
	down      map[bool]bool // the source is true, Kingdee false
	parked    map[string]*parked
	// onHold says that everything is held, as a Hold workflow does.
	onHold bool

	// inHand holds, by order, the versions that somebody is saving or has saved.
	inHand map[string][]*held

	calm  bool // the storms are over
	ended bool
	// open counts what must end before everything is quiet.
	open       int
	struck     map[string]int
	violations []string

	record bool
	lines  []string
}

// newLife starts a life.
func newLife(f *flow.Flow, r *rand.Rand, without safeguard, record bool) *life {
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

// event happens at an instant.
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

// after schedules an event, whatever happens to the workers.
func (l *life) after(d time.Duration, do func()) *event {
	l.count++
	e := &event{at: time.Now().Add(d), order: l.count, do: do}
	heap.Push(&l.events, e)
	return e
}

// longest bounds a life: if it is not quiet by then, it never will be.
const longest = 10 * 24 * time.Hour

// live runs the life until it ends or violates a law.
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

// receive handles the goroutines that arrived at one moment, in an order that does not
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

// answer lets the goroutine continue.
func (a *arrival) answer(v any) {
	if !a.answered {
		a.answered = true
		a.w.mu.Lock() // one that was answered a moment ago may park again meanwhile
		delete(a.w.inside, a)
		a.w.mu.Unlock()
		a.w.woke = true
		a.answers <- v
	}
}

// errGone is the answer to goroutines of a killed worker: they run to their end, and
// whatever they do is ignored.
var errGone = errors.New("the worker is gone")

// park blocks a goroutine until the life answers. key distinguishes it from all others
// that may arrive at the same moment.
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

// post is park for a goroutine that does not wait.
func (w *worker) post(key string, handle func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.gone {
		w.arrived = append(w.arrived, &arrival{key: w.name + " " + key, w: w, handle: func(*arrival) { handle() }, answered: true})
	}
}

// on schedules an event on a worker: it is delayed while the worker is suspended, and
// dropped if the worker is gone.
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

// between draws a duration; shorter ones are more likely.
func (l *life) between(shortest, longest time.Duration) time.Duration {
	part := l.rand.Float64()
	return shortest + time.Duration(part*part*float64(longest-shortest))
}

// held is a version of an order in the hands of somebody who may save it.
type held struct {
	changedAt, from, to time.Time
	active              bool
}

// hold records that somebody begins to save a version.
func (l *life) hold(order contract.Order) *held {
	h := &held{changedAt: order.ChangedAt, from: time.Now(), active: true}
	l.inHand[order.ID] = append(l.inHand[order.ID], h)
	return h
}

func (h *held) release() { h.to, h.active = time.Now(), false }

// overtaken reports whether an older version of an order was in somebody's hands at the
// same time as this one: work in flight can't be called back, so the older one may have
// arrived last.
func (l *life) overtaken(id string, changedAt time.Time) bool {
	for _, older := range l.inHand[id] {
		for _, newer := range l.inHand[id] {
			meanwhile := (older.active || older.to.After(newer.from)) && (newer.active || newer.to.After(older.from))
			if meanwhile && older.changedAt.Before(changedAt) && !newer.changedAt.Before(changedAt) {
				return true
			}
		}
	}
	return false
}

// chance draws an event with probability 1/n; it is never true once the storms are over.
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

// note records what happened, if somebody wants to read it.
func (l *life) note(format string, args ...any) {
	if l.record {
		l.lines = append(l.lines, fmt.Sprintf("%12s %s", time.Since(l.begun).Round(time.Millisecond), fmt.Sprintf(format, args...)))
	}
}
