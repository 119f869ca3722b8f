package activities

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// SavePage does for the orders of a page, all at once so that they share calls,
// what [Activities.FindBills] does for a page and [Activities.SaveOrder] for one. It
// fails for no order: the result says of each what became of it. It fails as a whole
// where the worker has not the flow that the orders were read by, or Kingdee does not
// say which bills exist.
func (a *Activities) SavePage(ctx context.Context, params workflows.SavePageParams) (workflows.SavePageResult, error) {
	defer keepAlive(ctx)()
	attempt := int(activity.GetInfo(ctx).Attempt)
	result, err := a.savePage(kingdee.WithAttempt(ctx, attempt), params, attempt)
	return result, toTemporal(err)
}

func (a *Activities) savePage(ctx context.Context, params workflows.SavePageParams, attempt int) (result workflows.SavePageResult, err error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return result, err
	}
	if f.PickVersion != params.PickVersion {
		return result, flowChanged(f, fmt.Sprintf("%d 单", len(params.Orders)+len(params.LeftOut)))
	}
	if params.LookUp {
		if result.Found, err = a.findBills(ctx, workflows.FindBillsParams{Flow: params.Flow, Bills: billsOf(params)}); err != nil {
			return result, err
		}
		if attempt > workflows.PageAttempts {
			return result, nil
		}
	}
	orders := params.Orders
	if attempt == 1 {
		orders = withoutBill(orders, result.Found)
	}
	done, errs := make([]workflows.SaveOrderResult, len(orders)), make([]error, len(orders))
	var saves sync.WaitGroup
	for i, order := range orders {
		saves.Go(func() { done[i], errs[i] = a.saveOneOfPage(ctx, f, order, attempt > 1) })
	}
	saves.Wait()
	// What a cancelled activity could not finish has not failed.
	if err := ctx.Err(); err != nil {
		return workflows.SavePageResult{}, err
	}
	result.Done, result.NotDone = map[string]workflows.SaveOrderResult{}, map[string]workflows.NotDone{}
	for i, order := range orders {
		if errs[i] != nil {
			result.NotDone[order.ID] = notDone(errs[i])
		} else {
			result.Done[order.ID] = done[i]
		}
	}
	return result, nil
}

// billsOf are the bills to look up. An order whose bill number can't be computed
// fails when it is saved.
func billsOf(params workflows.SavePageParams) []workflows.OrderBill {
	bills := slices.Clone(params.LeftOut)
	for _, order := range params.Orders {
		if order.BillNumber != "" {
			bills = append(bills, workflows.BillOf(order))
		}
	}
	return bills
}

// withoutBill are the orders that have no bill yet. A later attempt takes none of
// them out: what it finds is most likely what an earlier one saved.
func withoutBill(orders []flow.Order, found workflows.FindBillsResult) []flow.Order {
	return slices.DeleteFunc(slices.Clone(orders), func(order flow.Order) bool {
		return slices.Contains(found.Finished, order.ID) || slices.Contains(found.Unfinished, order.ID)
	})
}

// saveOneOfPage takes a panic for the order's failure, as Temporal does with one of
// an activity: in a goroutine it would end the worker.
func (a *Activities) saveOneOfPage(ctx context.Context, f *flow.Flow, order flow.Order, retried bool) (result workflows.SaveOrderResult, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("售后单 order %s: panic: %v", order.ID, cause)
		}
	}()
	return a.saveOrderBy(ctx, f, order, false, retried)
}

func notDone(err error) workflows.NotDone {
	failure := workflows.NotDone{Reason: "unknown", Message: workflows.ShortMessage(err.Error())}
	if f := fault.As(err); f != nil {
		failure.Reason, failure.Final, failure.Delay = f.Reason, f.Class == fault.Final, f.Delay
	}
	return failure
}
