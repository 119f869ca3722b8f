package e2e

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// A worker is suspended with one save in flight and many queued behind it, and another
// worker takes over its orders. When it wakes, it sends nothing that was queued on the
// basis of what it knew before.
func TestSuspendedWorkerLooksAgainWhenItWakes(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	for _, c := range []struct {
		name    string
		updates bool
	}{{"new bills", false}, {"updates", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			options := simulator.Options{Orders: 60, AllowDuplicateNumbers: true}
			if c.updates {
				options.Faults = faults.Probabilities{faults.SourceOrderChanges: 1}
			}
			w := newWorld(t, options)
			w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "existing: report", "existing: update")
			// One call at a time, so that most of the work in hand waits in the worker.
			w.env["KINGDEE_SESSIONS"], w.env["KINGDEE_BATCH_BILLS"] = "1", "2"
			worker := w.startWorkerProcess(t)
			from, to := w.Range()
			held := 10
			if c.updates {
				w.sync(t) // every order has changed since
				require.NoError(t, w.SetFaults(nil))
				to, held = w.Truth().Latest(), 0
			}
			w.HoldSaves(held)
			run := w.begin(t, inputOf(from, to))
			w.waitUntilQueued(t, 12)
			worker.Signal(t, syscall.SIGSTOP)
			if c.updates {
				for _, id := range w.savable() {
					w.UndoReceiveMore(id)
				}
			}
			w.ReleaseSaves() // the save in flight lands
			w.startWorker(t)
			require.Empty(t, end(t, run).Error)
			newest := w.syncSpan(t, from, w.Truth().Latest())
			if c.updates {
				require.Greater(t, newest.Updated, 12, "what is queued is older by now")
			} else {
				requireBills(t, w)
			}
			bills := w.State().Kingdee.Bills

			worker.Signal(t, syscall.SIGCONT)
			worker.Terminate(t) // once all its work in hand is done
			require.Empty(t, w.State().Kingdee.Doubles)
			require.Equal(t, bills, w.State().Kingdee.Bills)
		})
	}
}

// waitUntilQueued waits until Kingdee holds a save back and a worker has the given number
// of orders in hand.
func (w *world) waitUntilQueued(t *testing.T, orders int) {
	t.Helper()
	c := w.temporal(t)
	testkit.Wait(t, "a save is held, and orders wait behind it", func() bool {
		inHand := 0
		for _, window := range listed(t, c, "WorkflowType = '"+workflows.SyncWindowName+"' AND ExecutionStatus = 'Running'") {
			description, err := c.DescribeWorkflow(t.Context(), window.GetExecution().GetWorkflowId(), "")
			require.NoError(t, err)
			for _, activity := range description.RawResponse.GetPendingActivities() {
				if activity.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED {
					inHand++
				}
			}
		}
		return w.HeldSaves() > 0 && inHand >= orders
	})
}
