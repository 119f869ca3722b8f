package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

func TestLoadFlowTellsTheRunItsPlan(t *testing.T) {
	f := *loadFlow(t)
	since := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	f.Source.Since = since
	value, err := environment(&Activities{Flows: flow.Flows{testFlow: &f}}).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
	require.NoError(t, err)
	var plan workflows.Plan
	require.NoError(t, value.Get(&plan))
	require.Equal(t, workflows.Plan{
		Flow: testFlow, Title: f.Title, Version: f.Version, Enabled: true,
		LongestWindow: time.Hour, Overlap: 10 * time.Minute, Lag: 5 * time.Minute, Since: &since, Cursor: flow.CursorTime,
		WindowsAtOnce: 4, InFlight: 100, PageSize: 50, Grain: flow.GrainOrder, TooManyFailures: 80,
		Retry: workflows.Retry{Attempts: 8, First: 2 * time.Second, Factor: 2, Longest: 5 * time.Minute},
	}, plan)
}

func TestLoadFlowNamesTheFlowsThatThereAre(t *testing.T) {
	_, err := environment(&Activities{Flows: flow.Flows{testFlow: loadFlow(t)}}).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: "refunds"})
	require.ErrorContains(t, err, "refunds")
	require.ErrorContains(t, err, testFlow)
}

func TestLoadFlowTellsWhomToAlert(t *testing.T) {
	f := loadFlow(t, func(f *flow.Flow) {
		f.LagLimit = 2 * time.Hour
		f.Alerts = flow.Alerts{
			Robots:   []flow.Robot{{Kind: flow.RobotWeCom, URLFrom: "A"}, {Kind: flow.RobotDingTalk, URLFrom: "B", SecretFrom: "C"}},
			Interval: time.Hour, NothingSyncedFor: 24 * time.Hour,
		}
	})
	value, err := environment(&Activities{Flows: flow.Flows{testFlow: f}}).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
	require.NoError(t, err)
	var plan workflows.Plan
	require.NoError(t, value.Get(&plan))
	require.Equal(t, &workflows.AlertSettings{
		Robots: []string{"A", "B"}, Interval: time.Hour, NothingSyncedFor: 24 * time.Hour, LagLimit: 2 * time.Hour,
	}, plan.Alerts)
}
