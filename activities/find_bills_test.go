package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

func TestFindBillsTellsFinishedFromUnfinished(t *testing.T) {
	for _, c := range []struct {
		name                 string
		change               func(*flow.Flow)
		finished, unfinished []string
	}{
		{"saved is enough", func(*flow.Flow) {}, []string{"A", "B", "C", "D", "newer"}, []string{"double", "changed", "other", "unmarked", "unmapped"}},
		{"audited is wanted", explicitAudit, []string{"C", "D"}, []string{"A", "B", "double", "newer", "changed", "other", "unmarked", "unmapped"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, c.change)
			at := testWindow.From
			ledger := &fakeLedger{bills: map[string][]kingdee.Bill{}}
			params := workflows.FindBillsParams{Flow: testFlow}
			bill := func(id, markedID, hash string, at time.Time, statuses ...string) {
				number := "bill of " + id
				params.Bills = append(params.Bills, workflows.OrderBill{OrderID: id, Number: number, ChangedAt: testWindow.From, Hash: "000000000001"})
				for _, status := range statuses {
					mark := f.Mark(flow.Order{ID: markedID, ChangedAt: at, BillHash: hash})
					ledger.bills[number] = append(ledger.bills[number], kingdee.Bill{Number: number, DocumentStatus: status, Text: "note " + mark.String()})
				}
			}
			for _, status := range []string{"A", "B", "C", "D"} {
				bill(status, status, "000000000001", at, status)
			}
			bill("double", "double", "000000000001", at, "C", "C")
			bill("absent", "absent", "000000000001", at)
			bill("newer", "newer", "000000000002", at.Add(time.Second), "A")
			bill("changed", "changed", "000000000002", at, "C")
			bill("other", "8", "000000000001", at, "C")
			bill("unmarked", "unmarked", "000000000001", at, "C")
			ledger.bills["bill of unmarked"][0].Text = "note"
			bill("unmapped", "unmapped", "000000000001", at, "C")
			params.Bills[len(params.Bills)-1].Hash = ""

			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
			value, err := environment(a).ExecuteActivity(workflows.FindBillsName, params)
			require.NoError(t, err)
			var result workflows.FindBillsResult
			require.NoError(t, value.Get(&result))
			require.ElementsMatch(t, c.finished, result.Finished)
			require.ElementsMatch(t, c.unfinished, result.Unfinished)
		})
	}
}
