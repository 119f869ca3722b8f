package workflows

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

func TestRunAddsUpTheAmountOfSavedBills(t *testing.T) {
	for _, grain := range []string{contract.GrainOrder, contract.GrainPage} {
		t.Run(grain, func(t *testing.T) {
			world := newFakeWorld(9)
			world.plan.Grain, world.amount = grain, decimal.RequireFromString("19.90")
			world.finished["70001"] = true // its amount is that of an earlier run
			world.refuseOnce("70002")
			result, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00"), startingAt("2024-03-01 12:00:00"))
			require.NoError(t, err)
			require.Equal(t, 8, result.Saved)
			require.Equal(t, "159.2", result.SavedAmount.String())
		})
	}
}

// An incremental run goes back behind the watermark, so it meets orders again that the run
// before has left out already.
func TestRunTellsWhichOrdersItIsTheFirstToLeaveOut(t *testing.T) {
	last := at("2024-03-01 11:30:00")
	run := func(t *testing.T, in SyncFlowInput, last *SyncFlowResult) SyncFlowResult {
		world := newFakeWorld(4)
		for i := range world.rows {
			world.rows[i].ChangedAt = at([]string{"2024-03-01 11:25:00", "2024-03-01 11:30:00", "2024-03-01 11:30:01", "2024-03-01 11:40:00"}[i])
			world.skipped[world.rows[i].ID] = []string{"cancelled", "cancelled", "cancelled", "no_goods"}[i]
		}
		result, err := runSync(world, in, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
			if last != nil {
				env.SetLastCompletionResult(*last)
			}
		})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"cancelled": 3, "no_goods": 1}, result.Skipped)
		return result
	}
	in := SyncFlowInput{Flow: "refund_to_return"}
	require.Equal(t, map[string]int{"cancelled": 1, "no_goods": 1}, run(t, in, &SyncFlowResult{Watermark: &last}).NewlySkipped)
	since := at("2024-03-01 11:20:00")
	require.Equal(t, map[string]int{"cancelled": 3, "no_goods": 1}, run(t, SyncFlowInput{Flow: in.Flow, Since: &since}, nil).NewlySkipped, "the first run")
	require.Nil(t, run(t, SyncFlowInput{Flow: in.Flow, ByHand: true, Since: &since}, nil).NewlySkipped)
	require.Nil(t, run(t, handRange("2024-03-01 11:20:00", "2024-03-01 11:50:00"), nil).NewlySkipped)
}
