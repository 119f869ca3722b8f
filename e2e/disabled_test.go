package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// A flow is disabled in the middle of a run: the run ends early, nothing begins, and its
// schedules are paused, also one that is created meanwhile. Once it is enabled, everything is
// synced, and nothing twice.
func TestDisabledFlowDoesNothingUntilItIsEnabled(t *testing.T) {
	t.Parallel()
	eachGrain(t, contract.GrainOrder, disabledFlowDoesNothing)
}

func disabledFlowDoesNothing(t *testing.T, grain string) {
	w := newWorld(t, simulator.Options{Orders: 100}).inSmallSteps(t, "grain: auto", "grain: "+grain)
	w.startWorker(t)
	s := &scheduledWorld{world: w, temporal: w.temporal(t)}
	create := []string{"schedule", "create", "--flow", builtInFlow, "--since", time.Now().Format(time.RFC3339), "--cron", "0 4 1 1 *"}
	s.starter(t, 0, create...)
	run := s.beginHeld(t, 20)
	require.Contains(t, s.starter(t, 0, "flow", "disable", builtInFlow, "--note", "店铺停用", "--by", "wang").stdout,
		"disabled: flow "+builtInFlow)
	testkit.Wait(t, "the run knows", func() bool {
		running := s.statusOf(t).Running
		return len(running) == 1 && len(running[0].Held) == 1
	})
	s.ReleaseSaves()
	var ended workflows.SyncFlowResult
	require.NoError(t, s.temporal.GetWorkflow(t.Context(), run.GetID(), run.GetRunID()).Get(t.Context(), &ended))
	require.True(t, ended.EndedEarly())
	require.Zero(t, ended.InFlight())
	saved, read := s.bills(), len(s.State().Source.Calls)
	require.Less(t, saved, s.Truth().Totals().Saved, "the run ended before its end")

	// Everybody is told who, when and why; nothing begins.
	for _, args := range [][]string{
		append([]string{"run"}, s.rangeFlags()...),
		{"run", "--flow", builtInFlow},
		{"schedule", "trigger", "--flow", builtInFlow},
		{"schedule", "resume", "--flow", builtInFlow},
	} {
		require.Contains(t, s.starter(t, 1, args...).stderr, "by wang: 店铺停用; to end it: starter flow enable "+builtInFlow, "%v", args)
	}
	now, _ := s.status(t)
	require.False(t, now.Enabled)
	require.True(t, now.Holds[0].Disabled)
	require.True(t, now.Schedule.Paused)
	s.starter(t, 0, "schedule", "delete", "--flow", builtInFlow)
	s.starter(t, 0, create...)
	now, _ = s.status(t)
	require.True(t, now.Schedule.Paused, "a schedule that is created meanwhile is paused")
	require.Contains(t, s.starter(t, 0, "status").stdout, "the flow is disabled: wang: 店铺停用")
	// A hold is another matter.
	s.starter(t, 0, "hold", "--flow", builtInFlow, "--note", "盘点")
	s.starter(t, 0, "release", "--flow", builtInFlow)
	require.Len(t, s.statusOf(t).Holds, 1)
	require.Equal(t, saved, s.bills())
	require.Len(t, s.State().Source.Calls, read)

	require.Contains(t, s.starter(t, 0, "flow", "enable", builtInFlow).stdout, "enabled: flow "+builtInFlow)
	now, _ = s.status(t)
	require.True(t, now.Enabled)
	require.False(t, now.Schedule.Paused)
	require.Empty(t, now.Holds)
	requireTruth(t, w, w.sync(t))
	require.Contains(t, s.starter(t, 0, "flow", "enable", builtInFlow).stdout, "Nobody had disabled the flow")
}
