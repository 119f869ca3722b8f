package workflows

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

func syncPageWorld(orders int) *fakeWorld {
	world := newFakeWorld(orders)
	world.by(ways[2])
	return world
}

func TestSyncWindowReadsAndSavesAPageInOneActivity(t *testing.T) {
	world := syncPageWorld(10)
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, Tally{Pages: 3, Fetched: 10, Saved: 10}, tally)
	require.Empty(t, world.savings)
	var pages, most, known []int
	for _, params := range world.synced {
		pages, most = append(pages, params.PageIndex), append(most, params.MostOrders)
		known = append(known, len(params.Known))
		require.Empty(t, params.LeaveAlone)
	}
	require.Equal(t, []int{0, 0, 0, 4}, known)
	require.Equal(t, []int{1, 3, 2, 1}, pages)
	require.Equal(t, []int{manyOrders, mostOrders, mostOrders, mostOrders}, most)
	require.Equal(t, pages, world.fetches)
}

// A page that SyncPage can't do is read and saved by FetchPage and SavePage, and the
// next is SyncPage's again.
func TestSyncWindowGoesOnWhereSyncPageFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func(world *fakeWorld)
		// tried tells that orders of the page may be saved.
		tried bool
	}{
		{"before it saved", func(w *fakeWorld) {
			w.fetchErr = func(call int) error {
				if call == 2 {
					return temporal.NewApplicationError("连接中断", "connection_lost")
				}
				return nil
			}
		}, false},
		{"while it saved", func(w *fakeWorld) {
			w.pageErr = func() error {
				if len(w.synced) == 2 && len(w.savings) == 0 {
					panic("a bug")
				}
				return nil
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := syncPageWorld(10)
			c.fails(world)
			_, tally, err := runWindow(world)
			require.NoError(t, err)
			require.Equal(t, Tally{Pages: 3, Fetched: 10, Saved: 10}, tally)
			require.Equal(t, []int{1, 3, 3, 2, 1}, world.fetches)
			require.Len(t, world.savings, 1)
			require.Equal(t, c.tried, world.savings[0].Tried)
			require.True(t, world.savings[0].LookUp)
			require.Len(t, world.savings[0].Orders, 2)
		})
	}
}

// Where fewer orders may be in flight than a page has, it is given out in parts.
func TestSyncWindowDoesNotSavePagesThatAreTooLargeToBeInFlight(t *testing.T) {
	world := syncPageWorld(10)
	world.plan.InFlight = 3
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 10, tally.Saved)
	require.Empty(t, world.synced)
	for _, params := range world.savings {
		require.LessOrEqual(t, len(params.Orders), 3)
	}
}

// An order that waits for its next attempt is not touched when a page shows it again.
func TestSyncWindowTellsSyncPageWhatIsBeingSaved(t *testing.T) {
	world := syncPageWorld(10)
	world.saveErr = func(order flow.Order) error {
		if order.ID == "70009" && world.saves[order.ID] == 1 {
			return temporal.NewApplicationError("连接中断", "connection_lost")
		}
		return nil
	}
	world.delays = map[string]time.Duration{"70009": time.Hour}
	world.beforeFetch = func(w *fakeWorld, call int) {
		if call == 3 {
			w.rows[4], w.rows[9] = w.rows[9], w.rows[4]
		}
	}
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, []string{"70009"}, world.synced[2].LeaveAlone)
	require.Equal(t, 2, world.saves["70009"])
	require.Equal(t, 10, tally.Saved)
}

// However much SyncPage leaves, what waits for its SaveOrder fits into a request,
// also when the window stops and nothing holds it back any more.
func TestSyncWindowBoundsWhatSyncPageLeaves(t *testing.T) {
	for _, c := range []struct {
		name string
		// stops has the orders of page 8 refused for good, which stops the window.
		stops bool
	}{
		{"each page waits for an hour", false},
		{"the window stops meanwhile", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := syncPageWorld(100)
			world.pageSize, world.plan.InFlight = 10, 200
			world.keepPlaces(mostBytesTogether * 6 / 100)
			if c.stops {
				refused, busy := world.rows[70:80], world.saveErr
				for i := range refused {
					world.sized(70+i, 10)
				}
				world.saveErr = func(order flow.Order) error {
					if slices.ContainsFunc(refused, func(o flow.Order) bool { return o.ID == order.ID }) {
						return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
					}
					return busy(order)
				}
			}
			env := windowEnvironment(world)
			together := map[time.Time]int{}
			env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, args converter.EncodedValues) {
				var params SaveOrderParams
				if info.ActivityType.Name == SaveOrderName && args.Get(&params) == nil {
					together[env.Now().Truncate(time.Minute)] += len(params.Order.Fields)
				}
			})
			env.ExecuteWorkflow(SyncWindowName, world.input())
			require.Equal(t, c.stops, env.GetWorkflowError() != nil)
			require.NotEmpty(t, together)
			for _, bytes := range together {
				require.LessOrEqual(t, bytes, 2*mostBytesTogether)
			}
		})
	}
}

// The orders that SyncPage left hold places while they wait. A page that is saved by
// SavePage because the rate was lowered waits for those places, and they for nothing.
func TestSyncWindowSlowedDownBesideWhatSyncPageLeft(t *testing.T) {
	world := syncPageWorld(8)
	world.pageSize, world.plan.InFlight = 2, 6
	for row, share := range []int{0, 0, 50, 5, 45, 45, 20, 20} {
		world.sized(row, share*mostBytesTogether/100)
	}
	world.refuseOnce("70000", "70001")
	world.delays = map[string]time.Duration{}
	for _, row := range world.rows[2:] {
		world.delays[row.ID] = time.Hour
	}
	env := windowEnvironment(world)
	world.beforeFetch = func(_ *fakeWorld, call int) {
		if call == 3 {
			env.SignalWorkflow(ControlSignal, Control{Rate: Rate{InFlight: 1}})
		}
	}
	begun := env.Now()
	env.RegisterDelayedCallback(env.CancelWorkflow, 100*time.Hour)
	env.ExecuteWorkflow(SyncWindowName, world.input())
	require.NoError(t, env.GetWorkflowError())
	require.Less(t, env.Now().Sub(begun), 24*time.Hour)
	require.NotEmpty(t, world.savings)
}

// What a pause, a lower rate or the end of the window brings holds for a page that
// was waiting, or under way, when it came.
func TestSyncWindowAsksAgainBeforeThePageThatWaited(t *testing.T) {
	t.Run("paused while SyncPage failed", func(t *testing.T) {
		world := syncPageWorld(10)
		env := windowEnvironment(world)
		world.fetchErr = func(call int) error {
			if call == 2 {
				env.SignalWorkflow(ControlSignal, Control{Paused: &Pause{By: "wang"}})
				return temporal.NewApplicationError("连接中断", "connection_lost")
			}
			return nil
		}
		env.RegisterDelayedCallback(func() {
			fetches, _ := activitiesStarted(world)
			require.Equal(t, 2, fetches)
			env.SignalWorkflow(ControlSignal, Control{})
		}, time.Hour)
		env.ExecuteWorkflow(SyncWindowName, world.input())
		require.NoError(t, env.GetWorkflowError())
		require.Len(t, world.booked, 10)
	})

	t.Run("slowed down", func(t *testing.T) {
		world := syncPageWorld(12)
		world.plan.InFlight = 4
		world.keepPlaces(10)
		env := windowEnvironment(world)
		env.RegisterDelayedCallback(func() {
			env.SignalWorkflow(ControlSignal, Control{Rate: Rate{InFlight: 1}})
		}, time.Minute)
		env.ExecuteWorkflow(SyncWindowName, world.input())
		require.NoError(t, env.GetWorkflowError())
		require.Len(t, world.synced, 1, "the first page alone was under way")
		require.Len(t, world.booked, 12)
	})

	t.Run("stopped", func(t *testing.T) {
		world := syncPageWorld(30)
		world.pageSize, world.plan.InFlight = 10, 100
		world.keepPlaces(mostBytesTogether / 9)
		refused := world.rows[:10]
		for _, row := range world.rows[20:] {
			world.delays[row.ID] = 2 * time.Hour
		}
		world.saveErr = func(order flow.Order) error {
			if world.saves[order.ID] == 2 && slices.ContainsFunc(refused, func(o flow.Order) bool { return o.ID == order.ID }) {
				return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
			}
			if world.saves[order.ID] == 1 {
				return temporal.NewApplicationError("调用过多", "call_limit")
			}
			return nil
		}
		for row := range refused {
			world.sized(row, 10)
		}
		_, _, err := runWindow(world)
		require.ErrorContains(t, err, "物料不存在")
		require.Len(t, world.synced, 2, "the page in the middle waited when the first one stopped the window")
	})
}

// An order that failed, or that a person has discarded, is shown again with page 1:
// it has had its attempts.
func TestSyncPageLeavesAloneWhatFailed(t *testing.T) {
	for _, discarded := range []bool{false, true} {
		t.Run(fmt.Sprintf("discarded %t", discarded), func(t *testing.T) {
			world := syncPageWorld(60)
			world.discarded = discarded
			world.saveErr = func(order flow.Order) error {
				if order.ID == "70000" && world.saves[order.ID] <= 2 {
					return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
				}
				return nil
			}
			_, tally, err := runWindow(world)
			require.NoError(t, err)
			require.Equal(t, []string{"70000"}, world.synced[len(world.synced)-1].LeaveAlone)
			require.Equal(t, 2, world.saves["70000"], "with its page and by itself")
			require.Equal(t, 59, tally.Saved)
			require.Len(t, world.booked, 59)
			if discarded {
				require.Equal(t, map[string]int{discardedReason: 1}, tally.Skipped)
			} else {
				require.Equal(t, 1, tally.Parked)
			}
		})
	}
}

// An earlier version does not take the place of a later one that was parked.
func TestSyncPageLeavesTheLaterVersionParked(t *testing.T) {
	const id = "70011"
	world := syncPageWorld(12)
	older, newer := version(id, "08:00:00", "old"), version(id, "08:00:01", "new")
	world.rows[11] = older
	world.beforeFetch = func(w *fakeWorld, call int) {
		switch call { // page 3 is read with the second call, then 2, then 1
		case 3:
			w.rows[11], w.rows[7] = w.rows[7], newer
		case 4:
			w.rows[7], w.rows[2] = w.rows[2], older
		}
	}
	world.saveErr = func(order flow.Order) error {
		if string(order.Fields) == `"new"` {
			return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
		}
		return nil
	}
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 1, tally.Parked)
	require.Contains(t, world.parked, id)
}

// A SyncPage that died may have saved any version that it was shown.
func TestSyncPageThatDiedHasTriedNewerVersionsToo(t *testing.T) {
	const id = "70005"
	world := syncPageWorld(6)
	world.rows[5] = version(id, "08:00:00", "old")
	world.beforeFetch = func(w *fakeWorld, call int) {
		if call == 3 {
			w.remove(5)
			w.rows = append([]flow.Order{version(id, "08:00:01", "new")}, w.rows...)
		}
	}
	world.pageErr = func() error {
		if len(world.synced) == 3 && len(world.savings) == 0 {
			panic("the worker died")
		}
		return nil
	}
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 6, tally.Saved)
	last := world.asked[slices.IndexFunc(world.asked, func(p SaveOrderParams) bool { return string(p.Order.Fields) == `"new"` })]
	require.True(t, last.Exists)
	require.True(t, last.Tried)
}

// What the flow leaves out, but has a bill to be looked at, may be shown to be saved
// meanwhile.
func TestSyncPageShowsToBeSavedWhatWasLeftOut(t *testing.T) {
	const id = "70005"
	world := syncPageWorld(6)
	world.rows[5] = version(id, "08:00:00", "old")
	world.skipped[id], world.unfinished = "仅退款", map[string]bool{id: true}
	world.busyFirst = true
	world.beforeFetch = func(w *fakeWorld, call int) {
		if call == 3 {
			delete(w.skipped, id)
			w.remove(5)
			w.rows = append([]flow.Order{version(id, "08:00:01", "new")}, w.rows...)
		}
	}
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, 6, tally.Saved)
	require.Equal(t, `"new"`, string(world.booked[id].Fields))
}

// So many orders have failed that to name them with each page would be dear.
func TestSyncWindowSavesApartWhereMuchIsToBeLeftAlone(t *testing.T) {
	world := syncPageWorld(mostLeftAlone + 200)
	world.pageSize, world.plan.InFlight = 100, 100
	world.plan.TooManyFailures = 0
	world.saveErr = func(flow.Order) error {
		return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
	}
	_, tally, err := runWindow(world)
	require.NoError(t, err)
	require.Equal(t, mostLeftAlone+200, tally.Parked)
	require.NotEmpty(t, world.savings)
	for _, params := range world.synced {
		require.LessOrEqual(t, len(params.LeaveAlone), mostLeftAlone)
	}
}

func TestSyncPageSavesNothingOfAWindowThatIsTooLarge(t *testing.T) {
	t.Run("by the source's count", func(t *testing.T) {
		world := syncPageWorld(4)
		world.changePage = func(_ int, page *FetchPageResult) { page.DataCount, page.PageCount = mostOrders+1, mostOrders/4+1 }
		input := world.input()
		input.Window.To = input.Window.From
		env := windowEnvironment(world)
		env.ExecuteWorkflow(SyncWindowName, input)
		require.ErrorContains(t, env.GetWorkflowError(), "60000")
		require.Empty(t, world.booked)
	})

	t.Run("by what it has shown", func(t *testing.T) {
		world := syncPageWorld(4)
		env := windowEnvironment(world)
		seen := make(seenOrders, mostOrders+1)
		env.ExecuteWorkflow(func(ctx workflow.Context) error {
			w, err := newSyncWindow(ctx, world.input())
			if err != nil {
				return err
			}
			w.state.Seen = seen
			return w.nextPage(ctx)
		})
		require.ErrorContains(t, env.GetWorkflowError(), "60000")
		require.Empty(t, world.booked)
	})
}

// Wherever SyncPages die, and whatever moves, changes and leaves meanwhile: each
// order that is still shown is booked in the version that was shown last, never two
// versions at a time, and is counted once.
func TestSyncPagesThatDieLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		orders := rapid.IntRange(1, 14).Draw(t, "orders")
		world := syncPageWorld(orders)
		world.pageSize = 3
		set := func(row, changed int) {
			world.rows[row] = version(world.rows[row].ID, fmt.Sprintf("08:00:%02d", changed), fmt.Sprintf("%02d", changed))
		}
		for row := range world.rows {
			set(row, 0)
		}
		// Drawn beforehand: in an activity, what rapid panics with would be its failure.
		leaves := rapid.Bool().Draw(t, "rows leave") // or two change places
		row := rapid.IntRange(0, orders-1)
		type change struct {
			Content    bool
			Row, Other int
		}
		changes := rapid.SliceOfN(rapid.Ptr(rapid.Custom(func(t *rapid.T) change {
			return change{rapid.Bool().Draw(t, "its content"), row.Draw(t, "row"), row.Draw(t, "other")}
		}), true), 0, 12).Draw(t, "before each call")
		savesBeforeDeath := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 12).Draw(t, "saves of each page before its worker dies")
		shown := map[string]string{}
		world.beforeFetch = func(w *fakeWorld, call int) {
			if call <= len(changes) && changes[call-1] != nil && len(w.rows) > 0 {
				c := changes[call-1]
				switch row, other := c.Row%len(w.rows), c.Other%len(w.rows); {
				case c.Content:
					set(row, call)
				case leaves:
					w.remove(row)
				default:
					w.rows[row], w.rows[other] = w.rows[other], w.rows[row]
				}
			}
			first := min((w.fetches[call-1]-1)*w.pageSize, len(w.rows))
			for _, row := range w.rows[first:min(first+w.pageSize, len(w.rows))] {
				shown[row.ID] = string(row.Fields)
			}
		}
		page, saves := 0, 0
		under, twice := map[string]int{}, ""
		world.saveErr = func(order flow.Order) error {
			if under[order.ID]++; under[order.ID] > 1 {
				twice = order.ID
			}
			defer func() { under[order.ID]-- }()
			if len(world.synced) != page {
				page, saves = len(world.synced), 0
			}
			if page > 0 && page <= len(savesBeforeDeath) && savesBeforeDeath[page-1] == saves {
				saves++
				panic("the worker died")
			}
			saves++
			return nil
		}
		world.plan.TooManyFailures = 0
		_, tally, err := runWindow(world)
		require.NoError(t, err)
		require.Empty(t, twice)
		for _, row := range world.rows {
			require.Contains(t, world.booked, row.ID)
			require.Equal(t, shown[row.ID], string(world.booked[row.ID].Fields), "as_id %s", row.ID)
		}
		require.Zero(t, tally.InFlight())
		require.LessOrEqual(t, tally.Fetched, orders)
		require.GreaterOrEqual(t, tally.Fetched, len(world.rows))
		if !leaves {
			// One that leaves before the page is read again is booked and not counted.
			require.Equal(t, orders, tally.Saved+tally.AlreadySaved+tally.Updated)
		}
	})
}

// Pages are read and saved at once where enough windows are under way beside each
// other, and where no order is to be an activity of its own.
func TestSyncRefundsSaysWhetherPagesAreReadAndSavedAtOnce(t *testing.T) {
	for _, c := range []struct {
		name             string
		grain, until     string
		atOnce, pageSize int
		synced           bool
	}{
		{"four windows at once", flow.GrainPage, "03:30:00", 4, 4, true},
		{"three at once", flow.GrainPage, "03:30:00", 3, 4, false},
		{"three in all", flow.GrainPage, "02:30:00", 4, 4, false},
		{"one order an activity", flow.GrainOrder, "03:30:00", 4, 4, false},
		{"a plan of an older worker", flow.GrainPage, "03:30:00", 4, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			world.plan.WindowsAtOnce, world.plan.PageSize = c.atOnce, c.pageSize
			input := handRange("2024-03-01 00:00:00", "2024-03-01 "+c.until)
			input.Grain = c.grain
			result, err := runSync(world, input)
			require.NoError(t, err)
			require.Equal(t, result.Fetched, result.Saved+result.AlreadySaved)
			require.Equal(t, c.synced, len(world.synced) > 0)
			if c.synced {
				require.Empty(t, world.savings)
			}
		})
	}
}
