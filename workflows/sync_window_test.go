package workflows

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

var testWindow = Window{From: at("2024-03-01 06:00:00"), To: at("2024-03-01 11:59:59")}

func windowEnvironment(world *fakeWorld) *testsuite.TestWorkflowEnvironment {
	env := newEnvironment()
	Register(env)
	world.register(env)
	return env
}

func runWindow(world *fakeWorld) (*testsuite.TestWorkflowEnvironment, tally.Tally, error) {
	env := windowEnvironment(world)
	env.ExecuteWorkflow(SyncWindowName, world.input())
	if err := env.GetWorkflowError(); err != nil {
		return env, tally.Tally{}, err
	}
	var sum tally.Tally
	err := env.GetWorkflowResult(&sum)
	return env, sum, err
}

func TestSyncWindowReadsPagesFromTheLastToTheFirst(t *testing.T) {
	for _, c := range []struct {
		name    string
		orders  int
		fetches []int
		pages   int
	}{
		{"no order", 0, []int{1}, 1},
		{"one page", 4, []int{1}, 1},
		{"three pages", 10, []int{1, 3, 2, 1, 3, 2, 1}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(c.orders)
			_, sum, err := runWindow(world)
			require.NoError(t, err)
			require.Equal(t, c.fetches, world.fetches)
			require.Equal(t, tally.Tally{Pages: c.pages, Fetched: c.orders, Saved: c.orders}, sum)
			require.Len(t, world.saves, c.orders)
		})
	}
}

func TestSyncWindowCountsEveryOrderUnderOneOutcome(t *testing.T) {
	world := newFakeWorld(10)
	world.skipped["70001"] = "仅退款"
	world.skipped["70008"] = "仅退款"
	world.finished["70002"] = true
	world.saveErr = func(order contract.Order) error {
		if order.ID == "70005" {
			return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
		}
		return nil
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{
		Pages: 3, Fetched: 10, Saved: 6, AlreadySaved: 1, Skipped: map[string]int{"仅退款": 2}, Parked: 1,
		NewlyParked:   map[string]int{"unknown_material": 1},
		FailedReasons: map[string]int{"unknown_material": 1},
		Failures:      []tally.Failure{{ID: "70005", BillNumber: "70005", Reason: "unknown_material", Message: text.Literal("物料不存在")}},
	}, sum)
	require.NotContains(t, world.saves, "70001")
	require.NotContains(t, world.saves, "70002")
	require.Equal(t, "unknown_material", world.parked["70005"].Reason)
}

func TestSyncWindowCountsAnOrderThatCannotBeParked(t *testing.T) {
	refused := func(contract.Order) error {
		return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
	}
	for _, c := range []struct {
		name    string
		prepare func(*fakeWorld)
		want    tally.Tally
	}{
		{"because the server is full", func(w *fakeWorld) {
			w.parkErr = temporal.NewNonRetryableApplicationError("服务器已满", "full", nil)
		}, tally.Tally{Pages: 1, Fetched: 1, Failed: 1, Unparked: 1, FailedReasons: map[string]int{"unknown_material": 1}, Failures: []tally.Failure{{
			ID: "70000", BillNumber: "70000", Reason: "unknown_material", Message: text.New("%s It could not be parked either: %s", "物料不存在", "服务器已满"),
		}}}},
		{"because a person has discarded it", func(w *fakeWorld) { w.discarded = true },
			tally.Tally{Pages: 1, Fetched: 1, Skipped: map[string]int{contract.ReasonDiscarded: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(1)
			world.saveErr = refused
			c.prepare(world)
			_, sum, err := runWindow(world)
			require.NoError(t, err)
			require.Equal(t, c.want, sum)
		})
	}
}

func TestSyncWindowStopsWhenMostOfAPageFailsForOneCause(t *testing.T) {
	for _, c := range []struct {
		name    string
		orders  int
		refuses func(id string) string
		exist   int
		percent int
		stops   bool
	}{
		{"all of a page", 40, func(string) string { return "unknown_base_data" }, 0, 80, true},
		{"all of a page, never to stop", 40, func(string) string { return "unknown_base_data" }, 0, 0, false},
		{"half of a page", 20, func(id string) string {
			if id < "70010" {
				return "unknown_base_data"
			}
			return ""
		}, 0, 80, false},
		{"all that have no bill yet", 20, func(string) string { return "unknown_base_data" }, 8, 80, false},
		{"a small page", 9, func(string) string { return "unknown_base_data" }, 0, 80, false},
		{"all of a page, in a closed period", 40, func(string) string { return contract.ReasonClosedPeriod }, 0, 80, false},
		{"all of a page, changed since they were saved", 40, func(string) string { return tally.OrderChanged }, 0, 80, false},
		{"one of a few, where none may be saved", 3, func(id string) string {
			if id == "70001" {
				return tally.BillRenumbered
			}
			return ""
		}, 0, 0, true},
		{"all of a page, void", 40, func(string) string { return tally.BillVoid }, 0, 80, false},
		{"for different causes", 20, func(id string) string { return "reason_" + id[4:] }, 0, 80, false},
	} {
		eachGrain(t, c.name, func(t *testing.T, grain string) {
			world := newFakeWorld(c.orders)
			world.plan.Grain = grain
			world.pageSize, world.plan.InFlight = 20, 20
			world.plan.TooManyFailures = c.percent
			for _, row := range world.rows[:c.exist] {
				world.finished[row.ID] = true
			}
			world.saveErr = func(order contract.Order) error {
				if reason := c.refuses(order.ID); reason != "" {
					return temporal.NewNonRetryableApplicationError("组织 999 不存在", reason, nil)
				}
				return nil
			}
			_, sum, err := runWindow(world)
			if !c.stops {
				require.NoError(t, err)
				require.Equal(t, sum.Parked, len(world.parked))
				require.Equal(t, c.orders, sum.Saved+sum.AlreadySaved+sum.Parked)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Contains(t, application.Message(), "组织 999 不存在")
			require.Empty(t, world.parked)
			done, ok := tallyOf(err)
			require.True(t, ok)
			require.NotZero(t, done.Failed)
			require.Zero(t, done.InFlight())
		})
	}
}

func TestSyncWindowTriesAnOrderAgainAsTheFlowSays(t *testing.T) {
	world := newFakeWorld(1)
	world.saveErr = func(contract.Order) error { return temporal.NewApplicationError("连接中断", "connection_lost") }
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 1, sum.Parked)
	require.Equal(t, "connection_lost", sum.Failures[0].Reason)
	require.Equal(t, world.plan.Retry.Attempts, world.saves["70000"])
}

func TestSyncWindowKeepsABoundOnWhatIsInFlight(t *testing.T) {
	world := newFakeWorld(12)
	world.plan.InFlight = 2
	var mu sync.Mutex
	now, most := 0, 0
	count := func(change int) {
		mu.Lock()
		defer mu.Unlock()
		now += change
		most = max(most, now)
	}
	meet := make(chan struct{})
	world.whileSaving = func() {
		count(1)
		// Each save waits for another one beside it, so that two are seen at
		// once, and across pages.
		select {
		case meet <- struct{}{}:
		case <-meet:
		}
		count(-1)
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 12, sum.Saved)
	require.Equal(t, 2, most)
}

// Rows leave the window while it is read. Whatever leaves when, a row that
// stays is saved exactly once, and the sum holds.
func TestSyncWindowLosesNothingWhileRowsLeave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := newFakeWorld(rapid.IntRange(0, 30).Draw(t, "orders"))
		world.plan.Grain = rapid.SampledFrom([]string{contract.GrainOrder, contract.GrainPage}).Draw(t, "grain")
		world.beforeFetch = func(w *fakeWorld, call int) {
			for range rapid.IntRange(0, 3).Draw(t, fmt.Sprintf("leave before call %d", call)) {
				if len(w.rows) > 0 {
					w.remove(rapid.IntRange(0, len(w.rows)-1).Draw(t, "row"))
				}
			}
		}
		_, sum, err := runWindow(world)
		require.NoError(t, err)
		for _, row := range world.rows {
			require.Equal(t, 1, world.saves[row.ID], "as_id %s stayed", row.ID)
		}
		for id, saves := range world.saves {
			require.Equal(t, 1, saves, "as_id %s", id)
		}
		require.Equal(t, len(world.saves), sum.Saved)
		require.Zero(t, sum.InFlight())
	})
}

func TestSyncWindowReadsAgainWhenRowsCameIn(t *testing.T) {
	world := newFakeWorld(10)
	world.beforeFetch = func(w *fakeWorld, call int) {
		if call == 3 {
			// In front of what is still to be read, so that a row moves from an
			// unread page into a read one.
			w.add(90)
			w.rows = append(w.rows[10:], w.rows[:10]...)
		}
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 11, sum.Saved)
	for _, row := range world.rows {
		require.Equal(t, 1, world.saves[row.ID], "as_id %s", row.ID)
	}
}

func TestSyncWindowFailsWhenTheSourceNeverSettles(t *testing.T) {
	world := newFakeWorld(10)
	world.beforeFetch = func(w *fakeWorld, call int) { w.add(100 + call) }
	_, _, err := runWindow(world)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, WindowUnfinished, application.Type())
	require.Contains(t, application.Message(), "they are still moving")
}

// Whatever a source counts, the reading ends and says why, and what it showed is saved
// once.
func TestSyncWindowEndsWhateverTheSourceCounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *fakeWorld, call int, page *paging.Page)
		// saved is how many orders are, of 10 on 3 pages.
		saved, mostFetches int
		wants              string
	}{
		{"the same page for every page_index", func(w *fakeWorld, _ int, page *paging.Page) { page.Orders = w.rows[:4:4] }, 4, 19, "6 passes showed 4, and they are still moving"},
		{"the same page, of a million", func(w *fakeWorld, _ int, page *paging.Page) {
			page.Orders, page.PageCount, page.DataCount = w.rows[:4:4], 1_000_000, 50_000
		}, 4, 30, "showed no new order"},
		{"one page more each time", func(_ *fakeWorld, call int, page *paging.Page) { page.PageCount += call }, 10, 100, "showed no new order"},
		{"one page and one order more each time", func(_ *fakeWorld, call int, page *paging.Page) {
			page.PageCount, page.DataCount = page.PageCount+call, page.DataCount+call
		}, 10, 100, "showed no new order"},
		{"one order more than it ever shows", func(_ *fakeWorld, _ int, page *paging.Page) { page.DataCount = 11 }, 10, 19, "counts 11 orders in the window; 6 passes showed 10"},
		{"two thousand million orders", func(_ *fakeWorld, _ int, page *paging.Page) { page.DataCount = 2_000_000_000 }, 4, 1, "Shorten window"},
		{"no orders at all", func(_ *fakeWorld, _ int, page *paging.Page) { page.DataCount, page.PageCount = 0, 3 }, 10, 7, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(10)
			world.changePage = func(call int, page *paging.Page) { c.change(world, call, page) }
			env := windowEnvironment(world)
			// A window of a second can't be cut.
			env.ExecuteWorkflow(SyncWindowName, SyncWindowInput{Plan: world.plan, Window: Window{From: testWindow.From, To: testWindow.From}, Grain: contract.GrainOrder, Reading: paging.Window{Reader: paging.New(nil)}})
			err := env.GetWorkflowError()
			require.Len(t, world.saves, c.saved)
			for id, saves := range world.saves {
				require.Equal(t, 1, saves, "as_id %s", id)
			}
			require.LessOrEqual(t, len(world.fetches), c.mostFetches)
			if c.wants == "" {
				require.NoError(t, err)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, WindowUnfinished, application.Type())
			require.Contains(t, application.Message(), c.wants)
			done, ok := tallyOf(err)
			require.True(t, ok)
			require.Equal(t, c.saved, done.Saved)
			require.Zero(t, done.InFlight())
		})
	}
}

func TestSyncWindowReportsWhatWasDoneWhenTheSourceFails(t *testing.T) {
	world := newFakeWorld(10)
	world.fetchErr = func(call int) error {
		if call >= 3 {
			return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
		}
		return nil
	}
	_, _, err := runWindow(world)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, WindowUnfinished, application.Type())
	require.Contains(t, application.Message(), "签名错误")
	done, ok := tallyOf(err)
	require.True(t, ok)
	require.Equal(t, 6, done.Saved)
	require.Zero(t, done.InFlight())
}

// Orders that are under way when a window is cancelled are saved to the end, and counted.
// (What a cancelled SyncPages gives back, the test environment throws away; e2e looks.)
func TestSyncWindowFinishesWhatIsInFlightWhenCancelled(t *testing.T) {
	world := newFakeWorld(10)
	world.refuseOnce()
	env := windowEnvironment(world)
	env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == SaveOrderName {
			env.CancelWorkflow()
		}
	})
	env.ExecuteWorkflow(SyncWindowName, world.input())
	err := env.GetWorkflowError()
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	done, ok := tallyOf(err)
	require.True(t, ok)
	require.NotZero(t, done.Saved)
	require.Equal(t, len(world.saves), done.Saved)
	require.Zero(t, done.InFlight())
}

// However often the window continues as new, the result is the same, and no
// order is saved by two of its runs.
func TestSyncWindowContinuesAsNewAfterDraining(t *testing.T) {
	eachGrain(t, "18 orders", func(t *testing.T, grain string) {
		world := newFakeWorld(18)
		world.plan.Grain, world.mostPages = grain, 1
		input := world.input()
		runs := 0
		for {
			runs++
			env := windowEnvironment(world)
			env.SetContinueAsNewSuggested(false)
			env.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
				if info.ActivityType.Name == FetchPageName || info.ActivityType.Name == SyncPagesName {
					env.SetContinueAsNewSuggested(true)
				}
			})
			env.ExecuteWorkflow(SyncWindowName, input)
			err := env.GetWorkflowError()
			var again *workflow.ContinueAsNewError
			if errors.As(err, &again) {
				input = SyncWindowInput{}
				require.NoError(t, decode(again, &input))
				require.Zero(t, input.Reading.Orders.Tally.InFlight())
				continue
			}
			require.NoError(t, err)
			var sum tally.Tally
			require.NoError(t, env.GetWorkflowResult(&sum))
			require.Equal(t, tally.Tally{Pages: 5, Fetched: 18, Saved: 18}, sum)
			break
		}
		require.Equal(t, []int{1, 5, 4, 3, 2, 1, 5, 4, 3, 2, 1}, world.fetches)
		require.Equal(t, len(world.fetches), runs)
		for id, saves := range world.saves {
			require.Equal(t, 1, saves, "as_id %s", id)
		}
	})
}

func TestSyncWindowAnswersTheProgressQuery(t *testing.T) {
	world := newFakeWorld(6)
	env := windowEnvironment(world)
	var asked SyncWindowProgress
	// Between the first attempts and the second. Time goes on for real while an
	// activity is under way, so the wait between them is no short one.
	world.plan.Retry.First, world.plan.Retry.Longest = time.Hour, time.Hour
	env.RegisterDelayedCallback(func() {
		value, err := env.QueryWorkflow(ProgressQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(&asked))
	}, 30*time.Minute)
	world.saveErr = func(contract.Order) error { return temporal.NewApplicationError("busy", "busy") }
	env.ExecuteWorkflow(SyncWindowName, world.input())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, testWindow.String(), asked.Window.String())
	require.Equal(t, 2, asked.PageCount)
	require.Equal(t, 6, asked.DataCount)
	require.NotZero(t, asked.Tally.InFlight())
}

// An order that was saved and is to be left out since is not passed over: SaveOrder
// compares it with its bill, and a person is told.
func TestSyncWindowLooksAtTheBillsOfOrdersThatAreLeftOut(t *testing.T) {
	world := newFakeWorld(6)
	changed, never, other := world.rows[0].ID, world.rows[1].ID, world.rows[2].ID
	for _, id := range []string{changed, never, other} {
		world.skipped[id] = "仅退款"
	}
	world.unfinished = map[string]bool{changed: true, other: true}
	world.saveErr = func(order contract.Order) error {
		if order.ID == changed {
			return temporal.NewNonRetryableApplicationError("变了", "order_changed", nil)
		}
		return nil
	}
	world.leftOut = map[string]string{other: "仅退款"} // the bill is another order's
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 6, sum.Fetched)
	require.Equal(t, 3, sum.Saved)
	require.Equal(t, map[string]int{"仅退款": 2}, sum.Skipped)
	require.Equal(t, map[string]int{"order_changed": 1}, sum.FailedReasons)
	require.Equal(t, "order_changed", world.parked[changed].Reason)
	require.Zero(t, world.saves[never], "an order without a bill costs no activity")
}

// What makes an order one to leave out need not stand in its bill: a bill that has
// the order's hash is looked at all the same.
func TestSyncWindowTakesNoBillAsThatOfAnOrderThatIsLeftOut(t *testing.T) {
	world := newFakeWorld(2)
	for i := range world.rows {
		world.rows[i].BillHash = "000000000001"
	}
	world.skipped[world.rows[0].ID] = "仅退款"
	_, _, err := runWindow(world)
	require.NoError(t, err)
	hashes := map[string]string{}
	for _, bill := range world.looked {
		hashes[bill.OrderID] = bill.Hash
	}
	require.Equal(t, map[string]string{world.rows[0].ID: "", world.rows[1].ID: "000000000001"}, hashes)
}

// Orders that the flow leaves out and that have a bill are among those of the page
// by which failures are judged.
func TestSyncWindowJudgesFailuresByAllOrdersThatItTried(t *testing.T) {
	world := newFakeWorld(20)
	world.pageSize = 20
	world.unfinished = map[string]bool{}
	for _, order := range world.rows[:10] {
		world.skipped[order.ID], world.unfinished[order.ID] = "仅退款", true
	}
	world.saveErr = func(order contract.Order) error {
		if world.skipped[order.ID] != "" {
			return temporal.NewNonRetryableApplicationError("没有权限", "no_permission", nil)
		}
		return nil
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err, "10 of 20 are fewer than 80 percent")
	require.Equal(t, 10, sum.Parked)
	require.Equal(t, 10, sum.Saved)
}

// The next page is read while Kingdee is asked about the orders of the last.
func TestSyncWindowReadsAhead(t *testing.T) {
	world := newFakeWorld(12)
	ahead := make(chan struct{})
	world.beforeFetch = func(_ *fakeWorld, call int) {
		if call == 2 {
			close(ahead)
		}
	}
	world.whileLooking = func() {
		select {
		case <-ahead:
		case <-time.After(time.Minute):
			panic("the second page is not asked for")
		}
	}
	_, sum, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, tally.Tally{Pages: 3, Fetched: 12, Saved: 12}, sum)
	require.Equal(t, []int{1, 3, 2, 1, 3, 2, 1}, world.fetches)
}
