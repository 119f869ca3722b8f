package activities

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// FindBills asks Kingdee which of a page's bills exist, how far they have gone,
// and whether they were made from the orders as they are now.
func (a *Activities) FindBills(ctx context.Context, params workflows.FindBillsParams) (workflows.FindBillsResult, error) {
	defer keepAlive(ctx)()
	result, err := a.findBills(kingdee.WithAttempt(ctx, int(activity.GetInfo(ctx).Attempt)), params)
	return result, toTemporal(err)
}

func (a *Activities) findBills(ctx context.Context, params workflows.FindBillsParams) (workflows.FindBillsResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.FindBillsResult{}, err
	}
	if len(params.Bills) == 0 {
		return workflows.FindBillsResult{}, nil
	}
	numbers := make([]string, len(params.Bills))
	for i, bill := range params.Bills {
		numbers[i] = bill.Number
	}
	found, err := a.Ledger.FindBills(ctx, f.Call.FormId, flow.MarkField, numbers)
	if err != nil {
		return workflows.FindBillsResult{}, fmt.Errorf("查询已存在的单据失败 looking up the bills that exist failed: %w", err)
	}
	var result workflows.FindBillsResult
	var settled []workflows.OrderBill
	for _, wanted := range params.Bills {
		switch bills := found[wanted.Number]; {
		case len(bills) == 1 && isFinished(f, wanted, bills[0]):
			result.Finished = append(result.Finished, wanted.OrderID)
			wanted.LeftOut = false // a later version has its bill
			settled = append(settled, wanted)
		case len(bills) > 0:
			result.Unfinished = append(result.Unfinished, wanted.OrderID)
		case wanted.LeftOut:
			settled = append(settled, wanted)
		}
	}
	return result, a.settleParked(ctx, params.Flow, settled)
}

func isFinished(f *flow.Flow, wanted workflows.OrderBill, bill kingdee.Bill) bool {
	if bill.Void || bill.Unreadable != "" || bill.Number != wanted.Number {
		return false
	}
	mark := f.Mark(flow.Order{ID: wanted.OrderID, ChangedAt: wanted.ChangedAt, BillHash: wanted.Hash})
	kinship := mark.Kinship(bill.Text)
	return (kinship == flow.Same || kinship == flow.Newer) && nextStep(f, bill) == stepNone
}

// step is what a bill needs next.
type step int

const (
	stepNone step = iota
	stepSubmit
	stepAudit
)

// nextStep reads a bill's FDocumentStatus: Z draft, A created, B under review,
// C audited, D re-opened. A bill that a person has re-opened is left to them.
func nextStep(f *flow.Flow, bill kingdee.Bill) step {
	if f.Options.SubmitAndAudit == flow.SubmitAndAuditNone {
		return stepNone
	}
	switch bill.DocumentStatus {
	case "Z", "A":
		return stepSubmit
	case "B":
		return stepAudit
	default:
		return stepNone
	}
}
