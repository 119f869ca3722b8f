package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// Estimate is what a run is about to do.
type Estimate struct {
	Range Window `json:"range"`
	// Windows is how many windows it begins with; one with many orders is cut.
	Windows int `json:"windows"`
	// Orders is about how many orders the source has in the range, extrapolated from its
	// count in Counted of the windows.
	Orders  int `json:"orders"`
	Counted int `json:"counted"`
	// Calls is about how many calls to the source the run makes.
	Calls int `json:"calls"`
	// Duration is about how long it takes: by the source's rate limit, or by the usual time
	// of a bill in Kingdee, whichever is longer.
	Duration time.Duration `json:"duration"`
}

const (
	// mostCounted is how many windows are counted for an estimate.
	mostCounted = 5
	// usualBill is the usual time of a bill in a session of Kingdee: 20 ms, and its share of
	// a call of 20 bills that takes 200 ms.
	usualBill = 30 * time.Millisecond
)

// EstimateRun says what a run with that input would do now, and changes nothing. It fails as
// [SyncFlow] does.
func EstimateRun(ctx workflow.Context, in SyncFlowInput) (Estimate, error) {
	r := &syncFlow{byHand: true, orders: len(in.OrderIDs) > 0}
	none := 0
	in.Orders = &none
	if err := r.begin(ctx, in); err != nil {
		return Estimate{}, err
	}
	if r.state.RowVersions != nil {
		// Nobody counts by row versions.
		return Estimate{Range: r.state.Range, Windows: 1}, nil
	}
	if r.orders {
		return r.estimateOrders(), nil
	}
	return estimateRange(ctx, r.state.Plan, r.state.Range)
}

// estimateRange asks the source how many orders some windows of a range have.
func estimateRange(ctx workflow.Context, plan Plan, span Window) (Estimate, error) {
	e := Estimate{Range: span, Windows: windowCount(span, plan.LongestWindow)}
	e.Counted = min(e.Windows, mostCounted)
	var counts []workflow.Future
	for i := range e.Counted {
		window := span
		window.From = span.From.Add(time.Duration(i*e.Windows/e.Counted) * plan.LongestWindow)
		counts = append(counts, countOrders(ctx, plan, FirstWindow(window, plan.LongestWindow)))
	}
	for _, future := range counts {
		var count int
		if err := future.Get(ctx, &count); err != nil {
			return e, err
		}
		e.Orders += count
	}
	if e.Counted > 0 {
		e.Orders = e.Orders * e.Windows / e.Counted
	}
	// A window of several pages is read in two passes.
	e.Calls = e.Windows + 2*e.Orders/max(plan.PageSize, 1)
	e.Duration = plan.takes(e)
	return e, nil
}

// takes is about how long a run takes by its calls and orders.
func (p Plan) takes(e Estimate) time.Duration {
	var calls time.Duration
	if p.CallsPerSecond > 0 {
		calls = time.Duration(float64(e.Calls) / p.CallsPerSecond * float64(time.Second))
	}
	return max(calls, time.Duration(e.Orders)*usualBill/time.Duration(max(p.Sessions, 1)))
}
