package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
)

// grainsOf notes the grain in which each window is read.
func grainsOf(env *testsuite.TestWorkflowEnvironment) *[]string {
	var grains []string
	env.SetOnChildWorkflowStartedListener(func(_ *workflow.Info, _ workflow.Context, args converter.EncodedValues) {
		var input SyncWindowInput
		if err := args.Get(&input); err != nil {
			panic(err)
		}
		grains = append(grains, input.Grain)
	})
	return &grains
}

func TestSyncFlowChoosesItsGrain(t *testing.T) {
	few, many := fewOrders, fewOrders+1
	for _, c := range []struct {
		name        string
		flow, run   string
		windows     int // of an hour
		perWindow   int // that the source counts
		orders      *int
		rowVersions bool
		counted     int
		want        string
	}{
		{name: "a single window", flow: contract.GrainAuto, windows: 1, perWindow: 4, want: contract.GrainOrder},
		{name: "many windows with few orders", flow: contract.GrainAuto, windows: 10, perWindow: 500, counted: mostCounted, want: contract.GrainOrder},
		{name: "many windows with many orders", flow: contract.GrainAuto, windows: 10, perWindow: 501, counted: mostCounted, want: contract.GrainPage},
		{name: "two windows with many orders", flow: contract.GrainAuto, windows: 2, perWindow: 2501, counted: 2, want: contract.GrainPage},
		{name: "as many as are told, few", flow: contract.GrainAuto, windows: 10, perWindow: 9000, orders: &few, want: contract.GrainOrder},
		{name: "as many as are told, many", flow: contract.GrainAuto, windows: 10, perWindow: 4, orders: &many, want: contract.GrainPage},
		{name: "a single window with as many as are told", flow: contract.GrainAuto, windows: 1, perWindow: 4, orders: &many, want: contract.GrainPage},
		{name: "the flow says order", flow: contract.GrainOrder, windows: 10, perWindow: 9000, counted: mostCounted, want: contract.GrainOrder},
		{name: "the flow says page", flow: contract.GrainPage, windows: 1, perWindow: 4, want: contract.GrainPage},
		{name: "the run says page", flow: contract.GrainOrder, run: contract.GrainPage, windows: 1, perWindow: 4, want: contract.GrainPage},
		{name: "the run says order", flow: contract.GrainAuto, run: contract.GrainOrder, windows: 10, perWindow: 9000, counted: mostCounted, want: contract.GrainOrder},
		{name: "the run says auto", flow: contract.GrainPage, run: contract.GrainAuto, windows: 1, perWindow: 4, want: contract.GrainOrder},
		{name: "row versions, which nobody counts", flow: contract.GrainAuto, windows: 1, orders: &many, rowVersions: true, want: contract.GrainOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			world.plan.Grain = c.flow
			world.count = func(Window) (int, error) { return c.perWindow, nil }
			from := at("2024-03-01 00:00:00")
			input := SyncFlowInput{Flow: "refund_to_return", Grain: c.run, Orders: c.orders}
			if c.rowVersions {
				world.plan.Cursor, world.plan.SinceRowVersion = contract.CursorRowVersion, new(int64)
			} else {
				input.Range = &Window{From: from, To: from.Add(time.Duration(c.windows)*world.plan.LongestWindow - time.Second)}
			}
			var grains *[]string
			var progress SyncFlowProgress
			_, err := runSync(world, input, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				grains = grainsOf(env)
				world.beforeFetch = func(_ *fakeWorld, call int) {
					if call == 1 {
						progress = askRun(t, env)
					}
				}
			})
			require.NoError(t, err)
			require.Len(t, *grains, c.windows)
			for _, grain := range *grains {
				require.Equal(t, c.want, grain)
			}
			require.Len(t, world.counted, c.counted)
			require.Equal(t, c.want == contract.GrainPage, len(world.synced) > 0)
			require.Equal(t, c.want, progress.Grain)
		})
	}
}

// A single window does not tell beforehand how many orders it has. Once it has, and had to
// be cut, the rest goes by pages.
func TestSyncFlowGoesByPagesFromThenOnWhereAWindowHasManyOrders(t *testing.T) {
	for _, c := range []struct {
		name   string
		orders int
		grains []string
	}{
		{"a few too many for a window", mostByOrder + 1, []string{contract.GrainOrder, contract.GrainOrder, contract.GrainOrder, contract.GrainOrder}},
		{"many", fewOrders + 1, []string{contract.GrainOrder, contract.GrainPage, contract.GrainPage, contract.GrainPage}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(2)
			world.plan.Grain, world.plan.WindowsAtOnce = contract.GrainAuto, 1
			world.changePage = func(call int, page *paging.Page) {
				if call == 1 {
					page.DataCount, page.PageCount = c.orders, c.orders/4
				}
			}
			var grains *[]string
			result, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 00:59:59"), startingAt("2024-03-02 00:00:00"),
				func(env *testsuite.TestWorkflowEnvironment) { grains = grainsOf(env) })
			require.NoError(t, err)
			require.Equal(t, c.grains, *grains)
			require.Equal(t, 2*(len(c.grains)-1), result.Saved)
			require.Empty(t, world.counted)
		})
	}
}

func TestSyncFlowRefusesAGrainThatThereIsNot(t *testing.T) {
	input := handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00")
	input.Grain = "pages"
	_, err := runSync(newFakeWorld(4), input)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, UnknownGrain, application.Type())
	require.Contains(t, application.Message(), `"pages"`)
}

// A source that does not count can't be read either.
func TestSyncFlowFailsWhereOrdersCanNotBeCounted(t *testing.T) {
	world := newFakeWorld(4)
	world.plan.Grain = contract.GrainAuto
	world.count = func(Window) (int, error) {
		return 0, temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
	}
	_, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"))
	require.ErrorContains(t, err, "签名错误")
	require.Empty(t, world.fetches)
}
