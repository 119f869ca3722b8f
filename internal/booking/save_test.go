package booking

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

func TestSaveBringsTheBillAsFarAsTheFlowWants(t *testing.T) {
	used := failure(fault.Final, kingdee.ReasonNumberUsed)
	for _, c := range []struct {
		name    string
		audit   bool
		retried bool
		exists  bool
		ledger  *fakeLedger
		outcome tally.Outcome
		calls   []string
	}{
		{"first attempt saves without looking", false, false, false, newFakeLedger(), tally.Saved, []string{"save"}},
		{"later attempt finds nothing, saves, and looks for a double", false, true, false, newFakeLedger(), tally.Saved, []string{"look 70001", "save", "look 70001"}},
		{"later attempt finds the bill", false, true, false, newFakeLedger().with("70001", "A"), tally.Saved, []string{"look 70001"}},
		{"number already used", false, false, false, &fakeLedger{bills: newFakeLedger().with("70001", "A").bills, saveResult: used}, tally.AlreadySaved, []string{"save", "look 70001"}},
		{"exists as it is wanted", false, false, true, newFakeLedger().with("70001", "A"), tally.AlreadySaved, []string{"look 70001"}},
		{"gone since it was found", false, false, true, newFakeLedger(), tally.Saved, []string{"look 70001", "save"}},
		{"saved, then submitted and audited", true, false, false, newFakeLedger(), tally.Saved, []string{"save", "look 70001", "submit 70001", "audit 70001"}},
		{"goes on from a draft", true, false, true, newFakeLedger().with("70001", "Z"), tally.Saved, []string{"look 70001", "submit 70001", "audit 70001"}},
		{"goes on from a bill under review", true, true, false, newFakeLedger().with("70001", "B"), tally.Saved, []string{"look 70001", "audit 70001"}},
		{"leaves an audited bill", true, true, false, newFakeLedger().with("70001", "C"), tally.Saved, []string{"look 70001"}},
		{"leaves a bill that a person has re-opened", true, true, false, newFakeLedger().with("70001", "D"), tally.Saved, []string{"look 70001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			if c.audit {
				explicitAudit(f)
			}
			order := pick(t, f, nil)
			result, err := saveOne(t, f, c.ledger.marked(f.Mark(order).String()), order, c.exists, c.retried)
			require.NoError(t, err)
			require.Equal(t, "39.8", result.Amount.String(), "2 at 19.90")
			result.Amount = decimal.Decimal{}
			require.Equal(t, Result{Outcome: c.outcome, BillNumber: "70001"}, result)
			require.Equal(t, c.calls, c.ledger.calls)
		})
	}
}

func TestSaveFailsWithReasonAndClass(t *testing.T) {
	for _, c := range []struct {
		name   string
		order  map[string]any
		ledger *fakeLedger
		exists bool
		reason string
		class  fault.Class
	}{
		{name: "Kingdee refuses the bill", ledger: &fakeLedger{saveResult: failure(fault.Final, "unknown_material")}, reason: "unknown_material", class: fault.Final},
		{name: "Kingdee asks to wait", ledger: &fakeLedger{saveErr: failure(fault.RateLimited, "call_limit")}, reason: "call_limit", class: fault.RateLimited},
		{name: "connection lost", ledger: &fakeLedger{saveErr: failure(fault.Retry, "connection")}, reason: "connection", class: fault.Retry},
		{name: "bill in neither list", ledger: &fakeLedger{saveResult: failure(fault.Retry, "unclear")}, reason: "unclear", class: fault.Retry},
		{name: "number used, but no such bill", ledger: &fakeLedger{saveResult: failure(fault.Final, kingdee.ReasonNumberUsed)}, reason: "bill_not_found", class: fault.Retry},
		{name: "two bills under the number", ledger: newFakeLedger().with("70001", "A", "A"), exists: true, reason: tally.DoubleBill, class: fault.Final},
		{name: "order can't be mapped", order: map[string]any{"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "3件", "price": "1"}}}, ledger: newFakeLedger(), reason: "malformed_value", class: fault.Final},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			_, err := saveOne(t, f, c.ledger, pick(t, f, c.order), c.exists, false)
			require.Equal(t, c.reason, fault.As(err).Reason)
			require.Equal(t, c.class, fault.As(err).Class)
			require.NotContains(t, err.Error(), "13800000000")
		})
	}
}

// A parked order that a later run has saved by a changed flow need not be saved.
func TestIsSavedByWhateverFlow(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	mark := func(change func(*flow.Mark)) string {
		m := f.Mark(order)
		m.Hash, m.Version = "000000000000", "000000"
		change(&m)
		return m.String()
	}
	for _, c := range []struct {
		name  string
		bill  string // the text of the bill that is there
		saved bool
	}{
		{"of this version", mark(func(*flow.Mark) {}), true},
		{"of a later version", mark(func(m *flow.Mark) { m.ChangedAt = m.ChangedAt.Add(time.Second) }), true},
		{"of an earlier version", mark(func(m *flow.Mark) { m.ChangedAt = m.ChangedAt.Add(-time.Second) }), false},
		{"of another order", mark(func(m *flow.Mark) { m.OrderID = "70002" }), false},
		{"of a person", "手工录入", false},
		{"none", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := newFakeLedger()
			if c.bill != "" {
				ledger.with("70001", "A").marked(c.bill)
			}
			saved, err := Book{Flow: f, Ledger: ledger}.IsSaved(t.Context(), order)
			require.NoError(t, err)
			require.Equal(t, c.saved, saved)
		})
	}
}

// A closed period keeps a bill from being saved, and from nothing else.
func TestSaveKeepsClosedPeriods(t *testing.T) {
	closed := func(then string) func(*flow.Flow) {
		return func(f *flow.Flow) {
			f.ClosedPeriods = flow.ClosedPeriods{Until: time.Date(2024, 3, 31, 0, 0, 0, 0, beijing.Zone), Then: then}
		}
	}
	save := func(ledger *fakeLedger, f *flow.Flow) error {
		_, err := saveOne(t, f, ledger, pick(t, f, nil), false, true)
		return err
	}
	t.Run("park", func(t *testing.T) {
		ledger := newFakeLedger()
		err := save(ledger, loadFlow(t, closed(flow.ClosedPark)))
		require.Equal(t, contract.ReasonClosedPeriod, fault.As(err).Reason)
		require.ErrorContains(t, err, "order 70001")
		require.Equal(t, []string{"look 70001"}, ledger.calls)
	})
	t.Run("first open day", func(t *testing.T) {
		ledger := newFakeLedger()
		require.NoError(t, save(ledger, loadFlow(t, closed(flow.ClosedFirstOpenDay))))
		require.Equal(t, []string{"look 70001", "save", "look 70001"}, ledger.calls)
		require.Equal(t, "2024-04-01", ledger.dates["70001"])
	})
	t.Run("bill that was saved before", func(t *testing.T) {
		f := loadFlow(t, closed(flow.ClosedPark), explicitAudit)
		ledger := newFakeLedger().with("70001", "A").marked(f.Mark(pick(t, f, nil)).String())
		require.NoError(t, save(ledger, f))
		require.Equal(t, []string{"look 70001", "submit 70001", "audit 70001"}, ledger.calls)
	})
}

func TestSaveStopsWhereSubmitFails(t *testing.T) {
	f := loadFlow(t, explicitAudit)
	ledger := newFakeLedger()
	ledger.submitErr = failure(fault.Retry, "conflict")
	_, err := saveOne(t, f, ledger, pick(t, f, nil), false, false)
	require.ErrorContains(t, err, "submit failed")
	require.Equal(t, []string{"save", "look 70001", "submit 70001"}, ledger.calls)
}
