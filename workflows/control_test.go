package workflows

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
)

// update is what came of an update.
type update struct {
	refused, failed error
	control         Control
	done            bool
	then            func()
}

func (u *update) Accept()          {}
func (u *update) Reject(err error) { u.refused = err }
func (u *update) Complete(success any, err error) {
	u.failed, u.done = err, true
	if err == nil {
		u.control = success.(Control)
	}
	if u.then != nil {
		u.then()
	}
}

// steer sends an update to the run, whether from a callback or an activity.
func steer(env *testsuite.TestWorkflowEnvironment, name string, args ...any) *update {
	return steerAndThen(env, nil, name, args...)
}

// steerAndThen goes on once the update has completed. An activity sends a second update in
// this way: the test environment does not guard its list of updates.
func steerAndThen(env *testsuite.TestWorkflowEnvironment, then func(), name string, args ...any) *update {
	u := &update{then: then}
	env.UpdateWorkflow(name, "", u, args...)
	return u
}

// activitiesStarted counts what the run did so far.
func activitiesStarted(world *fakeWorld) (fetches, saves int) {
	world.mu.Lock()
	defer world.mu.Unlock()
	return len(world.fetches), len(world.saves)
}

func askRun(t *testing.T, env *testsuite.TestWorkflowEnvironment) SyncFlowProgress {
	t.Helper()
	value, err := env.QueryWorkflow(ProgressQuery)
	require.NoError(t, err)
	var progress SyncFlowProgress
	require.NoError(t, value.Get(&progress))
	return progress
}

func askWindow(t *testing.T, env *testsuite.TestWorkflowEnvironment, running RunningWindow) SyncWindowProgress {
	t.Helper()
	value, err := env.QueryWorkflowByID(running.WorkflowID, ProgressQuery)
	require.NoError(t, err)
	var progress SyncWindowProgress
	require.NoError(t, value.Get(&progress))
	return progress
}

var tenWindows = handRange("2024-03-01 00:00:00", "2024-03-01 09:59:59")

func TestPausedRunBeginsNothingUntilItIsResumed(t *testing.T) {
	world := newFakeWorld(10)
	world.plan.WindowsAtOnce = 2
	var paused, resumed *update
	result, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		world.beforeFetch = func(_ *fakeWorld, call int) {
			if call == 5 {
				paused = steer(env, PauseUpdate, Pause{By: "wang", Reason: "盘点"})
			}
		}
		var fetches, saves int
		env.RegisterDelayedCallback(func() {
			fetches, saves = activitiesStarted(world)
			progress := askRun(t, env)
			require.Equal(t, "wang", progress.Control.Paused.By)
			require.Equal(t, at("2024-03-02 00:00:00").UTC(), progress.Control.Paused.Since.UTC())
			require.NotEmpty(t, progress.Running, "the running windows wait")
			for _, running := range progress.Running {
				window := askWindow(t, env, running)
				require.Equal(t, "盘点", window.Control.Paused.Reason)
				require.Zero(t, window.Tally.InFlight(), "what was in flight is finished")
			}
			require.Contains(t, runDetails(progress), "Paused** 2024-03-02 00:00:00 · wang: 盘点")
		}, time.Hour)
		env.RegisterDelayedCallback(func() {
			laterFetches, laterSaves := activitiesStarted(world)
			require.Equal(t, fetches, laterFetches)
			require.Equal(t, saves, laterSaves)
			require.Less(t, laterFetches, 20)
			resumed = steer(env, ResumeUpdate)
		}, 24*time.Hour)
	})
	require.NoError(t, err)
	require.Equal(t, tally.Tally{Pages: 30, Fetched: 100, Saved: 100}, result.Tally)
	for _, u := range []*update{paused, resumed} {
		require.NoError(t, errors.Join(u.refused, u.failed))
		require.True(t, u.done)
	}
	require.Nil(t, resumed.control.Paused)
}

// A window that is begun in the very moment of the pause hears of it as well.
func TestPauseReachesEveryWindow(t *testing.T) {
	for call := 1; call <= 12; call++ {
		world := newFakeWorld(6)
		world.plan.WindowsAtOnce = 3
		result, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
			world.beforeFetch = func(_ *fakeWorld, now int) {
				if now == call {
					steer(env, PauseUpdate, Pause{By: "wang"})
				}
			}
			env.RegisterDelayedCallback(func() {
				for _, running := range askRun(t, env).Running {
					window := askWindow(t, env, running)
					require.NotNil(t, window.Control.Paused, "call %d, %s", call, running.WorkflowID)
				}
				steer(env, ResumeUpdate)
			}, time.Hour)
		})
		require.NoError(t, err)
		require.Equal(t, 60, result.Saved)
	}
}

func TestPausedRunCanBeCancelled(t *testing.T) {
	world := newFakeWorld(10)
	world.plan.WindowsAtOnce = 2
	_, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		world.beforeFetch = func(_ *fakeWorld, call int) {
			if call == 5 {
				steer(env, PauseUpdate, Pause{By: "wang"})
			}
		}
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	})
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	done, ok := ResultOf(err)
	require.True(t, ok)
	require.NotZero(t, done.Saved)
	require.Zero(t, done.InFlight())
}

// A window that fails ends the run, paused or not.
func TestPausedRunEndsWhenAWindowFails(t *testing.T) {
	world := newFakeWorld(10)
	world.plan.WindowsAtOnce = 1
	var late *update
	_, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		world.fetchErr = func(call int) error {
			if call == 5 {
				steer(env, PauseUpdate, Pause{By: "wang"})
				return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
			}
			return nil
		}
		env.RegisterDelayedCallback(func() { late = steer(env, ResumeUpdate) }, time.Hour)
	})
	require.ErrorContains(t, err, "签名错误")
	require.Nil(t, late, "the run ended before it was resumed")
}

// A window that fails while another is paused keeps nobody from ending the pause:
// the run waits for that other.
func TestPausedRunIsResumedAfterAWindowFailed(t *testing.T) {
	world := newFakeWorld(10)
	world.plan.WindowsAtOnce = 2
	// Every order is in flight for an hour, so that the other window has pages left
	// when it is paused.
	world.plan.Retry = contract.Retry{Attempts: 10, First: time.Hour, Factor: 1, Longest: time.Hour}
	world.busyFirst = true
	var resumed *update
	_, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		// The first page of the second window: a page that is read ahead would fail its
		// window only once the orders before it are given out, after the pause.
		world.fetchErr = func(call int) error {
			if world.windows[call-1].From.Equal(at("2024-03-01 01:00:00")) {
				steer(env, PauseUpdate, Pause{By: "wang"})
				return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
			}
			return nil
		}
		env.RegisterDelayedCallback(func() {
			require.Len(t, askRun(t, env).Running, 1)
			resumed = steer(env, ResumeUpdate)
		}, 5*time.Hour)
	})
	require.NoError(t, errors.Join(resumed.refused, resumed.failed))
	require.ErrorContains(t, err, "签名错误")
	done, ok := ResultOf(err)
	require.True(t, ok)
	require.Zero(t, done.InFlight())
}

func TestRateOfARunIsChanged(t *testing.T) {
	for _, c := range []struct {
		name string
		rate Rate
		want Rate
		// windows are under way some hours later, inFlight in the busiest.
		windows, inFlight int
	}{
		{"as the flow says", Rate{InFlight: 5, WindowsAtOnce: 2}, Rate{InFlight: 5, WindowsAtOnce: 2}, 2, 5},
		{"fewer in flight", Rate{InFlight: 1}, Rate{InFlight: 1, WindowsAtOnce: 2}, 2, 1},
		{"one window at a time", Rate{WindowsAtOnce: 1}, Rate{InFlight: 5, WindowsAtOnce: 1}, 1, 5},
		{"more windows", Rate{WindowsAtOnce: 6}, Rate{InFlight: 5, WindowsAtOnce: 6}, 6, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Every order is in flight for an hour: five, five and two make a
			// window.
			world := newFakeWorld(12)
			world.plan.WindowsAtOnce = 2
			world.plan.Retry = contract.Retry{Attempts: 10, First: time.Hour, Factor: 1, Longest: time.Hour}
			world.busyFirst = true
			var rated *update
			result, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterDelayedCallback(func() { rated = steer(env, RateUpdate, c.rate) }, 30*time.Minute)
				env.RegisterDelayedCallback(func() {
					progress := askRun(t, env)
					require.Equal(t, c.want, progress.Rate)
					require.Len(t, progress.Running, c.windows)
					most := 0
					for _, running := range progress.Running {
						most = max(most, askWindow(t, env, running).Tally.InFlight())
					}
					require.Equal(t, c.inFlight, most)
				}, 3*time.Hour+15*time.Minute)
			})
			require.NoError(t, err)
			require.NoError(t, errors.Join(rated.refused, rated.failed))
			require.Equal(t, c.rate, rated.control.Rate)
			require.Equal(t, 120, result.Saved)
		})
	}
}

func TestRunBeginsAtItsOwnRate(t *testing.T) {
	world := newFakeWorld(12)
	world.plan.Retry = contract.Retry{Attempts: 10, First: time.Hour, Factor: 1, Longest: time.Hour}
	world.busyFirst = true
	input := tenWindows
	input.Rate = Rate{InFlight: 5, WindowsAtOnce: 6}
	result, err := runSync(world, input, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			progress := askRun(t, env)
			require.Equal(t, input.Rate, progress.Rate)
			require.Len(t, progress.Running, 6)
			require.Equal(t, 5, askWindow(t, env, progress.Running[0]).Tally.InFlight())
		}, 30*time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, 120, result.Saved)

	input.Rate = Rate{WindowsAtOnce: 51}
	_, err = runSync(newFakeWorld(1), input)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, UnknownRate, application.Type())
	require.Contains(t, application.Message(), "51")
}

func TestRateIsChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		rate Rate
		want string // "" if it is taken
	}{
		{"nothing", Rate{}, "no rate is given"},
		{"least", Rate{InFlight: 1, WindowsAtOnce: 1}, ""},
		{"most", Rate{InFlight: 1000, WindowsAtOnce: 50}, ""},
		{"below nothing", Rate{InFlight: -1}, "-1"},
		{"too many in flight", Rate{InFlight: 1001}, "1001"},
		{"too many windows", Rate{InFlight: 5, WindowsAtOnce: 51}, "51"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(1)
			var rated *update
			_, err := runSync(world, tenWindows, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				world.beforeFetch = func(_ *fakeWorld, call int) {
					if call == 1 {
						rated = steer(env, RateUpdate, c.rate)
					}
				}
			})
			require.NoError(t, err)
			if c.want == "" {
				require.NoError(t, rated.refused)
				return
			}
			require.ErrorContains(t, rated.refused, c.want)
			require.False(t, rated.done)
		})
	}
}

// A pause and a rate go along when the run, or a window, continues as new.
func TestControlIsCarriedOverContinueAsNew(t *testing.T) {
	control := Control{Rate: Rate{InFlight: 3, WindowsAtOnce: 1}}
	paused := Control{Paused: &Pause{By: "wang"}, Rate: control.Rate}

	t.Run("run", func(t *testing.T) {
		world := newFakeWorld(1)
		world.plan.WindowsAtOnce = 2
		env := windowEnvironment(world)
		env.SetStartTime(at("2024-03-02 00:00:00"))
		world.beforeFetch = func(_ *fakeWorld, call int) {
			if call == 1 {
				steer(env, RateUpdate, control.Rate)
				env.SetContinueAsNewSuggested(true)
			}
		}
		env.ExecuteWorkflow(SyncFlowName, tenWindows)
		var again *workflow.ContinueAsNewError
		require.ErrorAs(t, env.GetWorkflowError(), &again)
		var input SyncFlowInput
		require.NoError(t, decode(again, &input))
		require.Equal(t, control, input.Carried.Control)

		input.Carried.Control = paused
		before := len(world.fetches)
		_, err := runSync(world, input, func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() {
				fetches, _ := activitiesStarted(world)
				require.Equal(t, before, fetches)
				require.Equal(t, 1, askRun(t, env).Rate.WindowsAtOnce)
				steer(env, ResumeUpdate)
			}, time.Hour)
		})
		require.NoError(t, err)
		require.Len(t, world.windows, 10)
	})

	t.Run("window", func(t *testing.T) {
		world := newFakeWorld(10)
		env := windowEnvironment(world)
		world.beforeFetch = func(_ *fakeWorld, call int) {
			if call == 2 {
				env.SignalWorkflow(ControlSignal, paused)
				env.SetContinueAsNewSuggested(true)
			}
		}
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(ControlSignal, control) }, time.Hour)
		env.ExecuteWorkflow(SyncWindowName, world.input())
		var again *workflow.ContinueAsNewError
		require.ErrorAs(t, env.GetWorkflowError(), &again)
		var input SyncWindowInput
		require.NoError(t, decode(again, &input))
		require.Equal(t, control, input.Control)

		env = windowEnvironment(world)
		input.Control = paused
		before := len(world.fetches)
		env.RegisterDelayedCallback(func() {
			fetches, _ := activitiesStarted(world)
			require.Equal(t, before, fetches)
			env.SignalWorkflow(ControlSignal, control)
		}, time.Hour)
		env.ExecuteWorkflow(SyncWindowName, input)
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, 10, len(world.saves))
		for id, saves := range world.saves {
			require.Equal(t, 1, saves, "as_id %s", id)
		}
	})
}

func TestPauseIsShownWithoutBreakingTheTable(t *testing.T) {
	var paused, running details
	paused.pause(Control{Paused: &Pause{By: "a|b", Reason: "one\ntwo", Since: at("2024-03-01 08:00:00")}})
	require.Equal(t, "**⏸ Paused** 2024-03-01 08:00:00 · a\\|b: one two\n\n", paused.String())
	running.pause(Control{})
	require.Empty(t, running.String())
}
