package workflows

import (
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/reconcile"
)

// RowsQuery is the query that ReconcileWindow and ReconcileBills answer with a [RowsPage]. Its
// argument is the number of the page, from 0.
const RowsQuery = "rows"

// RowsPage is a page of the rows of a reconciliation.
type RowsPage struct {
	// Rows are packed; see [reconcile.PackRows]. None behind the last page.
	Rows  []byte `json:"rows,omitempty"`
	Pages int    `json:"pages"`
}

// RowsPart is a workflow that has rows of a reconciliation, and answers for them as long as
// its history is kept.
type RowsPart struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
}

// ReconciledPart is the result of a ReconcileWindow or ReconcileBills. Its rows are only in
// the workflow's own history.
type ReconciledPart struct {
	RowsPart
	Sums reconcile.Sums `json:"sums"`
	// Bills are as in [ComparedRows].
	Bills []byte `json:"bills,omitempty"`
}

// rowsKept are the rows of a workflow, packed as its activities returned them.
type rowsKept struct {
	pages [][]byte
	sums  reconcile.Sums
	own   [][]byte
}

// answer makes the workflow answer for its rows.
func (k *rowsKept) answer(ctx workflow.Context) error {
	return workflow.SetQueryHandler(ctx, RowsQuery, func(page int) (RowsPage, error) {
		answer := RowsPage{Pages: len(k.pages)}
		if 0 <= page && page < len(k.pages) {
			answer.Rows = k.pages[page]
		}
		return answer, nil
	})
}

func (k *rowsKept) keep(rows ComparedRows) {
	if rows.Rows != nil {
		k.pages = append(k.pages, rows.Rows)
	}
	if rows.Bills != nil {
		k.own = append(k.own, rows.Bills)
	}
	k.sums.Add(rows.Sums)
}

func (k *rowsKept) result(ctx workflow.Context) (ReconciledPart, error) {
	own, err := unpackAll(k.own)
	if err != nil {
		return ReconciledPart{}, err
	}
	this := workflow.GetInfo(ctx).WorkflowExecution
	return ReconciledPart{RowsPart: RowsPart{WorkflowID: this.ID, RunID: this.RunID}, Sums: k.sums, Bills: reconcile.PackIDs(own)}, nil
}

func unpackAll(lists [][]byte) (all []int64, err error) {
	for _, list := range lists {
		ids, err := reconcile.UnpackIDs(list)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return all, nil
}
