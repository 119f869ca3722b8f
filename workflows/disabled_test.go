package workflows

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

var shopClosed = contract.Hold{Flow: "refund_to_return", Disabled: true, By: "li", Note: "停用", Since: at("2024-03-01 12:00:00")}

// A run whose flow is disabled finishes what is in flight, even while it is paused or held,
// and completes with the watermark it began with. The next run does the rest.
func TestRunEndsEarlyOnceItsFlowIsDisabled(t *testing.T) {
	for _, c := range []struct {
		name string
		// disable is called by an activity that has locked the world.
		disable func(world *fakeWorld, env *testsuite.TestWorkflowEnvironment)
	}{
		{"under way", func(world *fakeWorld, env *testsuite.TestWorkflowEnvironment) {
			world.holds = []contract.Hold{shopClosed}
			steer(env, HoldsUpdate)
		}},
		{"paused", func(world *fakeWorld, env *testsuite.TestWorkflowEnvironment) {
			world.holds = []contract.Hold{shopClosed}
			steerAndThen(env, func() { steer(env, HoldsUpdate) }, PauseUpdate, Pause{By: "wang"})
		}},
		{"held", func(world *fakeWorld, env *testsuite.TestWorkflowEnvironment) {
			world.holds = []contract.Hold{stockTaking}
			steerAndThen(env, func() {
				world.hold(stockTaking, shopClosed)
				steer(env, HoldsUpdate)
			}, HoldsUpdate)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachGrain(t, "", func(t *testing.T, grain string) {
				world := newFakeWorld(10)
				world.plan.Grain, world.plan.WindowsAtOnce, world.mostPages = grain, 2, 1
				watermark := at("2024-03-01 00:00:00")
				incremental := SyncFlowInput{Flow: "refund_to_return", Watermark: &watermark}
				var outcome string
				result, err := runSync(world, incremental, startingAt("2024-03-01 10:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
					env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
						outcome, _ = args.Get(0).(temporal.SearchAttributes).GetKeyword(OutcomeAttribute)
					}).Return(nil)
					world.beforeFetch = func(w *fakeWorld, call int) {
						if call == 5 {
							c.disable(w, env)
						}
					}
				})
				require.NoError(t, err)
				require.True(t, result.EndedEarly())
				require.Equal(t, RunEndedEarly, outcome)
				require.True(t, watermark.Equal(*result.Watermark), "the watermark holds")
				// SyncPages may still run.
				world.mu.Lock()
				fetches, saves := len(world.fetches), 0
				for _, times := range world.saves {
					saves += times
				}
				world.beforeFetch = nil
				world.mu.Unlock()
				require.Less(t, fetches, 20)
				if grain == contract.GrainOrder { // the fake SyncPages tells nothing when it is interrupted
					require.Equal(t, saves, result.Saved, "what was in flight is finished and counted")
				}
				require.Less(t, saves, 110)
				require.Zero(t, result.InFlight())

				world.hold()
				rest, err := runSync(world, incremental, startingAt("2024-03-01 10:00:00"))
				require.NoError(t, err)
				require.Empty(t, rest.Held)
				require.Equal(t, 110, rest.Saved)
				require.True(t, result.To.Equal(*rest.Watermark))
			})
		})
	}
}

// A run over given orders names those that it has not done.
func TestRunOverOrdersThatEndsEarlyNamesTheRest(t *testing.T) {
	world := newFakeWorld(10)
	begun := SyncFlowInput{Flow: "refund_to_return", Carried: &RunState{
		Range: *tenWindows.Range, Next: tenWindows.Range.To.Add(time.Second), OrderIDs: []string{"1", "2"},
		Control: Control{Held: []contract.Hold{stockTaking}}, Plan: world.plan,
	}, OrderIDs: []string{"1", "2"}}
	world.hold(shopClosed)
	result, err := runSync(world, begun, startingAt("2024-03-02 00:00:00"))
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, result.Unfinished)
	require.True(t, result.EndedEarly(), "a run that continued as new while held finds that its flow is disabled")
}

// A run that has begun to end because its flow is disabled does not take that back when the
// flow is enabled meanwhile: what it has not done must show.
func TestRunEndsEarlyAlthoughItsFlowIsEnabledMeanwhile(t *testing.T) {
	rows := newFakeWorld(10).rows
	orders := SyncFlowInput{Flow: "refund_to_return", OrderIDs: []string{rows[0].ID, rows[1].ID, rows[2].ID}}
	for _, c := range []struct {
		name string
		run  SyncFlowInput
	}{{"range", tenWindows}, {"orders", orders}} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(10)
			world.plan.InFlight, world.plan.WindowsAtOnce = 1, 1
			var once sync.Once
			result, err := runSync(world, c.run, startingAt("2024-03-02 00:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
				told := func() {
					u := steer(env, HoldsUpdate)
					require.Eventually(t, func() bool {
						var done bool
						asked := make(chan struct{})
						env.RegisterDelayedCallback(func() { done = u.done; close(asked) }, 0)
						<-asked
						return done
					}, time.Minute, time.Millisecond)
				}
				world.whileSaving = func() {
					once.Do(func() {
						world.hold(shopClosed)
						told()
						world.hold()
						told()
					})
				}
			})
			require.NoError(t, err)
			require.True(t, result.EndedEarly())
			require.True(t, shopClosed.Same(result.Held[0]), "%+v", result.Held)
			require.Less(t, len(world.saves), 10)
			if c.run.Range == nil {
				require.Equal(t, c.run.OrderIDs, result.Unfinished)
			}
		})
	}
}

func TestDisabledFlowIsShownAsSuch(t *testing.T) {
	require.Contains(t, heldDetails([]contract.Hold{shopClosed}), "Disabled** flow refund_to_return · since 2024-03-01 12:00:00 · li: 停用")
	require.NotEqual(t, HoldID("q", "f"), DisabledID("q", "f"))
	require.False(t, shopClosed.Same(contract.Hold{Flow: shopClosed.Flow, By: shopClosed.By, Note: shopClosed.Note, Since: shopClosed.Since}))
}
