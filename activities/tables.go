package activities

import (
	"context"
	"time"

	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// tablesWait bounds the wait for tables where orders can be read without them.
const tablesWait = 30 * time.Second

// refreshTables refreshes the flow's tables from Kingdee if they are too old. If that
// fails, orders are mapped by the old tables, and those that need more wait.
func (a *Activities) refreshTables(ctx context.Context, f *flow.Flow) {
	if a.Tables == nil || len(f.KingdeeTables) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tablesWait)
	defer cancel()
	a.Tables.Refresh(ctx, f)
}

// withTables returns the order, opened with current tables from Kingdee: a table that lacks
// a code of the order, or was never read, is read anew. An order whose code is still
// missing is returned as it was; saving it fails and says so.
func (a *Activities) withTables(ctx context.Context, f *flow.Flow, order *flow.Opened) (*flow.Opened, error) {
	if a.Tables == nil {
		return order, nil
	}
	for range 2 * len(f.KingdeeTables) { // each is outdated, and read anew, at most once
		if _, leftOut, err := order.Skip(); leftOut || err != nil {
			return order, nil
		}
		_, err := order.Bill()
		table := flow.LackingTable(err)
		if table == nil {
			return order, nil
		}
		if !order.Outdated(table) {
			read, err := a.Tables.Reread(ctx, table)
			if err != nil {
				return nil, text.Errorf("order %s: %w", order.Order.ID, err)
			}
			if !read {
				break
			}
		}
		order = f.Open(order.Order)
	}
	return order, nil
}
