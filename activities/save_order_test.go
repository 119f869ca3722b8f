package activities

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

func TestSaveOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		exists bool
		tried  bool
		ledger *fakeLedger
		want   tally.Outcome
		calls  []string
	}{
		{"a new order", false, false, newFakeLedger(), tally.Saved, []string{"save"}},
		{"an order that SyncPages has tried", false, true, newFakeLedger().with("70001", "A"), tally.Saved, []string{"look 70001"}},
		{"an order whose bill was found", true, false, newFakeLedger().with("70001", "A"), tally.AlreadySaved, []string{"look 70001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			order := pick(t, f, nil)
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: c.ledger.marked(f.Mark(order).String())}
			value, err := environment(a).ExecuteActivity(workflows.SaveOrderName,
				workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: order, Exists: c.exists, Attempted: c.tried})
			require.NoError(t, err)
			var result workflows.SaveOrderResult
			require.NoError(t, value.Get(&result))
			require.Equal(t, "39.8", result.Amount.String(), "2 at 19.90")
			result.Amount = decimal.Decimal{}
			require.Equal(t, workflows.SaveOrderResult{Outcome: c.want, BillNumber: "70001"}, result)
			require.Equal(t, c.calls, c.ledger.calls)
		})
	}
}

func TestSaveOrderFailsWithReasonAndClass(t *testing.T) {
	for _, c := range []struct {
		name   string
		ledger *fakeLedger
		change func(*workflows.SaveOrderParams)
		reason string
		final  bool
		delay  time.Duration
	}{
		{name: "Kingdee refuses the bill", ledger: &fakeLedger{saveResult: failure(fault.Final, "unknown_material")}, reason: "unknown_material", final: true},
		{name: "Kingdee asks to wait", ledger: &fakeLedger{saveErr: &fault.Error{Class: fault.RateLimited, Reason: "call_limit", Delay: 7 * time.Second}}, reason: "call_limit", delay: 7 * time.Second},
		{name: "connection lost", ledger: &fakeLedger{saveErr: failure(fault.Retry, "connection")}, reason: "connection"},
		{name: "number used, but no such bill", ledger: &fakeLedger{saveResult: failure(fault.Final, kingdee.ReasonNumberUsed)}, reason: "bill_not_found"},
		{name: "flow was changed since the order was read", ledger: newFakeLedger(), change: func(p *workflows.SaveOrderParams) { p.PickVersion = "other" }, reason: "flow_changed"},
		{name: "no such flow", ledger: newFakeLedger(), change: func(p *workflows.SaveOrderParams) { p.Flow = "refund" }, reason: "unknown_flow", final: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: c.ledger}
			params := workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: pick(t, f, nil)}
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
	for name, exists := range map[string]bool{"it may have a bill": true, "it has none": false} {
		t.Run(name, func(t *testing.T) {
			ledger := newFakeLedger().with("70001", "A").marked(f.Mark(order).String())
			_, err := environment(&Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}).ExecuteActivity(workflows.SaveOrderName,
				workflows.SaveOrderParams{Flow: testFlow, PickVersion: "other", Order: order, Exists: exists})
			require.NotContains(t, ledger.calls, "save")
			if exists {
				require.NoError(t, err)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, "flow_changed", application.Type())
		})
	}
}

func TestDiscardedOrderIsLeftOut(t *testing.T) {
	f := loadFlow(t)
	now := time.Now()
	changed := func(fields map[string]any) map[string]any {
		fields["modified"] = "2024-03-01 08:00:01"
		return fields
	}
	for _, c := range []struct {
		name   string
		order  contract.Order
		pick   string
		asOf   time.Time
		fails  bool // to tell who is discarded
		reason string
	}{
		{name: "as it was", order: pick(t, f, nil), pick: f.PickVersion, asOf: now, reason: "discarded"},
		{name: "picked by an edited flow", order: pick(t, f, nil), pick: "other", asOf: now, reason: "discarded"},
		{name: "mapped by an edited flow", order: pick(t, f, map[string]any{"shop_name": "天猫旗舰店", "as_date": "2024-02-27 10:00:00", "wms_co_id": json.Number("20002")}), pick: f.PickVersion, asOf: now, reason: "discarded"},
		{name: "modified, with the same bill", order: pick(t, f, changed(map[string]any{})), pick: f.PickVersion, asOf: now, reason: "discarded"},
		{name: "changed", order: pick(t, f, changed(map[string]any{"wms_co_id": json.Number("20002")})), pick: f.PickVersion, asOf: now},
		{name: "another order", order: pick(t, f, map[string]any{"as_id": json.Number("70002")}), pick: f.PickVersion, asOf: now},
		{name: "parked, or named by a person", order: pick(t, f, nil), pick: f.PickVersion},
		{name: "it can't be told", order: pick(t, f, nil), pick: f.PickVersion, asOf: now, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger, parked := newFakeLedger(), &fakeParked{discarded: []contract.Order{pick(t, f, nil)}}
			if c.fails {
				parked.listErr = errors.New("unavailable")
			}
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger, Parked: parked}
			value, err := environment(a).ExecuteActivity(workflows.SaveOrderName,
				workflows.SaveOrderParams{Flow: testFlow, PickVersion: c.pick, Order: c.order, Exists: true, DiscardsAsOf: c.asOf})
			if c.fails {
				var failed *temporal.ApplicationError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, "discards_unknown", failed.Type())
				require.False(t, failed.NonRetryable())
				require.Empty(t, ledger.calls, "what can't be told is not taken for not discarded")
				return
			}
			require.NoError(t, err)
			var result workflows.SaveOrderResult
			require.NoError(t, value.Get(&result))
			if c.reason != "" {
				require.Equal(t, workflows.SaveOrderResult{Outcome: tally.LeftOut, BillNumber: c.order.BillNumber, Reason: c.reason}, result)
				require.Empty(t, ledger.calls)
			} else {
				require.Equal(t, tally.Saved, result.Outcome)
			}
		})
	}
}
