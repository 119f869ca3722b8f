package workflows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

func givenOrders(ids ...string) SyncFlowInput {
	return SyncFlowInput{Flow: "refund_to_return", OrderIDs: ids}
}

// A run over given orders saves these alone, counts each like any other, and leaves the
// watermark to others.
func TestRunOverGivenOrders(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fakeWorld)
	}{
		{"as the flow is", func(*fakeWorld) {}},
		{"a flow by pages", func(w *fakeWorld) { w.plan.Grain = contract.GrainPage }},
		{"a flow by row versions", func(w *fakeWorld) { w.plan.Cursor = contract.CursorRowVersion }},
		{"a disabled flow", func(w *fakeWorld) { w.plan.Enabled = false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := watched(6)
			c.change(world)
			world.finished["70001"] = true
			world.skipped["70002"] = "cancelled"
			world.saveErr = func(order contract.Order) error {
				if order.ID == "70003" {
					return temporal.NewNonRetryableApplicationError("unknown", "unknown_material", nil)
				}
				return nil
			}
			last := at("2024-03-01 08:00:00")
			var progress SyncFlowProgress
			result, err := runSync(world, givenOrders("70000", "70001", "70002", "70003", "9"), startingAt("2024-03-03 04:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				env.SetLastCompletionResult(SyncFlowResult{Watermark: &last})
				world.beforeFetch = func(*fakeWorld, int) {
					value, err := env.QueryWorkflow(ProgressQuery)
					require.NoError(t, err)
					require.NoError(t, value.Get(&progress))
				}
			})
			require.NoError(t, err)
			require.Equal(t, 5, result.Fetched)
			require.Equal(t, 1, result.Saved)
			require.Equal(t, 1, result.AlreadySaved)
			require.Equal(t, map[string]int{"cancelled": 1}, result.Skipped)
			require.Equal(t, map[string]int{"unknown_material": 1}, result.NewlyParked)
			require.Equal(t, 1, result.Failed)
			require.Equal(t, map[string]int{"unknown_material": 1, "order_not_found": 1}, result.FailedReasons)
			require.Zero(t, result.InFlight())
			require.Equal(t, []string{"9"}, result.NotFound)
			require.Equal(t, last.Unix(), result.Watermark.Unix())
			require.Contains(t, world.parked, "70003")
			require.Empty(t, world.counted, "the number of orders is known")
			require.Empty(t, world.reports, "a run by hand")
			require.Equal(t, at("2024-03-03 04:00:00").Unix(), result.To.Unix())
			require.Equal(t, at("2024-03-03 04:00:00").AddDate(0, 0, -90).Unix(), result.From.Unix())
			require.Equal(t, 5, progress.Orders)
			require.Equal(t, 1, progress.Windows)
			require.Equal(t, contract.GrainOrder, progress.Grain)
		})
	}
}

// Many given orders are several windows, and orders that a person has picked may all fail
// for one cause.
func TestRunOverManyGivenOrders(t *testing.T) {
	world := newFakeWorld(120)
	world.saveErr = func(contract.Order) error {
		return temporal.NewNonRetryableApplicationError("unknown", "unknown_material", nil)
	}
	in := givenOrders()
	for i := range 120 {
		in.OrderIDs = append(in.OrderIDs, fmt.Sprintf("7%04d", i))
	}
	in.Range = &Window{From: at("2023-01-01 00:00:00"), To: at("2025-01-01 00:00:00")}
	result, err := runSync(world, in, startingAt("2024-03-03 04:00:00"))
	require.NoError(t, err)
	require.Len(t, world.fetches, 3)
	require.Equal(t, 120, result.Parked)
	require.Len(t, world.parked, 120)
	for _, window := range world.windows {
		require.Equal(t, "2023-01-01 00:00:00–2024-03-03 04:00:00", window.String(), "no window reaches into the future")
	}
}

// Each order that is not found is named, however many there are.
func TestRunNamesEachOrderThatIsNotFound(t *testing.T) {
	in := givenOrders()
	for i := range 180 {
		in.OrderIDs = append(in.OrderIDs, fmt.Sprint(i))
	}
	result, err := runSync(newFakeWorld(0), in, startingAt("2024-03-03 04:00:00"))
	require.NoError(t, err)
	require.ElementsMatch(t, in.OrderIDs, result.NotFound)
	require.Equal(t, 180, result.Failed)
	require.Zero(t, result.Unparked)
}

// A run that ends early names each order that it may not have done.
func TestRunNamesEachOrderThatIsUnfinished(t *testing.T) {
	in := givenOrders()
	for i := range 180 {
		in.OrderIDs = append(in.OrderIDs, fmt.Sprintf("7%04d", i))
	}
	t.Run("cancelled", func(t *testing.T) {
		world := newFakeWorld(180)
		world.plan.WindowsAtOnce = 1
		_, err := runSync(world, in, startingAt("2024-03-03 04:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
			world.beforeFetch = func(_ *fakeWorld, call int) {
				if call == 2 {
					env.CancelWorkflow()
				}
			}
		})
		result, ok := ResultOf(err)
		require.True(t, ok)
		require.Equal(t, in.OrderIDs[50:], result.Unfinished)
		require.GreaterOrEqual(t, result.Saved, 50)
	})
	t.Run("failed", func(t *testing.T) {
		world := newFakeWorld(180)
		world.plan.WindowsAtOnce = 1
		world.fetchErr = func(call int) error {
			if call == 2 {
				return temporal.NewNonRetryableApplicationError("down", "unavailable", nil)
			}
			return nil
		}
		_, err := runSync(world, in, startingAt("2024-03-03 04:00:00"))
		result, ok := ResultOf(err)
		require.True(t, ok)
		require.Equal(t, in.OrderIDs[50:], result.Unfinished)
	})
}

func TestEstimateOfGivenOrders(t *testing.T) {
	world := newFakeWorld(0)
	world.plan.CallsPerSecond, world.plan.Sessions = 5, 1
	env := windowEnvironment(world)
	env.SetStartTime(at("2024-03-03 04:00:00"))
	in := givenOrders()
	for i := range 60 {
		in.OrderIDs = append(in.OrderIDs, fmt.Sprint(i))
	}
	env.ExecuteWorkflow(EstimateRunName, in)
	require.NoError(t, env.GetWorkflowError())
	var e Estimate
	require.NoError(t, env.GetWorkflowResult(&e))
	require.Equal(t, []int{2, 60, 2, 26}, []int{e.Windows, e.Orders, e.Counted, e.Calls})
	require.NotZero(t, e.Duration)
	require.Empty(t, world.counted)
}

func TestSummaryOfOrders(t *testing.T) {
	for _, c := range []struct {
		ids  []string
		want string
	}{
		{[]string{"1"}, "order 1"},
		{[]string{"1", "2"}, "2 orders: 1, 2"},
		{[]string{"1", "2", "3", "4", "5", "6"}, "6 orders: 1, 2, 3, 4, 5, …"},
	} {
		require.Equal(t, c.want, SummaryOfOrders(c.ids))
	}
	require.LessOrEqual(t, len(SummaryOfOrders([]string{strings.Repeat("x", 1000)})), longestSummary)
}

// Every run asks who was discarded before it began, except over orders that a person names.
func TestRunAsksForDiscardedOrders(t *testing.T) {
	for _, c := range []struct {
		name  string
		in    SyncFlowInput
		grain string
		asks  bool
	}{
		{"a range, by orders", handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00"), contract.GrainOrder, true},
		{"a range, by pages", handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00"), contract.GrainPage, true},
		{"orders of a repair", givenOrders("70000"), contract.GrainOrder, true},
		{"orders that a person names", SyncFlowInput{Flow: "refund_to_return", OrderIDs: []string{"70000"}, AlsoDiscarded: true}, contract.GrainOrder, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(1)
			world.plan.Grain = c.grain
			world.saveErr = func(contract.Order) error {
				return temporal.NewNonRetryableApplicationError("unknown", "unknown_material", nil)
			}
			_, err := runSync(world, c.in, startingAt("2024-03-03 04:00:00"))
			require.NoError(t, err)
			var asOf []time.Time
			for _, params := range world.asked {
				asOf = append(asOf, params.DiscardsAsOf)
			}
			for _, params := range world.synced {
				asOf = append(asOf, params.DiscardsAsOf)
			}
			require.NotEmpty(t, asOf)
			for _, at := range asOf {
				require.Equal(t, c.asks, !at.IsZero())
			}
			require.Equal(t, []bool{!c.asks}, world.parkedAnyway)
		})
	}
}
