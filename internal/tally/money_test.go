package tally

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However often an order is shown, its money counts once, as its newest version has it;
// and it counts the same after the orders have travelled, and in a sum of windows.
func TestMoneyCountsOnceAnOrder(t *testing.T) {
	reasons := []string{"freight", "refund"}
	rapid.Check(t, func(r *rapid.T) {
		var orders Orders
		newest := map[string]map[string]decimal.Decimal{}
		for range rapid.IntRange(0, 20).Draw(r, "shown") {
			id := fmt.Sprint(rapid.IntRange(1, 5).Draw(r, "order"))
			amounts := map[string]decimal.Decimal{}
			for _, reason := range reasons {
				if cents := rapid.Int64Range(-1, 3).Draw(r, reason); cents >= 0 {
					amounts[reason] = decimal.New(cents, -2)
				}
			}
			orders.Show(Version{ID: id})
			orders.NotBooked(id, amounts)
			newest[id] = amounts
			if rapid.Bool().Draw(r, "travels") {
				raw, err := json.Marshal(orders)
				require.NoError(r, err)
				orders = Orders{}
				require.NoError(r, json.Unmarshal(raw, &orders))
			}
		}
		var sum Tally
		sum.Add(orders.Tally)
		sum.Add(orders.Tally)
		for _, reason := range reasons {
			count, amount := 0, decimal.Zero
			for _, amounts := range newest {
				if cents, ok := amounts[reason]; ok {
					count, amount = count+1, amount.Add(cents)
				}
			}
			for tally, times := range map[*Tally]int64{&orders.Tally: 1, &sum: 2} {
				require.Equal(r, count*int(times), tally.NotBooked[reason].Orders)
				require.True(r, amount.Mul(decimal.NewFromInt(times)).Equal(tally.NotBooked[reason].Amount))
			}
		}
	})
}
