package booking

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/tally"
)

// What saving an order would do is told, nothing is changed, and saving it then does so.
func TestWouldSaveAgreesWithSave(t *testing.T) {
	deleting := func(f *flow.Flow) { f.Options.Withdrawn = flow.WithdrawnDelete }
	updating := func(f *flow.Flow) { f.Options.Existing = flow.ExistingUpdate }
	for _, c := range []struct {
		name    string
		change  func(*flow.Flow)
		order   map[string]any
		ledger  *fakeLedger
		mark    string // of the bills; "" for the order's own
		outcome tally.Outcome
		reason  string
		request bool
	}{
		{name: "a new bill", ledger: newFakeLedger(), outcome: tally.Saved, request: true},
		{name: "a new bill, to be audited", change: explicitAudit, ledger: newFakeLedger(), outcome: tally.Saved, request: true},
		{name: "there already", ledger: newFakeLedger().with("70001", "A"), outcome: tally.AlreadySaved},
		{name: "to be submitted and audited", change: explicitAudit, ledger: newFakeLedger().with("70001", "A"), outcome: tally.Saved},
		{name: "to be audited", change: explicitAudit, ledger: newFakeLedger().with("70001", "B"), outcome: tally.Saved},
		{name: "changed", ledger: newFakeLedger().with("70001", "A"), mark: "older", reason: tally.OrderChanged},
		{name: "changed, to be updated", change: updating, ledger: newFakeLedger().with("70001", "A"), mark: "older", outcome: tally.Updated, request: true},
		{name: "two bills", ledger: newFakeLedger().with("70001", "A", "A"), reason: tally.DoubleBill},
		{name: "a bill of others", ledger: newFakeLedger().with("70001", "A"), mark: "none", reason: "number_conflict"},
		{name: "left out", order: map[string]any{"status": "Cancelled"}, ledger: newFakeLedger(), outcome: tally.LeftOut},
		{name: "withdrawn", order: map[string]any{"status": "Cancelled"}, ledger: newFakeLedger().with("70001", "A"), mark: "older", reason: tally.OrderWithdrawn},
		{name: "withdrawn, to be deleted", change: deleting, order: map[string]any{"status": "Cancelled"}, ledger: newFakeLedger().with("70001", "A"), mark: "older", outcome: tally.BillDeleted},
		{name: "no mapping", order: map[string]any{"shop_name": "新店"}, ledger: newFakeLedger(), reason: "unknown_code customers 新店"},
		{name: "in a closed period", order: map[string]any{"modified": "2020-01-01 08:00:00"}, ledger: newFakeLedger(), reason: "closed_period"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			if c.change != nil {
				c.change(f)
			}
			order := pick(t, f, c.order)
			switch c.mark {
			case "":
				c.ledger.marked(f.Mark(order).String())
			case "older":
				older := f.Mark(order)
				older.ChangedAt, older.Hash = older.ChangedAt.Add(-time.Hour), "000000000000"
				c.ledger.marked(older.String())
			case "none":
				c.ledger.quantities = map[string]decimal.Decimal{"OTHER": decimal.NewFromInt(1)}
			}
			before := maps.Clone(c.ledger.bills)
			would, request, err := WouldSave(t.Context(), f, c.ledger, f.Open(order))
			for _, call := range c.ledger.calls {
				require.True(t, strings.HasPrefix(call, "look") || strings.HasPrefix(call, "quantities"), call)
			}
			require.Equal(t, before, c.ledger.bills)
			saved, saveErr := saveOne(t, f, c.ledger, order, true, false)
			if c.reason != "" {
				require.Equal(t, c.reason, fault.As(err).Reason)
				require.Equal(t, saveErr.Error(), err.Error())
				return
			}
			require.NoError(t, err)
			require.NoError(t, saveErr)
			require.Equal(t, c.outcome, would.Outcome)
			require.Equal(t, saved, would)
			require.Equal(t, c.request, request != nil)
			if request != nil {
				var model struct{ FBillNo string }
				require.NoError(t, json.Unmarshal(request.Model[0], &model))
				require.Equal(t, "70001", model.FBillNo)
			}
		})
	}
}
