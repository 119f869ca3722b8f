package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// A cron keeps its watermark as a schedule does. The server suggests continue-as-new
// early here: a run that has many windows to catch up with ends then, and the next one
// continues, because continuing as new would end the cron.
func TestCronContinuesFromItsWatermark(t *testing.T) {
	t.Parallel()
	server := startDevServer(t, devserver.Options{DynamicConfig: []string{"limit.historyCount.suggestContinueAsNew=60"}})
	s := scheduled(t, newWorldAt(t, simulator.Options{Orders: 40, ArrivePerMinute: 60}, server.Address, server.Namespace), manyWindows...)
	s.startWorker(t)
	from, _ := s.Range()
	s.starter(t, 2, "cron", "start", "--flow", builtInFlow, "--spec", "* * *")
	s.starter(t, 0, "cron", "start", "--flow", builtInFlow, "--spec", "@every 1s", "--since", from.Format(time.RFC3339))
	s.starter(t, 1, "cron", "start", "--flow", builtInFlow, "--spec", "@every 1s")
	s.starter(t, 1, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339))

	var now status
	// Two days do not fit into one run.
	testkit.Wait(t, "several runs have completed", func() bool { return len(s.completed(t)) > 3 })
	now, _ = s.status(t)
	require.True(t, now.Cron)
	s.starter(t, 0, "cron", "stop", "--flow", builtInFlow)
	testkit.Wait(t, "the cron has ended", func() bool {
		now, _ = s.status(t)
		return !now.Cron
	})
	s.starter(t, 1, "cron", "stop", "--flow", builtInFlow)
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", "last", "--paused")
	s.starter(t, 1, "cron", "start", "--flow", builtInFlow, "--spec", "@every 1s")
	s.starter(t, 0, "schedule", "delete", "--flow", builtInFlow)

	// The runs follow each other without a gap, from the first; the list may show a later
	// one before an earlier one.
	var runs []workflows.SyncFlowResult
	testkit.Wait(t, "the runs follow each other", func() bool {
		runs = s.completed(t)
		next := from
		for _, run := range runs {
			if run.From.Unix() != next.Unix() || run.Watermark.Before(run.From) {
				return false
			}
			next = run.Watermark.Add(-testOverlap)
		}
		return true
	})
	last := runs[len(runs)-1].Watermark
	require.Empty(t, simulator.Compare(s.Truth().Between(from, *last), s.billsBefore(*last)))
}

// completed returns the results of the completed runs, oldest first.
func (s *scheduledWorld) completed(t *testing.T) []workflows.SyncFlowResult {
	t.Helper()
	reply, err := s.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: "WorkflowType = '" + workflows.SyncFlowName + "' AND ExecutionStatus = 'Completed'",
	})
	require.NoError(t, err)
	require.Empty(t, reply.GetNextPageToken())
	results := make([]workflows.SyncFlowResult, len(reply.GetExecutions()))
	for i, execution := range reply.GetExecutions() {
		payload := execution.GetMemo().GetFields()[workflows.ResultMemo]
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &results[len(results)-1-i]))
	}
	return results
}
