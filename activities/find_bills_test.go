package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

func TestFindBillsTellsFinishedFromUnfinished(t *testing.T) {
	for _, c := range []struct {
		name                 string
		change               func(*flow.Flow)
		finished, unfinished []string
	}{
		{"saved is enough", func(*flow.Flow) {}, []string{"A", "B", "C", "D"}, []string{"double"}},
		{"audited is wanted", explicitAudit, []string{"C", "D"}, []string{"A", "B", "double"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := newFakeLedger().with("A", "A").with("B", "B").with("C", "C").with("D", "D").with("double", "C", "C")
			a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t, c.change)}, Ledger: ledger}
			value, err := environment(a).ExecuteActivity(workflows.FindBillsName,
				workflows.FindBillsParams{Flow: testFlow, Numbers: []string{"A", "B", "C", "D", "double", "absent"}})
			require.NoError(t, err)
			var result workflows.FindBillsResult
			require.NoError(t, value.Get(&result))
			require.Equal(t, workflows.FindBillsResult{Finished: c.finished, Unfinished: c.unfinished}, result)
		})
	}
}
