package activities

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/workflows"
)

func pageOf(records ...map[string]any) *fakeSource {
	return &fakeSource{page: jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: len(records), Datas: records}}
}

func syncPage(a *Activities, change ...func(*workflows.SyncPageParams)) (result workflows.SyncPageResult, err error) {
	params := workflows.SyncPageParams{FetchPageParams: workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: 1}}
	for _, c := range change {
		c(&params)
	}
	value, err := environment(a).ExecuteActivity(workflows.SyncPageName, params)
	if err != nil {
		return result, err
	}
	return result, value.Get(&result)
}

func idsOf(orders []flow.Order) (ids []string) {
	for _, order := range orders {
		ids = append(ids, order.ID)
	}
	return ids
}

func outcomesOf(settled []workflows.SettledOrder) map[string]workflows.Outcome {
	outcomes := map[string]workflows.Outcome{}
	for _, order := range settled {
		outcomes[order.ID] = order.Outcome
	}
	return outcomes
}

// What is saved does not travel; what wants more does, whole.
func TestSyncPageSavesWhatHasNoBillAndGivesBackTheRest(t *testing.T) {
	f := loadFlow(t)
	id := func(id string, more ...map[string]any) map[string]any {
		fields := map[string]any{"as_id": json.Number(id)}
		for _, m := range more {
			maps.Copy(fields, m)
		}
		return record(fields)
	}
	leftOut := map[string]any{"type": "仅退款"}
	source := pageOf(
		id("1"),
		id("2"), // has its bill
		id("3"), // has a bill of an earlier version
		id("4"), // Kingdee does not answer
		id("5", map[string]any{"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "3件", "price": "1"}}}),
		id("6", leftOut),
		id("7", leftOut), // has a bill
		id("8", map[string]any{"modified": "2024-03-01 05:59:59"}),
		id("9"), // an earlier version is being saved
		id("10"), id("10", map[string]any{"modified": "2024-03-01 09:00:00"}),
		record(map[string]any{"as_id": nil}),
	)
	ledger := newFakeLedger().with("3", "A").with("7", "A").marked("前一版")
	ledger.with("2", "A")
	mark := f.Mark(pick(t, f, map[string]any{"as_id": "2"}))
	ledger.bills["2"][0].Text = mark.String()
	ledger.replies = map[string]func() error{"4": func() error { return failure(fault.Retry, "connection") }}

	result, err := syncPage(&Activities{Flows: flow.Flows{testFlow: f}, Source: source, Ledger: ledger},
		func(p *workflows.SyncPageParams) { p.LeaveAlone = []string{"9"} })
	require.NoError(t, err)
	require.Equal(t, map[string]workflows.Outcome{"1": workflows.Saved, "2": workflows.AlreadySaved}, outcomesOf(result.Settled))
	require.Equal(t, []string{"3", "9", "10", "10", "4", "5"}, idsOf(result.Orders))
	for _, order := range result.Orders {
		require.NotEmpty(t, order.Fields, order.ID)
	}
	require.ElementsMatch(t, []string{"4", "5"}, slices.Collect(maps.Keys(result.NotDone)))
	require.Equal(t, "connection", result.NotDone["4"].Reason)
	require.True(t, result.NotDone["5"].Final)
	require.Equal(t, []string{"8"}, result.Outside)
	require.Len(t, result.Failed, 1)
	require.Len(t, result.Skipped, 2)
	require.Nil(t, result.Skipped[0].Order, "it has no bill")
	require.Equal(t, "7", result.Skipped[1].Order.ID)
	require.Equal(t, f.PickVersion, result.PickVersion)
	require.Equal(t, []string{"look 6,7,1,2,3,4,5,9,10,10", "save", "save"}, ledger.calls)

	travelled, err := json.Marshal(result.Settled)
	require.NoError(t, err)
	require.NotContains(t, string(travelled), "T恤")
}

// What the window knows of a page that it reads again is not looked up, as long as it
// is shown as it was.
func TestSyncPageLooksUpNothingThatIsKnown(t *testing.T) {
	f := loadFlow(t)
	leftOut := map[string]any{"as_id": "2", "type": "仅退款"}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Source: pageOf(record(nil), record(leftOut))}
	ledger := newFakeLedger()
	a.Ledger = ledger
	first, err := syncPage(a)
	require.NoError(t, err)
	known := append(first.Settled, workflows.SettledOrder{ID: "2", ChangedAt: first.Skipped[0].ChangedAt, Outcome: workflows.LeftOut})
	for _, c := range []struct {
		name    string
		records []map[string]any
		calls   []string
		settled map[string]workflows.Outcome
	}{
		{"as it was", []map[string]any{record(nil), record(leftOut)}, nil, map[string]workflows.Outcome{"70001": workflows.AlreadySaved}},
		{"another beside it", []map[string]any{record(nil), record(map[string]any{"as_id": "3"})}, []string{"look 3", "save"},
			map[string]workflows.Outcome{"70001": workflows.AlreadySaved, "3": workflows.Saved}},
		{"changed", []map[string]any{record(map[string]any{"modified": "2024-03-01 09:00:00", "shop_name": "抖音小店"})}, []string{"look 70001"}, map[string]workflows.Outcome{}},
		{"left out since", []map[string]any{record(map[string]any{"type": "仅退款"})}, []string{"look 70001"}, map[string]workflows.Outcome{}},
		{"no longer left out", []map[string]any{record(map[string]any{"as_id": "2"})}, []string{"look 2", "save"}, map[string]workflows.Outcome{"2": workflows.Saved}},
	} {
		t.Run(c.name, func(t *testing.T) {
			again := newFakeLedger()
			again.bills["70001"] = ledger.bills["70001"]
			a := &Activities{Flows: a.Flows, Source: pageOf(c.records...), Ledger: again}
			result, err := syncPage(a, func(p *workflows.SyncPageParams) { p.Known = known })
			require.NoError(t, err)
			require.Equal(t, c.calls, again.calls)
			require.Equal(t, c.settled, outcomesOf(result.Settled))
		})
	}
}

// A window that will be cut has none of its orders saved.
func TestSyncPageSavesNothingOfAWindowWithTooManyOrders(t *testing.T) {
	for _, c := range []struct {
		name             string
		most, has, saved int
	}{
		{"any number", 0, 9000, 1},
		{"not over", 5000, 5000, 1},
		{"over", 5000, 5001, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, ledger := pageOf(record(nil)), newFakeLedger()
			source.page.DataCount, source.page.PageCount = c.has, 180
			a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source, Ledger: ledger}
			result, err := syncPage(a, func(p *workflows.SyncPageParams) { p.MostOrders = c.most })
			require.NoError(t, err)
			require.Equal(t, c.has, result.DataCount)
			require.Equal(t, 180, result.PageCount)
			require.Len(t, result.Settled, c.saved)
			require.Len(t, ledger.bills, c.saved)
			require.Empty(t, result.Orders)
		})
	}
}

// An order that could not be given back, if its bill's fate stayed open, is not tried:
// nobody would look for the bill any more.
func TestSyncPageTriesNothingThatCouldNotTravel(t *testing.T) {
	source := pageOf(record(map[string]any{"as_id": "1", "items": lines(1000, 600)}), record(map[string]any{"as_id": "2"}))
	ledger := newFakeLedger()
	result, err := syncPage(&Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source, Ledger: ledger})
	require.NoError(t, err)
	require.Equal(t, map[string]workflows.Outcome{"2": workflows.Saved}, outcomesOf(result.Settled))
	require.NotContains(t, ledger.bills, "1")
	require.Len(t, result.Failed, 1)
	require.Equal(t, reasonOrderTooLarge, result.Failed[0].Reason)
}

// What fails before anything is saved says so: the page is then read and saved as if
// SyncPage had not been.
func TestSyncPageTellsThatItHasTouchedNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fakeSource, *fakeLedger)
		params func(*workflows.SyncPageParams)
		says   string
	}{
		{"the source does not answer", func(s *fakeSource, _ *fakeLedger) { s.err = failure(fault.Retry, "connection") }, func(*workflows.SyncPageParams) {}, "第 1 页失败"},
		{"the bills can't be looked up", func(_ *fakeSource, l *fakeLedger) { l.lookErr = failure(fault.Retry, "connection") }, func(*workflows.SyncPageParams) {}, "查询已存在的单据失败"},
		{"no such flow", func(*fakeSource, *fakeLedger) {}, func(p *workflows.SyncPageParams) { p.Flow = "refund" }, "没有流程"},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, ledger := pageOf(record(nil)), newFakeLedger()
			c.change(source, ledger)
			_, err := syncPage(&Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source, Ledger: ledger}, c.params)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, workflows.PageUntouched, application.Type())
			require.Contains(t, application.Message(), c.says)
			require.Empty(t, ledger.bills)
		})
	}
}

// What was cut off while it saved may have saved: it must not call itself untouched.
func TestSyncPageThatIsCancelledWhileItSavesSaysNothingOfThePage(t *testing.T) {
	f := loadFlow(t)
	ctx, cancel := context.WithCancel(t.Context())
	ledger := newFakeLedger()
	ledger.replies = map[string]func() error{"70001": func() error { cancel(); return ctx.Err() }}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Source: pageOf(record(nil)), Ledger: ledger}
	s, err := a.readForSync(ctx, workflows.SyncPageParams{FetchPageParams: workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: 1}})
	require.NoError(t, err)
	result, err := a.saveOfSync(ctx, s, "")
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, result)
	require.Len(t, ledger.bills, 1)
}

// A page that SyncPage may have saved is looked at before it is saved, and what is
// found counts as saved.
func TestSavePageLooksFirstForAPageThatSyncPageHasTried(t *testing.T) {
	f := loadFlow(t)
	orders := pickPage(t, f, 1, nil)
	ledger := newFakeLedger().with("70001", "A").marked(f.Mark(orders[0]).String())
	value, err := environment(&Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger}).ExecuteActivity(workflows.SavePageName,
		workflows.SavePageParams{Flow: testFlow, PickVersion: f.PickVersion, Orders: orders, LookUp: true, Tried: true})
	require.NoError(t, err)
	var result workflows.SavePageResult
	require.NoError(t, value.Get(&result))
	require.Equal(t, workflows.Saved, result.Done["70001"].Outcome)
	require.NotContains(t, ledger.calls, "save")
}
