package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

// What a person has corrected in Jushuitan counts at the next attempt, whether a run
// has come by it or not.
func TestParkedOrderIsReadAgainBeforeEachAttempt(t *testing.T) {
	held := string(parkedVersion("3件", "2024-03-01 08:00:00").Order.Fields)
	shown := func(version ParkedVersion) func(ReadOrderParams) ReadOrderResult {
		return func(ReadOrderParams) ReadOrderResult {
			return ReadOrderResult{PickVersion: "v2", Order: &version.Order}
		}
	}
	for _, c := range []struct {
		name   string
		shown  func(ReadOrderParams) ReadOrderResult
		fields string
		pick   string
	}{
		{"corrected", shown(parkedVersion("3", "2024-03-01 09:00:00")), `{"r_qty":"3"}`, "v2"},
		{"corrected without being modified", shown(parkedVersion("3", "2024-03-01 08:00:00")), `{"r_qty":"3"}`, "v2"},
		{"by another flow", shown(parkedVersion("3件", "2024-03-01 08:00:00")), held, "v2"},
		{"in an earlier version", shown(parkedVersion("3", "2024-03-01 07:00:00")), held, "v1"},
		{"which can't be read", nil, held, "v1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			world.shown = c.shown
			result, err := runParked(t, world, func(contract.Order) bool { return true }, func(e *testsuite.TestWorkflowEnvironment) {
				e.RegisterDelayedCallback(func() { e.SignalWorkflow(RetrySignal, nil) }, time.Minute)
			})
			require.NoError(t, err)
			require.JSONEq(t, c.fields, string(result.Order.Fields))
			require.Equal(t, c.pick, world.asked[0].PickVersion)
			require.Equal(t, "70000", world.reads[0].OrderID)
			require.True(t, at("2024-03-01 08:00:00").Equal(world.reads[0].ChangedAt))
		})
	}
}

// A run has just read what it brings.
func TestParkedOrderIsNotReadAgainWhereARunHas(t *testing.T) {
	world := newFakeWorld(0)
	_, err := runParked(t, world, func(contract.Order) bool { return true }, func(e *testsuite.TestWorkflowEnvironment) {
		e.RegisterDelayedCallback(func() { e.SignalWorkflow(OrderSignal, parkedVersion("3", "2024-03-01 09:00:00")) }, time.Minute)
	})
	require.NoError(t, err)
	require.Empty(t, world.reads)
}

// An order that is not there any more is not booked, waits, and says so; it is booked
// once it is there again.
func TestParkedOrderThatIsGoneIsNotBooked(t *testing.T) {
	world := newFakeWorld(0)
	order := parkedVersion("3", "2024-03-01 09:00:00").Order
	world.shown = func(ReadOrderParams) ReadOrderResult {
		if len(world.reads) < 3 {
			return ReadOrderResult{PickVersion: "v1"}
		}
		return ReadOrderResult{PickVersion: "v1", Order: &order}
	}
	var state ParkedOrderState
	result, err := runParked(t, world, func(contract.Order) bool { return true }, func(e *testsuite.TestWorkflowEnvironment) {
		e.RegisterDelayedCallback(func() {
			value, err := e.QueryWorkflow(ProgressQuery)
			require.NoError(t, err)
			require.NoError(t, value.Get(&state))
		}, 40*time.Minute) // after 10 and 20
	})
	require.NoError(t, err)
	require.Equal(t, OrderGone, state.Version.Failure.Reason)
	require.Contains(t, state.Version.Failure.Message.String(), "70000")
	require.Equal(t, 2, state.Attempts)
	require.JSONEq(t, `{"r_qty":"3"}`, string(result.Order.Fields))
	require.Equal(t, 1, world.saves["70000"])
}

// A retry by a person does not postpone the next attempt.
func TestRetryDoesNotPutTheNextAttemptOff(t *testing.T) {
	world := newFakeWorld(0)
	var states []ParkedOrderState
	var started time.Time
	_, err := runParked(t, world, func(contract.Order) bool { return world.saves["70000"] == 6 }, func(e *testsuite.TestWorkflowEnvironment) {
		started = e.Now()
		for minute := range 3 {
			e.RegisterDelayedCallback(func() { e.SignalWorkflow(RetrySignal, nil) }, time.Duration(2*minute+1)*time.Minute)
			e.RegisterDelayedCallback(func() {
				value, err := e.QueryWorkflow(ProgressQuery)
				require.NoError(t, err)
				var state ParkedOrderState
				require.NoError(t, value.Get(&state))
				states = append(states, state)
			}, time.Duration(2*minute+2)*time.Minute)
		}
	})
	require.NoError(t, err)
	require.Len(t, states, 3)
	for i, state := range states {
		require.Equal(t, i+1, state.Attempts)
		require.Equal(t, started.Add(10*time.Minute).Unix(), state.NextAttempt.Unix())
	}
}
