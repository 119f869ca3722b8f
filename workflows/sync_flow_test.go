package workflows

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"pgregory.net/rapid"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
)

// decode reads the input that a workflow continues as new with.
func decode(again *workflow.ContinueAsNewError, input any) error {
	return converter.GetDefaultDataConverter().FromPayloads(again.Input, input)
}

func runSync(world *fakeWorld, input SyncFlowInput, prepare ...func(*testsuite.TestWorkflowEnvironment)) (SyncFlowResult, error) {
	env := windowEnvironment(world)
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(SyncFlowName, input)
	if err := env.GetWorkflowError(); err != nil {
		return SyncFlowResult{}, err
	}
	var result SyncFlowResult
	err := env.GetWorkflowResult(&result)
	return result, err
}

// startingAt sets the clock of the run.
func startingAt(text string) func(*testsuite.TestWorkflowEnvironment) {
	return func(env *testsuite.TestWorkflowEnvironment) { env.SetStartTime(at(text)) }
}

func handRange(from, to string) SyncFlowInput {
	return SyncFlowInput{Flow: "refund_to_return", Range: &Window{From: at(from), To: at(to)}}
}

func TestSyncFlowCutsARangeIntoWindowsAndAddsThemUp(t *testing.T) {
	world := newFakeWorld(2)
	result, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 03:30:00"), startingAt("2024-03-02 00:00:00"))
	require.NoError(t, err)
	require.Equal(t, at("2024-03-01 00:00:00"), result.From.In(at("2024-03-01 00:00:00").Location()))
	require.Nil(t, result.Watermark)
	// The fake source shows its two orders in every window.
	require.Equal(t, tally.Tally{Pages: 4, Fetched: 8, Saved: 8}, result.Tally)
	var spans []string
	for _, window := range world.windows {
		spans = append(spans, window.String())
	}
	require.ElementsMatch(t, []string{
		"2024-03-01 00:00:00–00:59:59", "2024-03-01 01:00:00–01:59:59",
		"2024-03-01 02:00:00–02:59:59", "2024-03-01 03:00:00–03:30:00",
	}, spans)
}

// Orders have their times by the source's clock, so that a range ends by it where it is
// behind ours.
func TestSyncFlowEndsItsRangeByTheSlowerClock(t *testing.T) {
	last := at("2024-03-01 11:00:00")
	for _, c := range []struct {
		name   string
		input  SyncFlowInput
		source string
		to     string
	}{
		{"the source behind", SyncFlowInput{}, "2024-03-01 11:51:00", "2024-03-01 11:46:00"},
		{"the source ahead", SyncFlowInput{}, "2024-03-01 12:09:00", "2024-03-01 11:55:00"},
		{"by hand, the source behind", handRange("2024-03-01 11:00:00", "2024-03-09 00:00:00"), "2024-03-01 11:51:00", "2024-03-01 11:51:00"},
		{"by hand, the source ahead", handRange("2024-03-01 11:00:00", "2024-03-09 00:00:00"), "2024-03-01 12:09:00", "2024-03-01 12:00:00"},
		{"by hand, in the past", handRange("2024-03-01 00:00:00", "2024-03-01 01:00:00"), "2024-03-01 11:51:00", "2024-03-01 01:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			world.sourceTime = at(c.source)
			result, err := runSync(world, c.input, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				env.SetLastCompletionResult(SyncFlowResult{Watermark: &last})
			})
			require.NoError(t, err)
			require.Equal(t, at(c.to).UTC(), result.To.UTC())
			if c.input.Range == nil {
				require.Equal(t, at(c.to).UTC(), result.Watermark.UTC())
			}
		})
	}
}

// A first run by row versions begins and ends by the same clock.
func TestSyncFlowReadsRowVersionsByTheSlowerClock(t *testing.T) {
	world := newFakeWorld(0)
	world.plan.Cursor, world.plan.SinceRowVersion = contract.CursorRowVersion, new(int64)
	world.sourceTime = at("2024-03-01 11:59:30")
	result, err := runSync(world, SyncFlowInput{}, startingAt("2024-03-01 12:00:00"))
	require.NoError(t, err)
	require.Equal(t, at("2024-03-01 11:54:30").UTC(), result.To.UTC())
	require.Equal(t, result.To, result.From)
	require.NotEmpty(t, world.fetches)
}

// That the clocks differ is shown during the run and afterwards.
func TestSyncFlowSaysThatTheClocksDiffer(t *testing.T) {
	world := newFakeWorld(0)
	world.sourceAhead = -29500 * time.Millisecond
	env := windowEnvironment(world)
	env.ExecuteWorkflow(SyncFlowName, handRange("2024-03-01 00:00:00", "2024-03-01 01:00:00"))
	require.NoError(t, env.GetWorkflowError())
	value, err := env.QueryWorkflow(ProgressQuery)
	require.NoError(t, err)
	var progress SyncFlowProgress
	require.NoError(t, value.Get(&progress))
	for ahead, text := range map[time.Duration]string{
		progress.SourceAhead: "Jushuitan's clock is at least 30s behind the worker's",
		30 * time.Second:     "Jushuitan's clock is at least 30s ahead of the worker's",
	} {
		require.Contains(t, runDetails(SyncFlowProgress{SourceAhead: ahead}), text)
	}
	require.NotContains(t, runDetails(SyncFlowProgress{}), "Clocks")
}

func TestSyncFlowWorksOutItsRange(t *testing.T) {
	since := at("2024-03-01 08:00:00")
	last := at("2024-03-01 11:00:00")
	older := at("2024-03-01 09:00:00")
	for _, c := range []struct {
		name      string
		input     SyncFlowInput
		watermark *time.Time
		now       string
		from, to  string
		want      string
	}{
		{"by hand keeps the watermark", handRange("2024-03-01 00:00:00", "2024-03-01 01:00:00"), &last, "2024-03-01 12:00:00",
			"2024-03-01 00:00:00", "2024-03-01 01:00:00", "2024-03-01 11:00:00"},
		{"by hand stops at now", handRange("2024-03-01 11:00:00", "2024-03-09 00:00:00"), nil, "2024-03-01 12:00:00",
			"2024-03-01 11:00:00", "2024-03-01 12:00:00", ""},
		{"first run starts where it is told to", SyncFlowInput{Since: &since}, nil, "2024-03-01 12:00:00",
			"2024-03-01 08:00:00", "2024-03-01 11:55:00", "2024-03-01 11:55:00"},
		{"later runs start at the watermark less the overlap", SyncFlowInput{Since: &since}, &last, "2024-03-01 12:00:00",
			"2024-03-01 10:50:00", "2024-03-01 11:55:00", "2024-03-01 11:55:00"},
		{"a schedule made anew goes on from the watermark it is given", SyncFlowInput{Since: &since, Watermark: &last}, nil, "2024-03-01 12:00:00",
			"2024-03-01 10:50:00", "2024-03-01 11:55:00", "2024-03-01 11:55:00"},
		{"until it has one of its own", SyncFlowInput{Watermark: &older}, &last, "2024-03-01 12:00:00",
			"2024-03-01 10:50:00", "2024-03-01 11:55:00", "2024-03-01 11:55:00"},
		{"by hand without a range keeps the watermark", SyncFlowInput{ByHand: true, Watermark: &last}, nil, "2024-03-01 12:00:00",
			"2024-03-01 10:50:00", "2024-03-01 11:55:00", "2024-03-01 11:00:00"},
		{"a first run by hand leaves no watermark", SyncFlowInput{ByHand: true, Since: &since}, nil, "2024-03-01 12:00:00",
			"2024-03-01 08:00:00", "2024-03-01 11:55:00", ""},
		{"first run starts where the flow says", SyncFlowInput{}, nil, "2024-03-01 12:00:00",
			"2024-03-01 07:00:00", "2024-03-01 11:55:00", "2024-03-01 11:55:00"},
		{"the watermark never moves back", SyncFlowInput{}, &last, "2024-03-01 11:02:00",
			"2024-03-01 10:50:00", "2024-03-01 10:57:00", "2024-03-01 11:00:00"},
		{"nothing to do leaves the watermark", SyncFlowInput{}, &last, "2024-03-01 10:40:00",
			"2024-03-01 10:50:00", "2024-03-01 10:35:00", "2024-03-01 11:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			start := at("2024-03-01 07:00:00")
			world.plan.Since = &start
			result, err := runSync(world, c.input, startingAt(c.now), func(env *testsuite.TestWorkflowEnvironment) {
				if c.watermark != nil {
					env.SetLastCompletionResult(SyncFlowResult{Watermark: c.watermark})
				}
			})
			require.NoError(t, err)
			require.Equal(t, at(c.from).UTC(), result.From.UTC())
			require.Equal(t, at(c.to).UTC(), result.To.UTC())
			if c.want == "" {
				require.Nil(t, result.Watermark)
			} else {
				require.Equal(t, at(c.want).UTC(), result.Watermark.UTC())
			}
		})
	}
}

func TestSyncFlowRefusesToGuess(t *testing.T) {
	since := at("2024-03-01 08:00:00")
	for _, c := range []struct {
		name    string
		input   SyncFlowInput
		prepare func(*testsuite.TestWorkflowEnvironment, *fakeWorld)
		want    string
	}{
		{"no watermark and no point to start from", SyncFlowInput{}, func(*testsuite.TestWorkflowEnvironment, *fakeWorld) {}, WatermarkUnknown},
		{"a watermark that can't be read", SyncFlowInput{}, func(env *testsuite.TestWorkflowEnvironment, _ *fakeWorld) {
			env.SetLastCompletionResult("yesterday")
		}, WatermarkUnknown},
		{"a flow that is disabled", SyncFlowInput{Since: &since}, func(_ *testsuite.TestWorkflowEnvironment, world *fakeWorld) {
			world.plan.Enabled = false
		}, FlowDisabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(1)
			_, err := runSync(world, c.input, func(env *testsuite.TestWorkflowEnvironment) { c.prepare(env, world) })
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.want, application.Type())
			require.Empty(t, world.fetches)
		})
	}
}

// An order that is neither saved nor parked is found again by the next run.
func TestSyncFlowKeepsTheWatermarkWhereAnOrderCouldNotBeParked(t *testing.T) {
	last := at("2024-03-01 11:00:00")
	world := newFakeWorld(1)
	world.saveErr = func(contract.Order) error {
		return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
	}
	world.parkErr = temporal.NewNonRetryableApplicationError("服务器已满", "full", nil)
	result, err := runSync(world, SyncFlowInput{Watermark: &last}, startingAt("2024-03-01 11:30:00"))
	require.NoError(t, err)
	require.Equal(t, 1, result.Unparked)
	require.Equal(t, last.UTC(), result.Watermark.UTC())
}

// What the list of runs shows of a run that has ended.
func TestSyncFlowListsItself(t *testing.T) {
	since := at("2024-03-01 11:00:00")
	unknownMaterial := temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
	for _, c := range []struct {
		name          string
		input         SyncFlowInput
		prepare       func(*fakeWorld)
		outcome       string
		saved, parked int64
		watermark     string
	}{
		{"moves the watermark", SyncFlowInput{Since: &since}, func(*fakeWorld) {}, RunDone, 1, 0, "2024-03-01 11:55:00"},
		{"by hand", SyncFlowInput{ByHand: true, Since: &since}, func(*fakeWorld) {}, RunDone, 1, 0, ""},
		{"with an order parked", SyncFlowInput{Since: &since}, func(world *fakeWorld) {
			world.saveErr = func(contract.Order) error { return unknownMaterial }
		}, RunParked, 0, 1, "2024-03-01 11:55:00"},
		{"with an order not even parked", SyncFlowInput{Since: &since}, func(world *fakeWorld) {
			world.saveErr = func(contract.Order) error { return unknownMaterial }
			world.parkErr = unknownMaterial
		}, RunOrdersFailed, 0, 0, ""},
		{"failed", SyncFlowInput{Since: &since}, func(world *fakeWorld) {
			world.fetchErr = func(int) error { return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil) }
		}, RunFailed, 0, 0, ""},
		{"does not know where to start", SyncFlowInput{}, func(*fakeWorld) {}, RunFailed, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(1)
			c.prepare(world)
			c.input.Flow = "refund_to_return"
			var flowName, outcome string
			var saved, parked int64
			var watermark time.Time
			_, _ = runSync(world, c.input, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
					set := args.Get(0).(temporal.SearchAttributes)
					if name, ok := set.GetKeyword(FlowAttribute); ok {
						flowName = name
					}
					if name, ok := set.GetKeyword(OutcomeAttribute); ok {
						outcome = name
						saved, _ = set.GetInt64(SavedAttribute)
						parked, _ = set.GetInt64(ParkedAttribute)
						watermark, _ = set.GetTime(WatermarkAttribute)
					}
				}).Return(nil)
			})
			require.Equal(t, "refund_to_return", flowName)
			require.Equal(t, c.outcome, outcome)
			require.Equal(t, c.saved, saved)
			require.Equal(t, c.parked, parked)
			if c.watermark == "" {
				require.Zero(t, watermark)
			} else {
				require.Equal(t, at(c.watermark).UTC(), watermark.UTC())
			}
		})
	}
}

func TestSyncFlowStopsAndReportsWhenAWindowFails(t *testing.T) {
	world := newFakeWorld(2)
	world.plan.WindowsAtOnce = 1
	world.fetchErr = func(call int) error {
		if call > 2 {
			return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
		}
		return nil
	}
	_, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 09:59:59"), startingAt("2024-03-02 00:00:00"))
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, RunUnfinished, application.Type())
	require.Contains(t, application.Message(), "签名错误")
	done, ok := ResultOf(err)
	require.True(t, ok)
	require.Equal(t, 4, done.Saved)
	require.Nil(t, done.Watermark)
	require.Len(t, world.fetches, 3, "no window is begun after the one that failed")
}

func TestSyncFlowReportsWhatWasDoneWhenCancelled(t *testing.T) {
	world := newFakeWorld(2)
	world.plan.WindowsAtOnce = 1
	_, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 09:59:59"), startingAt("2024-03-02 00:00:00"),
		func(env *testsuite.TestWorkflowEnvironment) {
			world.beforeFetch = func(_ *fakeWorld, call int) {
				if call == 3 {
					env.CancelWorkflow()
				}
			}
		})
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	done, ok := ResultOf(err)
	require.True(t, ok)
	require.GreaterOrEqual(t, done.Saved, 4)
	require.Zero(t, done.InFlight())
	require.Less(t, len(world.fetches), 10)
}

// However often a run continues as new, every second is read exactly once, and
// what it knows of its watermark goes along.
func TestSyncFlowContinuesAsNewAfterDraining(t *testing.T) {
	world := newFakeWorld(1)
	watermark := at("2024-03-01 00:00:00")
	input, runs := SyncFlowInput{}, 0
	for {
		runs++
		env := windowEnvironment(world)
		env.SetStartTime(at("2024-03-01 10:00:00"))
		if runs == 1 {
			env.SetLastCompletionResult(SyncFlowResult{Watermark: &watermark})
		}
		env.SetContinueAsNewSuggested(false)
		env.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) {
			env.SetContinueAsNewSuggested(true)
		})
		env.SetOnChildWorkflowCompletedListener(func(*workflow.Info, converter.EncodedValue, error) {
			env.SetContinueAsNewSuggested(true)
		})
		env.ExecuteWorkflow(SyncFlowName, input)
		err := env.GetWorkflowError()
		var again *workflow.ContinueAsNewError
		if errors.As(err, &again) {
			input = SyncFlowInput{}
			require.NoError(t, decode(again, &input))
			continue
		}
		require.NoError(t, err)
		var result SyncFlowResult
		require.NoError(t, env.GetWorkflowResult(&result))
		require.Equal(t, at("2024-03-01 09:55:00").UTC(), result.Watermark.UTC())
		break
	}
	require.Greater(t, runs, 1)
	// From the watermark less the overlap: 10 h 5 min in windows of an hour.
	require.Len(t, world.windows, 11)
	starts := map[time.Time]bool{}
	for _, window := range world.windows {
		require.False(t, starts[window.From.UTC()], "window %s was read twice", window)
		starts[window.From.UTC()] = true
	}
}

// A window with too many orders is cut, and again if need be, before an order of it
// is given out: each second of the range is read by one window that does so.
func TestSyncFlowCutsWindowsWithManyOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := newFakeWorld(2)
		world.plan.WindowsAtOnce = rapid.IntRange(1, 4).Draw(t, "windows at once")
		world.plan.Grain, world.plan.PageSize = rapid.SampledFrom([]string{contract.GrainOrder, contract.GrainPage}).Draw(t, "grain"), world.pageSize
		perMinute := rapid.IntRange(1, 300).Draw(t, "orders a minute in the second hour")
		busy := at("2024-03-01 01:00:00")
		read := map[Window]bool{}
		world.changePage = func(call int, page *paging.Page) {
			window := world.windows[call-1]
			count := int(window.To.Sub(window.From).Minutes()) * perMinute
			if !window.From.Before(busy) && window.From.Before(busy.Add(time.Hour)) && count > mostOrders(world.plan.Grain, window) {
				page.DataCount, page.PageCount = count, count/2
				return
			}
			read[window] = true
		}
		result, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 03:29:59"), startingAt("2024-03-02 00:00:00"))
		require.NoError(t, err)
		require.Equal(t, 2*len(read), result.Fetched)
		windows := slices.SortedFunc(maps.Keys(read), func(a, b Window) int { return a.From.Compare(b.From) })
		next := at("2024-03-01 00:00:00")
		for _, window := range windows {
			require.True(t, next.Equal(window.From), "%s: %s", next, window)
			next = window.To.Add(time.Second)
		}
		require.True(t, next.Equal(at("2024-03-01 03:30:00")))
	})
}

// Windows of a few orders each are too small to tell a wrong setting; the run is not.
func TestSyncFlowStopsWhenItsOrdersFailForOneCause(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fakeWorld)
		stops  bool
	}{
		{"one cause", func(*fakeWorld) {}, true},
		{"one cause, in the grain of pages", func(w *fakeWorld) { w.plan.Grain = contract.GrainPage }, true},
		{"never", func(w *fakeWorld) { w.plan.TooManyFailures = 0 }, false},
		{"half of the orders", func(w *fakeWorld) { w.finished["70000"], w.finished["70001"] = true, true }, false},
		{"of each order", func(w *fakeWorld) {
			w.saveErr = func(contract.Order) error {
				return temporal.NewNonRetryableApplicationError("已改", tally.OrderChanged, nil)
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			world.plan.WindowsAtOnce = 1
			world.saveErr = func(contract.Order) error {
				return temporal.NewNonRetryableApplicationError("组织不存在", "unknown_organisation", nil)
			}
			c.change(world)
			_, err := runSync(world, handRange("2024-03-01 00:00:00", "2024-03-01 09:59:59"), startingAt("2024-03-02 00:00:00"))
			if !c.stops {
				require.NoError(t, err)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, RunUnfinished, application.Type())
			require.Contains(t, application.Message(), "组织不存在")
			require.Equal(t, TooManyFailures, reasonOf(err))
			done, ok := ResultOf(err)
			require.True(t, ok)
			require.Equal(t, 12, done.Parked, "three windows of four")
			require.Zero(t, done.InFlight())
		})
	}
}
