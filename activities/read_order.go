package activities

import (
	"context"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// keyParameters are the parameters that narrow a call to given orders, by the flow's key.
var keyParameters = map[string]string{"as_id": "as_ids", "so_id": "so_ids", "o_id": "o_ids"}

// readSpan is the longest span that the interface accepts, less the seconds that are added
// on either side.
const readSpan = 7*24*time.Hour - 2*time.Second

// ReadOrder reads an order as the source shows it now, by its key and with the flow's other
// parameters. The interface needs a span all the same: the first is that in which the order
// was last modified as far as known; if the order is not in it any more, the spans up to now
// follow.
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
	name, ok := keyParameters[f.Source.Key]
	if !ok || params.ChangedAt.IsZero() {
		return result, noSuchFilter(f, params.OrderID)
	}
	// The source's clock may be ahead.
	now := time.Now().Add(10 * time.Minute)
	for from := params.ChangedAt.Truncate(time.Second); from.Before(now); from = from.Add(readSpan) {
		window := workflows.Window{From: from, To: from.Add(readSpan - time.Second)}
		request := requestParameters(f, workflows.FetchPageParams{Window: window, PageIndex: 1})
		request["date_type"], request[name] = "0", params.OrderID
		reply, err := a.Source.RefundList(ctx, request)
		if err != nil {
			return result, text.Errorf("reading order %s failed: %w", params.OrderID, err)
		}
		for _, record := range reply.Datas {
			// Another order is handled below.
			picked, err := f.Pick(record)
			if err != nil || picked.Order.ID != params.OrderID {
				continue
			}
			if size := sizeOf(picked.Order); size > longestOrder {
				return result, orderTooLarge(picked.Order.ID, size)
			}
			result.Order = &picked.Order
			return result, nil
		}
		if len(reply.Datas) > 0 {
			return result, noSuchFilter(f, params.OrderID)
		}
	}
	return result, nil
}

func noSuchFilter(f *flow.Flow, order string) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: "no_such_filter",
		System: text.New("Jushuitan"),
		Err:    text.Errorf("order %s cannot be read by itself: there is no filter by %s, or the order has no time of modification", order, f.Source.Key),
	}
}
