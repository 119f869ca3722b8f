package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// fakeHolds are the holds that are on, by the flow that was asked for.
type fakeHolds struct {
	on  map[string][]contract.Hold
	err error
}

func (f fakeHolds) On(_ context.Context, _, flow string) ([]contract.Hold, error) {
	return f.on[flow], f.err
}

func TestLoadFlowOfAHeldFlowDoesNotAskTheSource(t *testing.T) {
	source := &fakeSource{}
	a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: source, Holds: fakeHolds{on: map[string][]contract.Hold{testFlow: {{By: "wang", Note: "盘点"}}}}}
	value, err := environment(a).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
	require.NoError(t, err)
	var loaded workflows.LoadFlowResult
	require.NoError(t, value.Get(&loaded))
	require.Equal(t, "wang", loaded.Holds[0].By)
	require.Equal(t, testFlow, loaded.Flow)
	require.Nil(t, source.params)
}

// A worker that can't tell whether a flow is held does not go on: Temporal retries.
func TestUnknownHoldIsRetried(t *testing.T) {
	a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: &fakeSource{}, Holds: fakeHolds{err: errors.New("no connection")}}
	for name, params := range map[string]any{workflows.LoadFlowName: workflows.LoadFlowParams{Flow: testFlow}, workflows.FindHoldsName: workflows.HoldScope{Flow: testFlow}} {
		_, err := environment(a).ExecuteActivity(name, params)
		require.ErrorContains(t, err, "no connection")
		var application *temporal.ApplicationError
		require.ErrorAs(t, err, &application)
		require.False(t, application.NonRetryable())
	}
}
