package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// A flow that reads by row versions saves every order once, and its next run only what
// has changed since.
func TestRowVersionsEqualTheTruth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 100})
	w = w.with("REFUNDSYNC_FLOWS", changedFlows(t, "  cursor: time\n", "  cursor: row_version\n  since_ts: 0\n"))
	w.startWorker(t)
	temporal := w.temporal(t)
	schedule, err := temporal.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
		ID: "row-versions",
		Action: &client.ScheduleWorkflowAction{
			ID: builtInFlow, Workflow: workflows.SyncFlowName, TaskQueue: "refundsync",
			Args: []any{workflows.SyncFlowInput{Flow: builtInFlow}},
		},
	})
	require.NoError(t, err)
	runs := 0
	next := func() (result workflows.SyncFlowResult) {
		require.NoError(t, schedule.Trigger(t.Context(), client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}))
		runs++
		var id string
		testkit.Wait(t, "the run begins", func() bool {
			described, err := schedule.Describe(t.Context())
			require.NoError(t, err)
			if described.Info.NumActions < runs {
				return false
			}
			id = described.Info.RecentActions[len(described.Info.RecentActions)-1].StartWorkflowResult.WorkflowID
			return true
		})
		require.NoError(t, temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
		return result
	}

	first := next()
	requireTruth(t, w, result{SyncFlowResult: first})
	require.NotNil(t, first.RowVersion)

	second := next()
	require.Equal(t, 1, second.Fetched, "only the row at the boundary")
	require.Equal(t, *first.RowVersion, *second.RowVersion)
	requireBills(t, w)

	// Another scheduler's runs have no previous run. They look up the last one in the
	// server's list, which lags, and read only the row at the boundary.
	testkit.Wait(t, "the last run is listed", func() bool {
		ended := w.run(t, "starter", "run", "--flow", builtInFlow, "--since", "last", "--move-watermark", "--wait", "-o", "json")
		var elsewhere result
		return json.Unmarshal([]byte(ended.stdout), &elsewhere) == nil && elsewhere.Fetched == 1 && *elsewhere.RowVersion == *first.RowVersion
	})
}
