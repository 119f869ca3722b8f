package booking

import (
	"context"
	"encoding/json"
	"strings"
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

func existingUpdate(f *flow.Flow) { f.Options.Existing = flow.ExistingUpdate }

// What becomes of an order whose bill number is taken depends on what the bill
// there was made from.
func TestSaveComparesTheBillThatExists(t *testing.T) {
	same := func(m flow.Mark) string { return m.String() }
	older := func(m flow.Mark) string {
		m.Hash, m.ChangedAt = "000000000000", m.ChangedAt.Add(-time.Hour)
		return m.String()
	}
	newer := func(m flow.Mark) string {
		m.Hash, m.ChangedAt = "000000000000", m.ChangedAt.Add(time.Hour)
		return m.String()
	}
	otherFlow := func(m flow.Mark) string {
		m.Hash, m.Version = "000000000000", "000000"
		return m.String()
	}
	otherOrder := func(m flow.Mark) string {
		m.OrderID = "70002"
		return m.String()
	}
	unmarked := func(flow.Mark) string { return "手工录入" }
	two := map[string]decimal.Decimal{"SKU-1": decimal.NewFromInt(2)}
	three := map[string]decimal.Decimal{"SKU-1": decimal.NewFromInt(3)}

	for _, c := range []struct {
		name       string
		flow       func(*flow.Flow)
		status     string
		text       func(flow.Mark) string
		quantities map[string]decimal.Decimal
		outcome    tally.Outcome
		reason     string
		says       string
		calls      []string
	}{
		{name: "made from this order", status: "C", text: same, outcome: tally.AlreadySaved, calls: []string{"look 70001"}},
		{name: "made from a later version", status: "A", text: newer, outcome: tally.AlreadySaved, calls: []string{"look 70001"}},
		{name: "made from an earlier version, to be reported", status: "A", text: older, reason: tally.OrderChanged, says: "#", calls: []string{"look 70001"}},
		{name: "made from an earlier version, to be updated", flow: existingUpdate, status: "A", text: older, outcome: tally.Updated, calls: []string{"look 70001", "look 70001-2", "update 1A", "look 70001"}},
		{name: "a draft, to be updated", flow: existingUpdate, status: "Z", text: older, outcome: tally.Updated, calls: []string{"look 70001", "look 70001-2", "update 1Z", "look 70001"}},
		{name: "updated and then audited", flow: func(f *flow.Flow) { existingUpdate(f); explicitAudit(f) }, status: "A", text: older, outcome: tally.Updated,
			calls: []string{"look 70001", "look 70001-2", "update 1A", "look 70001", "submit 70001", "audit 70001"}},
		{name: "under review, not to be updated", flow: existingUpdate, status: "B", text: older, reason: tally.OrderChanged, says: "B", calls: []string{"look 70001"}},
		{name: "audited, not to be updated", flow: existingUpdate, status: "C", text: older, reason: tally.OrderChanged, says: "C", calls: []string{"look 70001"}},
		{name: "re-opened by a person, not to be updated", flow: existingUpdate, status: "D", text: older, reason: tally.OrderChanged, says: "D", calls: []string{"look 70001"}},
		{name: "the flow changed, the goods are the same", status: "C", text: otherFlow, quantities: two, outcome: tally.AlreadySaved, calls: []string{"look 70001", "quantities 1C"}},
		{name: "the flow changed, and the goods", status: "C", text: otherFlow, quantities: three, reason: tally.OrderChanged, says: "000000", calls: []string{"look 70001", "quantities 1C"}},
		{name: "of another order", status: "A", text: otherOrder, reason: "number_conflict", says: "70002", calls: []string{"look 70001"}},
		{name: "without a mark, the goods are the same", status: "A", text: unmarked, quantities: two, outcome: tally.AlreadySaved, calls: []string{"look 70001", "quantities 1A"}},
		{name: "without a mark, other goods", status: "A", text: unmarked, quantities: three, reason: "number_conflict", says: "SKU-1: 3/2", calls: []string{"look 70001", "quantities 1A"}},
		{name: "without a mark, no goods", status: "A", text: unmarked, reason: "number_conflict", says: "SKU-1: 0/2", calls: []string{"look 70001", "quantities 1A"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			if c.flow != nil {
				c.flow(f)
			}
			order := pick(t, f, nil)
			ledger := newFakeLedger().with("70001", c.status).marked("note " + c.text(f.Mark(order)))
			ledger.quantities = c.quantities
			result, err := saveOne(t, f, ledger, order, true, false)
			require.Equal(t, c.calls, ledger.calls)
			if c.reason == "" {
				require.NoError(t, err)
				require.Equal(t, c.outcome, result.Outcome)
				return
			}
			failed := fault.As(err)
			require.NotNil(t, failed, "%v", err)
			require.Equal(t, fault.Final, failed.Class)
			require.Equal(t, c.reason, failed.Reason)
			require.Contains(t, err.Error(), c.says)
			require.Contains(t, err.Error(), "70001")
		})
	}
}

// "Number already used" says nothing of whose number it is.
func TestSaveComparesTheBillUnderAUsedNumber(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	other := f.Mark(order)
	other.OrderID = "70002"
	ledger := newFakeLedger().with("70001", "A").marked(other.String())
	ledger.saveResult = failure(fault.Final, kingdee.ReasonNumberUsed)
	_, err := saveOne(t, f, ledger, order, false, false)
	require.Equal(t, "number_conflict", fault.As(err).Reason)
	require.Equal(t, []string{"save", "look 70001"}, ledger.calls)
}

// A save that lands after the look-up of the next attempt makes a second bill, if Kingdee
// does not prevent that; it is reported at once.
func TestSaveReportsADoubleThatLandedLate(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	ledger := &lateLedger{fakeLedger: newFakeLedger(), mark: f.Mark(order).String()}
	_, err := saveOne(t, f, ledger, order, false, true)
	require.Equal(t, tally.DoubleBill, fault.As(err).Reason)
	require.ErrorContains(t, err, "FID")
}

// lateLedger is one in which the save of an earlier attempt lands just before the
// next is made.
type lateLedger struct {
	*fakeLedger
	mark string
}

func (l *lateLedger) BatchSave(ctx context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	l.with("70001", "A").marked(l.mark)
	return l.fakeLedger.BatchSave(ctx, request)
}

// The bill that is sent for an update is the whole bill with its FID in front.
func TestUpdateSendsTheWholeBill(t *testing.T) {
	f := loadFlow(t)
	bill, err := f.Open(pick(t, f, nil)).Bill()
	require.NoError(t, err)
	var fresh, changing map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(bill.Model, &fresh))
	require.NoError(t, json.Unmarshal(bill.Changing("100040"), &changing))
	require.Equal(t, `"100040"`, string(changing["FID"]))
	delete(changing, "FID")
	require.Equal(t, fresh, changing)
}

// An update neither changes a bill of a closed month nor moves one to another month. By
// the order, the bill is of 2024-03-01.
func TestUpdateLeavesABillInItsMonth(t *testing.T) {
	march := time.Date(2024, 3, 31, 0, 0, 0, 0, beijing.Zone)
	for _, c := range []struct {
		name         string
		booked       string
		closed       time.Time
		then         string
		reason, says string
		date         string // that is sent
	}{
		{name: "of its day", booked: "2024-03-01", date: "2024-03-01"},
		{name: "of another day of the month", booked: "2024-03-31", date: "2024-03-01"},
		{name: "which finance moved to another month", booked: "2024-04-01", reason: tally.OrderChanged, says: "it is dated 2024-04-01, and an update would move it to 2024-03-01"},
		{name: "of the same month of another year", booked: "2023-03-01", reason: tally.OrderChanged, says: "in another month"},
		{name: "of a month closed meanwhile", booked: "2024-03-01", closed: march, then: flow.ClosedPark, reason: tally.OrderChanged, says: "its date 2024-03-01 is in a closed period (up to 2024-03-31)"},
		{name: "of a month closed meanwhile, moving on", booked: "2024-03-01", closed: march, then: flow.ClosedFirstOpenDay, reason: tally.OrderChanged, says: "is in a closed period"},
		{name: "of an order whose month is closed", booked: "2024-04-01", closed: march, then: flow.ClosedPark, reason: contract.ReasonClosedPeriod, says: "2024-03-01"},
		{name: "that was saved on the first open day", booked: "2024-04-01", closed: march, then: flow.ClosedFirstOpenDay, date: "2024-04-01"},
		{name: "that was saved on a first open day long ago", booked: "2024-05-01", closed: march, then: flow.ClosedFirstOpenDay, reason: tally.OrderChanged, says: "move it to 2024-04-01"},
		{name: "without a date", booked: "", reason: tally.OrderChanged, says: "its date cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, existingUpdate, func(f *flow.Flow) { f.ClosedPeriods = flow.ClosedPeriods{Until: c.closed, Then: c.then} })
			order := pick(t, f, nil)
			older := f.Mark(order)
			older.Hash = "000000000000"
			ledger := newFakeLedger().with("70001", "A").marked(older.String()).dated(c.booked)
			result, err := saveOne(t, f, ledger, order, true, false)
			if c.reason != "" {
				require.Equal(t, c.reason, fault.As(err).Reason)
				require.ErrorContains(t, err, c.says)
				require.Equal(t, []string{"look 70001"}, ledger.calls)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tally.Updated, result.Outcome)
			require.Equal(t, c.date, ledger.dates["70001"])
		})
	}
}

// Another run has just changed the bill, in a call that kept this run's out: the bill is
// compared anew.
func TestUpdateThatAnotherRunMadeIsComparedAnew(t *testing.T) {
	f := loadFlow(t, existingUpdate)
	order := pick(t, f, nil)
	older := f.Mark(order)
	older.Hash = "000000000000"
	ledger := newFakeLedger().with("70001", "A").marked(older.String())
	ledger.saveResult = failure(fault.Final, kingdee.ReasonNumberUsed)
	_, err := saveOne(t, f, ledger, order, true, false)
	require.Equal(t, fault.Retry, fault.As(err).Class)
	require.Equal(t, "saved_meanwhile", fault.As(err).Reason)
}

// What Kingdee holds after an update must be what was sent. Where another worker has
// changed the bill at the same time, the next attempt compares it anew.
func TestUpdateThatAnotherWorkerOverwroteIsComparedAnew(t *testing.T) {
	f := loadFlow(t, existingUpdate)
	order := pick(t, f, nil)
	older, newer := f.Mark(order), f.Mark(order)
	older.Hash = "000000000000"
	newer.Hash, newer.ChangedAt = "111111111111", newer.ChangedAt.Add(time.Hour)
	for name, theirs := range map[string]string{"with a later version": newer.String(), "with an earlier version": older.String(), "without a mark": ""} {
		t.Run(name, func(t *testing.T) {
			ledger := newFakeLedger().with("70001", "A").marked(older.String())
			ledger.replies = map[string]func() error{"70001": func() error { ledger.marked(theirs); return nil }}
			_, err := saveOne(t, f, ledger, order, true, false)
			require.Equal(t, fault.Retry, fault.As(err).Class)
			require.Equal(t, "saved_meanwhile", fault.As(err).Reason)
			require.Equal(t, []string{"look 70001", "look 70001-2", "update 1A", "look 70001"}, ledger.calls)
		})
	}
}

// An order that the flow leaves out must have no bill. If it was saved before it
// changed, a person has to see that.
func TestSaveOfAnOrderToLeaveOut(t *testing.T) {
	const reason = "仅退款，没有退货 (refund only, no goods came back)"
	for _, c := range []struct {
		name   string
		ledger *fakeLedger
		mark   func(flow.Mark) string
		fails  string
	}{
		{"has no bill", newFakeLedger(), flow.Mark.String, ""},
		{"was saved before", newFakeLedger().with("70001", "C"), flow.Mark.String, tally.OrderChanged},
		{"was saved from another content", newFakeLedger().with("70001", "C"), func(m flow.Mark) string { m.Hash = "000000000000"; return m.String() }, tally.OrderChanged},
		{"the bill is a later version's", newFakeLedger().with("70001", "A"), func(m flow.Mark) string { m.ChangedAt = m.ChangedAt.Add(time.Second); return m.String() }, ""},
		{"the bill is another order's", newFakeLedger().with("70001", "C"), func(m flow.Mark) string { m.OrderID = "70002"; return m.String() }, ""},
		{"the bill is a person's", newFakeLedger().with("70001", "C"), func(flow.Mark) string { return "手工" }, ""},
		{"the bill's mark is cut", newFakeLedger().with("70001", "C"), func(m flow.Mark) string { return m.String()[:20] }, "mark_damaged"},
		{"was saved twice", newFakeLedger().with("70001", "C", "C"), flow.Mark.String, tally.DoubleBill},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			saved := pick(t, f, nil)
			order := pick(t, f, map[string]any{"type": "仅退款", "items": []any{}})
			result, err := saveOne(t, f, c.ledger.marked(c.mark(f.Mark(saved))), order, true, false)
			require.Equal(t, []string{"look 70001"}, c.ledger.calls)
			if c.fails != "" {
				require.Equal(t, c.fails, fault.As(err).Reason)
				require.ErrorContains(t, err, "70001")
				return
			}
			require.NoError(t, err)
			require.Equal(t, Result{Outcome: tally.LeftOut, BillNumber: "70001", Reason: reason}, result)
		})
	}
}

func TestSaveWithABillThatIsVoidOrUnreadable(t *testing.T) {
	for _, c := range []struct {
		name   string
		bill   func(kingdee.Bill) kingdee.Bill
		reason string
	}{
		{"void", func(b kingdee.Bill) kingdee.Bill { b.Void = true; return b }, tally.BillVoid},
		{"status without right", func(b kingdee.Bill) kingdee.Bill { b.Unreadable = "FDocumentStatus"; return b }, tally.FieldUnreadable},
		{"number in another case", func(b kingdee.Bill) kingdee.Bill { b.Number = "x70001"; return b }, tally.BillRenumbered},
		{"mark cut", func(b kingdee.Bill) kingdee.Bill { b.Text = b.Text[:len(b.Text)-8]; return b }, "mark_damaged"},
		{"mark cleaned", func(b kingdee.Bill) kingdee.Bill {
			b.Text = strings.NewReplacer("[", "", "]", "", "@", "", "#", "").Replace(b.Text)
			return b
		}, "mark_damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			order := pick(t, f, nil)
			ledger := newFakeLedger()
			ledger.bills["70001"] = []kingdee.Bill{c.bill(kingdee.Bill{ID: "1", Number: "70001", DocumentStatus: "A", Text: "note " + f.Mark(order).String()})}
			found, err := Book{Flow: f, Ledger: ledger}.Find(t.Context(), []Wanted{{OrderID: order.ID, Number: order.BillNumber, ChangedAt: order.ChangedAt, Hash: order.BillHash}})
			require.NoError(t, err)
			require.Empty(t, found.Finished)
			_, err = saveOne(t, f, ledger, order, true, false)
			require.Equal(t, c.reason, fault.As(err).Reason, "%v", err)
			require.NotContains(t, ledger.calls, "save")
		})
	}
}
