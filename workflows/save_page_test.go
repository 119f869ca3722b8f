package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

func pageWorld(orders int) *fakeWorld {
	world := newFakeWorld(orders)
	world.plan.Grain = flow.GrainPage
	return world
}

// An order that needs no look first is saved with its page, and by itself only if
// that did not succeed.
func TestSyncWindowGivesAPageToOneActivity(t *testing.T) {
	world := pageWorld(10)
	world.skipped["70001"] = "仅退款"
	world.finished["70002"] = true
	world.unfinished = map[string]bool{"70003": true}
	world.leftOut = map[string]string{"70006": "仓库未收到货"}
	world.saveErr = func(order flow.Order) error {
		if order.ID == "70005" {
			return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
		}
		return nil
	}
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.ElementsMatch(t, [][]string{{"70000"}, {"70008", "70009"}, {"70004", "70005", "70006", "70007"}}, world.pages)
	require.Equal(t, Tally{
		Pages: 3, Fetched: 10, Saved: 6, AlreadySaved: 1, Skipped: map[string]int{"仅退款": 1, "仓库未收到货": 1}, Parked: 1,
		NewlyParked:   map[string]int{"unknown_material": 1},
		FailedReasons: map[string]int{"unknown_material": 1},
		Failures:      []Failure{{ID: "70005", BillNumber: "70005", Reason: "unknown_material", Message: "物料不存在"}},
	}, tally)
	alone := map[string]SaveOrderParams{}
	for _, params := range world.asked {
		if params.Exists || params.Tried {
			alone[params.Order.ID] = params
		}
	}
	require.Len(t, alone, 2)
	require.True(t, alone["70003"].Exists)
	require.False(t, alone["70003"].Tried)
	require.True(t, alone["70005"].Tried)
	require.Equal(t, 2, world.saves["70005"], "once with its page and once by itself")
}

// Law: what a run counts does not depend on its grain.
func TestEachWayCountsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const (
			saved = iota
			finished
			unfinished
			skipped
			leftOut
			refused
			lost
			kinds
		)
		fates := rapid.SliceOfN(rapid.IntRange(0, kinds-1), 0, 20).Draw(t, "fates")
		inFlight := rapid.IntRange(1, 10).Draw(t, "in flight")
		var tallies []Tally
		for _, way := range ways {
			world := newFakeWorld(len(fates))
			world.by(way)
			world.plan.InFlight = inFlight
			world.unfinished, world.leftOut = map[string]bool{}, map[string]string{}
			failures := map[string]error{}
			for i, fate := range fates {
				id := world.rows[i].ID
				switch fate {
				case finished:
					world.finished[id] = true
				case unfinished:
					world.unfinished[id] = true
				case skipped:
					world.skipped[id] = "仅退款"
				case leftOut:
					world.leftOut[id] = "仓库未收到货"
				case refused:
					failures[id] = temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
				case lost:
					failures[id] = temporal.NewApplicationError("连接中断", "connection_lost")
				}
			}
			world.saveErr = func(order flow.Order) error { return failures[order.ID] }
			_, tally, err := runWindow(world)
			require.NoError(t, err)
			require.Zero(t, tally.InFlight())
			require.Len(t, tally.Failures, tally.Parked)
			tally.Failures = nil // they may end in another order
			tallies = append(tallies, tally)
		}
		require.Equal(t, tallies[0], tallies[1])
		require.Equal(t, tallies[0], tallies[2])
	})
}

// Of a page whose worker dies, no order is lost.
func TestSyncWindowSavesEachOrderByItselfWhenItsPageFails(t *testing.T) {
	world := pageWorld(4)
	world.plan.Retry.Attempts = 8
	world.pageErr = func() error { panic("a bug") }
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, Tally{Pages: 1, Fetched: 4, Saved: 4}, tally)
	require.Len(t, world.pages, 8)
	for _, params := range world.asked {
		require.True(t, params.Tried, "its outcome is open")
	}
}

// Orders that no worker can work on, or whose bills can't be looked up, stop the
// window: they are neither counted nor parked, and the next run finds them.
func TestSyncWindowStopsWhenAPageIsRefused(t *testing.T) {
	for _, c := range []struct {
		name     string
		err      error
		attempts int
	}{
		{"for good", temporal.NewNonRetryableApplicationError("没有流程", "unknown_flow", nil), 1},
		{"again and again", temporal.NewApplicationError("查询失败", "connection_lost"), 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := pageWorld(4)
			world.skipped["70001"] = "仅退款"
			world.plan.Retry.Attempts = 8
			world.pageErr = func() error { return c.err }
			_, _, err := runWindow(world)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, WindowUnfinished, application.Type())
			require.Contains(t, application.Message(), messageOf(c.err))
			done, ok := detailsOf[Tally](err)
			require.True(t, ok)
			require.Zero(t, done.Fetched)
			require.Empty(t, world.asked)
			require.Len(t, world.pages, c.attempts)
		})
	}
}

// started notes when, by the workflow's clock, activities of a type start.
func started(env *testsuite.TestWorkflowEnvironment, name string) *[]time.Time {
	var times []time.Time
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == name {
			times = append(times, env.Now())
		}
	})
	return &times
}

// Between SavePage and an order's own activity lies the wait that would lie between
// two attempts.
func TestSyncWindowWaitsBetweenThePageAndTheOrder(t *testing.T) {
	lost := temporal.NewApplicationError("连接中断", "connection_lost")
	for _, c := range []struct {
		name  string
		err   error
		delay time.Duration
		wait  time.Duration
	}{
		{"refused for good", temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil), 0, 0},
		{"connection lost", lost, 0, time.Second},
		{"asked to wait", lost, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := pageWorld(4)
			world.saveErr = func(order flow.Order) error {
				if order.ID == "70001" && world.saves[order.ID] == 1 {
					return c.err
				}
				return nil
			}
			world.delays = map[string]time.Duration{"70001": c.delay}
			env := windowEnvironment(world)
			begun := env.Now()
			times := started(env, SaveOrderName)
			env.ExecuteWorkflow(SyncWindowName, world.input())
			require.NoError(t, env.GetWorkflowError())
			require.Len(t, *times, 1)
			require.Equal(t, c.wait, (*times)[0].Sub(begun).Truncate(time.Second))
		})
	}
}

// However few orders may be in flight, and however large they are, what is saved
// together keeps to the bound.
func TestSyncWindowBoundsWhatIsSavedTogether(t *testing.T) {
	for _, c := range []struct {
		name                       string
		orders, pageSize, inFlight int
		bytes                      int // of each order
		sizes                      []int
	}{
		{"by number", 12, 12, 5, 10, []int{5, 5, 2}},
		{"by size", 3, 1, 100, mostBytesTogether * 6 / 10, []int{1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := pageWorld(c.orders)
			world.pageSize, world.plan.InFlight = c.pageSize, c.inFlight
			world.keepPlaces(c.bytes)
			env := windowEnvironment(world)
			times := started(env, SavePageName)
			env.ExecuteWorkflow(SyncWindowName, world.input())
			require.NoError(t, env.GetWorkflowError())
			var sizes []int
			for _, page := range world.pages {
				sizes = append(sizes, len(page))
			}
			require.Equal(t, c.sizes, sizes)
			for i := 1; i < len(*times); i++ {
				require.Equal(t, time.Hour, (*times)[i].Sub((*times)[i-1]).Truncate(time.Minute))
			}
		})
	}
}

func TestSyncRefundsTakesTheGrainThatItIsGiven(t *testing.T) {
	for _, c := range []struct {
		name, flow, input string
		pages             int
	}{
		{"none", "", "", 0},
		{"the flow's", flow.GrainPage, "", 1},
		{"a run's own", flow.GrainOrder, flow.GrainPage, 1},
		{"a run's own, finer than the flow's", flow.GrainPage, flow.GrainOrder, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			world.plan.Grain = c.flow
			input := handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00")
			input.Grain = c.input
			result, err := runSync(world, input)
			require.NoError(t, err)
			require.Equal(t, 4, result.Saved)
			require.Len(t, world.pages, c.pages)
		})
	}
	input := handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00")
	input.Grain = "pages"
	_, err := runSync(newFakeWorld(4), input)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, UnknownGrain, application.Type())
	require.Contains(t, application.Message(), "page")
}
