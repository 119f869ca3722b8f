package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// A cron keeps its watermark as a schedule does. The server asks for a new
// history early here: a run that has many windows to catch up with ends then,
// and the next goes on, because continuing as new would end the cron.
func TestCronGoesOnFromItsWatermark(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 80, ArrivePerMinute: 60},
		devserver.Options{DynamicConfig: []string{"limit.historyCount.suggestContinueAsNew=60"}})
	s.startWorker(t)
	from, _ := s.Range()
	s.starter(t, 2, "cron", "start", "--flow", testFlow, "--spec", "* * *")
	s.starter(t, 0, "cron", "start", "--flow", testFlow, "--spec", "@every 1s", "--since", from.Format(time.RFC3339))
	s.starter(t, 1, "cron", "start", "--flow", testFlow, "--spec", "@every 1s")
	s.starter(t, 1, "schedule", "create", "--flow", testFlow, "--since", from.Format(time.RFC3339))

	var now status
	require.Eventually(t, func() bool {
		now, _ = s.status(t)
		return now.Watermark != nil && time.Since(*now.Watermark) < 30*time.Second
	}, patience, 200*time.Millisecond)
	require.True(t, now.Cron)
	s.starter(t, 0, "cron", "stop", "--flow", testFlow)
	require.Eventually(t, func() bool {
		now, _ = s.status(t)
		return !now.Cron
	}, patience, 200*time.Millisecond)
	s.starter(t, 1, "cron", "stop", "--flow", testFlow)
	s.starter(t, 0, "schedule", "create", "--flow", testFlow, "--since", "last", "--paused")
	s.starter(t, 1, "cron", "start", "--flow", testFlow, "--spec", "@every 1s")
	s.starter(t, 0, "schedule", "delete", "--flow", testFlow)

	// The runs follow each other without a gap, from the first on.
	runs := s.completed(t)
	require.Greater(t, len(runs), 3, "two days do not fit into one run")
	require.Equal(t, from.Unix(), runs[0].From.Unix())
	for i, run := range runs[1:] {
		require.Equal(t, runs[i].Watermark.Add(-testOverlap).Unix(), run.From.Unix())
		require.False(t, run.Watermark.Before(*runs[i].Watermark))
	}
	last := runs[len(runs)-1].Watermark
	require.Empty(t, simulator.Compare(s.Truth().Between(from, *last), s.billsBefore(*last)))
}

// completed are the results of the runs that have completed, the oldest first,
// as they list themselves.
func (s *scheduledWorld) completed(t *testing.T) []workflows.SyncRefundsResult {
	t.Helper()
	reply, err := s.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: "WorkflowType = '" + workflows.SyncRefundsName + "' AND ExecutionStatus = 'Completed'",
	})
	require.NoError(t, err)
	require.Empty(t, reply.GetNextPageToken())
	results := make([]workflows.SyncRefundsResult, len(reply.GetExecutions()))
	for i, execution := range reply.GetExecutions() {
		payload := execution.GetMemo().GetFields()[workflows.ResultMemo]
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &results[len(results)-1-i]))
	}
	return results
}
