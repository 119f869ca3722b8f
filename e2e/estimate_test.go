package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// started is what `starter run -o json` prints for a run that it does not wait for.
type started struct {
	WorkflowID string `json:"workflow_id"`
	Estimate   *struct {
		Windows int `json:"windows"`
		Orders  int `json:"orders"`
		Counted int `json:"counted"`
	} `json:"estimate"`
}

func (w *world) startRun(t *testing.T) (started, string) {
	t.Helper()
	e := w.starter(t, 0, append([]string{"run", "-o", "json"}, w.rangeFlags()...)...)
	var s started
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &s), e.stdout)
	return s, e.stderr
}

// A run reports what it is about to do, including the expected number of orders. A run
// that is joined is not estimated again.
func TestRunSaysWhatItIsAboutToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 80})
	orders := w.Truth().Totals().Orders
	w.startWorker(t)
	w.HoldSaves(0)
	first, said := w.startRun(t)
	require.Contains(t, said, fmt.Sprintf("expected: windows 1 · orders %d · ", orders))
	require.NotNil(t, first.Estimate)
	require.Equal(t, 1, first.Estimate.Windows)
	require.Equal(t, 1, first.Estimate.Counted)
	require.Equal(t, orders, first.Estimate.Orders)
	w.waitUntilHeld(t)
	progress := runProgress(t, w.temporal(t), first.WorkflowID)
	require.Equal(t, orders, progress.Orders)
	e := w.starter(t, 0, "status", "--flow", builtInFlow)
	require.Regexp(t, fmt.Sprintf(`grain order \(auto\) · orders \d+/%d `, orders), e.stdout)

	second, said := w.startRun(t)
	require.Equal(t, first.WorkflowID, second.WorkflowID)
	require.Nil(t, second.Estimate)
	require.NotContains(t, said, "expected")
	require.Contains(t, said, "it was under way already; joined")
	e = w.starter(t, 0, append([]string{"run", "--in-flight", "1"}, w.rangeFlags()...)...)
	require.Contains(t, e.stderr, "starter rate "+first.WorkflowID)
	require.Equal(t, "joined; follow it with: starter watch "+first.WorkflowID+"\n", e.stdout)
	w.ReleaseSaves()
	requireTruth(t, w, w.sync(t))

	many := w.with("REFUNDSYNC_FLOWS", changedFlows(t, manyWindows...)).with("REFUNDSYNC_TASK_QUEUE", "many")
	many.startWorker(t)
	_, said = many.startRun(t)
	require.Regexp(t, `windows 48 · about \d+ orders \(5 windows counted\)`, said)

	from, _ := w.Range()
	e = w.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--paused")
	require.Regexp(t, `the first run:\nexpected: windows \d+`, e.stderr)
}

// A source that does not answer prevents no run from starting.
func TestRunStartsWithoutAnEstimate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1}).with("JUSHUITAN_URL", "http://127.0.0.1:1/")
	w.startWorker(t)
	run, said := w.startRun(t)
	require.Contains(t, said, "not estimated: ")
	require.Nil(t, run.Estimate)
	require.Equal(t, workflows.SyncFlowName, typeOf(t, w, run.WorkflowID))
}

func typeOf(t *testing.T, w *world, workflowID string) string {
	t.Helper()
	described, err := w.temporal(t).DescribeWorkflow(t.Context(), workflowID, "")
	require.NoError(t, err)
	return described.RawResponse.GetWorkflowExecutionInfo().GetType().GetName()
}
