package tally

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"pgregory.net/rapid"
	"refundsync/internal/text"
)

// outcomes are all that can become of an order.
var outcomes = []Outcome{Saved, Updated, AlreadySaved, LeftOut, BillDeleted, Open, Outside, Parked, NewlyParked, Failed, Unparked}

// drawOrders are orders of which each has become something.
func drawOrders(t *rapid.T, most int) *Orders {
	var orders Orders
	for i := range rapid.IntRange(0, most).Draw(t, "orders") {
		id := fmt.Sprint(i)
		orders.Show(Version{ID: id, Content: "c"})
		outcome := rapid.SampledFrom(outcomes).Draw(t, "outcome")
		if outcome == Open {
			orders.Fetch(id) // stays in flight
			continue
		}
		orders.Record(id, outcome, Failure{Reason: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "reason"), Message: text.Literal("m")})
	}
	return &orders
}

// Law: adding up tallies loses no order, whatever its outcome.
func TestTallyAddKeepsTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum Tally
		fetched, inFlight, failed, parked, newly, skipped, reasons := 0, 0, 0, 0, 0, 0, 0
		for range rapid.IntRange(0, 5).Draw(t, "tallies") {
			tally := drawOrders(t, 150).Tally
			sum.Add(tally)
			fetched += tally.Fetched
			inFlight += tally.InFlight()
			failed += tally.Failed
			parked += tally.Parked
			newly += Total(tally.NewlyParked)
			skipped += tally.SkippedTotal()
			reasons += Total(tally.FailedReasons)
		}
		require.Equal(t, fetched, sum.Fetched)
		require.Equal(t, inFlight, sum.InFlight())
		require.Equal(t, failed, sum.Failed)
		require.Equal(t, parked, sum.Parked)
		require.Equal(t, newly, Total(sum.NewlyParked))
		require.Equal(t, skipped, sum.SkippedTotal())
		require.Equal(t, reasons, Total(sum.FailedReasons))
		require.Equal(t, failed+parked, reasons)
		require.LessOrEqual(t, newly, parked)
		require.LessOrEqual(t, sum.Unparked, failed)
		require.Len(t, sum.Failures, min(failed+parked, FailuresListed))
	})
}

// The differences of a bill are listed once, however many windows report them.
func TestTallyListsDifferencesOnce(t *testing.T) {
	var sum Tally
	for i := range 3 * differencesListed {
		var window Tally
		window.AddDifferences(text.Text{})
		window.AddDifferences(text.Literal(fmt.Sprint(i / 2)))
		sum.Add(window)
	}
	require.Len(t, sum.Differences, differencesListed)
	require.Equal(t, []text.Text{text.Literal("0"), text.Literal("1"), text.Literal("2")}, sum.Differences[:3])
}

func TestTallyGivesAnExampleOfAReason(t *testing.T) {
	sum := Tally{Failures: []Failure{{Reason: "a", Message: text.Literal("first")}, {Reason: "a", Message: text.Literal("second")}}}
	require.Equal(t, "first", sum.Example("a").String())
	require.Equal(t, "b", sum.Example("b").String())
}

func TestOutcomesAreToldAndJudged(t *testing.T) {
	for _, c := range []struct {
		outcome         Outcome
		label           string
		failed, hasBill bool
	}{
		{Open, "", false, false},
		{Outside, "outside", false, false},
		{Saved, "saved", false, true},
		{Updated, "updated", false, true},
		{AlreadySaved, "already_saved", false, true},
		{LeftOut, "skipped", false, false},
		{BillDeleted, "skipped", false, false},
		{Parked, "parked", true, false},
		{NewlyParked, "parked", true, false},
		{Failed, "failed", true, false},
		{Unparked, "failed", true, false},
	} {
		require.Equal(t, c.label, c.outcome.Label())
		require.Equal(t, c.failed, c.outcome.HasFailed(), c.outcome)
		require.Equal(t, c.hasBill, c.outcome.HasBill(), c.outcome)
	}
}

// What one line of a table cures is told, however many orders wait for another.
func TestEachReasonIsListed(t *testing.T) {
	var sum Tally
	for i := range FailuresListed + 50 {
		sum.list(Failure{ID: fmt.Sprint(i), Reason: "unknown_code customers A"})
	}
	sum.list(Failure{ID: "B1", Reason: "unknown_code customers B", Message: text.Literal("B")}, Failure{ID: "B2", Reason: "unknown_code customers B"})
	require.Len(t, sum.Failures, FailuresListed)
	require.Equal(t, "B", sum.Example("unknown_code customers B").String())
	require.Equal(t, "0", sum.Failures[0].ID)

	sum.Failures = nil
	for i := range FailuresListed + 1 {
		sum.list(Failure{ID: fmt.Sprint(i), Reason: fmt.Sprint("reason ", i)})
	}
	require.Len(t, sum.Failures, FailuresListed)
}
