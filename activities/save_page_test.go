package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// pickPage are orders with the as_ids from 70001 on; change makes some of them odd.
func pickPage(t *testing.T, f *flow.Flow, count int, change map[string]map[string]any) []flow.Order {
	t.Helper()
	var orders []flow.Order
	for i := range count {
		id := fmt.Sprint(70001 + i)
		fields := map[string]any{"as_id": json.Number(id)}
		for name, value := range change[id] {
			fields[name] = value
		}
		orders = append(orders, pick(t, f, fields))
	}
	return orders
}

func TestSavePageTellsOfEachOrderWhatBecameOfIt(t *testing.T) {
	f := loadFlow(t)
	orders := pickPage(t, f, 7, map[string]map[string]any{
		"70002": {"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "3件", "price": "1"}}},
		"70003": {"type": "仅退款"},
	})
	ledger := newFakeLedger()
	ledger.replies = map[string]func() error{
		"70004": func() error { return failure(fault.Retry, "connection") },
		"70005": func() error {
			return &fault.Error{Class: fault.RateLimited, Reason: "call_limit", Message: "调用过多", Delay: 7 * time.Second}
		},
		"70006": func() error { panic("a bug") },
	}
	// Somebody else has saved the bill since the list of bills was read.
	ledger.replies["70007"] = func() error { return failure(fault.Final, kingdee.ReasonNumberUsed) }

	a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
	value, err := environment(a).ExecuteActivity(workflows.SavePageName, workflows.SavePageParams{Flow: testFlow, PickVersion: f.PickVersion, Orders: orders})
	require.NoError(t, err)
	var result workflows.SavePageResult
	require.NoError(t, value.Get(&result))

	require.Equal(t, map[string]workflows.SaveOrderResult{
		"70001": {Outcome: workflows.Saved, BillNumber: "70001"},
		"70003": {Outcome: workflows.LeftOut, BillNumber: "70003", Reason: "仅退款，没有退货 (refund only, no goods came back)"},
		"70007": {Outcome: workflows.AlreadySaved, BillNumber: "70007"},
	}, result.Done)
	for id, want := range map[string]workflows.NotDone{
		"70002": {Reason: "malformed_value", Final: true},
		"70004": {Reason: "connection"},
		"70005": {Reason: "call_limit", Delay: 7 * time.Second},
		"70006": {Reason: "unknown"},
	} {
		got := result.NotDone[id]
		require.Contains(t, got.Message, id)
		got.Message = ""
		require.Equal(t, want, got, id)
	}
	require.Len(t, result.NotDone, 4)
}

// meetingLedger holds each save until all have come.
type meetingLedger struct {
	*fakeLedger
	all sync.WaitGroup
}

func (l *meetingLedger) BatchSave(ctx context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	l.all.Done()
	l.all.Wait()
	return l.fakeLedger.BatchSave(ctx, request)
}

func TestSavePageSavesAllAtOnceSoThatTheyShareCalls(t *testing.T) {
	f := loadFlow(t)
	ledger := &meetingLedger{fakeLedger: newFakeLedger()}
	ledger.all.Add(50)
	a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
	result, err := a.savePage(t.Context(), workflows.SavePageParams{Flow: testFlow, PickVersion: f.PickVersion, Orders: pickPage(t, f, 50, nil)}, 1)
	require.NoError(t, err)
	require.Len(t, result.Done, 50)
	require.Len(t, ledger.bills, 50)
}

// SavePage asks once which bills exist, of the orders to leave out as well, and
// saves the others. What a worker that died had saved is found, and counts as saved.
func TestSavePageLooksUpAllBillsAtOnce(t *testing.T) {
	f := loadFlow(t)
	orders := pickPage(t, f, 3, nil)
	leftOut := workflows.OrderBill{OrderID: "70009", Number: "70009"}
	params := workflows.SavePageParams{
		Flow: testFlow, PickVersion: f.PickVersion, Orders: orders, LookUp: true, LeftOut: []workflows.OrderBill{leftOut},
	}
	for _, c := range []struct {
		name    string
		attempt int
		done    []string
		calls   []string
	}{
		{"at first", 1, []string{"70003"}, []string{"look 70009,70001,70002,70003", "save"}},
		{"tried again", 2, []string{"70001", "70003"},
			[]string{"look 70009,70001,70002,70003", "look 70001", "look 70002", "look 70003", "save", "look 70003"}},
		{"tried too often", workflows.PageAttempts + 1, nil, []string{"look 70009,70001,70002,70003"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := newFakeLedger().with("70001", "A").with("70002", "A").with("70009", "A").marked(f.Mark(orders[0]).String())
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
			result, err := a.savePage(t.Context(), params, c.attempt)
			require.NoError(t, err)
			require.Equal(t, workflows.FindBillsResult{Finished: []string{"70001"}, Unfinished: []string{"70009", "70002"}}, result.Found)
			require.ElementsMatch(t, c.done, slices.Collect(maps.Keys(result.Done)))
			for id, done := range result.Done {
				require.Equal(t, workflows.Saved, done.Outcome, id)
			}
			require.ElementsMatch(t, c.calls, ledger.calls)
		})
	}
}

func TestSavePageFailsAsAWholeWhenBillsCanNotBeLookedUp(t *testing.T) {
	f := loadFlow(t)
	ledger := newFakeLedger()
	ledger.lookErr = failure(fault.Retry, "connection")
	a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
	_, err := a.savePage(t.Context(), workflows.SavePageParams{
		Flow: testFlow, PickVersion: f.PickVersion, Orders: pickPage(t, f, 2, nil), LookUp: true,
	}, 1)
	require.ErrorIs(t, err, ledger.lookErr)
	require.NotContains(t, ledger.calls, "save")
}

// SaveOrder goes on where SavePage could not: it looks before it saves.
func TestSaveOrderLooksFirstForAnOrderThatSavePageHasTried(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	ledger := newFakeLedger().with("70001", "A").marked(f.Mark(order).String())
	a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
	value, err := environment(a).ExecuteActivity(workflows.SaveOrderName, workflows.SaveOrderParams{
		Flow: testFlow, PickVersion: f.PickVersion, Order: order, Tried: true,
	})
	require.NoError(t, err)
	var result workflows.SaveOrderResult
	require.NoError(t, value.Get(&result))
	require.Equal(t, workflows.SaveOrderResult{Outcome: workflows.Saved, BillNumber: "70001"}, result)
	require.Equal(t, []string{"look 70001"}, ledger.calls)
}

func TestSavePageFailsOnlyAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*workflows.SavePageParams)
		reason string
		final  bool
	}{
		{"flow was changed since the page was read", func(p *workflows.SavePageParams) { p.PickVersion = "other" }, "flow_changed", false},
		{"no such flow", func(p *workflows.SavePageParams) { p.Flow = "refund" }, "unknown_flow", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			params := workflows.SavePageParams{Flow: testFlow, PickVersion: f.PickVersion, Orders: pickPage(t, f, 2, nil)}
			c.change(&params)
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: newFakeLedger()}
			_, err := environment(a).ExecuteActivity(workflows.SavePageName, params)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
			require.Equal(t, c.final, application.NonRetryable())
		})
	}
}

// What was cut off is no failure of an order: the next attempt looks.
func TestSavePageThatIsCancelledTellsOfNoOrder(t *testing.T) {
	f := loadFlow(t)
	ctx, cancel := context.WithCancel(t.Context())
	ledger := newFakeLedger()
	ledger.replies = map[string]func() error{"70001": func() error { cancel(); return ctx.Err() }}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}
	result, err := a.savePage(ctx, workflows.SavePageParams{Flow: testFlow, PickVersion: f.PickVersion, Orders: pickPage(t, f, 2, nil)}, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, result)
}
