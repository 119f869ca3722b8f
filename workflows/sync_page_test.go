package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

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
		require.Empty(t, params.UnderWay)
	}
	require.Equal(t, []int{0, 0, 0, 4}, known)
	require.Equal(t, []int{1, 3, 2, 1}, pages)
	require.Equal(t, []int{manyOrders, 0, 0, 0}, most)
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

func TestSyncWindowFinishesTheSyncPageInFlightWhenCancelled(t *testing.T) {
	world := syncPageWorld(10)
	world.saveErr = func(order flow.Order) error {
		if world.saves[order.ID] == 1 {
			return temporal.NewApplicationError("连接中断", "connection_lost")
		}
		return nil
	}
	requireDrainedWhenCancelled(t, world, SyncPageName)
}

// An order that waits for its next attempt is not touched when a page shows it again.
func TestSyncWindowTellsSyncPageWhatIsUnderWay(t *testing.T) {
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
	require.Equal(t, []string{"70009"}, world.synced[2].UnderWay)
	require.Equal(t, 2, world.saves["70009"])
	require.Equal(t, 10, tally.Saved)
}

// What SyncPage leaves is given to SaveOrder no faster than it fits into a request.
func TestSyncWindowBoundsWhatSyncPageLeaves(t *testing.T) {
	world := syncPageWorld(3)
	world.pageSize = 1
	world.keepPlaces(mostBytesTogether * 6 / 10)
	env := windowEnvironment(world)
	times := started(env, SaveOrderName)
	env.ExecuteWorkflow(SyncWindowName, world.input())
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, *times, 3)
	for i := 1; i < len(*times); i++ {
		require.Equal(t, time.Hour, (*times)[i].Sub((*times)[i-1]).Truncate(time.Minute))
	}
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
