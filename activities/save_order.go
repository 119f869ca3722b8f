package activities

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/booking"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// SaveOrder maps one order and sees to it that its bill is in Kingdee, once; see
// [booking.Book.Save]. An order that SyncPages has tried has had its first attempt.
func (a *Activities) SaveOrder(ctx context.Context, params workflows.SaveOrderParams) (workflows.SaveOrderResult, error) {
	defer keepAlive(ctx)()
	attempt := int(activity.GetInfo(ctx).Attempt)
	if params.Tried {
		attempt++
	}
	result, err := a.Save(groupcommit.WithAttempt(ctx, attempt), params, attempt > 1)
	return result, toTemporal(err)
}

// Save is SaveOrder without Temporal. retried tells that an attempt went before.
func (a *Activities) Save(ctx context.Context, params workflows.SaveOrderParams, retried bool) (workflows.SaveOrderResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	if f.PickVersion != params.PickVersion {
		if params.Exists {
			if saved, err := a.book(f, params.Run).IsSaved(ctx, params.Order); saved || err != nil {
				return workflows.SaveOrderResult{Outcome: tally.AlreadySaved, BillNumber: params.Order.BillNumber}, err
			}
		}
		return workflows.SaveOrderResult{}, flowChanged(f, params.Order.ID)
	}
	a.refreshTables(ctx, f)
	return a.saveOpened(ctx, f, params.Run, f.Open(params.Order), params.Exists, retried)
}

// saveOpened saves an order by the flow that it was opened by. Where it turns out to
// need no bill, a version of it that waits for one is told.
func (a *Activities) saveOpened(ctx context.Context, f *flow.Flow, run string, order *flow.Opened, exists, retried bool) (workflows.SaveOrderResult, error) {
	order, err := a.withTables(ctx, f, order)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	result, err := a.book(f, run).Save(ctx, order, exists, retried)
	if err == nil && result.Outcome.IsLeftOut() {
		err = a.settleParked(ctx, f.Name, []booking.Wanted{{OrderID: order.Order.ID, ChangedAt: order.Order.ChangedAt, LeftOut: result.Reason}})
	}
	return workflows.SaveOrderResult{
		Outcome: result.Outcome, BillNumber: result.BillNumber, Reason: result.Reason, Differences: result.Differences,
	}, err
}

// book books the orders of a flow in a run.
func (a *Activities) book(f *flow.Flow, run string) booking.Book {
	return booking.Book{Flow: f, Flows: a.Flows, Ledger: a.Ledger, Proofs: a.Proofs, Run: run}
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
		Advice:  text.Literal("重跑同一时段。 Run the range again"),
	}
}
