package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/workflows"
)

// slowOptions make runs long enough to be disturbed in their middle.
func slowOptions() simulator.Options {
	return simulator.Options{Orders: 160, CallLatency: 30 * time.Millisecond}
}

// submitAndAudit is the built-in flow with a way to submit and audit, and few
// orders at work at once, so that a run is not over too soon.
func submitAndAudit(t *testing.T, way string) string {
	t.Helper()
	pairs := []string{"submit_and_audit: none", "submit_and_audit: " + way, "in_flight: 100", "in_flight: 10"}
	if way == "kingdee" {
		pairs = append(pairs, "IsAutoSubmitAndAudit: false", "IsAutoSubmitAndAudit: true")
	}
	return changedFlows(t, pairs...)
}

// beginRun starts the run over the world's days and gives its workflow id.
func (w *world) beginRun(t *testing.T) string {
	t.Helper()
	e := w.run(t, "starter", append([]string{"run", "-o", "json"}, w.rangeFlags()...)...)
	require.Zero(t, e.code, e.stderr)
	var begun result
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &begun))
	return begun.WorkflowID
}

// watch follows a run to its end.
func (w *world) watch(t *testing.T, workflowID string, wantCode int) result {
	t.Helper()
	e := w.run(t, "starter", "watch", workflowID, "-o", "json")
	require.Equal(t, wantCode, e.code, e.stdout+e.stderr)
	var r result
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &r), e.stdout)
	return r
}

// waitForBills waits until more than so many bills are saved.
func (w *world) waitForBills(t *testing.T, bills int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(w.State().Kingdee.Bills) > bills }, patience, 10*time.Millisecond)
}

// unfinished counts the bills that are not audited.
func (w *world) unfinished() int {
	byStatus := maps.Clone(w.State().Kingdee.ByStatus)
	delete(byStatus, "C")
	count := 0
	for _, bills := range byStatus {
		count += bills
	}
	return count
}

func TestCancelledRunFinishesWhatItHasInHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slowOptions())
	w.env["REFUNDSYNC_FLOWS"] = submitAndAudit(t, "explicit")
	w.startWorker(t)
	id := w.beginRun(t)
	w.waitForBills(t, 20)
	require.NoError(t, w.temporal(t).CancelWorkflow(t.Context(), id, ""))

	cancelled := w.watch(t, id, 1)
	require.NotEmpty(t, cancelled.Error)
	bills := len(w.State().Kingdee.Bills)
	require.Less(t, bills, w.Truth().Totals().Saved, "the run was cancelled in its middle")
	require.Equal(t, bills, cancelled.Saved, "all that was done is reported")
	require.Equal(t, cancelled.Fetched, cancelled.Saved+cancelled.AlreadySaved+cancelled.SkippedTotal()+cancelled.Parked)
	require.Zero(t, cancelled.Failed)
	require.Zero(t, w.unfinished(), "each bill that was begun is audited")

	next := w.sync(t, 3)
	requireTruth(t, w, next)
	require.Equal(t, bills, next.AlreadySaved)
	require.Zero(t, w.unfinished())
}

func TestTerminatedRunIsMendedByTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slowOptions())
	w.env["REFUNDSYNC_FLOWS"] = submitAndAudit(t, "explicit")
	w.startWorker(t)
	id := w.beginRun(t)
	w.waitForBills(t, 20)
	temporal := w.temporal(t)
	value, err := temporal.QueryWorkflow(t.Context(), id, "", workflows.ProgressQuery)
	require.NoError(t, err)
	var progress workflows.SyncRefundsProgress
	require.NoError(t, value.Get(&progress))
	require.NotEmpty(t, progress.Running)
	require.NoError(t, temporal.TerminateWorkflow(t.Context(), id, "", "测试 a test"))

	require.NotEmpty(t, w.watch(t, id, 1).Error)
	// What is in the worker's hands when its workflow is gone goes on for a
	// moment; the windows do not.
	for _, window := range progress.Running {
		require.Eventually(t, func() bool {
			described, err := temporal.DescribeWorkflowExecution(t.Context(), window.WorkflowID, "")
			var unknown *serviceerror.NotFound
			if errors.As(err, &unknown) {
				return true // the run was terminated before the window had begun
			}
			require.NoError(t, err)
			return described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		}, patience, 50*time.Millisecond, window.WorkflowID)
	}
	require.Less(t, len(w.State().Kingdee.Bills), w.Truth().Totals().Saved, "the run was terminated in its middle")

	requireTruth(t, w, w.sync(t, 3))
	require.Zero(t, w.unfinished())
}

// A worker that dies between saving and auditing leaves bills that are saved and
// no more. The run goes on with them.
func TestBillsThatWereSavedAndNotAuditedAreFinished(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"explicit", "kingdee"} {
		t.Run("by the same run, "+way, func(t *testing.T) {
			t.Parallel()
			options := slowOptions()
			options.CallLatency = 100 * time.Millisecond
			options.Faults = faults.Probabilities{faults.KingdeeReplyLost: 0.1}
			w := newWorld(t, options)
			w.env["REFUNDSYNC_FLOWS"] = submitAndAudit(t, way)
			worker := w.startWorker(t)
			id := w.beginRun(t)
			w.waitForBills(t, 10)
			if way == "explicit" {
				// More than its four sessions can still change.
				require.Eventually(t, func() bool { return w.unfinished() > 5 }, patience, 5*time.Millisecond)
			}
			require.NoError(t, worker.cmd.Process.Kill())
			<-worker.done
			if way == "explicit" {
				require.NotZero(t, w.unfinished())
			}
			require.Less(t, len(w.State().Kingdee.Bills), w.Truth().Totals().Saved, "the worker was killed in the middle of the run")

			w.startWorker(t)
			requireTruth(t, w, w.watch(t, id, 3))
			require.Zero(t, w.unfinished())
		})
	}
	t.Run("by the next run, kingdee", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, simulator.Options{Orders: 60})
		worker := w.startWorker(t)
		first := w.sync(t, 3)
		requireTruth(t, w, first)
		require.Equal(t, first.Saved, w.unfinished(), "a flow that wants no audit")
		worker.terminate(t)

		w.env["REFUNDSYNC_FLOWS"] = submitAndAudit(t, "kingdee")
		w.startWorker(t)
		requireTruth(t, w, w.sync(t, 3))
		require.Zero(t, w.unfinished())
	})
}
