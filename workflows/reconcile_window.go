package workflows

import (
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// ReconcileWindowInput is a window of a reconciliation.
type ReconcileWindowInput struct {
	Comparison
	Plan   Plan   `json:"plan"`
	Window Window `json:"window"`
}

// ReconcileWindow reads the orders of a window and compares each with its bills. It keeps the
// rows, and answers for them after it has ended. A window is small enough for one history.
//
// It ends with a *temporal.ApplicationError of type [WindowCut] if it has too many orders, or
// of the reason for which the source or Kingdee can't be read.
func ReconcileWindow(ctx workflow.Context, in ReconcileWindowInput) (ReconciledPart, error) {
	var kept rowsKept
	if err := kept.answer(ctx); err != nil {
		return ReconciledPart{}, err
	}
	reading := paging.Window{Reader: paging.New(nil)}
	for reading.Next > 0 {
		workflow.SetCurrentDetails(ctx, reconcileWindowDetails(in.Window, reading, kept.sums))
		result, err := comparePages(ctx, in.Plan, ComparePagesParams{
			Comparison: in.Comparison, Window: in.Window, Reading: reading, MostOrders: mostOrders(contract.GrainPage, in.Window),
		})
		if err != nil {
			return ReconciledPart{}, err
		}
		if result.Crowded > 0 {
			return ReconciledPart{}, newFailure(WindowCut, text.New("window %s has %d orders and is read as several windows; nothing is wrong", in.Window, result.Crowded),
				nil, FailureDetails{Orders: result.Crowded})
		}
		for _, order := range result.Shown {
			reading.Orders.Show(order.Version)
			if order.Outcome == tally.Outside {
				reading.Orders.Record(order.ID, order.Outcome, tally.Failure{})
			}
		}
		reading.Reader = result.Reader
		kept.keep(result.ComparedRows)
	}
	workflow.SetCurrentDetails(ctx, reconcileWindowDetails(in.Window, reading, kept.sums))
	return kept.result(ctx)
}
