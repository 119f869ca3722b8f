package simulation

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

var errStopped = errors.New("stopped by a person")

// settings are drawn at the beginning of a life.
type settings struct {
	flow *flow.Flow
	// unique says that Kingdee requires unique numbers.
	unique bool
	// sessions, billsACall, pageSize, windowsAtOnce, inFlight and window are settings of
	// the worker and the flow.
	sessions, billsACall, pageSize, windowsAtOnce, inFlight int
	window                                                  time.Duration
	// newestFirst and endsOut are how the source sorts, and whether it excludes the ends
	// of a range.
	newestFirst, endsOut bool
	// workers is the number of workers at a time, orders the initial number of orders.
	workers, orders int
	// Each is n in a probability of 1/n: that a call meets a fault (faults), that before
	// a save a person enters a bill by hand (entries) or the worker stands still
	// (suspensions), that an order can't be parked (unparkable), and that a row becomes
	// visible late (lateRows).
	faults, entries, suspensions, unparkable, lateRows int
	// latency bounds how long a call is in flight, toStart how long an activity waits for
	// a worker, behind how stale look-ups are, and late how late an abandoned save lands.
	latency, toStart, behind, late time.Duration
	// storms is how long there are faults, changes the mean time between changes of
	// orders.
	storms, changes time.Duration
}

// pick draws one of several.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func draw(r *rand.Rand, f *flow.Flow) settings {
	own := *f
	own.Options.Existing = pick(r, flow.ExistingReport, flow.ExistingUpdate, flow.ExistingUpdate)
	own.Options.SubmitAndAudit = pick(r, flow.SubmitAndAuditNone, flow.SubmitAndAuditNone, flow.SubmitAndAuditExplicit, flow.SubmitAndAuditKingdee)
	own.Call.IsAutoSubmitAndAudit = own.Options.SubmitAndAudit == flow.SubmitAndAuditKingdee
	own.Options.Grain = pick(r, contract.GrainOrder, contract.GrainPage)
	s := settings{
		flow: &own, unique: r.IntN(3) > 0,
		sessions: 1 + r.IntN(3), billsACall: 1 + r.IntN(4), pageSize: 1 + r.IntN(4), windowsAtOnce: 1 + r.IntN(3), inFlight: 1 + r.IntN(4),
		window:      pick(r, 10*time.Minute, time.Hour, 6*time.Hour),
		newestFirst: r.IntN(2) == 0, endsOut: r.IntN(2) == 0,
		workers: 1 + r.IntN(3), orders: 2 + r.IntN(4), faults: pick(r, 5, 10, 30),
		latency: pick(r, 200*time.Millisecond, 2*time.Second, 30*time.Second),
		toStart: pick(r, 50*time.Millisecond, 50*time.Millisecond, 5*time.Minute),
		behind:  pick(r, 0, 0, 3*time.Second), late: 4 * time.Minute,
		storms: time.Duration(10+r.IntN(35)) * time.Minute, changes: 2 * time.Minute,
	}
	s.entries, s.suspensions, s.unparkable, s.lateRows = 10*s.faults, 10*s.faults, s.faults, 4
	if !s.unique {
		// Without unique numbers nothing keeps two workers apart within one moment, and a
		// save from landing late.
		s.workers, s.behind, s.late = 1, 0, 0
	}
	return s
}

// storms schedules faults, each now and then, for a while.
func (l *life) storms() {
	source := l.source
	for range l.settings.orders {
		source.create()
	}
	l.nowAndThen(l.settings.changes, source.change)
	l.nowAndThen(10*time.Minute, source.create)
	l.nowAndThen(20*time.Minute, l.ledger.audit)
	l.nowAndThen(40*time.Minute, func() { l.ledger.enter(pick(l.rand, l.source.ids...)) })
	l.nowAndThen(20*time.Minute, l.refuse)
	l.nowAndThen(40*time.Minute, func() { l.breakDown(true, "the source is down") })
	l.nowAndThen(40*time.Minute, func() { l.breakDown(false, "Kingdee is down") })
	l.nowAndThen(10*time.Minute, l.readByHand)
	l.nowAndThen(30*time.Minute, l.discard)
	l.nowAndThen(30*time.Minute, l.retry)
	l.nowAndThen(30*time.Minute, l.stopRun)
	l.nowAndThen(40*time.Minute, l.holdAll)
	l.nowAndThen(30*time.Minute, l.setClocks)
	l.nowAndThen(15*time.Minute, l.killWorker)
	l.nowAndThen(15*time.Minute, func() { l.standStill(pick(l.rand, l.workers...)) })
}

// nowAndThen calls do repeatedly, with the given mean time between calls.
func (l *life) nowAndThen(every time.Duration, do func()) {
	l.after(time.Duration(l.rand.ExpFloat64()*float64(every)), func() {
		if !l.calm {
			do()
			l.nowAndThen(every, do)
		}
	})
}

// refuse has Kingdee refuse a material for a while.
func (l *life) refuse() {
	material := pick(l.rand, "M1", "M2")
	l.ledger.refusing[material] = true
	l.after(l.between(time.Minute, 40*time.Minute), func() { delete(l.ledger.refusing, material) })
}

// breakDown makes a system unreachable for a while.
func (l *life) breakDown(source bool, fault string) {
	l.strike(fault)
	l.down[source] = true
	l.after(l.between(10*time.Second, 30*time.Minute), func() { delete(l.down, source) })
}

// readByHand starts a run over a range, beside all others.
func (l *life) readByHand() {
	l.strike("a run by hand overlaps others")
	from := l.source.now().Add(-l.between(time.Minute, 2*time.Hour)).Truncate(time.Second)
	l.newRun(&workflows.Window{From: from, To: from.Add(l.between(time.Minute, 3*time.Hour)).Truncate(time.Second)})
}

// waiting returns the orders that wait, by id.
func (l *life) waiting() (waiting []*parked) {
	for _, id := range slices.Sorted(maps.Keys(l.parked)) {
		if p := l.parked[id]; !p.over {
			waiting = append(waiting, p)
		}
	}
	return waiting
}

func (l *life) discard() {
	if waiting := l.waiting(); len(waiting) > 0 {
		p := pick(l.rand, waiting...)
		p.signal(func() {
			if !p.over {
				l.strike("a person discards an order")
				p.discarded = true
				p.end()
			}
		})
	}
}

func (l *life) retry() {
	if waiting := l.waiting(); len(waiting) > 0 {
		p := pick(l.rand, waiting...)
		l.strike("a person retries an order")
		p.signal(p.try)
	}
}

func (l *life) stopRun() {
	if len(l.runs) == 0 {
		return
	}
	if r := pick(l.rand, l.runs...); !r.over {
		l.strike("a run is stopped")
		r.stop(errStopped)
	}
}

// holdAll holds everything for a while. Runs under way are told later, those that began in
// the same moment much later.
func (l *life) holdAll() {
	if l.onHold {
		return
	}
	l.strike("everything is held")
	l.onHold = true
	l.after(l.between(time.Second, 40*time.Minute), l.release)
	l.tellRuns()
}

// release ends a hold.
func (l *life) release() {
	if !l.onHold {
		return
	}
	l.note("the hold is released")
	l.onHold = false
	l.tellRuns()
	for _, p := range l.waiting() {
		if p.putOff {
			p.signal(p.try)
		}
	}
}

// tellRuns has the runs under way look whether everything is held, in rounds while it is.
func (l *life) tellRuns() {
	for _, r := range l.runs {
		l.after(l.between(0, time.Minute), func() {
			// A run that has not loaded its flow answers in a later round.
			if !r.over && !r.span.To.IsZero() && r.waits != l.onHold {
				r.waits = l.onHold
				r.goOn()
			}
		})
	}
	if l.onHold {
		l.after(5*time.Minute, func() {
			if l.onHold {
				l.tellRuns()
			}
		})
	}
}

// setClocks sets the clocks of the source and of a worker.
func (l *life) setClocks() {
	l.strike("a clock is set")
	l.source.ahead = l.between(0, 4*time.Minute) - 2*time.Minute
	pick(l.rand, l.workers...).ahead = l.between(0, 20*time.Minute) - 10*time.Minute
}

// killWorker kills a worker; another one replaces it.
func (l *life) killWorker() {
	i := l.rand.IntN(len(l.workers))
	if l.workers[i].gone || !l.settings.unique && len(l.workers) > 1 {
		return
	}
	l.strike("a worker is killed")
	l.workers[i].kill()
	// Whatever it has sent arrives before another can look.
	l.after(l.settings.latency+l.between(time.Second, 5*time.Minute), func() { l.workers[i] = l.newWorker() })
}

// standStill has a worker, or its machine, stand still for a while. If Kingdee does not
// require unique numbers, another may take over its work meanwhile, but not run beside
// it.
func (l *life) standStill(w *worker) {
	if w.suspended || w.gone || !l.settings.unique && len(l.workers) > 1 {
		return
	}
	asleep, away := l.chance(2), l.between(time.Second, 30*time.Minute)
	if asleep {
		l.strike("a worker's machine sleeps")
	} else {
		l.strike("a worker is suspended")
	}
	w.suspend()
	if !l.settings.unique && away > 10*time.Minute {
		l.after(l.settings.latency, func() {
			if w.gone {
				return
			}
			other := l.newWorker()
			l.workers = append(l.workers, other)
			l.after(away-5*time.Minute-l.settings.latency, func() {
				l.workers = l.workers[:1]
				other.kill()
			})
		})
	}
	l.after(away, func() {
		if !w.gone {
			w.resume(asleep)
		}
	})
}

// calmDown ends the storms and repairs what is broken.
func (l *life) calmDown() {
	l.note("CALM")
	l.calm = true
	clear(l.ledger.refusing)
	clear(l.down)
	l.source.ahead = 0
	l.release()
}

// schedule starts a run every ten minutes, unless the previous one is still in progress,
// until one that began after everything became visible has ended.
func (l *life) schedule() {
	const every = 10 * time.Minute
	source := l.settings.flow.Source
	shown := l.begun.Add(l.settings.storms + source.Lag + source.Overlap)
	var last *run
	var tick func()
	tick = func() {
		if last != nil && last.completed && last.began.After(shown) {
			for _, p := range l.waiting() {
				p.signal(p.try)
			}
			l.end()
			return
		}
		if last == nil || last.over {
			last = l.newRun(nil)
		}
		l.after(every, tick)
	}
	l.after(time.Second, tick)
}

// end ends the life once nothing is in progress, and every order that still waits was
// attempted after the storms.
func (l *life) end() {
	l.ended = l.open == 0 && !slices.ContainsFunc(l.waiting(), func(p *parked) bool { return !p.triedInCalm })
	if !l.ended {
		l.after(time.Minute, l.end)
	}
}
