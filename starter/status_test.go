package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/tally"
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

func TestStatusAddsUpTheRunsOfADay(t *testing.T) {
	day := dayStatus{Skipped: map[string]int{}}
	tally := tally.Tally{Fetched: 6, Saved: 2, Updated: 1, AlreadySaved: 1, Skipped: map[string]int{"仅退款": 1}, Parked: 1}
	for _, outcome := range []string{workflows.RunDone, workflows.RunParked, workflows.RunOrdersFailed, workflows.RunFailed, workflows.RunCancelled, "terminated"} {
		day.add(listedRun{Outcome: outcome, Result: &workflows.SyncRefundsResult{Tally: tally}})
	}
	day.add(listedRun{Outcome: "timed_out"})
	require.Equal(t, dayStatus{
		Runs: 7, RunsFailed: 4, Fetched: 36, Saved: 12, Updated: 6, AlreadySaved: 6, Skipped: map[string]int{"仅退款": 6}, Parked: 6,
	}, day)
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
	require.Contains(t, shown.String(), "paused at 03-01 12:00:00 by li: stock-taking")
}

func TestEveryOutcomeHasAText(t *testing.T) {
	for _, outcome := range []string{workflows.RunDone, workflows.RunParked, workflows.RunOrdersFailed, workflows.RunFailed, workflows.RunCancelled, runTerminated, runTimedOut} {
		require.NotEmpty(t, outcomeTexts[outcome].String(), outcome)
	}
}
