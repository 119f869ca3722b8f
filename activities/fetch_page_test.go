package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/paging"
	"refundsync/workflows"
)

var testWindow = workflows.Window{
	From: time.Date(2024, 3, 1, 6, 0, 0, 0, beijing.Zone),
	To:   time.Date(2024, 3, 1, 11, 59, 59, 0, beijing.Zone),
}

func fetchPage(t *testing.T, source *fakeSource, pageIndex int) (paging.Page, error) {
	t.Helper()
	return fetchRows(t, source, pageIndex, 0)
}

func fetchRows(t *testing.T, source *fakeSource, pageIndex, rows int) (paging.Page, error) {
	t.Helper()
	a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source}
	value, err := environment(a).ExecuteActivity(workflows.FetchPageName,
		workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: pageIndex, Rows: rows})
	if err != nil {
		return paging.Page{}, err
	}
	var page paging.Page
	require.NoError(t, value.Get(&page))
	return page, nil
}

func TestFetchPageSendsEveryParameterOfTheInterface(t *testing.T) {
	source := &fakeSource{}
	_, err := fetchPage(t, source, 3)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"page_index": "3", "page_size": "100", "date_type": "0", "is_get_total": "true",
		// A second more on each side than the window.
		"start_time": "2024-03-01 05:59:59", "end_time": "2024-03-01 12:00:00",
	}, source.params)
}

func TestFetchPagePutsEachOrderWhereItBelongs(t *testing.T) {
	source := &fakeSource{page: jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: 7, Datas: []map[string]any{
		record(nil),
		record(map[string]any{"as_id": "2", "type": "仅退款", "items": []any{}, "refund": "9.90"}),
		record(map[string]any{"as_id": "3", "modified": "2024-03-01 05:59:59"}),
		record(map[string]any{"as_id": "4", "modified": "2024-03-01 12:00:00"}),
		record(map[string]any{"as_id": "5", "modified": "yesterday"}),
		// No neighbour would be shown these.
		record(map[string]any{"as_id": "8", "modified": "2024-03-01"}),
		record(map[string]any{"as_id": "9", "modified": "2024-03-01 12:00:01"}),
		// Told to the minute, it may lie within.
		record(map[string]any{"as_id": "10", "modified": "2024/3/1 12:00"}),
		record(map[string]any{"as_id": nil}),
		record(map[string]any{"as_id": "7", "items": []any{map[string]any{"type": "退货", "sku_id": "S", "r_qty": "3件", "price": "1"}}}),
	}}}
	page, err := fetchPage(t, source, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"70001", "5", "8", "9", "10", "7"}, idsOf(page.Orders))
	require.Len(t, page.Skipped, 1)
	require.Equal(t, "2", page.Skipped[0].ID)
	require.Equal(t, "仅退款，没有退货 (refund only, no goods came back)", page.Skipped[0].Reason)
	require.True(t, page.Skipped[0].ChangedAt.Equal(time.Date(2024, 3, 1, 8, 0, 0, 0, beijing.Zone)))
	require.Equal(t, "9.9", page.Skipped[0].NotBooked["没有退货的退款 (money refunded without goods)"].String())
	require.Equal(t, []string{"3", "4"}, page.Outside)
	require.Len(t, page.Failed, 1)
	require.Contains(t, page.Failed[0].ID, "sha256:")
	require.Equal(t, 7, page.DataCount)
}

// Whatever time the source's ranges count by, two versions of an order are told apart by
// when it was modified, and the window is judged by what is counted.
func TestFetchPageTellsVersionsApartByTheTimeOfTheirChange(t *testing.T) {
	late := time.Date(2024, 3, 9, 8, 0, 0, 0, beijing.Zone)
	for _, c := range []struct{ dateType, counted string }{{"1", "created"}, {"2", "confirm_date"}} {
		t.Run(c.counted, func(t *testing.T) {
			source := pageOf(
				record(map[string]any{"as_id": "1", c.counted: "2024-03-01 08:00:00", "modified": "2024-03-09 08:00:00"}),
				record(map[string]any{"as_id": "2", c.counted: "2024-03-01 05:59:59", "modified": "2024-03-01 08:00:00"}),
				record(map[string]any{"as_id": "3", c.counted: "2024-03-01 08:00:00", "modified": "2024-03-09 08:00:00", "type": "仅退款", "items": []any{}}),
				record(map[string]any{"as_id": "4", c.counted: "2024-03-01 08:00:00", "modified": nil}),
				record(map[string]any{"as_id": "5", c.counted: nil, "modified": "2024-03-01 05:59:59"}),
			)
			f := loadFlow(t, func(f *flow.Flow) { f.Source.DateType = c.dateType })
			page, err := (&Activities{Flows: flow.Flows{testFlow: f}, Source: source}).Fetch(t.Context(),
				workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: 1})
			require.NoError(t, err)
			require.Equal(t, []string{"2"}, page.Outside)
			require.Equal(t, []string{"1", "4", "5"}, idsOf(page.Orders))
			require.True(t, late.Equal(page.Orders[0].ChangedAt))
			require.Zero(t, page.Orders[1].ChangedAt, "it is not known when it was modified")
			require.True(t, late.Equal(page.Skipped[0].ChangedAt))
		})
	}
}

func TestCountOrdersTellsWhatTheSourceCounts(t *testing.T) {
	count := func(source *fakeSource) (count int, err error) {
		a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source}
		value, err := environment(a).ExecuteActivity(workflows.CountName,
			workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: 1})
		if err != nil {
			return 0, err
		}
		return count, value.Get(&count)
	}
	source := pageOf(record(nil))
	source.page.DataCount, source.page.PageCount = 1234, 25
	orders, err := count(source)
	require.NoError(t, err)
	require.Equal(t, 1234, orders)
	require.Equal(t, "true", source.params["is_get_total"])

	_, err = count(&fakeSource{err: failure(fault.Final, "bad_signature")})
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, "bad_signature", application.Type())
	require.True(t, application.NonRetryable())
}

// A window that is not over yet would be taken for read to its end. The source's clock
// says whether it is, and only where that is not known the worker's.
func TestFetchPageReadsNoWindowThatIsNotOver(t *testing.T) {
	now := time.Now()
	source := func(ahead time.Duration) jushuitan.Clock {
		return jushuitan.Clock{Date: now.Add(ahead), Sent: now, Received: now.Add(2 * time.Second)}
	}
	for _, c := range []struct {
		name  string
		ends  time.Duration // from now on
		clock jushuitan.Clock
		reads bool
		retry time.Duration // 0: never
	}{
		{"over", -time.Minute, jushuitan.Clock{}, true, 0},
		{"over but for what clocks differ by", clocksApart / 2, jushuitan.Clock{}, true, 0},
		{"not over", time.Hour, jushuitan.Clock{}, false, 0},
		{"over by both clocks", -time.Minute, source(0), true, 0},
		{"over by the worker's clock alone", -time.Minute, source(-9 * time.Minute), false, 8*time.Minute + 3*time.Second},
		{"over by the source's clock alone", 8 * time.Minute, source(9 * time.Minute), true, 0},
		{"over at the source's Date, but not when it was asked", -time.Second, source(0), false, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := &fakeSource{page: jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: 1, Datas: []map[string]any{record(nil)}, Clock: c.clock}}
			to := now.Add(c.ends)
			a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source}
			_, err := environment(a).ExecuteActivity(workflows.FetchPageName,
				workflows.FetchPageParams{Flow: testFlow, Window: workflows.Window{From: to.Add(-time.Hour), To: to}, PageIndex: 1})
			if c.reads {
				require.NoError(t, err)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, "clock_ahead", application.Type())
			require.Contains(t, application.Message(), "NTP")
			require.Equal(t, c.retry == 0, application.NonRetryable())
			require.Equal(t, c.retry, application.NextRetryDelay())
		})
	}
}

func TestFetchPageLetsOutOnlyWhatTheFlowNames(t *testing.T) {
	source := &fakeSource{page: jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: 1, Datas: []map[string]any{record(nil)}}}
	page, err := fetchPage(t, source, 1)
	require.NoError(t, err)
	history, err := json.Marshal(page)
	require.NoError(t, err)
	require.Contains(t, string(history), "天猫旗舰店")
	require.NotContains(t, string(history), "buyer")
	require.NotContains(t, string(history), "13800000000")
}

func TestFetchPageCountsPages(t *testing.T) {
	one := []map[string]any{record(nil)}
	for _, c := range []struct {
		name  string
		index int
		page  jushuitan.Page
		want  int
	}{
		{"as the source says", 1, jushuitan.Page{PageCount: 3, DataCount: 101, HasNext: true, Datas: one}, 3},
		{"no order", 1, jushuitan.Page{}, 0},
		{"a page behind those that were told", 4, jushuitan.Page{PageCount: 3, DataCount: 101, Datas: one}, 4},
		{"a next page that was not told", 3, jushuitan.Page{PageCount: 3, DataCount: 101, HasNext: true, Datas: one}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, err := fetchPage(t, &fakeSource{page: c.page}, c.index)
			require.NoError(t, err)
			require.Equal(t, c.want, page.PageCount)
		})
	}
}

func TestFetchPageFailsWithReasonAndClass(t *testing.T) {
	for _, c := range []struct {
		name   string
		source *fakeSource
		reason string
		final  bool
	}{
		{"signature refused", &fakeSource{err: &fault.Error{Class: fault.Final, Reason: "bad_signature"}}, "bad_signature", true},
		{"source busy", &fakeSource{err: &fault.Error{Class: fault.Retry, Reason: "service_unavailable"}}, "service_unavailable", false},
		{"no counts to start from the last page", &fakeSource{page: jushuitan.Page{HasNext: true, Datas: []map[string]any{record(nil)}}}, "no_page_count", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := fetchPage(t, c.source, 1)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
			require.Equal(t, c.final, application.NonRetryable())
		})
	}
}
