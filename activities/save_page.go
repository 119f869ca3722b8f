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
	if params.Tried {
		attempt++
	}
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
		if result.Found, err = a.findBills(ctx, workflows.FindBillsParams{Flow: params.Flow, Bills: billsOf(params.LeftOut, params.Orders)}); err != nil {
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
	opened := make([]*flow.Opened, len(orders))
	for i, order := range orders {
		opened[i] = f.Open(order)
	}
	if result.Done, result.NotDone, err = a.saveTogether(ctx, f, params.Run, opened, attempt > 1); err != nil {
		return workflows.SavePageResult{}, err
	}
	return result, nil
}

// saveTogether saves orders all at once. The error is that of ctx alone: what a
// cancelled activity could not finish has not failed.
func (a *Activities) saveTogether(ctx context.Context, f *flow.Flow, run string, orders []*flow.Opened, retried bool) (map[string]workflows.SaveOrderResult, map[string]workflows.NotDone, error) {
	results, errs := make([]workflows.SaveOrderResult, len(orders)), make([]error, len(orders))
	var saves sync.WaitGroup
	for i, order := range orders {
		saves.Go(func() { results[i], errs[i] = a.saveOneOfPage(ctx, f, run, order, retried) })
	}
	saves.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	done, left := map[string]workflows.SaveOrderResult{}, map[string]workflows.NotDone{}
	for i, order := range orders {
		if errs[i] != nil {
			left[order.Order.ID] = notDone(errs[i])
		} else {
			done[order.Order.ID] = results[i]
		}
	}
	return done, left, nil
}

// billsOf are the bills to look up, those that are not to be included. An order whose
// bill number can't be computed fails when it is saved.
func billsOf(leftOut []workflows.OrderBill, orders []flow.Order) []workflows.OrderBill {
	bills := slices.Clone(leftOut)
	for _, order := range orders {
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
func (a *Activities) saveOneOfPage(ctx context.Context, f *flow.Flow, run string, order *flow.Opened, retried bool) (result workflows.SaveOrderResult, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("售后单 order %s: panic: %v", order.Order.ID, cause)
		}
	}()
	return a.saveOpened(ctx, f, run, order, false, retried)
}

func notDone(err error) workflows.NotDone {
	failure := workflows.NotDone{Reason: "unknown", Message: workflows.ShortMessage(err.Error())}
	if f := fault.As(err); f != nil {
		failure.Reason, failure.Final, failure.Delay = f.Reason, f.Class == fault.Final, f.Delay
	}
	return failure
}
