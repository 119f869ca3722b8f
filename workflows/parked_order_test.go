package workflows

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/flow"
)

func parkedVersion(quantity, changedAt string) ParkedVersion {
	return ParkedVersion{
		PickVersion: "v1",
		Order:       flow.Order{ID: "70000", BillNumber: "70000", ChangedAt: at(changedAt), Fields: json.RawMessage(`{"r_qty":"` + quantity + `"}`)},
		Failure:     Failure{ID: "70000", BillNumber: "70000", Reason: "malformed_value", Message: "r_qty 不是数字"},
	}
}

// runParked runs a ParkedOrder workflow whose order can be saved as soon as
// savable says so.
func runParked(t *testing.T, world *fakeWorld, savable func(flow.Order) bool, prepare func(*testsuite.TestWorkflowEnvironment)) (ParkedOrderResult, error) {
	t.Helper()
	world.saveErr = func(order flow.Order) error {
		if savable(order) {
			return nil
		}
		return temporal.NewNonRetryableApplicationError("r_qty 不是数字", "malformed_value", nil)
	}
	env := windowEnvironment(world)
	prepare(env)
	env.ExecuteWorkflow(ParkedOrderName, ParkedOrderInput{Plan: world.plan, Version: parkedVersion("3件", "2024-03-01 08:00:00")})
	if err := env.GetWorkflowError(); err != nil {
		return ParkedOrderResult{}, err
	}
	var result ParkedOrderResult
	require.NoError(t, env.GetWorkflowResult(&result))
	return result, nil
}

func TestParkedOrderTriesAgainAtGrowingIntervals(t *testing.T) {
	world := newFakeWorld(0)
	var env *testsuite.TestWorkflowEnvironment
	var started time.Time
	result, err := runParked(t, world, func(flow.Order) bool { return world.saves["70000"] == 4 }, func(e *testsuite.TestWorkflowEnvironment) {
		env, started = e, e.Now()
	})
	require.NoError(t, err)
	require.Nil(t, result.Discarded)
	require.Equal(t, 4, world.saves["70000"])
	require.GreaterOrEqual(t, env.Now().Sub(started), (10+20+40+80)*time.Minute)
}

func TestParkedOrdersHaveIdsThatTemporalTakes(t *testing.T) {
	require.Equal(t, "parked/f/700000346", ParkedOrderID("f", "700000346"))
	seen := map[string]bool{}
	for _, id := range []string{"天猫-1", "天猫-2", "a b", "a/b", "a%2Fb", "\n", strings.Repeat("长", 1000) + "1", strings.Repeat("长", 1000) + "2"} {
		workflowID := ParkedOrderID("f", id)
		require.Regexp(t, `^[!-~]{1,300}$`, workflowID)
		require.False(t, seen[workflowID], workflowID)
		seen[workflowID] = true
	}
}

func TestParkedWaitGrowsToItsBound(t *testing.T) {
	require.Equal(t, 10*time.Minute, parkedWait(0))
	require.Equal(t, 80*time.Minute, parkedWait(3))
	require.Equal(t, 12*time.Hour, parkedWait(7))
	require.Equal(t, 12*time.Hour, parkedWait(100_000))
}

func TestParkedOrderTriesAgainWhenTold(t *testing.T) {
	world := newFakeWorld(0)
	savable := false
	var env *testsuite.TestWorkflowEnvironment
	var started time.Time
	_, err := runParked(t, world, func(flow.Order) bool { return savable }, func(e *testsuite.TestWorkflowEnvironment) {
		env, started = e, e.Now()
		e.RegisterDelayedCallback(func() {
			savable = true
			e.SignalWorkflow(RetrySignal, nil)
		}, time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, 1, world.saves["70000"])
	require.Less(t, env.Now().Sub(started), 5*time.Minute)
}

func TestParkedOrderTakesANewerVersion(t *testing.T) {
	for _, c := range []struct {
		name    string
		version ParkedVersion
		within  time.Duration
	}{
		{"at once", parkedVersion("3", "2024-03-01 09:00:00"), 5 * time.Minute},
		// Saved only because the world accepts the old one in the end.
		{"not an older one", parkedVersion("3", "2024-03-01 07:00:00"), 0},
		{"not the same again", parkedVersion("3件", "2024-03-01 08:00:00"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			var env *testsuite.TestWorkflowEnvironment
			var started time.Time
			good := string(parkedVersion("3", "2024-03-01 09:00:00").Order.Fields)
			result, err := runParked(t, world, func(order flow.Order) bool {
				return string(order.Fields) == good || world.saves["70000"] == 2
			}, func(e *testsuite.TestWorkflowEnvironment) {
				env, started = e, e.Now()
				e.RegisterDelayedCallback(func() { e.SignalWorkflow(OrderSignal, c.version) }, time.Minute)
			})
			require.NoError(t, err)
			if c.within > 0 {
				require.Equal(t, good, string(result.Order.Fields))
				require.Less(t, env.Now().Sub(started), c.within)
			} else {
				require.NotEqual(t, good, string(result.Order.Fields))
				require.Equal(t, 2, world.saves["70000"])
			}
		})
	}
}

func TestParkedOrderCanBeDiscarded(t *testing.T) {
	world := newFakeWorld(0)
	result, err := runParked(t, world, func(flow.Order) bool { return false }, func(e *testsuite.TestWorkflowEnvironment) {
		e.RegisterDelayedCallback(func() {
			e.SignalWorkflow(DiscardSignal, Discard{By: "wang", Reason: "测试单 a test"})
		}, time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, &Discard{By: "wang", Reason: "测试单 a test"}, result.Discarded)
	require.Zero(t, world.saves["70000"])
}

func TestParkedOrderShowsItsReason(t *testing.T) {
	world := newFakeWorld(0)
	var state ParkedOrderState
	_, err := runParked(t, world, func(flow.Order) bool { return world.saves["70000"] == 2 }, func(e *testsuite.TestWorkflowEnvironment) {
		e.RegisterDelayedCallback(func() {
			value, err := e.QueryWorkflow(ProgressQuery)
			require.NoError(t, err)
			require.NoError(t, value.Get(&state))
		}, 15*time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, 1, state.Attempts)
	require.Equal(t, "malformed_value", state.Version.Failure.Reason)
}

// An attempt under way when a signal comes loses neither.
func TestParkedOrderKeepsSignalsOverContinueAsNew(t *testing.T) {
	world := newFakeWorld(0)
	_, err := runParked(t, world, func(flow.Order) bool { return world.saves["70000"] == 2 }, func(e *testsuite.TestWorkflowEnvironment) {
		e.SetContinueAsNewSuggested(true)
		e.RegisterDelayedCallback(func() {
			world.whileSaving = func() { e.SignalWorkflow(RetrySignal, nil) }
			e.SignalWorkflow(RetrySignal, nil)
		}, time.Minute)
	})
	require.NoError(t, err, "it must not continue as new with a signal unread")
	require.Equal(t, 2, world.saves["70000"])
}
