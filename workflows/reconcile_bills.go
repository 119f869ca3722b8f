package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// billsAtOnce is how many bills one CompareBills compares.
const billsAtOnce = 100

// ReconcileBillsInput are bills that no order of the windows accounts for.
type ReconcileBillsInput struct {
	Comparison
	Plan Plan `json:"plan"`
	// All, First, Behind and ReadFrom are as in [CompareBillsParams].
	All      []byte    `json:"all"`
	First    int       `json:"first"`
	Behind   int       `json:"behind"`
	ReadFrom time.Time `json:"read_from"`
}

// ReconcileBills says what these bills are. It keeps the rows, and answers for them after it
// has ended.
func ReconcileBills(ctx workflow.Context, in ReconcileBillsInput) (ReconciledPart, error) {
	var kept rowsKept
	if err := kept.answer(ctx); err != nil {
		return ReconciledPart{}, err
	}
	for first := in.First; first < in.Behind; first += billsAtOnce {
		workflow.SetCurrentDetails(ctx, reconcileBillsDetails(first-in.First, in.Behind-in.First, kept.sums))
		rows, err := compareBills(ctx, in.Plan, CompareBillsParams{
			Comparison: in.Comparison, All: in.All, First: first, Behind: min(first+billsAtOnce, in.Behind), ReadFrom: in.ReadFrom,
		})
		if err != nil {
			return ReconciledPart{}, err
		}
		kept.keep(rows)
	}
	workflow.SetCurrentDetails(ctx, reconcileBillsDetails(in.Behind-in.First, in.Behind-in.First, kept.sums))
	return kept.result(ctx)
}
