package workflows

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

// Adding tallies up loses no order, whatever they hold.
func TestTallyAddKeepsTheSum(t *testing.T) {
	tallies := rapid.Custom(func(t *rapid.T) Tally {
		var tally Tally
		for i := range rapid.IntRange(0, 150).Draw(t, "orders") {
			tally.Fetched++
			failure := failureOf(flow.Order{ID: fmt.Sprint(i)}, fmt.Errorf("refused"))
			switch rapid.IntRange(0, 6).Draw(t, "outcome") {
			case 0:
				tally.saved(SaveOrderResult{Outcome: Saved})
			case 1:
				tally.saved(SaveOrderResult{Outcome: AlreadySaved})
			case 2:
				tally.skip(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "reason"))
			case 3:
				tally.fail(failure)
			case 4:
				tally.park(failure)
				if rapid.Bool().Draw(t, "new") {
					tally.newlyParked(failure.Reason)
				}
			case 5:
				tally.saved(SaveOrderResult{Outcome: Updated})
			case 6: // stays in flight
			}
		}
		return tally
	})
	rapid.Check(t, func(t *rapid.T) {
		var sum Tally
		fetched, inFlight, failed, parked, newly := 0, 0, 0, 0, 0
		for _, tally := range rapid.SliceOfN(tallies, 0, 5).Draw(t, "tallies") {
			sum.Add(tally)
			fetched += tally.Fetched
			inFlight += tally.InFlight()
			failed += tally.Failed
			parked += tally.Parked
			newly += total(tally.NewlyParked)
		}
		require.Equal(t, fetched, sum.Fetched)
		require.Equal(t, inFlight, sum.InFlight())
		require.Equal(t, failed, sum.Failed)
		require.Equal(t, parked, sum.Parked)
		require.Equal(t, newly, total(sum.NewlyParked))
		require.LessOrEqual(t, newly, parked)
		require.Len(t, sum.Failures, min(failed+parked, failuresListed))
	})
}

// What Kingdee has otherwise is told once, however many windows tell it.
func TestTallyTellsDifferencesOnce(t *testing.T) {
	var sum Tally
	for i := range 3 * differencesListed {
		var window Tally
		window.tell("")
		window.tell(fmt.Sprint(i / 2))
		sum.Add(window)
	}
	require.Len(t, sum.Differences, differencesListed)
	require.Equal(t, []string{"0", "1", "2"}, sum.Differences[:3])
}
