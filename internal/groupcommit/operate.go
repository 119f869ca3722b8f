package groupcommit

import (
	"context"
	"slices"

	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// Submit is [kingdee.Client.Submit]; its errors are as with Groups.BatchSave.
func (g *Groups) Submit(ctx context.Context, form kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return g.operate(ctx, operateCall{kingdee.MethodSubmit, form}, numbers)
}

// Audit is [kingdee.Client.Audit]; its errors are as with Groups.BatchSave.
func (g *Groups) Audit(ctx context.Context, form kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return g.operate(ctx, operateCall{kingdee.MethodAudit, form}, numbers)
}

func (g *Groups) operate(ctx context.Context, call operateCall, numbers []string) ([]kingdee.BillResult, error) {
	members := make([]*member, len(numbers))
	for i, number := range numbers {
		// A caller that submits or audits a bill has just looked it up.
		members[i] = &member{numbers: []string{number}, claim: &claim{call.name, numberOf{call.of.ID, number}}, allowedBy: g.now()}
	}
	return g.change(ctx, call, members)
}

// operateCall is a Submit or an Audit without its numbers.
type operateCall struct {
	name string
	of   kingdee.BillForm
}

func (c operateCall) method() string { return c.name }

func (c operateCall) form() kingdee.BillForm { return c.of }

// allows: a bill whose state has changed is looked up by its caller.
func (c operateCall) allows(m *member, found []kingdee.Bill) error {
	states := []string{"Z", "A"}
	if c.name == kingdee.MethodAudit {
		states = []string{"B"}
	}
	if len(found) == 1 && slices.Contains(states, found[0].DocumentStatus) {
		return nil
	}
	return kingdee.NotOperable(c.name, text.Errorf("not sent, because the bill's state changed while it waited"))
}

func (c operateCall) make(ctx context.Context, g *Groups, members []*member) error {
	operate := g.client.Submit
	if c.name == kingdee.MethodAudit {
		operate = g.client.Audit
	}
	results, err := operate(ctx, c.of, numbersOf(members))
	if err != nil {
		return err
	}
	for i, m := range members {
		m.result = results[i]
	}
	return nil
}

// inherit: a bill that was just submitted need not, and can't, be submitted twice.
func (c operateCall) inherit(end kingdee.BillResult) (kingdee.BillResult, bool) {
	return end, end.Err == nil || kingdee.IsOpen(end.Err)
}

// numbersOf joins the numbers of the members, in their order.
func numbersOf(members []*member) (numbers []string) {
	for _, m := range members {
		numbers = append(numbers, m.numbers...)
	}
	return numbers
}
