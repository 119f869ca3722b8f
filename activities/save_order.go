package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// SaveOrder maps one order and sees to it that its bill is in Kingdee, once.
//
// The first attempt saves, unless the bill is known to exist: whether a look-up that
// holds found none is seen to by [kingdee.Groups]. Any later one, and one of an order
// that SavePage has tried, looks first, because it can't know what became of the one
// before. It goes on from what it finds: absent, save; saved,
// submit; submitted, audit, as far as the flow wants it. A bill that is there is
// compared with the order by its mark: one made from an earlier version of the
// order is changed or reported, as the flow says, and one made from another order
// is left to a person. An order that is to be left out must have no bill.
func (a *Activities) SaveOrder(ctx context.Context, params workflows.SaveOrderParams) (workflows.SaveOrderResult, error) {
	defer keepAlive(ctx)()
	attempt := int(activity.GetInfo(ctx).Attempt)
	if params.Tried {
		attempt++
	}
	result, err := a.saveOrder(kingdee.WithAttempt(ctx, attempt), params, attempt > 1)
	return result, toTemporal(err)
}

func (a *Activities) saveOrder(ctx context.Context, params workflows.SaveOrderParams, retried bool) (workflows.SaveOrderResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	if f.PickVersion != params.PickVersion {
		if saved, err := a.isSavedByNow(ctx, f, params); saved || err != nil {
			return workflows.SaveOrderResult{Outcome: workflows.AlreadySaved, BillNumber: params.Order.BillNumber}, err
		}
		return workflows.SaveOrderResult{}, flowChanged(f, params.Order.ID)
	}
	return a.saveOpened(ctx, f, params.Run, f.Open(params.Order), params.Exists, retried)
}

// saveOpened saves an order by the flow that it was opened by.
func (a *Activities) saveOpened(ctx context.Context, f *flow.Flow, run string, opened *flow.Opened, exists, retried bool) (workflows.SaveOrderResult, error) {
	order := opened.Order
	reason, leaveOut, err := opened.Skip()
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	if leaveOut {
		return a.leaveOut(ctx, f, order, reason)
	}
	bill, err := opened.Bill()
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	b := &billToSave{flow: f, flows: a.Flows, run: run, ledger: a.Ledger, proofs: a.Proofs, bill: bill}
	outcome, err := b.bring(ctx, exists, retried)
	if err != nil {
		return workflows.SaveOrderResult{}, fmt.Errorf("售后单 order %s, 单据 bill %s: %w", order.ID, bill.Number, err)
	}
	return workflows.SaveOrderResult{Outcome: outcome, BillNumber: bill.Number, Differences: b.told}, nil
}

// isSavedByNow reports whether an order that may have a bill has one that was made
// from it, or from a later version, as its mark tells: a parked order that a later
// run read and saved by the changed flow is at its end.
func (a *Activities) isSavedByNow(ctx context.Context, f *flow.Flow, params workflows.SaveOrderParams) (bool, error) {
	order := params.Order
	if !params.Exists || order.BillNumber == "" || order.ChangedAt.IsZero() {
		return false, nil
	}
	found, err := findBill(ctx, a.Ledger, f, order.BillNumber)
	if err != nil || found == nil || found.Void {
		return false, err
	}
	mark, marked := flow.FindMark(found.Text)
	return marked && mark.OrderID == order.ID && !mark.ChangedAt.Before(order.ChangedAt.Truncate(time.Second)), nil
}

// flowChanged keeps an order from being mapped by a flow that names other
// fields than those that were picked for it: they would look absent. It may be
// retried: while workers are replaced one by one, the next attempt can reach the
// right one.
func flowChanged(f *flow.Flow, orders string) error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  "flow_changed",
		Message: fmt.Sprintf("售后单 %s 按流程 %s 读取之后，该流程用到的字段变了。 The flow names other fields by now than when the order was read", orders, f.Name),
		Advice:  "重跑同一时段。 Run the range again",
	}
}

// BatchSaveRequest is the call that saves a bill. The starter's preview shows
// it, so that what is shown is what is sent.
func BatchSaveRequest(f *flow.Flow, bill flow.Bill) kingdee.BatchSave {
	return kingdee.BatchSave{
		FormID:                f.Call.FormId,
		Operation:             f.Call.Operation,
		Model:                 []json.RawMessage{bill.Model},
		BatchCount:            f.Call.BatchCount,
		IsVerifyBaseDataField: f.Call.IsVerifyBaseDataField,
		IsAutoSubmitAndAudit:  f.Call.IsAutoSubmitAndAudit,
	}
}

// billToSave brings one bill as far as its flow wants it.
type billToSave struct {
	flow   *flow.Flow
	flows  flow.Flows // of the worker
	run    string     // see [workflows.SaveOrderParams]
	ledger Ledger
	proofs *Proofs
	bill   flow.Bill
	// told is what Kingdee has otherwise than the proof was sent.
	told string
}

func (b *billToSave) bring(ctx context.Context, exists, retried bool) (workflows.Outcome, error) {
	if exists || retried {
		found, err := b.look(ctx)
		if err != nil {
			return "", err
		}
		if found != nil {
			// What a later attempt finds is most likely what an earlier one saved.
			return b.settle(ctx, *found, retried)
		}
	}
	err := b.saveProven(ctx, retried)
	used := isNumberUsed(err)
	if err != nil && !used {
		return "", err
	}
	// A save that an earlier attempt gave up waiting for can have landed since the
	// look: where Kingdee has no rule that numbers are unique, the look that
	// follows finds two.
	if !used && !retried && b.flow.Options.SubmitAndAudit == flow.SubmitAndAuditNone {
		return workflows.Saved, nil
	}
	found, err := b.look(ctx)
	if err != nil {
		return "", err
	}
	if found == nil {
		return "", notShown(b.bill.Number, "", retried)
	}
	return b.settle(ctx, *found, !used)
}

func (b *billToSave) look(ctx context.Context) (*kingdee.Bill, error) {
	return findBill(ctx, b.ledger, b.flow, b.bill.Number)
}

// findBill finds the bill under a number; nil if there is none.
func findBill(ctx context.Context, ledger Ledger, f *flow.Flow, number string) (*kingdee.Bill, error) {
	found, err := ledger.FindBills(ctx, f.Call.FormId, flow.MarkField, []string{number})
	if err != nil {
		return nil, err
	}
	// A void bill books nothing, and stands in nobody's way but by its number.
	all := found[number]
	bills := slices.DeleteFunc(slices.Clone(all), func(bill kingdee.Bill) bool { return bill.Void })
	switch {
	case len(all) == 0:
		return nil, nil
	case len(bills) > 1:
		return nil, doubleBill(number, bills)
	case len(bills) == 0:
		return &all[0], nil
	case bills[0].Unreadable != "":
		return nil, kingdee.Unreadable(bills[0].Unreadable, bills[0].ID)
	}
	return &bills[0], nil
}

// save saves the bill anew. Which periods are closed it asks at the last moment: a
// bill that exists has its date, however long after it is looked at again.
func (b *billToSave) save(ctx context.Context) (*savedBill, error) {
	bill, err := b.flow.InOpenPeriod(b.bill, time.Now())
	if err != nil {
		return nil, err
	}
	result, err := b.send(ctx, bill.Model, nil)
	if result.ID == "" {
		return nil, err
	}
	return &savedBill{id: result.ID, bill: bill}, err
}

// send saves the bill, over another one unless that is nil. It gives what the reply says,
// also where the number is not the one that was sent.
func (b *billToSave) send(ctx context.Context, model json.RawMessage, over *kingdee.Bill) (kingdee.BillResult, error) {
	request := BatchSaveRequest(b.flow, b.bill)
	request.Model = []json.RawMessage{model}
	request.Over, request.TextField = over, flow.MarkField
	results, err := b.ledger.BatchSave(ctx, request)
	if err != nil {
		return kingdee.BillResult{}, err
	}
	result := results[0]
	if result.Err != nil {
		return kingdee.BillResult{}, result.Err
	}
	if result.Number != "" && result.Number != b.bill.Number {
		return result, renumbered(result.ID, b.bill.Number, result.Number)
	}
	return result, nil
}

// settle brings a bill that is there to the order as it is now, and as far as the
// flow wants it. ours tells that this activity saved it.
func (b *billToSave) settle(ctx context.Context, found kingdee.Bill, ours bool) (workflows.Outcome, error) {
	outcome := workflows.AlreadySaved
	if ours {
		outcome = workflows.Saved
	}
	if found.Void {
		return "", billVoid(found)
	}
	if found.Number != b.bill.Number {
		return "", renumbered(found.ID, b.bill.Number, found.Number)
	}
	if err := b.proveBy(ctx, found); err != nil {
		return "", err
	}
	changed, err := b.compare(ctx, found)
	if err != nil {
		return "", err
	}
	if changed {
		if found, err = b.update(ctx, found); err != nil {
			return "", err
		}
		outcome = workflows.Updated
	}
	finished, err := b.finish(ctx, found)
	if finished && outcome == workflows.AlreadySaved {
		outcome = workflows.Saved
	}
	return outcome, err
}

// finish submits and audits the bill, from wherever it stands, and tells whether
// there was anything to do.
func (b *billToSave) finish(ctx context.Context, found kingdee.Bill) (finished bool, err error) {
	numbers := []string{b.bill.Number}
	next := nextStep(b.flow, found)
	if next == stepSubmit {
		if err := only(b.ledger.Submit(ctx, b.flow.Call.FormId, numbers)); err != nil {
			return false, fmt.Errorf("提交失败 submit failed: %w", err)
		}
		next, finished = stepAudit, true
	}
	if next == stepAudit {
		if err := only(b.ledger.Audit(ctx, b.flow.Call.FormId, numbers)); err != nil {
			return false, fmt.Errorf("审核失败 audit failed: %w", err)
		}
		finished = true
	}
	return finished, nil
}

// only is the outcome of a call about a single bill.
func only(results []kingdee.BillResult, err error) error {
	if err != nil {
		return err
	}
	return results[0].Err
}
