package activities

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/paging"
	"refundsync/workflows"
)

// versioned is an order with a row version.
func versioned(id string, ts any, modified string) map[string]any {
	return record(map[string]any{"as_id": id, "ts": ts, "modified": modified})
}

func fetchVersions(t *testing.T, source *fakeSource) (paging.Page, error) {
	t.Helper()
	start := int64(100)
	a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source}
	return a.Fetch(t.Context(), workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: 1, StartTS: &start})
}

func TestFetchPageReadsRowVersions(t *testing.T) {
	full := make([]map[string]any, loadFlow(t).Source.PageSize)
	for i := range full {
		full[i] = versioned("7", json.Number("101"), "2024-03-01 08:00:00")
	}
	for _, c := range []struct {
		name          string
		page          jushuitan.Page
		last, settled int64
		more          bool
	}{
		{"no row", jushuitan.Page{}, 0, 0, false},
		{"the boundary alone", jushuitan.Page{Datas: []map[string]any{versioned("1", json.Number("100"), "2024-03-01 08:00:00")}}, 100, 100, false},
		{"numbers and text, beyond what a float holds", jushuitan.Page{Datas: []map[string]any{
			versioned("1", "100", "2024-03-01 08:00:00"), versioned("2", json.Number("9007199254740993"), "2024-03-01 08:00:00"),
		}}, 9007199254740993, 9007199254740993, false},
		{"rows that are fresh, from one on", jushuitan.Page{Datas: []map[string]any{
			versioned("1", json.Number("101"), "2024-03-01 11:59:59"), versioned("2", json.Number("102"), "2024-03-01 12:00:00"), versioned("3", json.Number("103"), "2024-03-01 08:00:00"),
		}}, 103, 101, false},
		{"fresh from the first on", jushuitan.Page{Datas: []map[string]any{versioned("1", json.Number("101"), "2024-03-01 13:00:00")}}, 101, 0, false},
		{"a row without a time", jushuitan.Page{Datas: []map[string]any{versioned("1", json.Number("101"), "yesterday")}}, 101, 101, false},
		{"the source says that there is more", jushuitan.Page{HasNext: true, Datas: []map[string]any{versioned("1", json.Number("101"), "2024-03-01 08:00:00")}}, 101, 101, true},
		{"a full page", jushuitan.Page{Datas: full}, 101, 101, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := &fakeSource{page: c.page}
			page, err := fetchVersions(t, source)
			require.NoError(t, err)
			require.Equal(t, []any{c.last, c.settled, c.more}, []any{page.LastTS, page.StableTS, page.More})
			require.Len(t, page.Orders, len(c.page.Datas), "no row is left to another window")
			require.Equal(t, map[string]string{
				"page_index": "1", "page_size": "100", "date_type": "0",
				"start_ts": "100", "is_get_total": "false",
			}, source.params)
		})
	}
}

// A row is fresh by when it was modified, also where the flow counts by another time.
func TestRowVersionsAreFreshByTheTimeOfTheirChange(t *testing.T) {
	start := int64(100)
	f := loadFlow(t, func(f *flow.Flow) { f.Source.DateType = "1" })
	a := &Activities{Flows: flow.Flows{testFlow: f}, Source: &fakeSource{page: jushuitan.Page{Datas: []map[string]any{
		record(map[string]any{"as_id": "1", "ts": "101", "created": "2024-03-01 07:00:00", "modified": "2024-03-01 08:00:00"}),
		record(map[string]any{"as_id": "2", "ts": "102", "created": "2024-03-01 07:00:00", "modified": "2024-03-01 13:00:00"}),
	}}}}
	page, err := a.Fetch(t.Context(), workflows.FetchPageParams{Flow: testFlow, Window: testWindow, PageIndex: 1, StartTS: &start})
	require.NoError(t, err)
	require.Equal(t, int64(101), page.StableTS)
	require.Equal(t, int64(102), page.LastTS)
}

func TestFetchPageRefusesRowsThatAreNotInOrderOfTheirVersions(t *testing.T) {
	for name, rows := range map[string][]map[string]any{
		"without a version":             {versioned("1", nil, "2024-03-01 08:00:00")},
		"with words":                    {versioned("1", "latest", "2024-03-01 08:00:00")},
		"below the one asked for":       {versioned("1", json.Number("99"), "2024-03-01 08:00:00")},
		"from the newest to the oldest": {versioned("1", json.Number("120"), "2024-03-01 08:00:00"), versioned("2", json.Number("110"), "2024-03-01 08:00:00")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fetchVersions(t, &fakeSource{page: jushuitan.Page{Datas: rows}})
			var application *temporal.ApplicationError
			require.ErrorAs(t, toTemporal(err), &application)
			require.Equal(t, "row_versions_unsupported", application.Type())
			require.True(t, application.NonRetryable())
			require.Contains(t, application.Message(), "source.cursor")
		})
	}
}
