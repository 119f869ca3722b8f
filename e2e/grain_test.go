package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// activitiesOf counts the activities in the windows of a run, by type.
func (w *world) activitiesOf(t *testing.T, run result) map[string]int {
	t.Helper()
	c := w.temporal(t)
	counts := map[string]int{}
	var count func(workflowID, runID string)
	count = func(workflowID, runID string) {
		for _, event := range events(t, c, workflowID, runID) {
			if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
				counts[scheduled.GetActivityType().GetName()]++
			}
			if window := event.GetChildWorkflowExecutionStartedEventAttributes().GetWorkflowExecution(); window != nil {
				count(window.GetWorkflowId(), window.GetRunId())
			}
		}
	}
	count(run.WorkflowID, run.RunID)
	return counts
}

// In the page grain a run saves the same bills with few activities, and only orders that
// did not succeed with their page get an activity of their own. A run may have another
// grain than its flow.
func TestGrainOfPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, flow, run string }{
		{"as the flow says", contract.GrainPage, ""},
		{"as the run says", contract.GrainOrder, contract.GrainPage},
		{"of orders, as the run says", contract.GrainPage, contract.GrainOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{Orders: 100})
			w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "grain: auto", "grain: "+c.flow)
			w.startWorker(t)
			in := w.input()
			in.Grain = c.run
			first := w.syncBy(t, in)
			requireTruth(t, w, first)
			require.Zero(t, first.AlreadySaved)
			activities := w.activitiesOf(t, first)
			if c.run == contract.GrainOrder {
				require.Equal(t, first.Saved+first.Parked, activities[workflows.SaveOrderName])
				require.Zero(t, activities[workflows.SyncPagesName])
				return
			}
			require.NotZero(t, activities[workflows.SyncPagesName])
			require.GreaterOrEqual(t, activities[workflows.SaveOrderName], first.Parked)
			require.Less(t, activities[workflows.SaveOrderName], first.Saved/2, "pages save most of the orders")

			second := w.syncBy(t, in)
			requireTruth(t, w, second)
			require.Zero(t, second.Saved, "a second run saves nothing")
			require.Equal(t, first.Saved, second.AlreadySaved)
		})
	}
}
