package booking

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

func TestFindTellsFinishedFromUnfinished(t *testing.T) {
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
			at := time.Date(2024, 3, 1, 0, 0, 0, 0, beijing.Zone)
			ledger := &fakeLedger{bills: map[string][]kingdee.Bill{}}
			var all []Wanted
			bill := func(id, markedID, hash string, markedAt time.Time, statuses ...string) {
				number := "bill of " + id
				all = append(all, Wanted{OrderID: id, Number: number, ChangedAt: at, Hash: "000000000001"})
				for _, status := range statuses {
					mark := f.Mark(contract.Order{ID: markedID, ChangedAt: markedAt, BillHash: hash})
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
			all[len(all)-1].Hash = ""

			found, err := Book{Flow: f, Ledger: ledger}.Find(t.Context(), all)
			require.NoError(t, err)
			require.ElementsMatch(t, c.finished, found.Finished)
			require.ElementsMatch(t, c.unfinished, found.Unfinished)
		})
	}
}
