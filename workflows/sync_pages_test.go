package workflows

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

func pageWorld(orders int) *fakeWorld {
	world := newFakeWorld(orders)
	world.plan.Grain = contract.GrainPage
	return world
}

// Several pages go to one activity, and an order that needs more than a look, or does
// not succeed there, to one of its own.
func TestSyncWindowGivesPagesToOneActivity(t *testing.T) {
	world := pageWorld(10)
	world.skipped["70001"] = "仅退款"
	world.finished["70002"] = true
	world.unfinished = map[string]bool{"70003": true}
	world.leftOut = map[string]string{"70006": "仓库未收到货"}
	world.saveErr = func(order contract.Order) error {
		if order.ID == "70005" {
			return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
		}
		return nil
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{
		Pages: 3, Fetched: 10, Saved: 6, AlreadySaved: 1, Skipped: map[string]int{"仅退款": 1, "仓库未收到货": 1}, Parked: 1,
		NewlyParked:   map[string]int{"unknown_material": 1},
		FailedReasons: map[string]int{"unknown_material": 1},
		Failures:      []tally.Failure{{ID: "70005", BillNumber: "70005", Reason: "unknown_material", Message: text.Literal("物料不存在")}},
	}, sum)
	alone := map[string]SaveOrderParams{}
	for _, params := range world.asked {
		if params.Exists || params.Attempted {
			alone[params.Order.ID] = params
		}
	}
	require.Len(t, alone, 2)
	require.True(t, alone["70003"].Exists)
	require.False(t, alone["70003"].Attempted)
	require.True(t, alone["70005"].Attempted)
	require.Equal(t, 2, world.saves["70005"], "once with its page and once by itself")
}

// The next SyncPages goes on where the last one ended, and knows what it has shown.
func TestSyncPagesGoOnWhereTheLastOneEnded(t *testing.T) {
	world := pageWorld(10)
	world.mostPages = 2
	world.plan.InFlight = 7
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{Pages: 3, Fetched: 10, Saved: 10}, sum)
	require.Equal(t, []int{1, 3, 2, 1, 3, 2, 1}, world.fetches)
	var next, known []int
	for _, params := range world.synced {
		next, known = append(next, params.Reading.Next), append(known, params.Reading.Orders.Len())
		require.Equal(t, mostByPage, params.MostOrders)
		require.Equal(t, 7, params.InFlight)
	}
	require.Equal(t, []int{1, 2, 3, 1}, next)
	require.Equal(t, []int{0, 6, 10, 10}, known)
}

// Law: what a run counts does not depend on its grain.
func TestEachGrainCountsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const (
			saved = iota
			finished
			unfinished
			skipped
			skippedWithBill
			leftOut
			outside
			refused
			lost
			kinds
		)
		fates := rapid.SliceOfN(rapid.IntRange(0, kinds-1), 0, 20).Draw(t, "fates")
		inFlight := rapid.IntRange(1, 10).Draw(t, "in flight")
		mostPages := rapid.IntRange(0, 3).Draw(t, "pages an activity")
		partSize := rapid.IntRange(0, 3).Draw(t, "rows a part")
		var tallies []tally.Tally
		for _, grain := range []string{contract.GrainOrder, contract.GrainPage} {
			world := newFakeWorld(len(fates))
			world.plan.Grain, world.mostPages = grain, mostPages
			if grain == contract.GrainOrder {
				world.partSize = partSize
			}
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
				case skippedWithBill:
					world.skipped[id], world.unfinished[id], world.leftOut[id] = "仅退款", true, "仅退款"
				case leftOut:
					world.leftOut[id] = "仓库未收到货"
				case outside:
					world.outside[id] = true
				case refused:
					failures[id] = temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
				case lost:
					failures[id] = temporal.NewApplicationError("连接中断", "connection_lost")
				}
			}
			world.saveErr = func(order contract.Order) error { return failures[order.ID] }
			_, sum, err := runWindow(world)
			require.NoError(t, err)
			require.Zero(t, sum.InFlight())
			require.Len(t, sum.Failures, sum.Parked)
			sum.Failures = nil // they may end in another order
			tallies = append(tallies, sum)
		}
		require.Equal(t, tallies[0], tallies[1])
	})
}

// A window whose SyncPages workers die of goes on order by order. What became of what
// they were saving is not known, so each order is looked for first; and the window is not
// cut, as if nothing of it were saved.
func TestSyncWindowGoesOnOrderByOrderWhereWorkersDie(t *testing.T) {
	for _, c := range []struct {
		name      string
		dying     int // the SyncPages that does, from 1
		attempted []string
	}{
		{"the first", 1, []string{"70000", "70001", "70002", "70003", "70004", "70005", "70006", "70007", "70008", "70009"}},
		{"the second", 2, []string{"70004", "70005", "70006", "70007"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := pageWorld(10)
			world.mostPages = 2
			world.pageErr = func() error {
				if len(world.synced) >= c.dying {
					return temporal.NewHeartbeatTimeoutError()
				}
				return nil
			}
			world.changePage = func(call int, page *paging.Page) {
				if c.dying == 1 && call == 1 {
					page.DataCount = mostByOrder + 1
				}
			}
			world.plan.Retry.Attempts = 1
			_, sum, err := runWindow(world)
			require.NoError(t, err)
			require.Equal(t, tally.Tally{Pages: 3, Fetched: 10, Saved: 10}, sum)
			require.Len(t, world.synced, c.dying)
			var attempted []string
			for _, params := range world.asked {
				if params.Attempted {
					attempted = append(attempted, params.Order.ID)
				}
				require.Equal(t, 1, world.saves[params.Order.ID])
			}
			slices.Sort(attempted)
			require.Equal(t, c.attempted, attempted)
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

// Between SyncPages and an order's own activity lies the wait that it asks for, and the
// window is read on meanwhile. Orders that were not attempted do not wait.
func TestSyncWindowWaitsBetweenSyncPagesAndTheOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		wait time.Duration
		more bool // another order is pending that was not attempted
		want []time.Duration
	}{
		{"no wait", 0, false, []time.Duration{0}},
		{"half a minute", 30 * time.Second, false, []time.Duration{30 * time.Second}},
		{"beside one that was not attempted", time.Hour, true, []time.Duration{0, time.Hour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := pageWorld(6)
			world.refuseOnce("70000", "70001", "70002", "70003", "70004")
			world.delays = map[string]time.Duration{"70005": c.wait}
			if c.more {
				world.unfinished = map[string]bool{"70004": true}
			}
			env := windowEnvironment(world)
			begun := env.Now()
			times := started(env, SaveOrderName)
			env.ExecuteWorkflow(SyncWindowName, world.input())
			require.NoError(t, env.GetWorkflowError())
			var waits []time.Duration
			for _, at := range *times {
				waits = append(waits, at.Sub(begun).Truncate(time.Second))
			}
			require.Equal(t, c.want, waits)
			var sum tally.Tally
			require.NoError(t, env.GetWorkflowResult(&sum))
			require.Equal(t, tally.Tally{Pages: 2, Fetched: 6, Saved: 6}, sum)
		})
	}
}

// A newer version of an order that waits for an attempt of its own is saved after it.
func TestSyncPagesLeavesANewerVersionToComeAfterTheOlder(t *testing.T) {
	const id = "70005"
	world := pageWorld(6)
	world.rows[5] = version(id, "08:00:00", "old")
	world.refuseOnce("70000", "70001", "70002", "70003", "70004")
	world.delays = map[string]time.Duration{id: time.Hour}
	world.beforeFetch = func(w *fakeWorld, call int) {
		if call == 3 { // page 2 has been read, page 1 is still to be
			w.remove(5)
			w.rows = append([]contract.Order{version(id, "08:00:01", "new")}, w.rows...)
		}
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{Pages: 2, Fetched: 6, Saved: 6}, sum)
	type saved struct {
		content           string
		attempted, exists bool
	}
	var saves []saved
	for _, params := range world.asked {
		if params.Order.ID == id {
			saves = append(saves, saved{string(params.Order.Fields), params.Attempted, params.Exists})
		}
	}
	require.Equal(t, []saved{{`"old"`, false, false}, {`"old"`, true, false}, {`"new"`, false, true}}, saves)
}

// A pause, or a new rate, ends a SyncPages under way. (What it had done by then the test
// environment throws away, and so does this test; e2e looks at the rest.)
func TestControlInterruptsSyncPages(t *testing.T) {
	for _, c := range []struct {
		name     string
		control  Control
		inFlight int // of the next
	}{
		{"a pause", Control{Paused: &Pause{By: "wang"}}, 5},
		{"a new rate", Control{Rate: Rate{InFlight: 2}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := pageWorld(10)
			env := windowEnvironment(world)
			world.pageErr = func() error {
				if len(world.synced) > 1 {
					return nil
				}
				env.SignalWorkflow(ControlSignal, c.control)
				// Nobody hears of it any more.
				return temporal.NewNonRetryableApplicationError("暂停之后", "after_the_interruption", nil)
			}
			if c.control.Paused != nil {
				env.RegisterDelayedCallback(func() {
					require.Len(t, world.synced, 1)
					env.SignalWorkflow(ControlSignal, Control{})
				}, time.Hour)
			}
			env.ExecuteWorkflow(SyncWindowName, world.input())
			require.NoError(t, env.GetWorkflowError())
			var sum tally.Tally
			require.NoError(t, env.GetWorkflowResult(&sum))
			require.Equal(t, tally.Tally{Pages: 3, Fetched: 10, Saved: 10}, sum)
			require.Equal(t, 5, world.synced[0].InFlight)
			require.Equal(t, c.inFlight, world.synced[1].InFlight)
		})
	}
}

// What can't be read, or whose bills can't be looked up, stops the window: nothing of it
// is counted or parked, and the next run finds it.
func TestSyncWindowStopsWhenSyncPagesFails(t *testing.T) {
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
			world.plan.Retry.Attempts = 8
			world.pageErr = func() error { return c.err }
			_, _, err := runWindow(world)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, WindowUnfinished, application.Type())
			require.Contains(t, application.Message(), MessageOf(c.err).String())
			done, ok := tallyOf(err)
			require.True(t, ok)
			require.Zero(t, done.Fetched)
			require.Empty(t, world.asked)
			require.Empty(t, world.fetches)
			require.Len(t, world.synced, c.attempts)
		})
	}
}

// A page whose orders have no room together is read in parts.
func TestSyncWindowReadsAPageInParts(t *testing.T) {
	world := newFakeWorld(10)
	world.partSize = 3
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{Pages: 3, Fetched: 10, Saved: 10}, sum)
	require.Equal(t, []int{1, 1, 3, 2, 2, 1, 1, 3, 2, 2, 1, 1}, world.fetches)
	for id, saves := range world.saves {
		require.Equal(t, 1, saves, "as_id %s", id)
	}
}

// A window is cut before anything of it is saved, or not at all.
func TestSyncWindowIsNotCutBehindItsFirstOrders(t *testing.T) {
	world := newFakeWorld(4)
	world.partSize = 3
	world.changePage = func(call int, page *paging.Page) {
		if call == 2 {
			page.DataCount = mostByOrder + 1
		}
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{Pages: 1, Fetched: 4, Saved: 4}, sum)
}
