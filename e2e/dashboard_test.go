package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/workflows"
)

// What the Web UI shows of a run: its list by the documented filters, and of
// every workflow in it what each step is about.
func TestWebUIShowsWhatHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 400})
	w.startWorker(t)
	ran := w.sync(t, 3)
	require.NotZero(t, ran.Parked)
	temporal := w.temporal(t)

	t.Run("filters", func(t *testing.T) {
		filters := documentedFilters(t)
		require.Greater(t, len(filters), 10)
		for label, filter := range filters {
			_, err := temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: filter})
			require.NoError(t, err, "%s: %s", label, filter)
		}
		// The list lags behind by up to seconds.
		for label, want := range map[string]int{"all parked orders": ran.Parked, "parked for an unknown material": ran.FailedReasons["unknown_material"]} {
			require.NotZero(t, want)
			require.Eventually(t, func() bool { return len(listed(t, temporal, filters[label])) == want }, patience, 200*time.Millisecond, label)
		}
	})

	t.Run("steps", func(t *testing.T) {
		kinds := map[string]int{}
		for _, id := range listed(t, temporal, "") {
			requireSummaries(t, temporal, id, kinds)
		}
		for _, name := range []string{
			workflows.LoadFlowName, workflows.FetchPageName, workflows.FindBillsName, workflows.SaveOrderName, workflows.ParkOrderName,
			workflows.SyncRefundsName, workflows.SyncWindowName, workflows.ParkedOrderName, "child", "timer",
		} {
			require.NotZero(t, kinds[name], name)
		}
	})

	t.Run("current details", func(t *testing.T) {
		details := currentDetails(t, temporal, ran.WorkflowID)
		require.Contains(t, details, "| 保存 saved |")
		require.Contains(t, details, "挂起或失败的单 Orders parked or failed")
		require.Contains(t, details, "unknown_material")
		parked := listed(t, temporal, "WorkflowType = 'ParkedOrder' AND RefundsyncReason = 'unknown_material'")
		require.Contains(t, currentDetails(t, temporal, parked[0]), "`unknown_material`")
	})
}

// documentedFilters are those of docs/dashboard.md, by their English label.
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

// listed gives the ids of the workflows that a filter finds.
func listed(t *testing.T, temporal client.Client, filter string) []string {
	t.Helper()
	var ids []string
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: filter}
	for {
		reply, err := temporal.ListWorkflow(t.Context(), request)
		require.NoError(t, err)
		for _, execution := range reply.GetExecutions() {
			ids = append(ids, execution.GetExecution().GetWorkflowId())
		}
		if request.NextPageToken = reply.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return ids
		}
	}
}

// requireSummaries reads a workflow and its history as the Web UI does: it, and
// each of its steps, has a summary, and nothing in it is about a person. The
// steps are counted by kind.
func requireSummaries(t *testing.T, temporal client.Client, workflowID string, kinds map[string]int) {
	t.Helper()
	described, err := temporal.DescribeWorkflowExecution(t.Context(), workflowID, "")
	require.NoError(t, err)
	count := func(kind string, metadata *sdkpb.UserMetadata) {
		kinds[kind]++
		var summary string
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(metadata.GetSummary(), &summary), "%s of %s", kind, workflowID)
		require.NotEmpty(t, summary, "%s of %s", kind, workflowID)
	}
	count(described.GetWorkflowExecutionInfo().GetType().GetName(), described.GetExecutionConfig().GetUserMetadata())
	require.NotEmpty(t, described.GetExecutionConfig().GetUserMetadata().GetDetails().GetData(), "details of %s", workflowID)
	require.NotContains(t, described.String(), merchant.PersonalData)

	events := temporal.GetWorkflowHistory(t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
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
