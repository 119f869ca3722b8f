package groupcommit

import (
	"context"
	"slices"
	"time"

	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// changingCall is a groupCall that changes bills, each allowed by a look-up.
type changingCall interface {
	groupCall
	form() kingdee.BillForm
	// allows is nil if a member may be sent when a look-up shows these bills under its
	// number, and otherwise its outcome.
	allows(m *member, found []kingdee.Bill) error
}

// refreshLookUps ensures that the members of a call have fresh look-ups. Members without
// one are looked up in the call's own place, so that there is no queue between look-up
// and call; those that are then not allowed get their outcome. It returns the others.
func (g *Groups) refreshLookUps(ctx context.Context, call changingCall, members []*member, round int) []*member {
	var unsure []*member
	g.mu.Lock()
	now := g.now()
	for _, m := range members {
		if m.claim == nil { // a bill without a number can't be looked up
			continue
		}
		if m.isNew {
			if g.known.isSaved(now, m.claim.numberOf) {
				m.result.Err = justSaved(call.method())
				continue
			}
			m.allowedBy = g.known.allowedBy(m.claim.numberOf)
		}
		if g.isTooOld(m) {
			unsure = append(unsure, m)
		}
	}
	g.mu.Unlock()
	if len(unsure) > 0 {
		g.lookUp(ctx, call, unsure, round)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.dispatch() // the look-up may have raised the allowance or released a bill
	return slices.DeleteFunc(slices.Clone(members), func(m *member) bool {
		if m.result.Err == nil {
			return false
		}
		g.finish(m)
		return true
	})
}

func (g *Groups) lookUp(ctx context.Context, call changingCall, members []*member, round int) {
	look := &member{numbers: numbersOf(members)}
	began := g.now()
	err := g.call(ctx, findCall{call.form()}, []*member{look})
	for _, m := range members {
		if err != nil {
			m.result.Err = err
			continue
		}
		m.allowedBy = began
		m.result.Err = call.allows(m, look.found[m.numbers[0]])
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learn(round, err)
}

// isTooOld reports whether the look-up that allowed the member has expired.
func (g *Groups) isTooOld(m *member) bool {
	now := g.now()
	g.awake.mark(now)
	return now.since(m.allowedBy) >= lookUpTTL || !m.allowedBy.isAfter(g.awake.woke)
}

// longestNap is how long a process may be suspended without harm: its activities are not
// given to another worker before. A heartbeat is sent every 5 s, and missed after 15.
const longestNap = 5 * time.Second

// awake detects suspensions of the process, which expire all earlier look-ups.
type awake struct {
	last  moment // when it was known to be awake
	woke  moment // after the last suspension
	used  moment // when the last call ended
	timer Timer
}

// mark records that the process is awake.
func (a *awake) mark(now moment) {
	if now.since(a.last) >= longestNap {
		a.woke = now
	}
	a.last = now
}

// stayAwake marks the process as awake every second while a look-up may be fresh, so that
// idle time does not look like a suspension.
func (g *Groups) stayAwake() {
	if g.awake.timer != nil {
		return
	}
	g.awake.mark(g.now())
	g.awake.timer = g.options.Clock.AfterFunc(time.Second, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.awake.timer = nil
		if g.underWay > 0 || g.now().since(g.awake.used) < lookUpTTL {
			g.stayAwake()
		}
	})
}

// whileAllowed prevents a call from being sent once the look-up of one of its members has
// expired: the call may have waited for a session, a connection or a login, or the
// process may have been suspended.
func (g *Groups) whileAllowed(ctx context.Context, method string, members []*member) context.Context {
	return kingdee.WithSendCheck(ctx, func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !slices.ContainsFunc(members, func(m *member) bool { return m.claim != nil && g.isTooOld(m) }) {
			return nil
		}
		return kingdee.LookUpTooOld(method, text.Errorf(
			"not sent, because the bills were looked up over %v ago, or the process was suspended since", lookUpTTL))
	})
}
