package main

import (
	"maps"
	"slices"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// demoDifferences compares the outcomes with the expected ones: every bill field by
// field, every failure by order and reason, and the counts.
func demoDifferences(truth merchant.Truth, state simulator.State, result workflows.SyncFlowResult) []string {
	var differences []string
	for _, difference := range simulator.Compare(truth, state) {
		differences = append(differences, difference.String())
	}
	return append(differences, outcomeDifferences(truth, result)...)
}

// outcomeDifferences compares the counts with the expected ones, and every failure by order
// and reason.
func outcomeDifferences(truth merchant.Truth, result workflows.SyncFlowResult) []string {
	var differences []string
	differ := func(what string, got, want int) {
		if got != want {
			differences = append(differences, countDiffers(what, got, want))
		}
	}
	totals := truth.Totals()
	differ("fetched", result.Fetched, totals.Orders)
	differ("saved + updated + already saved", result.Saved+result.Updated+result.AlreadySaved, totals.Saved)
	for _, reason := range sortedKeys(result.Skipped, totals.Skipped) {
		differ("skipped, "+reason, result.Skipped[reason], totals.Skipped[reason])
	}
	differ("failed", result.Failed, 0)
	for _, reason := range sortedKeys(result.FailedReasons, totals.Failed) {
		differ("parked, "+reason, result.FailedReasons[reason], totals.Failed[reason])
	}
	notBooked := map[string]string{}
	for reason, money := range result.NotBooked {
		notBooked[reason] = money.Amount.StringFixed(2)
	}
	if !maps.Equal(notBooked, totals.NotBooked) {
		differences = append(differences, text.Sprintf("%s: %v, expected %v", "not booked", notBooked, totals.NotBooked))
	}
	for _, failure := range result.Failures {
		expected := truth[failure.ID]
		if expected.Outcome != merchant.Failed || failure.Reason != expected.Reason {
			differences = append(differences, text.Sprintf("%s: parked as %s, expected %s %s", failure.ID, failure.Reason, expected.Outcome, expected.Reason))
		}
	}
	return differences
}

// livesDifferences compares the outcomes of orders that changed after they were booked
// with the expected ones: each that was withdrawn, or of which more was received, is
// parked, and no bill has changed.
func livesDifferences(truth merchant.Truth, state simulator.State, lived simulator.OrderChanges, result workflows.SyncFlowResult) []string {
	var differences []string
	for _, difference := range simulator.CompareAnyVersion(truth, state) {
		differences = append(differences, difference.String())
	}
	totals := truth.Totals()
	for _, count := range []struct {
		what      string
		got, want int
	}{
		{"fetched", result.Fetched, totals.Orders},
		{tally.OrderWithdrawn, result.FailedReasons[tally.OrderWithdrawn], lived.Cancelled + lived.Unconfirmed},
		{tally.OrderChanged, result.FailedReasons[tally.OrderChanged], lived.Received},
		{"saved + updated", result.Saved + result.Updated, 0},
		{"already saved", result.AlreadySaved, totals.Saved - lived.Received},
	} {
		if count.got != count.want {
			differences = append(differences, countDiffers(count.what, count.got, count.want))
		}
	}
	return differences
}

func countDiffers(what string, got, want int) string {
	return text.Sprintf("%s: %v, expected %v", what, got, want)
}

func sortedKeys(counts ...map[string]int) []string {
	all := map[string]int{}
	for _, count := range counts {
		maps.Copy(all, count)
	}
	return slices.Sorted(maps.Keys(all))
}
