package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

func TestSaveOrderBringsTheBillAsFarAsTheFlowWants(t *testing.T) {
	used := failure(fault.Final, kingdee.ReasonNumberUsed)
	for _, c := range []struct {
		name    string
		audit   bool
		retried bool
		exists  bool
		ledger  *fakeLedger
		outcome workflows.Outcome
		calls   []string
	}{
		{"first attempt saves without looking", false, false, false, newFakeLedger(), workflows.Saved, []string{"save"}},
		{"later attempt finds nothing, saves, and looks for a double", false, true, false, newFakeLedger(), workflows.Saved, []string{"look 70001", "save", "look 70001"}},
		{"later attempt finds the bill", false, true, false, newFakeLedger().with("70001", "A"), workflows.Saved, []string{"look 70001"}},
		{"number already used", false, false, false, &fakeLedger{bills: newFakeLedger().with("70001", "A").bills, saveResult: used}, workflows.AlreadySaved, []string{"save", "look 70001"}},
		{"exists as it is wanted", false, false, true, newFakeLedger().with("70001", "A"), workflows.AlreadySaved, []string{"look 70001"}},
		{"gone since it was found", false, false, true, newFakeLedger(), workflows.Saved, []string{"look 70001", "save"}},
		{"saved, then submitted and audited", true, false, false, newFakeLedger(), workflows.Saved, []string{"save", "look 70001", "submit 70001", "audit 70001"}},
		{"goes on from a draft", true, false, true, newFakeLedger().with("70001", "Z"), workflows.Saved, []string{"look 70001", "submit 70001", "audit 70001"}},
		{"goes on from a bill under review", true, true, false, newFakeLedger().with("70001", "B"), workflows.Saved, []string{"look 70001", "audit 70001"}},
		{"leaves an audited bill", true, true, false, newFakeLedger().with("70001", "C"), workflows.Saved, []string{"look 70001"}},
		{"leaves a bill that a person has re-opened", true, true, false, newFakeLedger().with("70001", "D"), workflows.Saved, []string{"look 70001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			if c.audit {
				explicitAudit(f)
			}
			order := pick(t, f, nil)
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: c.ledger.marked(f.Mark(order).String())}
			result, err := a.saveOrder(context.Background(), workflows.SaveOrderParams{
				Flow: testFlow, PickVersion: f.PickVersion, Order: order, Exists: c.exists,
			}, c.retried)
			require.NoError(t, err)
			require.Equal(t, workflows.SaveOrderResult{Outcome: c.outcome, BillNumber: "70001"}, result)
			require.Equal(t, c.calls, c.ledger.calls)
		})
	}
}

func TestSaveOrderFailsWithReasonAndClass(t *testing.T) {
	for _, c := range []struct {
		name   string
		order  map[string]any
		ledger *fakeLedger
		change func(*workflows.SaveOrderParams)
		reason string
		final  bool
		delay  time.Duration
	}{
		{name: "Kingdee refuses the bill", ledger: &fakeLedger{saveResult: failure(fault.Final, "unknown_material")}, reason: "unknown_material", final: true},
		{name: "Kingdee asks to wait", ledger: &fakeLedger{saveErr: &fault.Error{Class: fault.RateLimited, Reason: "call_limit", Delay: 7 * time.Second}}, reason: "call_limit", delay: 7 * time.Second},
		{name: "connection lost", ledger: &fakeLedger{saveErr: failure(fault.Retry, "connection")}, reason: "connection"},
		{name: "bill in neither list", ledger: &fakeLedger{saveResult: failure(fault.Retry, "unclear")}, reason: "unclear"},
		{name: "number used, but no such bill", ledger: &fakeLedger{saveResult: failure(fault.Final, kingdee.ReasonNumberUsed)}, reason: "bill_not_found"},
		{name: "two bills under the number", ledger: newFakeLedger().with("70001", "A", "A"), change: func(p *workflows.SaveOrderParams) { p.Exists = true }, reason: "double_bill", final: true},
		{name: "order can't be mapped", order: map[string]any{"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "3件", "price": "1"}}}, ledger: newFakeLedger(), reason: "malformed_value", final: true},
		{name: "flow was changed since the order was read", ledger: newFakeLedger(), change: func(p *workflows.SaveOrderParams) { p.PickVersion = "other" }, reason: "flow_changed"},
		{name: "no such flow", ledger: newFakeLedger(), change: func(p *workflows.SaveOrderParams) { p.Flow = "refund" }, reason: "unknown_flow", final: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: c.ledger}
			params := workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: pick(t, f, c.order)}
			if c.change != nil {
				c.change(&params)
			}
			_, err := environment(a).ExecuteActivity(workflows.SaveOrderName, params)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
			require.Equal(t, c.final, application.NonRetryable())
			require.Equal(t, c.delay, application.NextRetryDelay())
			require.NotContains(t, application.Message(), "13800000000")
		})
	}
}

// A parked order can't be mapped any more once the flow names other fields, and need
// not be if a later run has saved it by those.
func TestSaveOrderOfAnotherFlowEndsWhereTheBillIsThere(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	mark := func(change func(*flow.Mark)) string {
		m := f.Mark(order)
		m.Hash, m.Version = "000000000000", "000000"
		change(&m)
		return m.String()
	}
	for _, c := range []struct {
		name   string
		bill   string // the text of the bill that is there
		exists bool
		saved  bool
	}{
		{"of this version", mark(func(*flow.Mark) {}), true, true},
		{"of a later version", mark(func(m *flow.Mark) { m.ChangedAt = m.ChangedAt.Add(time.Second) }), true, true},
		{"of an earlier version", mark(func(m *flow.Mark) { m.ChangedAt = m.ChangedAt.Add(-time.Second) }), true, false},
		{"of another order", mark(func(m *flow.Mark) { m.OrderID = "70002" }), true, false},
		{"of a person", "手工录入", true, false},
		{"none", "", true, false},
		{"none is looked for", mark(func(*flow.Mark) {}), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := newFakeLedger()
			if c.bill != "" {
				ledger.with("70001", "A").marked(c.bill)
			}
			_, err := environment(&Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}).ExecuteActivity(workflows.SaveOrderName,
				workflows.SaveOrderParams{Flow: testFlow, PickVersion: "other", Order: order, Exists: c.exists})
			require.NotContains(t, ledger.calls, "save")
			if c.saved {
				require.NoError(t, err)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, "flow_changed", application.Type())
		})
	}
}

// A closed period keeps a bill from being saved, and from nothing else.
func TestSaveOrderKeepsClosedPeriods(t *testing.T) {
	closed := func(then string) func(*flow.Flow) {
		return func(f *flow.Flow) {
			f.ClosedPeriods = flow.ClosedPeriods{Until: time.Date(2024, 3, 31, 0, 0, 0, 0, catalog.Beijing), Then: then}
		}
	}
	save := func(ledger *fakeLedger, f *flow.Flow) error {
		a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
		_, err := a.saveOrder(context.Background(), workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: pick(t, f, nil)}, true)
		return err
	}
	t.Run("park", func(t *testing.T) {
		ledger := newFakeLedger()
		err := save(ledger, loadFlow(t, closed(flow.ClosedPark)))
		require.Equal(t, flow.ReasonClosedPeriod, fault.As(err).Reason)
		require.ErrorContains(t, err, "售后单 order 70001")
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

func TestSaveOrderStopsWhereSubmitFails(t *testing.T) {
	f := loadFlow(t, explicitAudit)
	ledger := newFakeLedger()
	ledger.submitErr = failure(fault.Retry, "conflict")
	a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
	_, err := environment(a).ExecuteActivity(workflows.SaveOrderName, workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: pick(t, f, nil)})
	require.ErrorContains(t, err, "提交失败")
	require.Equal(t, []string{"save", "look 70001", "submit 70001"}, ledger.calls)
}
