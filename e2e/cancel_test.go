package e2e

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// submitAndAudit changes the built-in flow's way to submit and audit.
func submitAndAudit(way string) []string {
	pairs := []string{"submit_and_audit: none", "submit_and_audit: " + way}
	if way == "kingdee" {
		pairs = append(pairs, "IsAutoSubmitAndAudit: false", "IsAutoSubmitAndAudit: true")
	}
	return pairs
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

// waitUntilCancelSeen waits until a cancelled activity has learned of it from the reply to a
// heartbeat.
func waitUntilCancelSeen(t *testing.T, temporal client.Client, workflowID string) {
	t.Helper()
	asked := time.Time{}
	testkit.Wait(t, "the activity learns of the cancellation", func() bool {
		described, err := temporal.DescribeWorkflow(t.Context(), workflowID, "")
		require.NoError(t, err)
		for _, pending := range described.RawResponse.GetPendingActivities() {
			if pending.GetActivityType().GetName() != workflows.SyncPagesName {
				continue
			}
			if pending.GetState() != enumspb.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED {
				return false
			}
			if beat := pending.GetLastHeartbeatTime().AsTime(); asked.IsZero() {
				asked = beat
			} else if beat.After(asked) {
				return true
			}
			return false
		}
		return true
	})
}

func TestCancelledRunFinishesWhatItHasInHand(t *testing.T) {
	t.Parallel()
	eachGrain(t, contract.GrainOrder, cancelledRunFinishesWhatItHasInHand)
}

func cancelledRunFinishesWhatItHasInHand(t *testing.T, grain string) {
	w := newWorld(t, simulator.Options{Orders: 80}).inSmallSteps(t, append(submitAndAudit("explicit"), "grain: auto", "grain: "+grain)...)
	w.startWorker(t)
	temporal := w.temporal(t)
	run := w.beginHeld(t, 20)
	require.Contains(t, w.starter(t, 0, "cancel", run.GetID()).stdout, "starter watch "+run.GetID())
	// The windows have learned of it before work in hand can continue.
	progress := runProgress(t, temporal, run.GetID())
	require.NotEmpty(t, progress.Running)
	for _, window := range progress.Running {
		testkit.Wait(t, "the window learns of the cancellation", func() bool {
			return hasEvent(t, temporal, window.WorkflowID, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
		})
		waitUntilCancelSeen(t, temporal, window.WorkflowID)
	}
	w.ReleaseSaves()

	cancelled := end(t, run)
	require.NotEmpty(t, cancelled.Error)
	bills := w.bills()
	require.Less(t, bills, w.Truth().Totals().Saved, "the run was cancelled in its middle")
	require.Equal(t, bills, cancelled.Saved, "all that was done is reported")
	require.Equal(t, cancelled.Fetched, cancelled.Saved+cancelled.AlreadySaved+cancelled.SkippedTotal()+cancelled.Parked)
	require.Zero(t, cancelled.Failed)
	require.Zero(t, w.unfinished(), "each bill that was begun is audited")

	next := w.sync(t)
	requireTruth(t, w, next)
	require.Equal(t, bills, next.AlreadySaved)
	require.Zero(t, w.unfinished())
}

func TestNextRunRepairsATerminatedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 80}).inSmallSteps(t, submitAndAudit("explicit")...)
	w.startWorker(t)
	temporal := w.temporal(t)
	run := w.beginHeld(t, 20)
	progress := runProgress(t, temporal, run.GetID())
	require.NotEmpty(t, progress.Running)
	require.NoError(t, temporal.TerminateWorkflow(t.Context(), run.GetID(), "", "测试 a test"))
	w.ReleaseSaves()

	require.NotEmpty(t, end(t, run).Error)
	// A worker continues for a moment with the work in hand when its workflow is gone;
	// the windows do not.
	for _, window := range progress.Running {
		testkit.Wait(t, "the window ends with its run", func() bool {
			described, err := temporal.DescribeWorkflow(t.Context(), window.WorkflowID, "")
			var unknown *serviceerror.NotFound
			if errors.As(err, &unknown) {
				return true // the run was terminated before the window began
			}
			require.NoError(t, err)
			return described.RawResponse.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		})
	}
	require.Less(t, w.bills(), w.Truth().Totals().Saved, "the run was terminated in its middle")

	requireTruth(t, w, w.sync(t))
	require.Zero(t, w.unfinished())
}

// A worker that dies between saving and auditing leaves bills that are only saved. The
// run finishes them.
func TestBillsThatWereSavedAndNotAuditedAreFinished(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"explicit", "kingdee"} {
		t.Run("by the same run, "+way, func(t *testing.T) {
			t.Parallel()
			testkit.SkipUnlessLong(t)
			w := newWorld(t, simulator.Options{Orders: 40, Faults: faults.Probabilities{faults.KingdeeReplyLost: 0.1}}).inSmallSteps(t, submitAndAudit(way)...)
			worker := w.startWorkerProcess(t)
			w.beginHeld(t, 10)
			worker.Kill(t)
			w.ReleaseSaves()
			require.Less(t, w.bills(), w.Truth().Totals().Saved, "the worker was killed in the middle of the run")

			w.startWorker(t)
			requireTruth(t, w, w.sync(t)) // joins the run
			require.Zero(t, w.unfinished())
		})
	}
	t.Run("by the next run", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, simulator.Options{Orders: 40})
		worker := w.startWorker(t)
		first := w.sync(t)
		requireTruth(t, w, first)
		require.Equal(t, first.Saved, w.unfinished(), "a flow that wants no audit")
		worker.terminate(t)

		w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, submitAndAudit("kingdee")...)
		w.startWorker(t)
		requireTruth(t, w, w.sync(t))
		require.Zero(t, w.unfinished())
	})
}
