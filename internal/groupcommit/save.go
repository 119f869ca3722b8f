package groupcommit

import (
	"context"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// BatchSave is [kingdee.Client.BatchSave], except that what the call as a whole failed
// with stands in the result of each bill that was in it. The error is that of
// ctx alone.
func (g *Groups) BatchSave(ctx context.Context, b kingdee.BatchSave) ([]kingdee.BillResult, error) {
	call := saveCall{
		formID:                b.FormID,
		operation:             b.Operation,
		batchCount:            b.BatchCount,
		isVerifyBaseDataField: b.IsVerifyBaseDataField,
		isAutoSubmitAndAudit:  b.IsAutoSubmitAndAudit,
		text:                  b.TextField,
	}
	members := make([]*member, len(b.Model))
	for i, bill := range b.Model {
		number := kingdee.BillNumber(bill)
		members[i] = &member{numbers: []string{number}, bill: bill, isNew: b.Over == nil, over: b.Over}
		if number != "" {
			members[i].claim = &claim{kingdee.MethodBatchSave, numberOf{b.FormID, number}}
		}
	}
	return g.change(ctx, call, members)
}

// change gives one result a member, in their order.
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

// saveCall is a BatchSave but for its bills.
type saveCall struct {
	formID, operation     string
	batchCount            int
	isVerifyBaseDataField bool
	isAutoSubmitAndAudit  bool
	text                  string
}

func (c saveCall) method() string { return kingdee.BatchSave{Operation: c.operation}.Method() }

func (c saveCall) form() string { return c.formID }

func (c saveCall) textField() string { return c.text }

// allows a new bill where there is none, and one that is saved over another where that
// is as the caller saw it.
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
		FormID:                c.formID,
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

// refusedAfterSave makes a refusal an open outcome: the bill is looked up before
// another attempt, and goes on from where it stands.
func refusedAfterSave(method string, err error) error {
	refusal := fault.As(err)
	f := kingdee.Unclear(method, text.Errorf("refused, but possibly saved before that: %s", refusal.What()))
	f.Code = refusal.Code
	return f
}

func justSaved(method string) error {
	return kingdee.NumberUsed(method, text.Errorf("not sent, because another call of this worker has just saved this number"))
}

// inherit says to who would save a bill that was just saved what a tenant with
// the rule that a number is unique says: the caller then looks at that bill. An
// open outcome is open for both. A bill that was refused may be another one this
// time.
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
