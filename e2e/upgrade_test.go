package e2e

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// executions are all workflows that the server's list knows.
func executions(t *testing.T, c client.Client) []*workflowpb.WorkflowExecutionInfo {
	t.Helper()
	var all []*workflowpb.WorkflowExecutionInfo
	var next []byte
	for {
		page, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: next})
		require.NoError(t, err)
		all = append(all, page.GetExecutions()...)
		if next = page.GetNextPageToken(); len(next) == 0 {
			return all
		}
	}
}

// requireNoneLost requires that no workflow task failed, which one that replays
// differently does, and counts the activities that a worker took and never
// answered: the server gave them out again when their time was up.
func requireNoneLost(t *testing.T, c client.Client, mostActivities int) {
	t.Helper()
	activities := 0
	for _, execution := range executions(t, c) {
		id := execution.GetExecution()
		history := c.GetWorkflowHistory(t.Context(), id.GetWorkflowId(), id.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(t, err)
			require.NotEqual(t, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED, event.GetEventType(), "%v", event)
			if wasLost(event) {
				activities++
			}
		}
	}
	require.LessOrEqual(t, activities, mostActivities, "activities that a worker took and dropped")
}

// wasLost reports whether an activity begins anew because its last worker was not
// heard of any more.
func wasLost(event *historypb.HistoryEvent) bool {
	return event.GetActivityTaskStartedEventAttributes().GetLastFailure().GetTimeoutFailureInfo() != nil
}

// Workers are replaced one after the other while a run is under way, as a rolling
// restart does: the next one polls, then the one before is told to stop. It takes
// nothing new and finishes what it has.
func TestRollingRestart(t *testing.T) {
	const restarts = 4
	w := newWorld(t, simulator.Options{Orders: 1500, CallLatency: 300 * time.Millisecond})
	w.slowDown(t)
	last := w.startWorker(t)
	w.begin(t)
	bills := func() int { return len(w.State().Kingdee.Bills) }
	for range restarts {
		before := bills()
		require.Eventually(t, func() bool { return bills() > before+50 }, patience, 10*time.Millisecond)
		next := w.startWorker(t)
		last.terminate(t)
		last = next
	}
	require.Less(t, bills(), w.Truth().Totals().Saved, "the run is not over yet")
	requireTruth(t, w, w.sync(t, 3))
	// A poll that has waited in vain may still be given an activity in the moment
	// in which it is broken off.
	requireNoneLost(t, w.temporal(t), 1)
}

// slowDown has a run take long enough for workers to be replaced in the middle.
func (w *world) slowDown(t *testing.T) {
	t.Helper()
	w.env["KINGDEE_BATCH_BILLS"] = "5"
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "in_flight: 100", "in_flight: 10")
}

// deployed is a world whose workers have versions.
type deployed struct {
	*world
	temporal client.Client
}

const deployment = "refundsync"

func newDeployed(t *testing.T, options simulator.Options) *deployed {
	t.Helper()
	server := startServerWith(t, devserver.Options{
		// By default it takes minutes until a version counts as drained.
		DynamicConfig: []string{`matching.wv.VersionDrainageStatusRefreshInterval="1s"`, `matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"`},
	})
	w := newWorldAt(t, options, server.address)
	w.slowDown(t)
	w.env["REFUNDSYNC_DEPLOYMENT_NAME"] = deployment
	w.env["KINGDEE_SESSIONS"] = "1"
	for _, version := range []string{"v1", "v2"} {
		build := exec.Command("go", "build", "-ldflags", "-X refundsync/internal/version.release="+version, "-o", filepath.Join(bin, "worker-"+version), "./worker")
		build.Dir = ".."
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return &deployed{world: w, temporal: w.temporal(t)}
}

// release starts a worker of a version, and makes it the current one.
func (d *deployed) release(t *testing.T, version string) *process {
	t.Helper()
	p := d.start(t, `"polling"`, "worker-"+version)
	// The server refuses until it has seen the version poll, on both task queues.
	var err error
	require.Eventually(t, func() bool {
		_, err = d.temporal.WorkerDeploymentClient().GetHandle(deployment).SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: version})
		return err == nil
	}, patience, 100*time.Millisecond, "%v", err)
	return p
}

// waitUntilDrained waits until no workflow needs a version any more.
func (d *deployed) waitUntilDrained(t *testing.T, version string) {
	t.Helper()
	require.Eventually(t, func() bool {
		described, err := d.temporal.WorkerDeploymentClient().GetHandle(deployment).DescribeVersion(t.Context(), client.WorkerDeploymentDescribeVersionOptions{BuildID: version})
		require.NoError(t, err)
		drainage := described.Info.DrainageInfo
		return drainage != nil && drainage.DrainageStatus == client.WorkerDeploymentVersionDrainageStatus(client.WorkerDeploymentVersionDrainageStatusDrained)
	}, patience, 100*time.Millisecond)
}

// versions counts the executions of each type of workflow by the version that did
// its last task.
func (d *deployed) versions(t *testing.T) map[string]map[string]int {
	t.Helper()
	all := map[string]map[string]int{}
	for _, execution := range executions(t, d.temporal) {
		id := execution.GetExecution()
		described, err := d.temporal.DescribeWorkflowExecution(t.Context(), id.GetWorkflowId(), id.GetRunId())
		require.NoError(t, err)
		name := execution.GetType().GetName()
		if all[name] == nil {
			all[name] = map[string]int{}
		}
		all[name][described.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId()]++
	}
	return all
}

// retryParked has every parked order tried again, and waits until a version has
// seen each of them.
func (d *deployed) retryParked(t *testing.T, version string) {
	t.Helper()
	e := d.run(t, "starter", "parked", "retry", "--all")
	require.Zero(t, e.code, e.stderr)
	require.Eventually(t, func() bool {
		parked := d.versions(t)[workflows.ParkedOrderName]
		return len(parked) == 1 && parked[version] > 0
	}, patience, 200*time.Millisecond)
}

// A new version is released while a run is under way. The run ends on the version
// on which it began, whose workers are stopped only when it has drained; the next
// run, and the orders that wait, are the new version's.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, simulator.Options{Orders: 400, CallLatency: 300 * time.Millisecond})
	e := d.run(t, "starter", "check")
	require.Equal(t, 1, e.code, "no worker was ever started")
	require.Contains(t, e.stdout, "✗ Worker Deployment "+deployment)
	v1 := d.release(t, "v1")
	e = d.run(t, "starter", "check")
	require.Zero(t, e.code, e.stdout)
	require.Contains(t, e.stdout, "✓ Worker Deployment "+deployment+": 当前版本 current version: v1")
	d.begin(t)
	d.waitForBills(t, 20)
	v2 := d.release(t, "v2")
	require.Less(t, len(d.State().Kingdee.Bills), d.Truth().Totals().Saved, "the run is not over yet")

	requireTruth(t, d.world, d.sync(t, 3))
	windows := d.versions(t)[workflows.SyncWindowName]
	require.Equal(t, map[string]int{"v1": 1}, d.versions(t)[workflows.SyncRefundsName])
	require.Len(t, windows, 1)
	require.NotZero(t, windows["v1"])

	d.waitUntilDrained(t, "v1")
	v1.terminate(t)
	second := d.sync(t, 3)
	requireTruth(t, d.world, second)
	require.Zero(t, second.Saved, "nothing is saved twice")
	require.Equal(t, map[string]int{"v1": 1, "v2": 1}, d.versions(t)[workflows.SyncRefundsName])
	d.retryParked(t, "v2")
	requireNoneLost(t, d.temporal, 0)

	// And back: the version before is made the current one again.
	d.release(t, "v1")
	third := d.sync(t, 3)
	requireTruth(t, d.world, third)
	require.Zero(t, third.Saved)
	require.Equal(t, map[string]int{"v1": 2, "v2": 1}, d.versions(t)[workflows.SyncRefundsName])
	d.retryParked(t, "v1")
	v2.terminate(t)
	requireNoneLost(t, d.temporal, 0)
}

// A run whose version has no worker any more waits, until it is moved to the
// current one, which goes on with its history.
func TestPinnedRunIsMoved(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, simulator.Options{Orders: 400, CallLatency: 300 * time.Millisecond})
	v1 := d.release(t, "v1")
	d.begin(t)
	d.waitForBills(t, 20)
	d.release(t, "v2")
	v1.terminate(t)
	saved := len(d.State().Kingdee.Bills)
	require.Less(t, saved, d.Truth().Totals().Saved, "the run is not over yet")

	for _, execution := range executions(t, d.temporal) {
		if execution.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			continue
		}
		_, err := d.temporal.UpdateWorkflowExecutionOptions(t.Context(), client.UpdateWorkflowExecutionOptionsRequest{
			WorkflowId: execution.GetExecution().GetWorkflowId(),
			WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{
				VersioningOverride: &client.VersioningOverrideChange{Value: &client.AutoUpgradeVersioningOverride{}},
			},
		})
		require.NoError(t, err)
	}
	requireTruth(t, d.world, d.sync(t, 3))
	require.Equal(t, map[string]int{"v2": 1}, d.versions(t)[workflows.SyncRefundsName])
	requireNoneLost(t, d.temporal, 1)
}

// A worker that has more to finish than its time allows ends all the same, and says
// so; a second signal ends one at once.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	// A call takes longer than a worker may take to stop.
	w := newWorld(t, simulator.Options{Orders: 30, CallLatency: 40 * time.Second})
	w.env["REFUNDSYNC_DRAIN_TIMEOUT"] = "10s"
	w.begin(t)
	for _, test := range []struct {
		name string
		// again is whether the signal is sent over and over.
		again  bool
		within time.Duration
		says   string
	}{
		{"by its time-out", false, 20 * time.Second, "REFUNDSYNC_DRAIN_TIMEOUT"},
		{"by a second signal", true, 8 * time.Second, `"draining"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := w.calls()
			p := w.startWorker(t)
			require.Eventually(t, func() bool { return w.calls() > calls }, patience, 20*time.Millisecond)
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
			require.Eventually(t, func() bool {
				if test.again {
					// It fails once the process is gone.
					_ = p.cmd.Process.Signal(syscall.SIGTERM)
				}
				select {
				case <-p.done:
					return true
				default:
					return false
				}
			}, test.within, 50*time.Millisecond, p.output())
			require.NotZero(t, p.cmd.ProcessState.ExitCode())
			require.Contains(t, p.output(), test.says)
		})
	}
}

// calls counts the calls to Kingdee.
func (w *world) calls() int {
	sum := 0
	for _, n := range w.State().Kingdee.Calls {
		sum += n
	}
	return sum
}
