package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
)

func TestCodesThatWereSeen(t *testing.T) {
	f, err := flowfile.Load(filepath.Join("..", "flows", "refund_to_return.yaml"))
	require.NoError(t, err)
	order := func(id, shop, warehouse, status string) map[string]any {
		return map[string]any{"as_id": id, "shop_name": shop, "wms_co_id": warehouse, "status": status, "good_status": "SELLER_RECEIVED",
			"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "1"}}}
	}
	for name, test := range map[string]struct {
		orders []map[string]any
		want   string
	}{
		"none missing":                      {orders: []map[string]any{order("1", "天猫旗舰店", "20001", "")}},
		"those of orders that are left out": {orders: []map[string]any{order("1", "新店", "20001", "Cancelled")}},
		"by how many orders have them": {orders: []map[string]any{order("1", "新店", "20001", ""), order("2", "天猫旗舰店", "29999", ""), order("3", "京东专营店", "29999", "")},
			want: `table warehouses has no code “29999” and no default; orders: 2. Add this line to tables/warehouses.csv, with Kingdee's code in it, restart the worker, and retry: 29999,<Kingdee's code>,
table customers has no code “新店” and no default; orders: 1. Add this line to tables.customers.values, with Kingdee's code in it, restart the worker, and retry: "新店": "<Kingdee's code>"`},
	} {
		t.Run(name, func(t *testing.T) {
			seen := seenCodes{orders: map[flow.UnlistedCode]int{}}
			for _, order := range test.orders {
				require.NoError(t, seen.take(f, order))
			}
			require.Equal(t, len(test.orders), seen.read)
			if test.want == "" {
				require.NoError(t, seen.missing())
				return
			}
			require.EqualError(t, seen.missing(), test.want)
		})
	}
}
