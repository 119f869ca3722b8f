package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
)

var stockTaking = contract.Hold{By: "wang", Note: "盘点", Since: at("2024-03-01 12:00:00")}

func releasedBy(who string) contract.Hold { return contract.Hold{Released: &contract.Release{By: who}} }

// heldWorld stands in for the activities of a hold, and notes when it did what.
type heldWorld struct {
	mu sync.Mutex
	// left is how many runs do not answer in a round; nil for none.
	left func(round int) int

	memo   contract.Hold
	rounds int
	// did are the activities, with minutes since start and whether the hold was on.
	did []string
}

func (w *heldWorld) note(env *testsuite.TestWorkflowEnvironment, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := "on"
	if w.memo.Released != nil {
		state = "released"
	}
	w.did = append(w.did, fmt.Sprintf("%d %s %s", int(env.Now().Sub(start).Minutes()), what, state))
}

// environment begins at start.
func (w *heldWorld) environment() *testsuite.TestWorkflowEnvironment {
	env := newEnvironment()
	env.SetStartTime(start)
	Register(env)
	env.OnUpsertMemo(mock.Anything).Run(func(args mock.Arguments) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.memo = args.Get(0).(map[string]any)[HoldMemo].(contract.Hold)
	}).Return(nil)
	env.RegisterActivityWithOptions(func(_ context.Context, _ HoldScope) (TellRunsResult, error) {
		w.note(env, "runs")
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rounds++
		if w.left == nil {
			return TellRunsResult{}, nil
		}
		return TellRunsResult{Left: w.left(w.rounds)}, nil
	}, activity.RegisterOptions{Name: TellRunsName})
	env.RegisterActivityWithOptions(func(context.Context, HoldScope) error {
		w.note(env, "parked")
		return nil
	}, activity.RegisterOptions{Name: WakeParkedName})
	env.RegisterActivityWithOptions(func(_ context.Context, params TellWatchesParams) error {
		w.note(env, "watches: "+params.Hold.By)
		return nil
	}, activity.RegisterOptions{Name: TellWatchesName})
	return env
}

// runHold runs a hold that is sent signals so many minutes after the start.
func (w *heldWorld) run(signals map[int]contract.Hold, prepare ...func(*testsuite.TestWorkflowEnvironment)) (contract.Hold, time.Duration, error) {
	env := w.environment()
	for minute, signal := range signals {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(HoldSignal, signal) }, time.Duration(minute)*time.Minute)
	}
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(HoldName, HoldInput{})
	took := env.Now().Sub(start)
	if err := env.GetWorkflowError(); err != nil {
		return contract.Hold{}, took, err
	}
	var ended contract.Hold
	err := env.GetWorkflowResult(&ended)
	return ended, took, err
}

func TestHoldLastsUntilItIsReleased(t *testing.T) {
	var world heldWorld
	ended, took, err := world.run(map[int]contract.Hold{0: stockTaking, 3 * 24 * 60: releasedBy("li")})
	require.NoError(t, err)
	require.Equal(t, 72*time.Hour, took)
	require.Equal(t, "wang", ended.By)
	require.Equal(t, "li", ended.Released.By)
	require.True(t, ended.Released.At.Equal(start.Add(72*time.Hour)))
	// Runs that began in the same moment are found by later rounds.
	require.Equal(t, []string{"0 runs on", "0 watches: wang on", "0 runs on", "0 runs on", "1 runs on", "2 runs on"}, world.did[:6])
	require.Less(t, world.rounds, 100)
	require.Equal(t, []string{"4320 runs released", "4320 parked released", "4320 watches: wang released"}, world.did[len(world.did)-3:])
}

func TestHoldEndsByItselfAtItsTime(t *testing.T) {
	var world heldWorld
	hold := stockTaking
	hold.Until = start.Add(7*time.Hour + time.Second)
	ended, took, err := world.run(map[int]contract.Hold{0: hold})
	require.NoError(t, err)
	require.Equal(t, 7*time.Hour+time.Second, took)
	require.Equal(t, contract.Release{At: ended.Released.At}, *ended.Released)
	require.True(t, ended.Released.At.Equal(hold.Until))
}

func TestHoldIsChangedWhileItLasts(t *testing.T) {
	var world heldWorld
	longer := contract.Hold{By: "li", Note: "月结", Since: start.Add(time.Hour), Until: start.Add(5 * time.Hour)}
	short := stockTaking
	short.Until = start.Add(2 * time.Hour)
	ended, took, err := world.run(map[int]contract.Hold{0: short, 60: longer})
	require.NoError(t, err)
	require.Equal(t, 5*time.Hour, took)
	require.Equal(t, "li", ended.By)
	require.True(t, ended.Since.Equal(start), "it has been on since then")
}

// A run that does not answer does not keep new ones from beginning, only the workflow from
// ending.
func TestHoldTellsRunsOfItsEndUntilAllHaveAnswered(t *testing.T) {
	world := heldWorld{}
	world.left = func(int) int {
		if world.memo.Released == nil || len(world.did) < 20 {
			return 1
		}
		return 0
	}
	_, took, err := world.run(map[int]contract.Hold{0: stockTaking, 10: releasedBy("li")})
	require.NoError(t, err)
	require.Greater(t, took, 10*time.Minute)
	require.Contains(t, world.did, "10 parked released")
}

func TestHoldBeginsAnewWhileRunsAreToldOfItsEnd(t *testing.T) {
	world := heldWorld{left: func(round int) int { return max(0, 30-round) }}
	again := contract.Hold{By: "li", Note: "月结"}
	ended, took, err := world.run(map[int]contract.Hold{0: stockTaking, 10: releasedBy("li"), 11: again, 48 * 60: releasedBy("wang")})
	require.NoError(t, err)
	require.Equal(t, 48*time.Hour, took)
	require.Equal(t, "li", ended.By)
	require.True(t, ended.Since.Equal(start.Add(11*time.Minute)))
	require.Contains(t, world.did, "11 runs on")
}

// Runs may wait for a hold that was terminated: a release frees them.
// Runs and parked orders may take long to answer, or the server to list them.
func TestHoldChangesAtOnceWhileOthersAreTold(t *testing.T) {
	for _, slow := range []string{TellRunsName, WakeParkedName} {
		t.Run(slow, func(t *testing.T) {
			var world heldWorld
			month := contract.Hold{By: "li", Note: "月结"}
			_, _, err := world.run(map[int]contract.Hold{0: stockTaking, 5: releasedBy("wang"), 10: month, 300: releasedBy("li")}, func(env *testsuite.TestWorkflowEnvironment) {
				call := env.OnActivity(slow, mock.Anything, mock.Anything).After(2 * time.Hour)
				if slow == TellRunsName {
					call.Return(TellRunsResult{}, nil)
				} else {
					call.Return(nil)
				}
				memo := func(minute int, by string, released bool) {
					env.RegisterDelayedCallback(func() {
						world.mu.Lock()
						defer world.mu.Unlock()
						require.Equal(t, by, world.memo.By, minute)
						require.Equal(t, released, world.memo.Released != nil, minute)
					}, time.Duration(minute)*time.Minute)
				}
				memo(1, "wang", false)
				memo(6, "wang", true)
				memo(11, "li", false)
				memo(301, "li", true)
			})
			require.NoError(t, err)
			require.Contains(t, world.did[len(world.did)-1], "watches: li released")
		})
	}
}

func TestReleaseWithoutAHoldTellsTheRuns(t *testing.T) {
	var world heldWorld
	ended, took, err := world.run(map[int]contract.Hold{0: {Flow: "f", Released: &contract.Release{By: "li"}}})
	require.NoError(t, err)
	require.Zero(t, took)
	require.Equal(t, "f", ended.Flow)
	require.Equal(t, []string{"0 runs released", "0 parked released", "0 watches:  released"}, world.did)
}

func TestCancelledHoldIsReleased(t *testing.T) {
	var world heldWorld
	ended, took, err := world.run(map[int]contract.Hold{0: stockTaking}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	})
	require.NoError(t, err)
	require.Equal(t, time.Hour, took)
	require.NotEmpty(t, ended.Released.Note)
	require.Equal(t, []string{"60 runs released", "60 parked released", "60 watches: wang released"}, world.did[len(world.did)-3:])
}

func TestHoldContinuesAsNew(t *testing.T) {
	var world heldWorld
	_, _, err := world.run(map[int]contract.Hold{0: stockTaking}, func(env *testsuite.TestWorkflowEnvironment) {
		env.SetContinueAsNewSuggested(true)
	})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &again)
	var in HoldInput
	require.NoError(t, decode(again, &in))
	require.Equal(t, "wang", in.Carried.By)

	world = heldWorld{}
	env := world.environment()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(HoldSignal, releasedBy("li")) }, time.Minute)
	env.ExecuteWorkflow(HoldName, in)
	require.NoError(t, env.GetWorkflowError())
	require.NotContains(t, world.did, "0 watches: wang on", "the robots know")
}

// Law: whatever is signalled, a hold ends, its memo says so, and runs, parked orders and
// robots are told of each end after the memo says it.
func TestHoldLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := rapid.SliceOfN(rapid.IntRange(0, 1), 9, 9).Draw(t, "left")
		left[0] = 0 // all have answered in the end
		world := heldWorld{left: func(round int) int { return left[round%len(left)] }}
		signals := map[int]contract.Hold{0: stockTaking}
		minutes := rapid.SliceOfNDistinct(rapid.IntRange(1, 500), 0, 6, rapid.ID).Draw(t, "minutes")
		slices.Sort(minutes)
		for _, minute := range minutes {
			change := releasedBy("li")
			if rapid.Bool().Draw(t, "begins") {
				change = contract.Hold{By: "li", Note: "月结"}
				if rapid.Bool().Draw(t, "with an end") {
					change.Until = start.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "until")) * time.Minute)
				}
			}
			signals[minute] = change
		}
		signals[1000] = releasedBy("zhao")
		ended, took, err := world.run(signals)
		require.NoError(t, err)
		require.NotNil(t, ended.Released)
		require.NotNil(t, world.memo.Released, "the memo says so, too")
		if took < 1000*time.Minute {
			require.NotEqual(t, "zhao", ended.Released.By)
		}
		ends, wakes := 0, 0
		for i, did := range world.did {
			require.False(t, strings.HasSuffix(did, "parked on"), "parked orders are woken only after the end")
			if strings.HasSuffix(did, "parked released") {
				wakes++
			}
			if strings.Contains(did, "watches: ") && strings.HasSuffix(did, "released") {
				ends++
				require.Contains(t, world.did[i-1], "parked released")
			}
		}
		require.Equal(t, ends, wakes)
		require.Positive(t, ends)
		require.True(t, strings.HasSuffix(world.did[len(world.did)-1], "released"))
	})
}

// A run that begins while its flow is held does nothing and keeps its place.
func TestSyncFlowEndsAtOnceWhileItsFlowIsHeld(t *testing.T) {
	last, older := at("2024-03-01 11:00:00"), at("2024-03-01 09:00:00")
	version, olderVersion := int64(70), int64(60)
	for _, c := range []struct {
		name       string
		cursor     string
		input      SyncFlowInput
		before     *SyncFlowResult
		watermark  *time.Time
		rowVersion *int64
		listed     bool
	}{
		{"the next one of its schedule", contract.CursorTime, SyncFlowInput{Watermark: &older}, &SyncFlowResult{Watermark: &last}, &last, nil, true},
		{"the first one of its schedule", contract.CursorTime, SyncFlowInput{Watermark: &older}, nil, &older, nil, true},
		{"without a watermark", contract.CursorTime, SyncFlowInput{}, nil, nil, nil, false},
		{"by row version", contract.CursorRowVersion, SyncFlowInput{}, &SyncFlowResult{Watermark: &last, RowVersion: &version}, &last, &version, true},
		{"the first one by row version", contract.CursorRowVersion, SyncFlowInput{RowVersion: &olderVersion}, nil, nil, &olderVersion, false},
		{"by hand", contract.CursorTime, handRange("2024-03-01 00:00:00", "2024-03-01 01:00:00"), nil, nil, nil, false},
		{"a sweep", contract.CursorTime, SyncFlowInput{Sweep: true}, nil, nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(3)
			world.plan.Cursor, world.plan.Sweep = c.cursor, &Sweep{Span: time.Hour}
			world.plan.Alerts = &testAlerts
			world.hold(stockTaking)
			var outcome string
			var listed bool
			result, err := runSync(world, c.input, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				if c.before != nil {
					env.SetLastCompletionResult(*c.before)
				}
				env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
					set := args.Get(0).(temporal.SearchAttributes)
					outcome, _ = set.GetKeyword(OutcomeAttribute)
					_, listed = set.GetTime(WatermarkAttribute)
				}).Return(nil)
			})
			require.NoError(t, err)
			require.Len(t, result.Held, 1)
			require.Equal(t, "wang", result.Held[0].By)
			require.Equal(t, c.rowVersion, result.RowVersion)
			if c.watermark == nil {
				require.Nil(t, result.Watermark)
			} else {
				require.True(t, c.watermark.Equal(*result.Watermark))
			}
			require.Equal(t, RunHeld, outcome)
			require.Equal(t, c.listed, listed)
			require.Empty(t, world.fetches)
			require.Empty(t, world.counted)
			require.Empty(t, world.reports, "the robots were told of the hold")
			require.Contains(t, heldDetails(result.Held), "wang: 盘点")
		})
	}
}

// A run under way drains when it is told of a hold, and goes on when it is told of its end;
// a person who resumes it does not undo the hold, nor the hold's end what a person paused.
func TestHeldRunBeginsNothingUntilTheHoldIsReleased(t *testing.T) {
	eachGrain(t, "", func(t *testing.T, grain string) {
		world := newFakeWorld(10)
		world.plan.Grain, world.plan.WindowsAtOnce, world.mostPages = grain, 2, 1
		var updates []*update
		result, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
			do := func(name string, args ...any) func() {
				return func() { updates = append(updates, steer(env, name, args...)) }
			}
			world.beforeFetch = func(w *fakeWorld, call int) {
				if call == 5 {
					w.holds = []contract.Hold{stockTaking}
					do(HoldsUpdate)()
				}
			}
			var fetches, saves int
			env.RegisterDelayedCallback(func() {
				fetches, saves = activitiesStarted(world)
				progress := askRun(t, env)
				require.Nil(t, progress.Control.Paused)
				require.Len(t, progress.Control.Held, 1)
				require.NotEmpty(t, progress.Running, "the running windows wait")
				for _, running := range progress.Running {
					window := askWindow(t, env, running)
					require.Equal(t, "盘点", window.Control.Held[0].Note)
					require.Zero(t, window.Tally.InFlight(), "what was in flight is finished")
				}
				require.Contains(t, runDetails(progress), "Held** all flows · since 2024-03-01 12:00:00 · until it is released · wang: 盘点")
			}, time.Hour)
			env.RegisterDelayedCallback(do(PauseUpdate, Pause{By: "li"}), 2*time.Hour)
			env.RegisterDelayedCallback(do(ResumeUpdate), 3*time.Hour)
			env.RegisterDelayedCallback(do(PauseUpdate, Pause{By: "li"}), 4*time.Hour)
			env.RegisterDelayedCallback(func() {
				world.hold()
				do(HoldsUpdate)()
			}, 5*time.Hour)
			env.RegisterDelayedCallback(func() {
				laterFetches, laterSaves := activitiesStarted(world)
				require.Equal(t, fetches, laterFetches)
				require.Equal(t, saves, laterSaves)
				require.Less(t, laterFetches, 20)
				require.Empty(t, askRun(t, env).Control.Held)
				do(ResumeUpdate)()
			}, 24*time.Hour)
		})
		require.NoError(t, err)
		require.Equal(t, 100, result.Saved)
		require.Len(t, updates, 6)
		for _, u := range updates {
			require.NoError(t, errors.Join(u.refused, u.failed))
			require.True(t, u.done)
		}
	})
}

// The end of a hold may not reach a run that continues as new: the server lists it late. So it
// looks itself.
func TestHeldRunThatContinuesAsNewLooksForHolds(t *testing.T) {
	begun := SyncFlowInput{Flow: "refund_to_return", Range: tenWindows.Range, Carried: &RunState{
		Range: *tenWindows.Range, Next: tenWindows.Range.From, Control: Control{Held: []contract.Hold{stockTaking}},
	}}
	for _, c := range []struct {
		name  string
		holds []contract.Hold
	}{{"released", nil}, {"still held", []contract.Hold{stockTaking}}} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(10)
			world.holds = c.holds
			begun.Carried.Plan = world.plan
			looked := false
			result, err := runSync(world, begun, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterDelayedCallback(func() {
					fetches, _ := activitiesStarted(world)
					require.Equal(t, c.holds != nil, fetches == 0)
					looked = true
					world.hold()
					steer(env, HoldsUpdate)
				}, time.Second)
			})
			require.NoError(t, err)
			require.True(t, looked || c.holds == nil)
			require.Equal(t, 100, result.Saved)
		})
	}
}

// While its flow is held, a parked order attempts nothing and uses up no attempt. After the
// hold it is attempted at once if an attempt fell due, or somebody asked for one, and
// otherwise at its time.
func TestParkedOrderAttemptsNothingWhileItsFlowIsHeld(t *testing.T) {
	for _, c := range []struct {
		name string
		// from and to are when the hold lasts, retry when a person asks for an attempt, and
		// attempted when the first one is made, in minutes; 0 for never.
		from, to, retry, attempted int
		woken                      bool
	}{
		{"due during the hold", 5, 100, 0, 100, true},
		{"asked for during the hold", 2, 8, 5, 8, true},
		{"due after the hold", 2, 8, 0, 10, true},
		{"nobody tells it of the end", 5, 100, 0, 10 + 12*60, false},
		{"held for longer than it waits", 5, 30 * 60, 0, 30 * 60, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			var env *testsuite.TestWorkflowEnvironment
			var started time.Time
			var state ParkedOrderState
			_, err := runParked(t, world, func(contract.Order) bool { return true }, func(e *testsuite.TestWorkflowEnvironment) {
				env, started = e, e.Now()
				after := func(minute int, do func()) { e.RegisterDelayedCallback(do, time.Duration(minute)*time.Minute) }
				after(c.from, func() { world.hold(stockTaking) })
				if c.retry > 0 {
					after(c.retry, func() { e.SignalWorkflow(RetrySignal, nil) })
				}
				after(c.to-1, func() {
					value, err := e.QueryWorkflow(ProgressQuery)
					require.NoError(t, err)
					require.NoError(t, value.Get(&state))
				})
				after(c.to, func() {
					world.hold()
					if c.woken {
						e.SignalWorkflow(ReleasedSignal, nil)
					}
				})
			})
			require.NoError(t, err)
			require.Zero(t, state.Attempts)
			require.Equal(t, c.name != "due after the hold", len(state.Held) > 0)
			require.Equal(t, 1, world.saves["70000"])
			require.InDelta(t, c.attempted, env.Now().Sub(started).Minutes(), 1)
		})
	}
}

func TestHeldParkedOrderCanBeDiscarded(t *testing.T) {
	world := newFakeWorld(0)
	world.hold(stockTaking)
	result, err := runParked(t, world, func(contract.Order) bool { return true }, func(e *testsuite.TestWorkflowEnvironment) {
		e.RegisterDelayedCallback(func() {
			e.SignalWorkflow(DiscardSignal, Discard{By: "wang", Reason: "a test"})
		}, time.Hour)
	})
	require.NoError(t, err)
	require.NotNil(t, result.Discarded)
	require.Zero(t, world.saves["70000"])
}

// After a failed attempt, an order waits as long as if it had not been held.
func TestParkedOrderWaitsAsUsualAfterAHold(t *testing.T) {
	world := newFakeWorld(0)
	var env *testsuite.TestWorkflowEnvironment
	var started time.Time
	_, err := runParked(t, world, func(contract.Order) bool { return world.saves["70000"] == 2 }, func(e *testsuite.TestWorkflowEnvironment) {
		env, started = e, e.Now()
		world.hold(stockTaking)
		e.RegisterDelayedCallback(func() {
			world.hold()
			e.SignalWorkflow(ReleasedSignal, nil)
		}, time.Hour)
	})
	require.NoError(t, err)
	require.InDelta(t, 60+20, env.Now().Sub(started).Minutes(), 1)
}

func TestWatchFlowTellsOfHolds(t *testing.T) {
	report := func(minute int, hold contract.Hold) func(*testsuite.TestWorkflowEnvironment) {
		return func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() {
				env.SignalWorkflow(HeldSignal, HoldReport{HoldID: "hold/q", Hold: hold, Settings: testAlerts})
			}, time.Duration(minute)*time.Minute)
		}
	}
	held := func(minute int) contract.Hold {
		return contract.Hold{By: "wang", Note: "盘点", Since: start.Add(time.Duration(minute) * time.Minute)}
	}
	released := func(begun, minute int) contract.Hold {
		hold := held(begun)
		hold.Released = &contract.Release{By: "li", At: start.Add(time.Duration(minute) * time.Minute)}
		return hold
	}
	type prepare = []func(*testsuite.TestWorkflowEnvironment)
	for _, c := range []struct {
		name    string
		minutes int
		reports []RunReport
		holds   prepare
		want    []string
	}{
		{"its begin and end, and of a lag only anew", 400, []RunReport{run(0)}, prepare{report(20, held(20)), report(300, released(20, 300))},
			[]string{"20 held", "300 released", "360 lag_over_limit"}},
		{"a lag that was told before goes on after it", 200, []RunReport{run(0)}, prepare{report(80, held(80)), report(190, released(80, 190))},
			[]string{"55 lag_over_limit", "80 held", "190 lag_over_limit released"}},
		{"each once", 60, every10(0, 60), prepare{report(11, held(11)), report(12, held(11)), report(21, released(11, 21)), report(22, released(11, 21))},
			[]string{"11 held", "21 released"}},
		{"nothing late of one that has ended", 60, every10(0, 60), prepare{report(11, held(11)), report(21, released(11, 21)), report(31, held(11)), report(41, held(41))},
			[]string{"11 held", "21 released", "41 held"}},
		{"to the robots of a flow that has not run", 10, nil, prepare{report(1, held(1))}, []string{"1 held"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			robots := chat{prepare: c.holds}
			watchUntil(t, &robots, c.minutes, c.reports...)
			require.Equal(t, c.want, robots.told(start))
		})
	}
}
