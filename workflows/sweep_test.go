package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

// sweptWorld is a fake world whose flow reads two days again, up to an hour before now.
func sweptWorld(orders int) *fakeWorld {
	world := watched(orders)
	world.plan.Sweep = &Sweep{Span: 48 * time.Hour, Behind: time.Hour}
	world.plan.LongestWindow = 24 * time.Hour
	return world
}

// A sweep reads what the flow says, slowly, and says what it found. It leaves the
// watermark to others.
func TestSweep(t *testing.T) {
	world := sweptWorld(5)
	world.leftOut = map[string]string{"70004": "cancelled"}
	world.billDeleted = true
	world.finished["70000"] = true
	world.saveErr = func(order contract.Order) error {
		switch order.ID {
		case "70001", "70002":
			return temporal.NewNonRetryableApplicationError("变了", "order_changed", nil)
		}
		return nil
	}
	world.waiting = map[string]bool{"70002": true} // found before
	last := at("2024-03-01 08:00:00")
	var rate Rate
	result, err := runSync(world, SyncFlowInput{Flow: "refund_to_return", Sweep: true}, startingAt("2024-03-03 04:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		env.SetLastCompletionResult(SyncFlowResult{Watermark: &last})
		world.beforeFetch = func(*fakeWorld, int) {
			value, err := env.QueryWorkflow(ProgressQuery)
			require.NoError(t, err)
			var progress SyncFlowProgress
			require.NoError(t, value.Get(&progress))
			rate = progress.Rate
		}
	})
	require.NoError(t, err)
	require.Equal(t, at("2024-03-01 03:00:00").Unix(), result.From.Unix())
	require.Equal(t, at("2024-03-03 03:00:00").Unix(), result.To.Unix())
	require.Equal(t, last.Unix(), result.Watermark.Unix())
	// The fake source shows its orders in each of the three windows.
	require.Equal(t, 3, result.AlreadySaved)
	require.Equal(t, 3, result.Saved)
	require.Equal(t, map[string]int{"order_changed": 3}, result.NewlyParked)
	require.Equal(t, new(9), result.Found)
	require.Equal(t, sweepRate, rate)
	require.Len(t, world.reports, 1)
	report := world.reports[0].Report
	require.True(t, report.Sweep)
	require.Equal(t, 9, report.Found)
}

func TestSweepThatFindsNothing(t *testing.T) {
	world := sweptWorld(1)
	world.finished["70000"] = true
	result, err := runSync(world, SyncFlowInput{Flow: "refund_to_return", Sweep: true}, startingAt("2024-03-03 04:00:00"))
	require.NoError(t, err)
	require.Equal(t, new(0), result.Found, "told, as the proof")
	ordinary, err := runSync(sweptWorld(1), handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00"), startingAt("2024-03-03 04:00:00"))
	require.NoError(t, err)
	require.Nil(t, ordinary.Found)
}

func TestSweepThatDoesNotBegin(t *testing.T) {
	world := sweptWorld(1)
	world.plan.Sweep = nil
	_, err := runSync(world, SyncFlowInput{Flow: "refund_to_return", Sweep: true})
	require.ErrorContains(t, err, NoSweep)
	require.Empty(t, world.fetches)

	world = sweptWorld(1)
	world.plan.Enabled = false
	_, err = runSync(world, SyncFlowInput{Flow: "refund_to_return", Sweep: true})
	require.ErrorContains(t, err, FlowDisabled)
	require.Empty(t, world.fetches)
}

// A flow by row versions is swept by time as well.
func TestSweepOfAFlowByRowVersions(t *testing.T) {
	world := sweptWorld(1)
	world.plan.Cursor = contract.CursorRowVersion
	result, err := runSync(world, SyncFlowInput{Flow: "refund_to_return", Sweep: true}, startingAt("2024-03-03 04:00:00"))
	require.NoError(t, err)
	require.NotNil(t, result.Found)
	require.Len(t, world.windows, 3)
}
