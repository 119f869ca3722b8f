package activities

import (
	"context"
	"fmt"
	"time"

	"refundsync/internal/flow"
)

// tablesWait bounds the wait for tables where an order can be read without them.
const tablesWait = 30 * time.Second

// refreshTables sees to it that the flow's tables from Kingdee are as fresh as they are
// to be. Where that fails, orders are mapped by what there is, and those that need more
// wait.
func (a *Activities) refreshTables(ctx context.Context, f *flow.Flow) {
	if a.Tables == nil || len(f.KingdeeTables) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tablesWait)
	defer cancel()
	a.Tables.Refresh(ctx, f)
}

// withTables gives an order with all that tables from Kingdee can tell of it: where one
// lacks a code, or was never read, it is read again, and the order opened by what it is
// then. An order whose code is still missing comes as it was; its failure says so.
func (a *Activities) withTables(ctx context.Context, f *flow.Flow, order *flow.Opened) (*flow.Opened, error) {
	if a.Tables == nil {
		return order, nil
	}
	for range 2 * len(f.KingdeeTables) { // each is found outdated, and asked for, once at most
		if _, leftOut, err := order.Skip(); leftOut || err != nil {
			return order, nil
		}
		_, err := order.Bill()
		table := flow.LackingTable(err)
		if table == nil {
			return order, nil
		}
		if !order.Outdated(table) {
			read, err := a.Tables.AskAgain(ctx, table)
			if err != nil {
				return nil, fmt.Errorf("售后单 order %s: %w", order.Order.ID, err)
			}
			if !read {
				break
			}
		}
		order = f.Open(order.Order)
	}
	return order, nil
}
