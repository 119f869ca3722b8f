package activities

import (
	"context"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// readOrders looks given orders up with the flow's parameters, and gives them as the only
// page of a window, in the order in which they were given. Those that the source does not
// show are failures.
func (a *Activities) readOrders(ctx context.Context, f *flow.Flow, params workflows.FetchPageParams) (page paging.Page, rows []*row, err error) {
	found, err := jushuitan.LookUp{
		Interface: f.Source.Interface, Field: f.Source.Key, IDs: params.OrderIDs, Parameters: f.Source.Parameters, Horizon: time.Since(params.Window.From),
	}.Find(ctx, a.Source)
	if err != nil {
		return page, nil, err
	}
	a.refreshTables(ctx, f)
	records := map[string][]map[string]any{}
	for _, record := range found.Orders {
		id := jushuitan.FieldText(record, f.Source.Key)
		records[id] = append(records[id], record)
	}
	for _, id := range params.OrderIDs {
		for _, record := range records[id] {
			row := sort(f, params, record, nothingKnown)
			row.record = record
			rows = append(rows, row)
		}
		if records[id] == nil {
			rows = append(rows, &row{failed: notFound(id, params.Window.From)})
		}
	}
	if params.Rows > 0 {
		rows = rows[:min(params.Rows, len(rows))]
	}
	return paging.Page{PickVersion: f.PickVersion, PageCount: 1, DataCount: len(params.OrderIDs)}, rows, nil
}

func notFound(id string, since time.Time) *tally.Failure {
	return &tally.Failure{ID: id, Reason: workflows.OrderNotFound, Message: text.New(
		"Jushuitan shows no order %s among those that were modified since %s and meet the flow's parameters. Check the number; with --from, the run looks further back",
		id, beijing.Day(since)).Short(tally.LongestMessage)}
}
