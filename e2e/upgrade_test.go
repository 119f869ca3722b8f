package e2e

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// requireNoTaskFailed requires that no workflow task failed, as one does that replays
// differently. A task that is superseded by an event is repeated, which is no failure.
func requireNoTaskFailed(t *testing.T, c client.Client) {
	t.Helper()
	for _, execution := range listed(t, c, "") {
		for _, event := range events(t, c, execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId()) {
			if failed := event.GetWorkflowTaskFailedEventAttributes(); failed != nil {
				require.Equal(t, enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, failed.GetCause(), "%v", event)
			}
		}
	}
}

// Workers are replaced one by one during a run, as in a rolling restart: the next one
// polls, then the previous one is told to stop. It takes nothing new and finishes its
// work.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	const restarts = 4
	w := newWorld(t, simulator.Options{Orders: 200}).inSmallSteps(t)
	last := w.startWorkerProcess(t)
	run := w.beginHeld(t, 10)
	for range restarts {
		next := w.startWorkerProcess(t)
		last.Signal(t, syscall.SIGTERM)
		last.WaitFor(t, `"draining"`)
		w.handOver(t, run.GetID(), func() { require.Zero(t, last.End(t), last.Output()) })
		last = next
	}
	w.ReleaseSaves()
	requireTruth(t, w, w.sync(t))
	requireNoTaskFailed(t, w.temporal(t))
}

// deployed is a world whose workers have versions.
type deployed struct {
	*world
	temporal client.Client
}

const deployment = "refundsync"

func newDeployed(t *testing.T, options simulator.Options) *deployed {
	t.Helper()
	server := startDevServer(t, devserver.Options{
		// By default it takes minutes until a version counts as drained.
		DynamicConfig: []string{`matching.wv.VersionDrainageStatusRefreshInterval="1s"`, `matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"`},
	})
	w := newWorldAt(t, options, server.Address, server.Namespace).inSmallSteps(t)
	w.env["REFUNDSYNC_DEPLOYMENT_NAME"] = deployment
	w.env["KINGDEE_SESSIONS"] = "1"
	for _, version := range []string{"v1", "v2"} {
		build := exec.Command("go", "build", "-ldflags", "-X refundsync/internal/version.release="+version, "-o", filepath.Join(bin(t), "worker-"+version), "./worker")
		build.Dir = ".."
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return &deployed{world: w, temporal: w.temporal(t)}
}

// release starts a worker of a version, and makes that version current.
func (d *deployed) release(t *testing.T, version string) *testkit.Process {
	t.Helper()
	p := d.start(t, `"polling"`, "worker-"+version)
	// The server refuses until it has seen the version poll, on both task queues.
	var err error
	testkit.Wait(t, "the version is current", func() bool {
		_, err = d.temporal.WorkerDeploymentClient().GetHandle(deployment).SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: version})
		return err == nil
	})
	return p
}

// waitUntilDrained waits until no workflow needs a version any more.
func (d *deployed) waitUntilDrained(t *testing.T, version string) {
	t.Helper()
	testkit.Wait(t, "the version has drained", func() bool {
		described, err := d.temporal.WorkerDeploymentClient().GetHandle(deployment).DescribeVersion(t.Context(), client.WorkerDeploymentDescribeVersionOptions{BuildID: version})
		require.NoError(t, err)
		drainage := described.Info.DrainageInfo
		return drainage != nil && drainage.DrainageStatus == client.WorkerDeploymentVersionDrainageStatus(client.WorkerDeploymentVersionDrainageStatusDrained)
	})
}

// versions counts the executions of each workflow type by the version that did its last
// task.
func (d *deployed) versions(t *testing.T) map[string]map[string]int {
	t.Helper()
	all := map[string]map[string]int{}
	for _, execution := range listed(t, d.temporal, "") {
		id := execution.GetExecution()
		described, err := d.temporal.DescribeWorkflow(t.Context(), id.GetWorkflowId(), id.GetRunId())
		require.NoError(t, err)
		name := execution.GetType().GetName()
		if all[name] == nil {
			all[name] = map[string]int{}
		}
		all[name][described.RawResponse.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId()]++
	}
	return all
}

// retryParked retries every parked order, and waits until a version has handled each of
// them.
func (d *deployed) retryParked(t *testing.T, version string) {
	t.Helper()
	d.starter(t, 0, "parked", "retry", "--all")
	testkit.Wait(t, "the version has seen each parked order", func() bool {
		parked := d.versions(t)[workflows.ParkedOrderName]
		return len(parked) == 1 && parked[version] > 0
	})
}

// A new version is released during a run. The run ends on the version on which it began,
// whose workers are stopped only when it has drained; the next run and the parked orders
// use the new version.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	d := newDeployed(t, simulator.Options{Orders: 100})
	require.Contains(t, d.starter(t, 1, "check").stdout, "✗ Worker Deployment "+deployment, "no worker was ever started")
	v1 := d.release(t, "v1")
	require.Contains(t, d.starter(t, 0, "check").stdout, "✓ Worker Deployment "+deployment+": current version v1")
	d.beginHeld(t, 10)
	v2 := d.release(t, "v2")
	d.ReleaseSaves()

	requireTruth(t, d.world, d.sync(t)) // joins the run
	windows := d.versions(t)[workflows.SyncWindowName]
	require.Equal(t, map[string]int{"v1": 1}, d.versions(t)[workflows.SyncFlowName])
	require.Len(t, windows, 1)
	require.NotZero(t, windows["v1"])

	d.waitUntilDrained(t, "v1")
	v1.Terminate(t)
	second := d.sync(t)
	requireTruth(t, d.world, second)
	require.Zero(t, second.Saved, "nothing is saved twice")
	require.Equal(t, map[string]int{"v1": 1, "v2": 1}, d.versions(t)[workflows.SyncFlowName])
	d.retryParked(t, "v2")

	// And back: the previous version becomes current again.
	d.release(t, "v1")
	third := d.sync(t)
	requireTruth(t, d.world, third)
	require.Zero(t, third.Saved)
	require.Equal(t, map[string]int{"v1": 2, "v2": 1}, d.versions(t)[workflows.SyncFlowName])
	d.retryParked(t, "v1")
	v2.Terminate(t)
	requireNoTaskFailed(t, d.temporal)
}

// A run whose version has no workers any more waits until it is moved to the current one,
// which continues from its history.
func TestPinnedRunIsMoved(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	d := newDeployed(t, simulator.Options{Orders: 100})
	v1 := d.release(t, "v1")
	d.beginHeld(t, 10)
	d.release(t, "v2")
	v1.Signal(t, syscall.SIGTERM)
	v1.WaitFor(t, `"draining"`)
	d.ReleaseSaves()
	require.Zero(t, v1.End(t), v1.Output())
	require.Less(t, d.bills(), d.Truth().Totals().Saved, "the run is not over yet")

	for _, execution := range listed(t, d.temporal, "ExecutionStatus = 'Running'") {
		_, err := d.temporal.UpdateWorkflowExecutionOptions(t.Context(), client.UpdateWorkflowExecutionOptionsRequest{
			WorkflowId: execution.GetExecution().GetWorkflowId(),
			WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{
				VersioningOverride: &client.VersioningOverrideChange{Value: &client.AutoUpgradeVersioningOverride{}},
			},
		})
		require.NoError(t, err)
	}
	requireTruth(t, d.world, d.sync(t)) // joins the run
	require.Equal(t, map[string]int{"v2": 1}, d.versions(t)[workflows.SyncFlowName])
	requireNoTaskFailed(t, d.temporal)
}

// A worker with more to finish than its time allows stops nevertheless, and says so; a
// second signal stops one at once.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	for _, test := range []struct {
		name, drain string
		// repeat sends the signal repeatedly.
		repeat bool
		says   string
	}{
		{"by its timeout", "10s", false, "REFUNDSYNC_DRAIN_TIMEOUT"},
		{"by a second signal", "1h", true, `"draining"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{Orders: 30}).with("REFUNDSYNC_DRAIN_TIMEOUT", test.drain)
			p := w.startWorkerProcess(t)
			w.beginHeld(t, 0) // its work in hand never ends
			p.Signal(t, syscall.SIGTERM)
			p.WaitFor(t, `"draining"`)
			if test.repeat {
				p.Signal(t, syscall.SIGTERM)
			}
			require.NotZero(t, p.End(t), p.Output())
			require.Contains(t, p.Output(), test.says)
		})
	}
}
