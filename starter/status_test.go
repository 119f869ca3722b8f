package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/testkit/golden"
	"refundsync/workflows"
)

func TestStatusJudgesWhetherAFlowIsBehind(t *testing.T) {
	now := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time {
		at := now.Add(-d)
		return &at
	}
	since := func(d time.Duration) *scheduleStatus { return &scheduleStatus{CreatedAt: *ago(d)} }
	for _, c := range []struct {
		name   string
		status flowStatus
		lag    int64 // -1 for none
		behind bool
	}{
		{"at its limit", flowStatus{Enabled: true, Watermark: ago(time.Hour)}, 3600, false},
		{"over its limit", flowStatus{Enabled: true, Watermark: ago(time.Hour + time.Second)}, 3601, true},
		{"over its limit while paused", flowStatus{Enabled: true, Watermark: ago(2 * time.Hour), Schedule: &scheduleStatus{Paused: true}}, 7200, true},
		{"disabled", flowStatus{Watermark: ago(2 * time.Hour)}, 7200, false},
		{"held", flowStatus{Enabled: true, Watermark: ago(2 * time.Hour), Holds: []contract.Hold{{By: "li"}}}, 7200, false},
		{"never to run by itself", flowStatus{Enabled: true}, -1, false},
		{"scheduled just now", flowStatus{Enabled: true, Schedule: since(time.Minute)}, -1, false},
		{"scheduled long ago, and no run has completed", flowStatus{Enabled: true, Schedule: since(2 * time.Hour)}, -1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.status.judge(time.Hour, now)
			require.Equal(t, c.behind, c.status.Behind)
			if c.lag < 0 {
				require.Nil(t, c.status.LagSeconds)
			} else {
				require.Equal(t, c.lag, *c.status.LagSeconds)
			}
			err := behindError([]flowStatus{c.status})
			require.Equal(t, c.behind, err != nil)
			if err != nil {
				require.Equal(t, exitBehind, exitCode(err))
			}
		})
	}
}

func TestStatusShowsHowRunsEndedAndWhetherOneIsPaused(t *testing.T) {
	at := time.Date(2024, 3, 1, 12, 0, 0, 0, beijing.Zone)
	var shown strings.Builder
	(&flowStatus{
		Flow: "f", Title: "F", Enabled: true,
		LastRun: &runStatus{WorkflowID: "f/1", EndedAt: at, Outcome: workflows.RunParked},
		Running: []runStatus{
			{WorkflowID: "f/2", StartedAt: at},
			{WorkflowID: "f/3", StartedAt: at, Paused: &workflows.Pause{By: "li", Reason: "stock-taking", Since: at}},
		},
	}).print(&shown)
	require.Contains(t, shown.String(), "2024-03-01 12:00:00 · done, with orders parked")
	require.Regexp(t, `running +│ 2024-03-01 12:00:00 `, shown.String())
	require.Regexp(t, `paused +│ 2024-03-01 12:00:00 `, shown.String())
	require.Contains(t, shown.String(), "paused at 2024-03-01 12:00:00 by li: stock-taking")
}

// All that a status can say, with whole dates.
func TestStatusOfAHeldFlow(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2024, 3, day, hour, 0, 0, 0, beijing.Zone) }
	watermark, lag := at(1, 8), int64(7200)
	holds := []contract.Hold{
		{By: "wang", Note: "stock-taking", Since: at(1, 9), Until: at(7, 0)},
		{Flow: "f", By: "li", Note: "月结", Since: at(1, 10)},
	}
	status := flowStatus{
		Flow: "f", Title: "F", Enabled: true, Version: "7c4a8d09",
		LastRun: &runStatus{WorkflowID: "f/auto-1", EndedAt: at(1, 9), Outcome: workflows.RunDone},
		Running: []runStatus{{
			WorkflowID: "f/auto-2", StartedAt: at(1, 9), Held: holds, Paused: &workflows.Pause{By: "zhao", Since: at(1, 10)},
			Grain: "order", DoneOrders: 40, ExpectedOrders: 100,
		}},
		Watermark: &watermark, LagSeconds: &lag, LagLimitSeconds: 3600,
		Schedule: &scheduleStatus{ID: "schedule/f", Paused: true, Note: "paused by starter"},
		Holds:    holds,
		Parked:   map[string]int{"unknown_material": 2},
		LastDay:  alert.Counts{Runs: 3, RunsFailed: 1, RunsHeld: 5, Saved: alert.Sum{Count: 12}, Updated: 1, LeftOut: map[string]int{"已作废": 2}},
	}
	var shown strings.Builder
	status.print(&shown)
	golden.Equal(t, "status_held.txt", shown.String())
	status.judge(time.Hour, at(1, 10))
	require.False(t, status.Behind, "it is held")
}

func TestEveryOutcomeHasAText(t *testing.T) {
	for _, outcome := range []string{workflows.RunDone, workflows.RunParked, workflows.RunOrdersFailed, workflows.RunFailed, workflows.RunCancelled, workflows.RunHeld, workflows.RunEndedEarly, runTerminated, runTimedOut} {
		require.NotEmpty(t, outcomeTexts[outcome].String(), outcome)
	}
}
