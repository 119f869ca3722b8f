package kingdee

import (
	"context"
	"fmt"
	"slices"
)

// changingCall is a groupCall that changes bills, each by what a look-up showed of it.
type changingCall interface {
	groupCall
	form() string
	// textField is the text field to look up as well.
	textField() string
	// allows tells why a member must not go where a look-up shows these bills under
	// its number; nil if it may.
	allows(m *member, found []Bill) error
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
		if m.isTooOld(now) {
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
func (m *member) isTooOld(now moment) bool { return now.since(m.allowedBy) >= lookUpHolds }

type beforeSentKey struct{}

// beforeSent has the requests of a ctx checked while they are written: one for which
// check gives an error is not sent to its end.
func beforeSent(ctx context.Context, check func() error) context.Context {
	return context.WithValue(ctx, beforeSentKey{}, check)
}

// whileAllowed keeps a call from being sent once the look-up of one of its members
// holds no more: it may have waited for a session, a connection or a login, or the
// process may have been suspended.
func (g *Groups) whileAllowed(ctx context.Context, method string, members []*member) context.Context {
	return beforeSent(ctx, func() error {
		now := g.now()
		if !slices.ContainsFunc(members, func(m *member) bool { return m.claim != nil && m.isTooOld(now) }) {
			return nil
		}
		return lookUpTooOld.failure(method, fmt.Sprintf(
			"距离上次查询单据超过 %[1]v，没有发出。 The bills were looked up more than %[1]v ago; not sent.", lookUpHolds))
	})
}
