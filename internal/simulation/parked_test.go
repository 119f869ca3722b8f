package simulation

import (
	"time"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// parked is an order that waits, as a ParkedOrder workflow does.
type parked struct {
	*life
	workflows.ParkedOrderState
	trying bool
	// putOff says that an attempt waits for the end of a hold.
	putOff bool
	timer  *event
	over   bool
	// discarded says that a person has discarded the order.
	discarded bool
	// versions and others are the signals that arrived during an attempt.
	versions []workflows.ParkedVersion
	others   []func()
	// triedInCalm says that an attempt was made after the storms.
	triedInCalm bool
}

// park parks an order, or sends its version to one that is already parked; end is called
// with its outcome.
func (l *life) park(order contract.Order, failure tally.Failure, end func(tally.Outcome, tally.Failure)) {
	l.open++
	l.after(l.latency(), func() {
		l.open--
		if l.chance(l.settings.unparkable) {
			l.strike("an order can't be parked")
			end(tally.Unparked, failure)
			return
		}
		version := workflows.ParkedVersion{PickVersion: l.settings.flow.PickVersion, Order: order, Failure: failure}
		held := l.parked[order.ID]
		switch {
		case held != nil && !held.over:
			held.update(version)
			end(tally.Parked, failure)
		case l.isDiscarded(order):
			end(tally.LeftOut, tally.Failure{Reason: contract.ReasonDiscarded})
		default:
			l.note("%s is parked: %s", order.ID, failure.Reason)
			p := &parked{life: l, ParkedOrderState: workflows.ParkedOrderState{Version: version}}
			l.parked[order.ID] = p
			p.wait()
			end(tally.NewlyParked, failure)
		}
	})
}

// isDiscarded reports whether a person has discarded the order as it is.
func (l *life) isDiscarded(order contract.Order) bool {
	p := l.parked[order.ID]
	return p != nil && p.discarded && p.Version.Order.Covers(order)
}

// wait retries after a while.
func (p *parked) wait() { p.timer = p.after(workflows.ParkedWait(p.Attempts), p.try) }

// signal calls do once no attempt is in progress, unless a later version comes first.
func (p *parked) signal(do func()) {
	if p.trying {
		p.others = append(p.others, do)
		return
	}
	do()
}

// update receives a version from a later run.
func (p *parked) update(version workflows.ParkedVersion) {
	if p.trying {
		p.versions = append(p.versions, version)
	} else if p.take(version) {
		p.try()
	}
}

func (p *parked) take(version workflows.ParkedVersion) (worthIt bool) {
	held := p.Version.Order
	if p.without.olderParked {
		p.Version.Order.ChangedAt = time.Time{}
	}
	worthIt = p.Take(version)
	if p.Version.Order.ChangedAt.Before(held.ChangedAt) {
		p.violate("order %s waits in a version older than the one before", held.ID)
	}
	return worthIt
}

// settled receives a version that needs nothing.
func (p *parked) settled(version workflows.ResolvedVersion) {
	p.signal(func() {
		if !p.over && p.Resolves(version) {
			p.strike("a parked order is told that it needs nothing")
			p.end()
		}
	})
}

func (p *parked) try() {
	if p.over || p.trying {
		return
	}
	p.stopWaiting()
	if p.putOff = p.onHold; p.putOff {
		p.strike("an attempt at a parked order is put off")
		return
	}
	p.trying = true
	calm, order := p.calm, p.Version.Order
	p.executeSave("parked", workflows.SaveOrderParams{Order: order, Exists: true}, func(_ workflows.SaveOrderResult, err error) {
		p.trying = false
		p.triedInCalm = p.triedInCalm || calm
		p.afterAttempt(err)
	})
}

// afterAttempt continues after an attempt, depending on what has arrived meanwhile.
func (p *parked) afterAttempt(err error) {
	versions, others := p.versions, p.others
	p.versions, p.others = nil, nil
	if err != nil {
		p.Attempts++
		p.Version.Failure.Reason = reasonOf(err)
	}
	newer := false
	for _, version := range versions {
		newer = p.take(version) || newer
	}
	switch {
	case newer:
		p.try() // what ends an earlier version does not end a later one
	case err == nil:
		p.end()
	default:
		p.wait()
		for _, signal := range others {
			p.signal(signal)
		}
	}
}

func (p *parked) stopWaiting() {
	if p.timer != nil {
		p.timer.stopped = true
	}
}

func (p *parked) end() {
	p.over = true
	p.stopWaiting()
	p.note("%s waits no more", p.Version.Order.ID)
}
