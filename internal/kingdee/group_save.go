package kingdee

import (
	"bytes"
	"context"
	"encoding/json"

	"refundsync/internal/fault"
)

// BatchSave is [Client.BatchSave], except that what the call as a whole failed
// with stands in the result of each bill that was in it. The error is that of
// ctx alone.
func (g *Groups) BatchSave(ctx context.Context, b BatchSave) ([]BillResult, error) {
	call := saveCall{
		formID:                b.FormID,
		operation:             b.Operation,
		batchCount:            b.BatchCount,
		isVerifyBaseDataField: b.IsVerifyBaseDataField,
		isAutoSubmitAndAudit:  b.IsAutoSubmitAndAudit,
	}
	members := make([]*member, len(b.Model))
	for i, bill := range b.Model {
		number := billNumber(bill)
		members[i] = &member{numbers: []string{number}, bill: bill}
		if number != "" {
			members[i].claim = &claim{batchSave, b.FormID, number}
		}
	}
	return g.change(ctx, call, members)
}

// change gives one result a member, in their order.
func (g *Groups) change(ctx context.Context, call groupCall, members []*member) ([]BillResult, error) {
	if err := g.share(ctx, call, g.options.Bills, members); err != nil {
		return nil, err
	}
	results := make([]BillResult, len(members))
	for i, m := range members {
		results[i] = m.result
	}
	return results, nil
}

// billNumber is "" for a bill without a number, to which Kingdee gives one, and
// for what is no bill. It reads no further than the number, which stands near the
// beginning.
func billNumber(bill json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(bill))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		var number looseText
		if name == "FBillNo" {
			// What is no number leaves it empty.
			_ = decoder.Decode(&number)
			return string(number)
		}
		var other json.RawMessage
		if decoder.Decode(&other) != nil {
			return ""
		}
	}
	return ""
}

// saveCall is a BatchSave but for its bills.
type saveCall struct {
	formID, operation     string
	batchCount            int
	isVerifyBaseDataField bool
	isAutoSubmitAndAudit  bool
}

func (c saveCall) method() string { return BatchSave{Operation: c.operation}.operation() }

func (c saveCall) make(ctx context.Context, client groupClient, members []*member) error {
	b := BatchSave{
		FormID:                c.formID,
		Operation:             c.operation,
		BatchCount:            c.batchCount,
		IsVerifyBaseDataField: c.isVerifyBaseDataField,
		IsAutoSubmitAndAudit:  c.isAutoSubmitAndAudit,
	}
	for _, m := range members {
		b.Model = append(b.Model, m.bill)
	}
	results, err := client.BatchSave(ctx, b)
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
	f := unclear.failure(method, "被拒绝，但可能已经保存："+fault.As(err).Message+"。 Refused, and perhaps saved before.")
	f.Code, f.Err = fault.As(err).Code, err
	return f
}

// inherit says to who would save a bill that was just saved what a tenant with
// the rule that a number is unique says: the caller then looks at that bill. An
// open outcome is open for both. A bill that was refused may be another one this
// time.
func (c saveCall) inherit(end BillResult) (BillResult, bool) {
	switch {
	case end.Err == nil:
		return BillResult{Err: numberUsed.failure(c.method(),
			"同一个 worker 里另一次调用刚刚保存了这个单据编号，没有再发出。 Another call of this worker has just saved this number; it was not sent again.")}, true
	case isOpen(end.Err):
		return BillResult{Err: end.Err}, true
	case fault.Is(end.Err, fault.Final) && c.isAutoSubmitAndAudit:
		return BillResult{Err: refusedAfterSave(c.method(), end.Err)}, true
	default:
		return BillResult{}, false
	}
}
