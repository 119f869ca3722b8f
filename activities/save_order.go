package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/booking"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// SaveOrder maps one order and ensures that its bill is in Kingdee, once; see
// [booking.Book.Save]. It does nothing about an order that a person has discarded. An attempt by SyncPages counts as the first.
func (a *Activities) SaveOrder(ctx context.Context, params workflows.SaveOrderParams) (workflows.SaveOrderResult, error) {
	defer keepAlive(ctx)()
	attempt := int(activity.GetInfo(ctx).Attempt)
	if params.Attempted {
		attempt++
	}
	result, err := a.Save(groupcommit.WithAttempt(ctx, attempt), params, attempt > 1)
	return result, toTemporal(err)
}

// Save is SaveOrder without Temporal. retried means that it is not the first attempt.
func (a *Activities) Save(ctx context.Context, params workflows.SaveOrderParams, retried bool) (workflows.SaveOrderResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	if discarded, err := a.isDiscarded(ctx, f.Name, params.Order, params.DiscardsAsOf); discarded || err != nil {
		return leftOutAsDiscarded(params.Order), err
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

func leftOutAsDiscarded(order contract.Order) workflows.SaveOrderResult {
	return workflows.SaveOrderResult{Outcome: tally.LeftOut, BillNumber: order.BillNumber, Reason: contract.ReasonDiscarded}
}

// saveOpened saves an order by the flow that opened it. If the order needs no bill, or a run
// finishes a bill that was there, its parked version is told. The bill may be of a version
// before the parked one, and does not show by itself that the latter is over.
func (a *Activities) saveOpened(ctx context.Context, f *flow.Flow, run string, order *flow.Opened, exists, retried bool) (workflows.SaveOrderResult, error) {
	order, err := a.withTables(ctx, f, order)
	if err != nil {
		return workflows.SaveOrderResult{}, err
	}
	result, err := a.book(f, run).Save(ctx, order, exists, retried)
	if err == nil && (result.Outcome.IsLeftOut() || exists && run != "" && result.Outcome.HasBill()) {
		err = a.resolveParked(ctx, f.Name, []booking.Wanted{{OrderID: order.Order.ID, ChangedAt: order.Order.ChangedAt, LeftOut: result.Reason}})
	}
	return workflows.SaveOrderResult{
		Outcome: result.Outcome, BillNumber: result.BillNumber, Amount: result.Amount, Reason: result.Reason, Differences: result.Differences,
		Unlinked: result.Unlinked,
	}, err
}

// book books the orders of a flow in a run.
func (a *Activities) book(f *flow.Flow, run string) booking.Book {
	return booking.Book{Flow: f, Flows: a.Flows, Ledger: a.Ledger, Proofs: a.Proofs, Turns: a.Turns, Run: run}
}

// flowChanged keeps an order from being mapped by a flow that names other fields than those
// that were picked for it: they would look absent. It is retried, because while workers are
// replaced one by one, the next attempt can reach the right one.
func flowChanged(f *flow.Flow, orderID string) error {
	return &fault.Error{
		Class:  fault.Retry,
		Reason: "flow_changed",
		Err:    text.Errorf("flow %s uses other fields now than when order %s was read", f.Name, orderID),
		Advice: text.New("Run the same range again"),
	}
}
