package activities

import (
	"context"

	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// ReadOrder reads an order as the source shows it now, by its key and with the flow's other
// parameters, among those that were modified since it was last seen.
//
// It fails with no_such_filter if the interface has no filter for the flow's key or ignores
// it, or if the order's time of modification is unknown.
func (a *Activities) ReadOrder(ctx context.Context, params workflows.ReadOrderParams) (workflows.ReadOrderResult, error) {
	defer keepAlive(ctx)()
	result, err := a.readOrder(ctx, params)
	return result, toTemporal(err)
}

func (a *Activities) readOrder(ctx context.Context, params workflows.ReadOrderParams) (workflows.ReadOrderResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.ReadOrderResult{}, err
	}
	result := workflows.ReadOrderResult{PickVersion: f.PickVersion}
	if params.ChangedAt.IsZero() {
		// No span of time would show it.
		return result, &fault.Error{
			Class: fault.Final, Reason: jushuitan.NoSuchFilter, System: text.New("Jushuitan"),
			Err: text.Errorf("order %s cannot be read by itself: it has no time of modification", params.OrderID),
		}
	}
	found, err := jushuitan.LookUp{
		Interface: f.Source.Interface, Field: f.Source.Key, IDs: []string{params.OrderID}, Parameters: f.Source.Parameters, ChangedAt: params.ChangedAt,
	}.Find(ctx, a.Source)
	if err != nil || len(found.Orders) == 0 {
		return result, err
	}
	picked, err := f.Pick(found.Orders[0])
	if err != nil {
		return result, err
	}
	if size := sizeOf(picked.Order); size > longestOrder {
		return result, orderTooLarge(picked.Order.ID, size)
	}
	result.Order = &picked.Order
	return result, nil
}
