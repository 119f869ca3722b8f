package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// What the Web UI shows of a run: the list by the documented filters, and for every
// workflow in it what each step is about.
func TestWebUIShowsWhatHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200})
	w.startWorker(t)
	ran := w.sync(t)
	require.NotZero(t, ran.Parked)
	temporal := w.temporal(t)

	t.Run("filters", func(t *testing.T) {
		filters := documentedFilters(t)
		require.Greater(t, len(filters), 10)
		for label, filter := range filters {
			_, err := temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: filter})
			require.NoError(t, err, "%s: %s", label, filter)
		}
		// The list lags by up to seconds.
		for label, want := range map[string]int{"all parked orders": ran.Parked, "parked for an unknown material": ran.FailedReasons["unknown_material"]} {
			require.NotZero(t, want)
			testkit.Wait(t, label, func() bool { return len(listed(t, temporal, filters[label])) == want })
		}
	})

	t.Run("steps", func(t *testing.T) {
		kinds := map[string]int{}
		for _, execution := range listed(t, temporal, "") {
			requireSummaries(t, temporal, execution.GetExecution().GetWorkflowId(), kinds)
		}
		for _, name := range []string{
			workflows.LoadFlowName, workflows.FetchPageName, workflows.FindBillsName, workflows.SaveOrderName, workflows.ParkOrderName,
			workflows.SyncFlowName, workflows.SyncWindowName, workflows.ParkedOrderName, "child", "timer",
		} {
			require.NotZero(t, kinds[name], name)
		}
	})

	t.Run("current details", func(t *testing.T) {
		details := currentDetails(t, temporal, ran.WorkflowID)
		require.Contains(t, details, "| saved |")
		require.Contains(t, details, "Orders parked or failed")
		require.Contains(t, details, "unknown_material")
		parked := listed(t, temporal, "WorkflowType = 'ParkedOrder' AND RefundsyncReason = 'unknown_material'")
		require.Contains(t, currentDetails(t, temporal, parked[0].GetExecution().GetWorkflowId()), "unknown_material")
	})
}

// documentedFilters are the filters in docs/dashboard.md, by their English label.
func documentedFilters(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "dashboard.md"))
	require.NoError(t, err)
	filters := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| [^|]+ \\| ([^|]+) \\| `(WorkflowType [^`]+)` \\|$").FindAllStringSubmatch(string(text), -1) {
		filters[row[1]] = row[2]
	}
	return filters
}

// requireSummaries reads a workflow and its history as the Web UI does: it, and
// each of its steps, has a summary, and nothing in it is about a person. The
// steps are counted by kind.
func requireSummaries(t *testing.T, temporal client.Client, workflowID string, kinds map[string]int) {
	t.Helper()
	described, err := temporal.DescribeWorkflow(t.Context(), workflowID, "")
	require.NoError(t, err)
	count := func(kind string, metadata *sdkpb.UserMetadata) {
		kinds[kind]++
		var summary string
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(metadata.GetSummary(), &summary), "%s of %s", kind, workflowID)
		require.NotEmpty(t, summary, "%s of %s", kind, workflowID)
	}
	count(described.RawResponse.GetWorkflowExecutionInfo().GetType().GetName(), described.RawResponse.GetExecutionConfig().GetUserMetadata())
	require.NotEmpty(t, described.RawResponse.GetExecutionConfig().GetUserMetadata().GetDetails().GetData(), "details of %s", workflowID)
	require.NotContains(t, described.RawResponse.String(), merchant.PersonalData)

	for _, event := range events(t, temporal, workflowID, "") {
		require.NotContains(t, event.String(), merchant.PersonalData)
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			count(event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName(), event.GetUserMetadata())
		case enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
			count("child", event.GetUserMetadata())
		case enumspb.EVENT_TYPE_TIMER_STARTED:
			count("timer", event.GetUserMetadata())
		}
	}
}

// currentDetails are what a worker says of a workflow when the Web UI asks.
func currentDetails(t *testing.T, temporal client.Client, workflowID string) string {
	t.Helper()
	value, err := temporal.QueryWorkflow(t.Context(), workflowID, "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, value.Get(&metadata))
	require.NotContains(t, metadata.GetCurrentDetails(), merchant.PersonalData)
	return metadata.GetCurrentDetails()
}
