package groupcommit

import (
	"context"

	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// Delete is [kingdee.Client.Delete] for a bill that is unchanged, textField included, when
// the request is sent. No bill is saved under its number meanwhile, and a new one only
// after another look-up.
func (g *Groups) Delete(ctx context.Context, formID, textField string, bill kingdee.Bill) error {
	m := &member{numbers: []string{bill.Number}, over: &bill, claim: &claim{kingdee.MethodBatchSave, numberOf{formID, bill.Number}}}
	if err := g.share(ctx, deleteCall{formID, textField}, 1, []*member{m}); err != nil {
		return err
	}
	return m.result.Err
}

// deleteCall is a Delete without its bill.
type deleteCall struct{ formID, text string }

func (c deleteCall) method() string { return kingdee.MethodDelete }

func (c deleteCall) form() string { return c.formID }

func (c deleteCall) textField() string { return c.text }

func (c deleteCall) allows(m *member, found []kingdee.Bill) error {
	if len(found) == 1 && found[0] == *m.over {
		return nil
	}
	return kingdee.NumberUsed(c.method(), text.Errorf("not deleted, because a look-up just before showed that the bill has changed"))
}

func (c deleteCall) make(ctx context.Context, g *Groups, members []*member) error {
	m := members[0]
	err := g.client.Delete(ctx, c.formID, c.text, *m.over)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known.saveEnded(g.now(), m.claim.numberOf, true)
	return err
}

// inherit: a member that waits to save a bill under the number is sent.
func (c deleteCall) inherit(kingdee.BillResult) (kingdee.BillResult, bool) {
	return kingdee.BillResult{}, false
}
