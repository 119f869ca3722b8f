package groupcommit

import (
	"context"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// BatchSave is [kingdee.Client.BatchSave], except that the error of the call as a whole
// is in the result of each of its bills. The error returned is only that of ctx.
func (g *Groups) BatchSave(ctx context.Context, b kingdee.BatchSave) ([]kingdee.BillResult, error) {
	call := saveCall{
		of:                    b.Form,
		operation:             b.Operation,
		batchCount:            b.BatchCount,
		isVerifyBaseDataField: b.IsVerifyBaseDataField,
		isAutoSubmitAndAudit:  b.IsAutoSubmitAndAudit,
	}
	members := make([]*member, len(b.Model))
	for i, bill := range b.Model {
		number := b.Form.NumberOf(bill)
		members[i] = &member{numbers: []string{number}, bill: bill, isNew: b.Over == nil, over: b.Over}
		if number != "" {
			members[i].claim = &claim{kingdee.MethodBatchSave, numberOf{b.Form.ID, number}}
		}
	}
	return g.change(ctx, call, members)
}

// change gives one result per member, in order.
func (g *Groups) change(ctx context.Context, call groupCall, members []*member) ([]kingdee.BillResult, error) {
	if err := g.share(ctx, call, g.options.Bills, members); err != nil {
		return nil, err
	}
	results := make([]kingdee.BillResult, len(members))
	for i, m := range members {
		results[i] = m.result
	}
	return results, nil
}

// saveCall is a BatchSave without its bills.
type saveCall struct {
	of                    kingdee.BillForm
	operation             string
	batchCount            int
	isVerifyBaseDataField bool
	isAutoSubmitAndAudit  bool
}

func (c saveCall) method() string { return kingdee.BatchSave{Operation: c.operation}.Method() }

func (c saveCall) form() kingdee.BillForm { return c.of }

// allows a new bill if there is none, and an overwrite if the bill is as the caller saw
// it.
func (c saveCall) allows(m *member, found []kingdee.Bill) error {
	switch {
	case m.isNew && len(found) == 0, !m.isNew && len(found) == 1 && found[0] == *m.over:
		return nil
	case m.isNew:
		return kingdee.NumberUsed(c.method(), text.Errorf("not sent, because a look-up just before showed a bill with this number"))
	default:
		return kingdee.NumberUsed(c.method(), text.Errorf("not sent, because a look-up just before showed that the bill has changed"))
	}
}

func (c saveCall) make(ctx context.Context, g *Groups, members []*member) error {
	b := kingdee.BatchSave{
		Form:                  c.of,
		Operation:             c.operation,
		BatchCount:            c.batchCount,
		IsVerifyBaseDataField: c.isVerifyBaseDataField,
		IsAutoSubmitAndAudit:  c.isAutoSubmitAndAudit,
	}
	for _, m := range members {
		b.Model = append(b.Model, m.bill)
	}
	results, err := g.client.BatchSave(ctx, b)
	if err != nil {
		return err
	}
	for i, m := range members {
		m.result = results[i]
	}
	return nil
}

// refusedAfterSave makes a refusal an open outcome: the bill is looked up before a retry,
// which continues from its state.
func refusedAfterSave(method string, err error) error {
	refusal := fault.As(err)
	f := kingdee.Unclear(method, text.Errorf("refused, but possibly saved before that: %s", refusal.What()))
	f.Code = refusal.Code
	return f
}

func justSaved(method string) error {
	return kingdee.NumberUsed(method, text.Errorf("not sent, because another call of this worker has just saved this number"))
}

// inherit refuses to save a bill that was just saved, as a tenant does that has the rule
// that numbers are unique: the caller then looks the bill up. An open outcome is open
// for both. After a refusal the member is sent, because its bill may differ.
func (c saveCall) inherit(end kingdee.BillResult) (kingdee.BillResult, bool) {
	switch {
	case end.Err == nil:
		return kingdee.BillResult{Err: justSaved(c.method())}, true
	case kingdee.IsOpen(end.Err):
		return kingdee.BillResult{Err: end.Err}, true
	case fault.Is(end.Err, fault.Final) && c.isAutoSubmitAndAudit:
		return kingdee.BillResult{Err: refusedAfterSave(c.method(), end.Err)}, true
	default:
		return kingdee.BillResult{}, false
	}
}
