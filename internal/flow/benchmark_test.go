package flow_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
)

// BenchmarkPickAndBill takes an order of two lines through what FetchPage and
// SaveOrder do with it by the built-in flow, and through the history between them.
func BenchmarkPickAndBill(b *testing.B) {
	f := builtIn(b)
	reply, err := os.ReadFile("testdata/orders/returned.json")
	require.NoError(b, err)
	record := decode(b, string(reply))
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		picked, err := f.Pick(record)
		require.NoError(b, err)
		_, skip, err := picked.Skip()
		require.NoError(b, err)
		require.False(b, skip)
		travelling, err := json.Marshal(picked.Order)
		require.NoError(b, err)

		var order contract.Order
		require.NoError(b, json.Unmarshal(travelling, &order))
		opened := f.Open(order)
		_, skip, err = opened.Skip()
		require.NoError(b, err)
		require.False(b, skip)
		bill, err := opened.Bill()
		require.NoError(b, err)
		_, err = f.InOpenPeriod(bill, now)
		require.NoError(b, err)
	}
}
