package workflows

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
)

// rowsAWindow is how many rows a window of row versions has at most.
const rowsAWindow = 20_000

// versionedRow is a row of a source that is read by row versions.
type versionedRow struct {
	id string
	ts int64
	// changed is when the row got its version, and seen from when on it shows:
	// a transaction can be committed later than one with a higher version.
	changed, seen time.Time
}

// fetchVersions shows what there is at the end of the window plus the lag,
// which is now.
func (w *fakeWorld) fetchVersions(params FetchPageParams) (paging.Page, error) {
	now := params.Window.To.Add(w.plan.Lag)
	page := paging.Page{PickVersion: "v1"}
	fresh := false
	for _, row := range w.versions {
		if row.ts < *params.StartTS || row.seen.After(now) {
			continue
		}
		if len(page.Orders) == w.pageSize {
			break
		}
		page.Orders = append(page.Orders, contract.Order{ID: row.id, BillNumber: row.id, ChangedAt: row.changed})
		page.LastTS = row.ts
		if fresh = fresh || row.changed.After(params.Window.To); !fresh {
			page.StableTS = row.ts
		}
	}
	page.More = len(page.Orders) == w.pageSize
	return page, nil
}

func versionedWorld(rows int) *fakeWorld {
	world := newFakeWorld(0)
	since := int64(0)
	world.plan.Cursor, world.plan.SinceRowVersion = contract.CursorRowVersion, &since
	for i := range rows {
		changed := at("2024-03-01 08:00:00").Add(time.Duration(i) * time.Second)
		world.versions = append(world.versions, versionedRow{id: fmt.Sprintf("7%04d", i), ts: int64(100 + 10*i), changed: changed, seen: changed})
	}
	return world
}

// runVersions makes the next run of a schedule.
func runVersions(world *fakeWorld, now string, last *SyncFlowResult) (SyncFlowResult, error) {
	return runSync(world, SyncFlowInput{Flow: "refund_to_return"}, startingAt(now), func(env *testsuite.TestWorkflowEnvironment) {
		if last != nil {
			env.SetLastCompletionResult(*last)
		}
	})
}

func TestRowVersionsAreReadUntilNothingNewerComes(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  int
		pages int
	}{
		{"no row", 0, 1},
		{"less than a page", 3, 1},
		// The row at the boundary is the first of the next page.
		{"a full page", 4, 2},
		{"three pages", 8, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := versionedWorld(c.rows)
			first, err := runVersions(world, "2024-03-01 12:00:00", nil)
			require.NoError(t, err)
			require.Equal(t, tally.Tally{Pages: c.pages, Fetched: c.rows, Saved: c.rows}, first.Tally)
			require.Equal(t, at("2024-03-01 11:55:00").UTC(), first.Watermark.UTC())
			reached := int64(0)
			if c.rows > 0 {
				reached = world.versions[c.rows-1].ts
			}
			require.Equal(t, reached, *first.RowVersion)
			for _, page := range world.fetches {
				require.Equal(t, 1, page, "page_index stays 1")
			}

			for id := range world.saves {
				world.finished[id] = true
			}
			changed := at("2024-03-01 12:01:00")
			world.versions = append(world.versions, versionedRow{id: "80000", ts: 5000, changed: changed, seen: changed})
			second, err := runVersions(world, "2024-03-01 12:10:00", &first)
			require.NoError(t, err)
			require.Equal(t, 1, second.Saved)
			require.Equal(t, min(c.rows, 1), second.AlreadySaved, "the row at the boundary alone")
			require.Equal(t, int64(5000), *second.RowVersion)
		})
	}
}

func TestRowVersionsAreShown(t *testing.T) {
	start := int64(123)
	require.Equal(t, "row versions from 123", FetchPageParams{Window: testWindow, PageIndex: 1, StartTS: &start}.summary())
	require.Contains(t, windowDetails(testWindow, contract.GrainOrder, paging.Window{Reader: paging.New(&paging.Versions{Reached: 123})}, Control{}), "read up to 123")
}

func TestRowVersionsNeedAStart(t *testing.T) {
	world := versionedWorld(3)
	world.plan.SinceRowVersion = nil
	_, err := runVersions(world, "2024-03-01 12:00:00", nil)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, WatermarkUnknown, application.Type())
	require.Contains(t, application.Message(), "since_ts")
	require.Empty(t, world.fetches)
}

func TestRangeByHandIsOneOfTimeForAllFlows(t *testing.T) {
	world := versionedWorld(0)
	world.add(1)
	result, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 00:59:59"), startingAt("2024-03-02 00:00:00"))
	require.NoError(t, err)
	require.Equal(t, 1, result.Saved)
	require.Nil(t, result.RowVersion)
}

func TestFailedRunByRowVersionsLeavesTheWatermark(t *testing.T) {
	world := versionedWorld(20)
	world.fetchErr = func(call int) error {
		if call == 3 {
			return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
		}
		return nil
	}
	_, err := runVersions(world, "2024-03-01 12:00:00", nil)
	done, ok := ResultOf(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 7, done.Saved)
	require.Zero(t, *done.RowVersion)
}

// A schedule made anew, and each run that another scheduler starts, has no run before
// it: it goes on from the row version that it is given.
func TestRowVersionIsTakenFromTheInput(t *testing.T) {
	world := versionedWorld(8)
	given, watermark := world.versions[5].ts, at("2024-03-01 11:00:00")
	input := SyncFlowInput{Flow: "refund_to_return", Watermark: &watermark, RowVersion: &given}
	result, err := runSync(world, input, startingAt("2024-03-01 12:00:00"))
	require.NoError(t, err)
	require.Equal(t, 3, result.Fetched)

	world = versionedWorld(8)
	last := SyncFlowResult{Watermark: &watermark, RowVersion: &world.versions[6].ts}
	result, err = runSync(world, input, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		env.SetLastCompletionResult(last)
	})
	require.NoError(t, err)
	require.Equal(t, 2, result.Fetched, "the last run counts for more")
}

// A run with orders that could not even be parked goes on from the same row version
// the next time, as it does from the same watermark.
func TestRowVersionStaysWhereAnOrderIsNeitherSavedNorParked(t *testing.T) {
	world := versionedWorld(8)
	first, err := runVersions(world, "2024-03-01 12:00:00", nil)
	require.NoError(t, err)
	changed := at("2024-03-01 12:01:00")
	world.versions = append(world.versions, versionedRow{id: "80000", ts: 5000, changed: changed, seen: changed})
	world.saveErr = func(contract.Order) error {
		return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
	}
	world.parkErr = temporal.NewNonRetryableApplicationError("服务器已满", "full", nil)
	second, err := runVersions(world, "2024-03-01 12:10:00", &first)
	require.NoError(t, err)
	require.NotZero(t, second.Unparked)
	require.Equal(t, *first.RowVersion, *second.RowVersion)
	world.saveErr, world.parkErr = nil, nil
	third, err := runVersions(world, "2024-03-01 12:20:00", &second)
	require.NoError(t, err)
	require.Equal(t, 2, third.Fetched, "the row at the boundary, and the new one")
	require.Equal(t, int64(5000), *third.RowVersion)
}

// Law: what was not stable in one window stays so in those that follow.
func TestRowVersionsStayUnsettledInTheNextWindow(t *testing.T) {
	for _, c := range []struct {
		name               string
		before, next, want paging.Versions
	}{
		{"all stable", paging.Versions{Reached: 20, Stable: 20}, paging.Versions{Reached: 30, Stable: 30, Complete: true}, paging.Versions{Reached: 30, Stable: 30, Complete: true}},
		{"not stable in the next", paging.Versions{Reached: 20, Stable: 20}, paging.Versions{Reached: 30, Stable: 25}, paging.Versions{Reached: 30, Stable: 25}},
		{"not stable before", paging.Versions{Reached: 20, Stable: 15}, paging.Versions{Reached: 30, Stable: 30}, paging.Versions{Reached: 30, Stable: 15}},
		{"not stable in either", paging.Versions{Reached: 20, Stable: 15}, paging.Versions{Reached: 30, Stable: 25}, paging.Versions{Reached: 30, Stable: 15}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, *c.before.After(c.next))
		})
	}
	world := versionedWorld(rowsAWindow + 50)
	world.pageSize = 100
	for i, row := range world.versions {
		world.finished[row.id] = true
		if i >= rowsAWindow-100 {
			world.versions[i].changed = at("2024-03-01 20:00:00")
			world.versions[i].seen = world.versions[i].changed
		}
	}
	result, err := runVersions(world, "2024-03-01 20:00:00", nil)
	require.NoError(t, err)
	require.Equal(t, world.versions[rowsAWindow-101].ts, *result.RowVersion)
}

// A source that takes no notice of start_ts shows the same rows over and over.
func TestRowVersionsOfASourceWithoutThemFail(t *testing.T) {
	world := versionedWorld(4)
	for i := range world.versions {
		world.versions[i].ts = 100
	}
	_, err := runVersions(world, "2024-03-01 12:00:00", nil)
	require.ErrorContains(t, err, "start_ts")
}

func TestRowVersionsAreCarriedOverContinueAsNew(t *testing.T) {
	world := versionedWorld(18)
	input := SyncWindowInput{Plan: world.plan, Window: testWindow, Grain: contract.GrainOrder, Reading: paging.Window{Reader: paging.New(&paging.Versions{})}}
	runs := 0
	for {
		runs++
		env := windowEnvironment(world)
		world.beforeFetch = func(*fakeWorld, int) { env.SetContinueAsNewSuggested(true) }
		env.ExecuteWorkflow(SyncWindowName, input)
		var again *workflow.ContinueAsNewError
		if errors.As(env.GetWorkflowError(), &again) {
			input = SyncWindowInput{}
			require.NoError(t, decode(again, &input))
			continue
		}
		require.NoError(t, env.GetWorkflowError())
		var result SyncWindowResult
		require.NoError(t, env.GetWorkflowResult(&result))
		require.Equal(t, 18, result.Saved)
		require.Equal(t, paging.Versions{Reached: 270, Stable: 270, Complete: true}, *result.RowVersions)
		break
	}
	require.Greater(t, runs, 3)
}

// What is more than one window can hold goes into the next.
func TestRowVersionsAreReadInWindows(t *testing.T) {
	world := versionedWorld(rowsAWindow + 150)
	world.pageSize = 100
	for _, row := range world.versions {
		world.finished[row.id] = true
	}
	result, err := runVersions(world, "2024-03-01 20:00:00", nil)
	require.NoError(t, err)
	require.Equal(t, rowsAWindow+150+1, result.AlreadySaved, "the row at the boundary is in both windows")
	require.Equal(t, world.versions[rowsAWindow+149].ts, *result.RowVersion)
	ends := map[time.Time]bool{}
	for _, window := range world.windows {
		ends[window.To.UTC()] = true
	}
	require.Len(t, ends, 1, "every window is one of the whole range")
}

// Whatever changes between the runs and while they read, and however late within
// the lag a version can be seen: every order is saved, and a run gives none out
// twice.
func TestRowVersionsLeaveNothingOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := versionedWorld(0)
		world.pageSize = rapid.IntRange(2, 5).Draw(t, "page_size")
		now, ts := at("2024-03-01 08:00:00"), int64(0)
		change := func() {
			ts += rapid.Int64Range(1, 3).Draw(t, "step")
			id := fmt.Sprintf("7%04d", rapid.IntRange(0, 30).Draw(t, "order"))
			world.versions = slices.DeleteFunc(world.versions, func(r versionedRow) bool { return r.id == id })
			delay := time.Duration(rapid.Int64Range(0, int64(world.plan.Lag/time.Second)).Draw(t, "delay")) * time.Second
			world.versions = append(world.versions, versionedRow{id: id, ts: ts, changed: now, seen: now.Add(delay)})
		}
		world.beforeFetch = func(_ *fakeWorld, _ int) {
			for range rapid.IntRange(0, 2).Draw(t, "changes in a run") {
				if ts < 60 {
					change()
				}
			}
		}
		var last *SyncFlowResult
		run := func() {
			before := map[string]int{}
			for id, saves := range world.saves {
				before[id] = saves
			}
			result, err := runVersions(world, now.Format("2006-01-02 15:04:05"), last)
			require.NoError(t, err)
			require.Zero(t, result.InFlight())
			for id, saves := range world.saves {
				require.LessOrEqual(t, saves-before[id], 1, "as_id %s", id)
			}
			if last != nil {
				require.GreaterOrEqual(t, *result.RowVersion, *last.RowVersion, "the watermark never moves back")
			}
			last = &result
		}
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			for range rapid.IntRange(0, 8).Draw(t, "changes") {
				now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
				change()
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "pause")) * time.Second)
			run()
		}
		world.beforeFetch = nil
		now = now.Add(2 * world.plan.Lag)
		run()
		for _, row := range world.versions {
			require.NotZero(t, world.saves[row.id], "as_id %s, version %d was left out", row.id, row.ts)
		}
		require.Equal(t, ts, *last.RowVersion)
	})
}
