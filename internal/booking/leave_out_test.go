package booking

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

func withdrawnDelete(f *flow.Flow) { f.Options.Withdrawn = flow.WithdrawnDelete }

// An order that was booked and then withdrawn is reported, or its bill deleted if nobody
// has submitted it.
func TestSaveOfAWithdrawnOrder(t *testing.T) {
	const reason = "已作废 (cancelled)"
	closed := func(f *flow.Flow) {
		withdrawnDelete(f)
		f.ClosedPeriods.Until = time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)
	}
	whole := flow.Mark.String
	for _, c := range []struct {
		name   string
		option func(*flow.Flow)
		status string
		mark   func(flow.Mark) string
		says   string // "" where it succeeds
		calls  []string
		want   tally.Outcome
	}{
		{"reported", func(*flow.Flow) {}, "A", whole, "status A", []string{"look 70001"}, ""},
		{"deleted", withdrawnDelete, "A", whole, "", []string{"look 70001", "look 70001-2", "delete 70001"}, tally.BillDeleted},
		{"deleted as a draft", withdrawnDelete, "Z", whole, "", []string{"look 70001", "look 70001-2", "delete 70001"}, tally.BillDeleted},
		{"under review", withdrawnDelete, "B", whole, "submitted or audited", []string{"look 70001"}, ""},
		{"audited", withdrawnDelete, "C", whole, "submitted or audited", []string{"look 70001"}, ""},
		{"re-opened by a person", withdrawnDelete, "D", whole, "submitted or audited", []string{"look 70001"}, ""},
		{"of a closed month", closed, "A", whole, "its period is closed", []string{"look 70001"}, ""},
		{"without a bill", withdrawnDelete, "", whole, "", []string{"look 70001"}, tally.LeftOut},
		{"whose bill is a later version's", withdrawnDelete, "A", func(m flow.Mark) string { m.ChangedAt = m.ChangedAt.Add(time.Second); return m.String() }, "", []string{"look 70001"}, tally.LeftOut},
		{"whose bill is another order's", withdrawnDelete, "A", func(m flow.Mark) string { m.OrderID = "70002"; return m.String() }, "", []string{"look 70001"}, tally.LeftOut},
		{"whose bill is a person's", withdrawnDelete, "A", func(flow.Mark) string { return "手工" }, "", []string{"look 70001"}, tally.LeftOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, c.option)
			order := pick(t, f, map[string]any{"status": "Cancelled"})
			ledger := newFakeLedger()
			if c.status != "" {
				ledger.with("70001", c.status).marked(c.mark(f.Mark(pick(t, f, nil))))
			}
			result, err := saveOne(t, f, ledger, order, true, false)
			require.Equal(t, c.calls, ledger.calls)
			if c.says != "" {
				require.Equal(t, tally.OrderWithdrawn, fault.As(err).Reason)
				require.ErrorContains(t, err, c.says)
				require.ErrorContains(t, err, "70001")
				return
			}
			require.NoError(t, err)
			require.Equal(t, Result{Outcome: c.want, BillNumber: "70001", Reason: reason}, result)
		})
	}
}

// The status says whether an order is withdrawn, where the flow names it.
func TestEachWayToWithdrawAnOrder(t *testing.T) {
	for status, withdrawn := range map[string]bool{"Cancelled": true, "Merged": true, "WaitConfirm": true, "Confirmed": false, "": false} {
		f := loadFlow(t)
		opened := f.Open(pick(t, f, map[string]any{"status": status}))
		require.Equal(t, withdrawn, opened.Withdrawn(), status)
		reason, skip, err := opened.Skip()
		require.NoError(t, err)
		require.Equal(t, withdrawn, skip, reason)
	}
}

// A bill is deleted once, whichever replies are lost: a retry looks first.
func TestDeletingABillWhoseReplyIsLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		lost  bool
		calls []string
	}{
		{"after it was deleted", true, []string{"look 70001", "look 70001-2", "delete 70001", "look 70001"}},
		{"before it was deleted", false, []string{"look 70001", "look 70001-2", "delete 70001", "look 70001", "look 70001-2", "delete 70001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, withdrawnDelete)
			order := pick(t, f, map[string]any{"status": "Merged"})
			ledger := newFakeLedger().with("70001", "A").marked(f.Mark(pick(t, f, nil)).String())
			ledger.deleteErr, ledger.deleteLost = failure(fault.Retry, "connection_lost"), c.lost
			_, err := saveOne(t, f, ledger, order, true, false)
			require.True(t, fault.Is(err, fault.Retry), "%v", err)
			ledger.deleteErr = nil
			result, err := saveOne(t, f, ledger, order, true, true)
			require.NoError(t, err)
			require.Equal(t, c.calls, ledger.calls)
			require.Equal(t, tally.BillDeleted, result.Outcome)
			require.Empty(t, ledger.bills)
		})
	}
}

// A bill that changes between look-up and deletion is compared anew.
func TestABillThatChangedIsNotDeleted(t *testing.T) {
	f := loadFlow(t, withdrawnDelete)
	order := pick(t, f, map[string]any{"status": "Cancelled"})
	ledger := newFakeLedger().with("70001", "A").marked(f.Mark(pick(t, f, nil)).String())
	ledger.deleteErr = failure(fault.Final, kingdee.ReasonNumberUsed)
	_, err := saveOne(t, f, ledger, order, true, false)
	require.Equal(t, "saved_meanwhile", fault.As(err).Reason)
}
