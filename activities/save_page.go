package activities

import (
	"context"
	"fmt"
	"sync"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// SavePage does for the orders of a page, all at once so that they share calls,
// what [Activities.SaveOrder] does for one. It fails for no order: the result says
// of each what became of it. It fails as a whole where the worker has not the flow
// that the orders were read by.
func (a *Activities) SavePage(ctx context.Context, params workflows.SavePageParams) (workflows.SavePageResult, error) {
	defer keepAlive(ctx)()
	attempt := int(activity.GetInfo(ctx).Attempt)
	result, err := a.savePage(kingdee.WithAttempt(ctx, attempt), params, attempt > 1)
	return result, toTemporal(err)
}

func (a *Activities) savePage(ctx context.Context, params workflows.SavePageParams, retried bool) (workflows.SavePageResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SavePageResult{}, err
	}
	if f.PickVersion != params.PickVersion {
		return workflows.SavePageResult{}, flowChanged(f, fmt.Sprintf("%s 等 %d 单", params.Orders[0].ID, len(params.Orders)))
	}
	done, errs := make([]workflows.SaveOrderResult, len(params.Orders)), make([]error, len(params.Orders))
	var orders sync.WaitGroup
	for i, order := range params.Orders {
		orders.Go(func() { done[i], errs[i] = a.saveOneOfPage(ctx, f, order, retried) })
	}
	orders.Wait()
	// What a cancelled activity could not finish has not failed.
	if err := ctx.Err(); err != nil {
		return workflows.SavePageResult{}, err
	}
	result := workflows.SavePageResult{Done: map[string]workflows.SaveOrderResult{}, NotDone: map[string]workflows.NotDone{}}
	for i, order := range params.Orders {
		if errs[i] != nil {
			result.NotDone[order.ID] = notDone(errs[i])
		} else {
			result.Done[order.ID] = done[i]
		}
	}
	return result, nil
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
