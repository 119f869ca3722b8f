package groupcommit

import (
	"context"
	"time"

	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

func (g *Groups) run(call groupCall, members []*member, round int) {
	g.options.Observer.Waited(call.method(), time.Since(members[0].since))
	g.send(call, members, round)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underWay--
	g.awake.used = g.now()
	g.dispatch()
}

// send makes the call for the members, or several calls if one member may be why it
// failed.
func (g *Groups) send(call groupCall, members []*member, round int) {
	// The caller of this ctx may give up, but the others have not.
	ctx := context.WithoutCancel(members[0].ctx)
	if change, ok := call.(changingCall); ok {
		if members = g.refreshLookUps(ctx, change, members, round); len(members) == 0 {
			return
		}
		ctx = g.whileAllowed(ctx, call.method(), members)
	}
	err := g.call(ctx, call, members)
	apart := err != nil && len(members) > 1 && kingdee.MayBeOneBill(err)
	if save, ok := call.(saveCall); apart && ok && save.isAutoSubmitAndAudit {
		err, apart = refusedAfterSave(call.method(), err), false
	}
	if apart {
		half := len(members) / 2
		g.send(call, members[:half], round)
		g.send(call, members[half:], round)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learn(round, err)
	for _, m := range members {
		if err != nil {
			m.result.Err = err
		}
		g.finish(m)
	}
	g.dispatch()
}

// learn adapts the allowance to the end of a call.
func (g *Groups) learn(round int, err error) {
	before := g.allowance.calls
	g.allowance.ended(round, err)
	if g.allowance.calls != before {
		g.options.Observer.Allowed(g.allowance.calls)
	}
}

// call makes the call. A panic becomes a reply that was not understood, as Temporal turns
// one into the failure of an activity: here it would end the worker.
func (g *Groups) call(ctx context.Context, call groupCall, members []*member) (err error) {
	begun := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			err = kingdee.Malformed(call.method(), text.Errorf("panic: %v", cause))
		}
		g.options.Observer.Called(call.method(), len(numbersOf(members)), time.Since(begun), err)
	}()
	return call.make(ctx, g, members)
}

// finish gives a member its outcome, and its bill to the next member that waits for it.
func (g *Groups) finish(m *member) {
	close(m.done)
	if m.claim == nil {
		return
	}
	end, done := m.key.call.inherit(m.result)
	if done && m.claim.method == kingdee.MethodBatchSave {
		g.known.saveEnded(g.now(), m.claim.numberOf, m.result.Err != nil)
	}
	if !done {
		g.release(m.claim)
		return
	}
	for _, behind := range g.claims[*m.claim] {
		behind.result = end
		close(behind.done)
	}
	delete(g.claims, *m.claim)
}
