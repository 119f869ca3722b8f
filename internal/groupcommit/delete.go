package groupcommit

import (
	"context"

	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// Delete is [kingdee.Client.Delete] for a bill that is unchanged, its note included, when
// the request is sent. No bill is saved under its number meanwhile, and a new one only
// after another look-up.
func (g *Groups) Delete(ctx context.Context, form kingdee.BillForm, bill kingdee.Bill) error {
	m := &member{numbers: []string{bill.Number}, over: &bill, claim: &claim{kingdee.MethodBatchSave, numberOf{form.ID, bill.Number}}}
	if err := g.share(ctx, deleteCall{form}, 1, []*member{m}); err != nil {
		return err
	}
	return m.result.Err
}

// deleteCall is a Delete without its bill.
type deleteCall struct{ of kingdee.BillForm }

func (c deleteCall) method() string { return kingdee.MethodDelete }

func (c deleteCall) form() kingdee.BillForm { return c.of }

func (c deleteCall) allows(m *member, found []kingdee.Bill) error {
	if len(found) == 1 && found[0] == *m.over {
		return nil
	}
	return kingdee.NumberUsed(c.method(), text.Errorf("not deleted, because a look-up just before showed that the bill has changed"))
}

func (c deleteCall) make(ctx context.Context, g *Groups, members []*member) error {
	m := members[0]
	err := g.client.Delete(ctx, c.of, *m.over)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known.saveEnded(g.now(), m.claim.numberOf, true)
	return err
}

// inherit: a member that waits to save a bill under the number is sent.
func (c deleteCall) inherit(kingdee.BillResult) (kingdee.BillResult, bool) {
	return kingdee.BillResult{}, false
}
