package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"refundsync/internal/contract"
	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// recordVariable names the commit, branch or tag whose programs play the scenarios.
const recordVariable = "REFUNDSYNC_RECORD_HISTORIES"

// It records the histories that the replay test replays; CONTRIBUTING.md says how.
func TestRecordHistories(t *testing.T) {
	ref := os.Getenv(recordVariable)
	if ref == "" { // it replaces files of the tree instead of testing it
		t.Skip(recordVariable + " is not set")
	}
	fixtures, err := filepath.Abs(filepath.Join("..", "workflows", "testdata", "histories"))
	require.NoError(t, err)
	commit, err := exec.Command("git", "describe", "--always", "--abbrev=12", ref).Output()
	require.NoError(t, err)
	tree := filepath.Join(t.TempDir(), "tree")
	git(t, "worktree", "add", "--detach", tree, ref)
	t.Cleanup(func() { git(t, "worktree", "remove", "--force", tree) })

	folder := t.TempDir()
	// From here on, everything above this folder, such as flows and programs, is of that
	// commit.
	t.Chdir(filepath.Join(tree, "e2e"))
	t.Run("scenarios", func(t *testing.T) {
		for name, play := range scenarios {
			t.Run(name, func(t *testing.T) { play(t, recorder{folder}) })
		}
	})
	if t.Failed() {
		return
	}
	old, err := filepath.Glob(filepath.Join(fixtures, "*.json"))
	require.NoError(t, err)
	for _, path := range old {
		require.NoError(t, os.Remove(path))
	}
	require.NoError(t, os.CopyFS(fixtures, os.DirFS(folder)))
	require.NoError(t, os.WriteFile(filepath.Join(fixtures, "RECORDED_FROM"), commit, 0o644))
}

func git(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("git", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

var scenarios = map[string]func(*testing.T, recorder){
	"a run by orders, and what it parks": recordOrders,
	"a run by pages":                     recordPages,
	"a run that is paused":               recordPaused,
	"a run that is cancelled":            recordCancelled,
	"a run that fails":                   recordFailed,
	"a run with a long history":          recordContinued,
	"runs by schedule":                   recordSchedule,
	"runs by row versions":               recordRowVersions,
	"a run over given orders":            recordGivenOrders,
	"a reconciliation":                   recordReconciliation,
	"a hold":                             recordHold,
	"a disabled flow":                    recordDisabled,
	"an access token":                    recordAccessToken,
}

func recordOrders(t *testing.T, r recorder) {
	// Two pages, and few enough orders for a history that people can open.
	w := newWorld(t, simulator.Options{Orders: 104, Kinds: []merchant.Kind{merchant.Rejected, merchant.RefundOnly, merchant.UnknownMaterial, merchant.Repair}})
	worker := w.startWorkerProcess(t)
	c := w.temporal(t)
	run := w.starterSync(t, 3, "--grain", contract.GrainOrder)
	r.run(t, c, "", run)

	parked := w.waitForParkedCount(t, run.Parked)
	ids := slices.Sorted(maps.Keys(ofReason(parked, "unknown_material")))
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(parked)), func(id string) bool { return slices.Contains(ids, id) })
	require.NotEmpty(t, ids)
	require.GreaterOrEqual(t, len(others), 2)
	saved, discarded, waiting := ids[0], others[0], others[1]
	w.starter(t, 0, "parked", "retry", saved, discarded, waiting)
	for _, id := range []string{saved, discarded, waiting} {
		waitForTries(t, c, id, 2)
	}
	require.NoError(t, w.AddMaterial(missingMaterial(parked[saved])))
	w.starter(t, 0, "parked", "retry", saved)
	w.starter(t, 0, "parked", "discard", discarded, "--by", "recorder", "--note", "测试单", "--yes")
	for _, id := range []string{saved, discarded} {
		require.NoError(t, c.GetWorkflow(t.Context(), workflows.ParkedOrderID(builtInFlow, id), "").Get(t.Context(), nil))
	}
	r.write(t, "parked_order_saved", events(t, c, workflows.ParkedOrderID(builtInFlow, saved), ""))
	r.write(t, "parked_order_discarded", events(t, c, workflows.ParkedOrderID(builtInFlow, discarded), ""))
	r.write(t, "parked_order_waiting", events(t, c, workflows.ParkedOrderID(builtInFlow, waiting), ""))
	r.cancelled(t, c, "accounts_cancelled", workflows.AccountsID("refundsync"))
	worker.Terminate(t)
}

// waitForTries waits until a parked order has made the given number of attempts and waits
// again.
func waitForTries(t *testing.T, c client.Client, id string, tries int) {
	t.Helper()
	testkit.Wait(t, "the order is retried", func() bool {
		count := 0
		for _, event := range events(t, c, workflows.ParkedOrderID(builtInFlow, id), "") {
			if event.GetTimerStartedEventAttributes() != nil {
				count++
			}
		}
		return count >= tries
	})
}

func recordPages(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 400})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, `page_size: "100"`, `page_size: "20"`)
	w.startWorkerProcess(t)
	r.run(t, w.temporal(t), "_by_pages", w.starterSync(t, 3, "--grain", contract.GrainPage))
}

// begun starts a run whose saves are held after some.
func (w *world) begun(t *testing.T) result {
	t.Helper()
	w.HoldSaves(5)
	w.startWorkerProcess(t)
	e := w.starter(t, 0, append([]string{"run", "-o", "json"}, w.rangeFlags()...)...)
	w.waitUntilHeld(t)
	var run result
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &run))
	return run
}

func recordPaused(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	run := w.begun(t)
	w.starter(t, 0, "pause", run.WorkflowID, "--by", "recorder", "--reason", "盘点")
	w.ReleaseSaves()
	w.starter(t, 0, "rate", run.WorkflowID, "--in-flight", "3", "--windows-at-once", "2")
	w.starter(t, 0, "resume", run.WorkflowID)
	w.starterSync(t, 3) // joins it
	r.run(t, w.temporal(t), "_paused", run)
}

func recordCancelled(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	run := w.begun(t)
	c := w.temporal(t)
	require.NoError(t, c.CancelWorkflow(t.Context(), run.WorkflowID, run.RunID))
	testkit.Wait(t, "the windows learn of it", func() bool {
		return slices.ContainsFunc(events(t, c, busiestWindow(t, c, run).GetWorkflowId(), ""), func(e *historypb.HistoryEvent) bool {
			return e.GetWorkflowExecutionCancelRequestedEventAttributes() != nil
		})
	})
	w.ReleaseSaves()
	_ = c.GetWorkflow(t.Context(), run.WorkflowID, run.RunID).Get(t.Context(), nil) // it ends as cancelled
	r.run(t, c, "_cancelled", run)
}

func recordFailed(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 20})
	w.with("JUSHUITAN_APP_SECRET", "not-the-secret").startWorkerProcess(t)
	run := w.starterSync(t, 1)
	r.run(t, w.temporal(t), "_failed", run)
}

func recordContinued(t *testing.T, r recorder) {
	server := startDevServer(t, devserver.Options{DynamicConfig: []string{"limit.historyCount.suggestContinueAsNew=30"}})
	w := newWorldAt(t, simulator.Options{Orders: 400}, server.Address, server.Namespace)
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, append([]string{`page_size: "100"`, `page_size: "5"`}, manyWindows...)...)
	w.startWorkerProcess(t)
	c := w.temporal(t)
	run := w.starterSync(t, 3, "--grain", contract.GrainOrder)
	window := busiestWindow(t, c, run)
	for name, chain := range map[string][][]*historypb.HistoryEvent{
		"sync_flow":   chain(t, c, run.WorkflowID, run.RunID),
		"sync_window": chain(t, c, window.GetWorkflowId(), window.GetRunId()),
	} {
		require.Greater(t, len(chain), 1, "%s did not continue as new", name)
		r.write(t, name+"_continued_as_new_first", chain[0])
		r.write(t, name+"_continued_as_new_last", chain[len(chain)-1])
	}
}

func recordSchedule(t *testing.T, r recorder) {
	w, c := newWatchedWorld(t)
	w.startWorkerProcess(t)
	s := &scheduledWorld{world: w, temporal: c}
	from, _ := w.Range()
	w.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--paused", "--cron", "0 4 1 1 *")
	w.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	first, _ := s.nextRun(t, "")
	r.run(t, c, "_incremental", result{WorkflowID: first.LastRun.WorkflowID, RunID: first.LastRun.RunID})
	watch := workflows.WatchFlowID(builtInFlow)
	r.write(t, "watch_flow_waiting", events(t, c, watch, ""))
	r.cancelled(t, c, "watch_flow_cancelled", watch)
}

func recordRowVersions(t *testing.T, r recorder) {
	s := newScheduledWorld(t, simulator.Options{Orders: 60}, "  cursor: time\n", "  cursor: row_version\n  since_ts: 0\n")
	s.startWorkerProcess(t)
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--paused", "--cron", "0 4 1 1 *")
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	first, _ := s.nextRun(t, "")
	r.run(t, s.temporal, "_row_versions", result{WorkflowID: first.LastRun.WorkflowID, RunID: first.LastRun.RunID})
}

func recordGivenOrders(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 20})
	w.startWorkerProcess(t)
	orders := slices.Sorted(maps.Keys(w.Truth()))[:3]
	e := w.starter(t, 3, "run", "--flow", builtInFlow, "--order", strings.Join(append(orders, "12"), ","), "--from", "2024-03-01", "--wait", "-o", "json")
	var run result
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &run))
	r.run(t, w.temporal(t), "_given_orders", run)
}

func recordReconciliation(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 60})
	w.startWorkerProcess(t)
	c := w.temporal(t)
	w.starterSync(t, 3)
	r.ofType(t, c, workflows.EstimateRunName, "estimate_run")
	r.ofType(t, c, workflows.FlowVersionName, "flow_version")
	require.NoError(t, w.DeleteBill(w.datedInRange()[0]))
	// No window accounts for a copy under another number, so it is looked at by itself.
	require.NoError(t, w.CopyBill(w.datedInRange()[0], "SXTH000001", true))
	w.reconcile(t, 5)
	r.ofType(t, c, workflows.ReconcileName, "reconcile")
	r.ofType(t, c, workflows.ReconcileWindowName, "reconcile_window")
	r.ofType(t, c, workflows.ReconcileBillsName, "reconcile_bills")
}

func recordHold(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	run := w.begun(t)
	c := w.temporal(t)
	w.starter(t, 0, "hold", "--note", "盘点", "--by", "recorder")
	testkit.Wait(t, "the run knows", func() bool {
		running := w.statusOf(t).Running
		return len(running) == 1 && len(running[0].Held) == 1
	})
	w.ReleaseSaves()
	w.starter(t, 0, "release", "--by", "recorder")
	w.starterSync(t, 3) // joins it
	r.run(t, c, "_held", run)
	r.ofType(t, c, workflows.HoldName, "hold")
}

func recordDisabled(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
	run := w.begun(t)
	c := w.temporal(t)
	w.starter(t, 0, "flow", "disable", builtInFlow, "--note", "店铺停用", "--by", "recorder")
	testkit.Wait(t, "the run knows", func() bool {
		running := w.statusOf(t).Running
		return len(running) == 1 && len(running[0].Held) == 1
	})
	w.ReleaseSaves()
	require.NoError(t, c.GetWorkflow(t.Context(), run.WorkflowID, run.RunID).Get(t.Context(), nil)) // it ends early
	w.starter(t, 0, "flow", "enable", builtInFlow, "--by", "recorder")
	r.run(t, c, "_disabled", run)
	r.ofType(t, c, workflows.HoldName, "hold_disabled")
}

// chain is the history of an execution from its first run on, with everything that it
// continued as.
func chain(t *testing.T, c client.Client, workflowID, runID string) (all [][]*historypb.HistoryEvent) {
	t.Helper()
	runID = events(t, c, workflowID, runID)[0].GetWorkflowExecutionStartedEventAttributes().GetFirstExecutionRunId()
	for runID != "" {
		all = append(all, events(t, c, workflowID, runID))
		last := all[len(all)-1]
		runID = last[len(last)-1].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	}
	return all
}

// busiestWindow is the window of a run with the longest history.
func busiestWindow(t *testing.T, c client.Client, run result) (busiest *commonpb.WorkflowExecution) {
	t.Helper()
	most := 0
	for _, history := range chain(t, c, run.WorkflowID, run.RunID) {
		for _, event := range history {
			window := event.GetChildWorkflowExecutionStartedEventAttributes().GetWorkflowExecution()
			if window == nil {
				continue
			}
			if count := len(slices.Concat(chain(t, c, window.GetWorkflowId(), window.GetRunId())...)); count > most {
				most, busiest = count, window
			}
		}
	}
	require.NotNil(t, busiest, "a run without a window")
	return busiest
}

// recorder writes histories into a folder.
type recorder struct{ folder string }

// run records a run, and its busiest window.
func (r recorder) run(t *testing.T, c client.Client, suffix string, run result) {
	t.Helper()
	r.write(t, "sync_flow"+suffix, events(t, c, run.WorkflowID, run.RunID))
	window := busiestWindow(t, c, run)
	r.write(t, "sync_window"+suffix, events(t, c, window.GetWorkflowId(), window.GetRunId()))
}

// ofType records an execution of a type, the one with the longest history.
func (r recorder) ofType(t *testing.T, c client.Client, workflowType, name string) {
	t.Helper()
	var longest []*historypb.HistoryEvent
	testkit.Wait(t, "it is listed", func() bool {
		for execution, err := range visibility.List(t.Context(), c, "WorkflowType = '"+workflowType+"'") {
			require.NoError(t, err)
			all := events(t, c, execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId())
			if len(all) > len(longest) {
				longest = all
			}
		}
		return longest != nil
	})
	r.write(t, name, longest)
}

// cancelled cancels an execution, waits for its end and records it.
func (r recorder) cancelled(t *testing.T, c client.Client, name, workflowID string) {
	t.Helper()
	require.NoError(t, c.CancelWorkflow(t.Context(), workflowID, ""))
	_ = c.GetWorkflow(t.Context(), workflowID, "").Get(t.Context(), nil) // it ends as cancelled
	r.write(t, name, events(t, c, workflowID, ""))
}

// Identities and sticky task queues contain the name of this machine.
var (
	identityOfMachine  = regexp.MustCompile(`"identity": "\d+@[^" ]*`)
	stickyQueueMachine = regexp.MustCompile(`"name": "[^":/]+(:[0-9a-f-]{36}")`)
)

func (r recorder) write(t *testing.T, name string, history []*historypb.HistoryEvent) {
	t.Helper()
	raw, err := protojson.Marshal(&historypb.History{Events: history})
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, json.Indent(&text, raw, "", "  ")) // protojson's spacing is random
	neutral := identityOfMachine.ReplaceAll(text.Bytes(), []byte(`"identity": "1@machine`))
	neutral = stickyQueueMachine.ReplaceAll(neutral, []byte(`"name": "machine$1`))
	machine, err := os.Hostname()
	require.NoError(t, err)
	require.NotContains(t, string(neutral), "@"+machine)
	require.NotContains(t, string(neutral), `"`+machine+":")
	require.NoError(t, os.WriteFile(filepath.Join(r.folder, name+".json"), append(neutral, '\n'), 0o644))
}
