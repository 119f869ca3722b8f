package groupcommit

import (
	"context"
	"slices"
	"time"

	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// changingCall is a groupCall that changes bills, each by what a look-up showed of it.
type changingCall interface {
	groupCall
	form() string
	// textField is the text field to look up as well.
	textField() string
	// allows tells why a member must not go where a look-up shows these bills under
	// its number; nil if it may.
	allows(m *member, found []kingdee.Bill) error
}

// lookAgain sees to it that the members of a call go by look-ups that hold. What none
// allows is looked up in the call's own place, so that no queue lies between the two;
// a member that is not allowed after that gets its outcome. The others are given back.
func (g *Groups) lookAgain(ctx context.Context, call changingCall, members []*member, round int) []*member {
	var unsure []*member
	g.mu.Lock()
	now := g.now()
	for _, m := range members {
		if m.claim == nil { // without a number there is nothing to look up
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
	defer g.dispatch() // the look-up may have let one more call go, or a bill be free
	return slices.DeleteFunc(slices.Clone(members), func(m *member) bool {
		if m.result.Err == nil {
			return false
		}
		g.settle(m)
		return true
	})
}

func (g *Groups) lookUp(ctx context.Context, call changingCall, members []*member, round int) {
	look := &member{numbers: numbersOf(members)}
	began := g.now()
	err := g.call(ctx, findCall{formID: call.form(), textField: call.textField()}, []*member{look})
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

// isTooOld reports whether the look-up that allows the member does so no more.
func (g *Groups) isTooOld(m *member) bool {
	now := g.now()
	g.awake.tell(now)
	return now.since(m.allowedBy) >= lookUpHolds || !m.allowedBy.isAfter(g.awake.woke)
}

// longestNap is how long a process may be suspended without harm: what it has in hand
// is not given to another worker before. A heartbeat reaches the server every 5 s, and is
// missed after 15.
const longestNap = 5 * time.Second

// awake tells when the process was suspended last. No look-up from before that holds.
type awake struct {
	last  moment // when it was awake for sure
	woke  moment
	used  moment // when a call ended last
	timer Timer
}

// tell takes in that the process is awake.
func (a *awake) tell(now moment) {
	if now.since(a.last) >= longestNap {
		a.woke = now
	}
	a.last = now
}

// stayAwake tells so every second for as long as a look-up may hold: time in which
// nothing is asked for must not look like a suspension.
func (g *Groups) stayAwake() {
	if g.awake.timer != nil {
		return
	}
	g.awake.tell(g.now())
	g.awake.timer = g.options.Clock.AfterFunc(time.Second, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.awake.timer = nil
		if g.underWay > 0 || g.now().since(g.awake.used) < lookUpHolds {
			g.stayAwake()
		}
	})
}

// whileAllowed keeps a call from being sent once the look-up of one of its members
// holds no more: it may have waited for a session, a connection or a login, or the
// process may have been suspended.
func (g *Groups) whileAllowed(ctx context.Context, method string, members []*member) context.Context {
	return kingdee.WithSendCheck(ctx, func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !slices.ContainsFunc(members, func(m *member) bool { return m.claim != nil && g.isTooOld(m) }) {
			return nil
		}
		return kingdee.LookUpTooOld(method, text.Errorf(
			"not sent, because the bills were looked up over %v ago, or the process was suspended since", lookUpHolds))
	})
}
