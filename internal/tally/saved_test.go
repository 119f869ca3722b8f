package tally

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/text"
)

// Law: the amount of an order's bill counts as often as its bill is saved, which is once
// unless a later version of the order had another outcome in between, and only for Saved.
func TestAmountCountsWhenABillIsSaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var orders Orders
		want := decimal.Zero
		now := map[string]Outcome{}
		for range rapid.IntRange(0, 40).Draw(t, "outcomes") {
			id := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "order"))
			outcome := rapid.SampledFrom([]Outcome{Saved, Updated, AlreadySaved, LeftOut, BillDeleted, Parked, NewlyParked, Failed, Unparked}).Draw(t, "outcome")
			amount := decimal.New(rapid.Int64Range(-100, 100).Draw(t, "cents"), -2)
			orders.Show(Version{ID: id, Content: fmt.Sprint(orders.Len())})
			orders.AddSaved(id, outcome, amount)
			counted, _ := orders.Record(id, outcome, Failure{Reason: "r", Message: text.Literal("m")})
			if outcome == Saved && now[id] != Saved {
				want = want.Add(amount)
			}
			now[id] = counted
		}
		require.True(t, want.Equal(orders.Tally.SavedAmount), "%s, not %s", orders.Tally.SavedAmount, want)
		var sum Tally
		sum.Add(orders.Tally)
		sum.Add(orders.Tally)
		require.True(t, want.Add(want).Equal(sum.SavedAmount))
	})
}

func TestLeftOutSince(t *testing.T) {
	var orders Orders
	for i, shown := range []struct {
		outcome Outcome
		reason  string
	}{{LeftOut, "cancelled"}, {LeftOut, "no_goods"}, {BillDeleted, "cancelled"}, {Saved, ""}, {LeftOut, "cancelled"}} {
		id := fmt.Sprint(i)
		orders.Show(Version{ID: id, ChangedAt: second(i)})
		orders.Record(id, shown.outcome, Failure{Reason: shown.reason})
	}
	orders.Show(Version{ID: "at an unknown time"})
	orders.Record("at an unknown time", LeftOut, Failure{Reason: "no_goods"})
	require.Equal(t, map[string]int{"cancelled": 2}, orders.LeftOutSince(second(1)))
	require.Nil(t, orders.LeftOutSince(second(4)))
	require.Equal(t, map[string]int{"cancelled": 3, "no_goods": 2}, orders.LeftOutSince(time.Time{}))
}
