package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// Given orders come as one page: saved, left out or failed like any others, and each that
// the source does not show as a failure.
func TestFetchPageOfGivenOrders(t *testing.T) {
	f := loadFlow(t)
	source := &askedSource{answer: func(call int) (jushuitan.Page, error) {
		if call == 1 {
			return jushuitan.Page{PageIndex: 1, Datas: []map[string]any{
				record(map[string]any{"as_id": json.Number("70003"), "modified": "2020-01-01 00:00:00"}),
				record(map[string]any{"as_id": json.Number("70002"), "status": "Cancelled"}),
			}}, nil
		}
		return jushuitan.Page{PageIndex: 1}, nil
	}}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Source: source}
	from := time.Now().AddDate(0, 0, -20)
	params := workflows.FetchPageParams{
		Flow: testFlow, Window: workflows.Window{From: from, To: time.Now()}, PageIndex: 1, OrderIDs: []string{"70001", "70002", "70003"},
	}
	page := executeFetch(t, a, params)
	require.Equal(t, 1, page.PageCount)
	require.Equal(t, 3, page.DataCount)
	require.Len(t, page.Orders, 1)
	require.Equal(t, "70003", page.Orders[0].ID)
	require.Len(t, page.Skipped, 1)
	require.Equal(t, "70002", page.Skipped[0].ID)
	require.Len(t, page.Failed, 1)
	require.Equal(t, "70001", page.Failed[0].ID)
	require.Equal(t, workflows.OrderNotFound, page.Failed[0].Reason)
	require.Contains(t, page.Failed[0].Message.String(), "70001")
	require.Len(t, source.asked, 4, "three weeks, and once more what changes meanwhile")

	// The window is read to its end with that.
	reading := paging.Window{Reader: paging.New(nil)}
	_, err := reading.Take(page, func(string, tally.Outcome, tally.Failure) {})
	require.NoError(t, err)
	require.Zero(t, reading.Next)
}

func executeFetch(t *testing.T, a *Activities, params workflows.FetchPageParams) (page paging.Page) {
	t.Helper()
	value, err := environment(a).ExecuteActivity(workflows.FetchPageName, params)
	require.NoError(t, err)
	require.NoError(t, value.Get(&page))
	return page
}

func TestLoadFlowGivesTheKeysOfGivenOrders(t *testing.T) {
	f := loadFlow(t)
	a := &Activities{Flows: flow.Flows{testFlow: f}, Source: &askedSource{answer: func(int) (jushuitan.Page, error) { return jushuitan.Page{PageIndex: 1}, nil }}}
	value, err := environment(a).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow, Orders: []string{"70001", " 70002", "70001", ""}})
	require.NoError(t, err)
	var result workflows.LoadFlowResult
	require.NoError(t, value.Get(&result))
	require.Equal(t, []string{"70001", "70002"}, result.OrderIDs)
}
