package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// SaveOrder maps one order and sees to it that its bill is in Kingdee, once.
//
// The first attempt saves. Any later one looks first, because it can't know
// what became of the one before, and goes on from what it finds: absent, save;
// saved, submit; submitted, audit, as far as the flow wants it.
func (a *Activities) SaveOrder(ctx context.Context, params workflows.SaveOrderParams) (workflows.SaveOrderResult, error) {
	defer keepAlive(ctx)()
	result, err := a.saveOrder(ctx, params, activity.GetInfo(ctx).Attempt > 1)
	return result, toTemporal(err)
}

func (a *Activities) saveOrder(ctx context.Context, params workflows.SaveOrderParams, retried bool) (workflows.SaveOrderResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	if f.PickVersion != params.PickVersion {
		return workflows.SaveOrderResult{}, flowChanged(f, params)
	}
	bill, err := f.Bill(params.Order)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	b := &billToSave{flow: f, ledger: a.Ledger, request: BatchSaveRequest(f, bill), bill: bill, number: bill.Number}
	outcome, err := b.bring(ctx, params.Exists || retried)
	if err != nil {
		return workflows.SaveOrderResult{}, fmt.Errorf("售后单 order %s, 单据 bill %s: %w", params.Order.ID, bill.Number, err)
	}
	return workflows.SaveOrderResult{Outcome: outcome, BillNumber: bill.Number}, nil
}

// flowChanged keeps an order from being mapped by a flow that names other
// fields than those that were picked for it: they would look absent. It may be
// retried: while workers are replaced one by one, the next attempt can reach the
// right one.
func flowChanged(f *flow.Flow, params workflows.SaveOrderParams) error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  "flow_changed",
		Message: fmt.Sprintf("售后单 %s 按流程 %s 读取之后，该流程用到的字段变了。 The flow names other fields by now than when the order was read", params.Order.ID, f.Name),
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
	flow    *flow.Flow
	ledger  Ledger
	request kingdee.BatchSave
	bill    flow.Bill
	number  string
}

func (b *billToSave) bring(ctx context.Context, lookFirst bool) (workflows.Outcome, error) {
	if lookFirst {
		if bill, err := b.look(ctx); err != nil {
			return "", err
		} else if bill != nil {
			return workflows.Saved, b.finish(ctx, *bill)
		}
	}
	outcome := workflows.Saved
	switch err := b.save(ctx); {
	case isNumberUsed(err):
		outcome = workflows.AlreadySaved
	case err != nil:
		return "", err
	}
	if outcome == workflows.Saved && b.flow.Options.SubmitAndAudit == flow.SubmitAndAuditNone {
		return outcome, nil
	}
	bill, err := b.look(ctx)
	if err != nil {
		return "", err
	}
	if bill == nil {
		return "", notFound(b.number)
	}
	return outcome, b.finish(ctx, *bill)
}

// look finds the bill; nil if it does not exist.
func (b *billToSave) look(ctx context.Context) (*kingdee.Bill, error) {
	found, err := b.ledger.FindBills(ctx, b.request.FormID, []string{b.number})
	if err != nil {
		return nil, err
	}
	switch bills := found[b.number]; len(bills) {
	case 0:
		return nil, nil
	case 1:
		return &bills[0], nil
	default:
		return nil, doubleBill(b.number, bills)
	}
}

// save asks at the last moment which periods are closed: a bill that exists has
// its date, however long after it is looked at again.
func (b *billToSave) save(ctx context.Context) error {
	bill, err := b.flow.InOpenPeriod(b.bill, time.Now())
	if err != nil {
		return err
	}
	b.request.Model = []json.RawMessage{bill.Model}
	return only(b.ledger.BatchSave(ctx, b.request))
}

// finish submits and audits the bill, from wherever it stands.
func (b *billToSave) finish(ctx context.Context, bill kingdee.Bill) error {
	next := nextStep(b.flow, bill)
	if next == stepSubmit {
		if err := only(b.ledger.Submit(ctx, b.request.FormID, []string{b.number})); err != nil {
			return fmt.Errorf("提交失败 submit failed: %w", err)
		}
		next = stepAudit
	}
	if next == stepAudit {
		if err := only(b.ledger.Audit(ctx, b.request.FormID, []string{b.number})); err != nil {
			return fmt.Errorf("审核失败 audit failed: %w", err)
		}
	}
	return nil
}

// only is the outcome of a call about a single bill.
func only(results []kingdee.BillResult, err error) error {
	if err != nil {
		return err
	}
	return results[0].Err
}

func isNumberUsed(err error) bool {
	f := fault.As(err)
	return f != nil && f.Reason == kingdee.ReasonNumberUsed
}

// notFound is a bill that Kingdee calls saved and does not show. A look-up can
// be a moment behind a save.
func notFound(number string) error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  "bill_not_found",
		System:  "金蝶 Kingdee",
		Message: fmt.Sprintf("单据 %s 已保存或编号已被使用，但查询不到。 Bill %s is saved or its number used, but a look-up does not show it", number, number),
		Advice:  "检查集成用户是否有该组织单据的查看权限。 Check that the integration user may see bills of this organisation",
	}
}

func doubleBill(number string, bills []kingdee.Bill) error {
	var ids []string
	for _, bill := range bills {
		ids = append(ids, bill.ID)
	}
	return &fault.Error{
		Class:   fault.Final,
		Reason:  "double_bill",
		System:  "金蝶 Kingdee",
		Message: fmt.Sprintf("单据编号 %s 有 %d 张单据（FID %v）！ There are %d bills under number %s", number, len(bills), ids, len(bills), number),
		Advice:  "请财务核对并删除多余的，并在金蝶启用单据编号唯一性。 Have finance delete the surplus, and switch the uniqueness rule of bill numbers on",
	}
}
