package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

func TestFindBillsTellsWhichOrdersHaveOne(t *testing.T) {
	f := loadFlow(t)
	finished, unfinished := pick(t, f, nil), pick(t, f, map[string]any{"as_id": "70002"})
	ledger := newFakeLedger().with("70001", "A").with("70002", "A").marked(f.Mark(finished).String())
	value, err := environment(&Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}).ExecuteActivity(workflows.FindBillsName, workflows.FindBillsParams{
		Flow:  testFlow,
		Bills: []workflows.OrderBill{workflows.BillOf(finished), workflows.BillOf(unfinished), {OrderID: "70003", Number: "70003"}},
	})
	require.NoError(t, err)
	var result workflows.FindBillsResult
	require.NoError(t, value.Get(&result))
	require.Equal(t, workflows.FindBillsResult{Finished: []string{"70001"}, Unfinished: []string{"70002"}}, result)
}
