package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/fault"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

var robotKinds = []string{"wecom", "dingtalk", "feishu", "webhook"}

// flowsWithAlerts returns a folder with the built-in flow, its alerts enabled, but for the
// daily summary: a test may run while it is due.
func flowsWithAlerts(t *testing.T) string {
	t.Helper()
	folder := changedFlows(t)
	path := filepath.Join(folder, "refund_to_return.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, alerts, found := strings.Cut(string(text), "\n# alerts:\n")
	require.True(t, found)
	alerts = strings.ReplaceAll("\n# alerts:\n"+alerts, "\n# ", "\n")
	require.Contains(t, alerts, "\n  daily_at: ")
	alerts = strings.ReplaceAll(alerts, "\n  daily_at: ", "\n  # ")
	require.NoError(t, os.WriteFile(path, []byte(before+alerts), 0o600))
	return folder
}

// newWatchedWorld makes a merchant whose orders lie in the last two days, and a flow with
// alerts.
func newWatchedWorld(t *testing.T) (*world, client.Client) {
	t.Helper()
	return newWatchedWorldOf(t, simulator.Options{Orders: 100})
}

func newWatchedWorldOf(t *testing.T, options simulator.Options) (*world, client.Client) {
	t.Helper()
	options.From = time.Now().In(merchant.Beijing).Truncate(time.Hour).AddDate(0, 0, -2).Add(-time.Hour)
	w := newWorld(t, options).with("REFUNDSYNC_FLOWS", flowsWithAlerts(t))
	return w, w.temporal(t)
}

// syncIncrementally runs the flow as a schedule does, starting at the first order.
func (w *world) syncIncrementally(t *testing.T) result {
	t.Helper()
	from, _ := w.Range()
	return end(t, w.begin(t, workflows.SyncFlowInput{Flow: builtInFlow, Since: &from}))
}

// told returns, by robot, how many messages contain a text.
func (w *world) told(text string) map[string]int {
	counts := map[string]int{}
	for _, message := range w.State().Robots.Messages {
		if strings.Contains(message.Text, text) {
			counts[message.Robot]++
		}
	}
	return counts
}

// requireTold waits until each robot was sent the given number of messages with a text.
func (w *world) requireTold(t *testing.T, times int, text string) {
	t.Helper()
	testkit.Wait(t, "the robots are told: "+text, func() bool {
		told := w.told(text)
		return !slices.ContainsFunc(robotKinds, func(robot string) bool { return told[robot] < times })
	})
	for _, robot := range robotKinds {
		require.Equal(t, times, w.told(text)[robot], "%s: %s", robot, text)
	}
}

func (w *world) watchState(t *testing.T, c client.Client) workflows.WatchFlowState {
	t.Helper()
	var state workflows.WatchFlowState
	ask(t, c, workflows.WatchFlowID(builtInFlow), &state)
	return state
}

func TestAlertsTellOfParkedOrdersAndFailedRunsOnceEach(t *testing.T) {
	t.Parallel()
	w, c := newWatchedWorld(t)
	worker := w.startWorker(t)
	first := w.syncIncrementally(t)
	require.Empty(t, first.Error)
	require.NotZero(t, first.Parked)
	const parked, failed, recovered, settled = "Newly parked orders", "Failed runs", "Runs succeed again", "No parked orders remain"
	w.requireTold(t, 1, parked)
	w.requireTold(t, 1, fmt.Sprintf("Newly parked orders: %d ", first.Parked))
	for reason, count := range first.FailedReasons {
		w.requireTold(t, 1, fmt.Sprintf("%s %d", fault.ReasonText(reason), count))
	}
	w.requireTold(t, 1, "starter parked list --flow refund_to_return")

	// The next run finds the same orders and sends no alert. A run over a given range
	// never sends one.
	second := w.syncIncrementally(t)
	require.Empty(t, second.Error)
	require.Equal(t, first.Parked, second.Parked)
	require.Empty(t, second.NewlyParked)
	w.sync(t)
	worker.terminate(t)

	// Two runs fail, and a single message says so.
	wrong := w.with("JUSHUITAN_APP_SECRET", "not-the-secret")
	worker = wrong.startWorker(t)
	for range 2 {
		require.NotEmpty(t, w.syncIncrementally(t).Error)
	}
	w.requireTold(t, 1, failed)
	w.requireTold(t, 1, "starter watch refund_to_return/incremental")
	worker.terminate(t)

	// After recovery a single message says so.
	w.startWorker(t)
	for id := range w.parked(t) {
		require.NoError(t, c.SignalWorkflow(t.Context(), workflows.ParkedOrderID(builtInFlow, id), "", workflows.DiscardSignal, workflows.Discard{By: "wang", Reason: "测试单"}))
	}
	w.waitForParkedCount(t, 0)
	require.Empty(t, w.syncIncrementally(t).Error)
	w.requireTold(t, 1, recovered)
	w.requireTold(t, 1, settled)
	w.requireTold(t, 1, parked)
	w.requireTold(t, 1, failed)
	require.Len(t, w.State().Robots.Messages, 3*len(robotKinds), "%v", w.State().Robots.Messages)
	require.Empty(t, w.State().Robots.Refusals)
	for cause, state := range w.watchState(t, c).Causes {
		require.False(t, state.Active, cause)
	}

	// The watch's history contains neither a robot's key nor an order.
	for _, event := range events(t, c, workflows.WatchFlowID(builtInFlow), "") {
		text := event.String()
		for _, name := range []string{"WECOM_ROBOT_URL", "DINGTALK_ROBOT_URL", "DINGTALK_ROBOT_SECRET", "FEISHU_ROBOT_URL", "FEISHU_ROBOT_SECRET"} {
			require.NotContains(t, text, w.env[name])
			_, key, _ := strings.Cut(w.env[name], "/robots/")
			if key != "" {
				require.NotContains(t, text, key)
			}
		}
		require.NotContains(t, text, "as_id")
		require.NotContains(t, text, merchant.PersonalData)
	}
}

// A robot that limits messages gets them a little later. One that refuses them
// permanently is shown in the watch, and does not affect the others.
func TestAlertsReachRobotsThatFailAtFirst(t *testing.T) {
	t.Parallel()
	w, c := newWatchedWorld(t)
	require.NoError(t, w.SetFaults(faults.Probabilities{faults.RobotServerError: 1}))
	w.with("WECOM_ROBOT_URL", w.env["WECOM_ROBOT_URL"]+"x").startWorker(t)
	require.Empty(t, w.syncIncrementally(t).Error)
	testkit.Wait(t, "each robot has failed", func() bool { return w.State().Faults[faults.RobotServerError] >= len(robotKinds) })
	require.Empty(t, w.State().Robots.Messages)
	require.NoError(t, w.SetFaults(nil))
	testkit.Wait(t, "one robot has failed for good", func() bool { return len(w.watchState(t, c).SendFailures) == 1 })
	require.Contains(t, w.watchState(t, c).SendFailures[0].String(), "WECOM_ROBOT_URL: WeCom robot [93000]")
	require.Equal(t, map[string]int{"dingtalk": 1, "feishu": 1, "webhook": 1}, w.told("Newly parked orders"))
}

// Robots that replace others are tested, then receive alerts from the worker that knows
// them; the running watch continues with them.
func TestRobotsAreChangedWithoutAStop(t *testing.T) {
	t.Parallel()
	w, _ := newWatchedWorld(t)
	first := w.startWorker(t)
	require.Empty(t, w.syncIncrementally(t).Error)
	w.requireTold(t, 1, "Newly parked orders")

	other := newWorldAt(t, simulator.Options{Orders: 1}, w.env["TEMPORAL_ADDRESS"], w.env["TEMPORAL_NAMESPACE"])
	changed := w.with("JUSHUITAN_APP_SECRET", "not-the-secret") // so that there is something to report
	for _, name := range []string{"WECOM_ROBOT_URL", "DINGTALK_ROBOT_URL", "FEISHU_ROBOT_URL", "WEBHOOK_URL"} {
		changed.env[name] = other.env[name]
	}
	e := changed.run(t, "starter", "alerts", "test", "--flow", builtInFlow)
	require.Zero(t, e.code, e.stdout+e.stderr)
	other.requireTold(t, 1, "test message")
	changed.startWorker(t)
	first.terminate(t)
	require.NotEmpty(t, w.syncIncrementally(t).Error)
	other.requireTold(t, 1, "Failed runs")
	require.Len(t, w.State().Robots.Messages, len(robotKinds), "the old robots receive nothing more")
}

func TestAlertsTestSendsToEachRobot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	e := w.run(t, "starter", "alerts", "test", "--flow", builtInFlow)
	require.Equal(t, 1, e.code)
	require.Contains(t, e.stderr, "has no alerts")

	w = w.with("REFUNDSYNC_FLOWS", flowsWithAlerts(t))
	e = w.run(t, "starter", "alerts", "test", "--flow", builtInFlow)
	require.Zero(t, e.code, e.stdout+e.stderr)
	require.Equal(t, 4, strings.Count(e.stdout, "✓"), e.stdout)
	w.requireTold(t, 1, "test message")
	w.starter(t, 0, "alerts", "test", "--flow", builtInFlow, "--daily")
	w.requireTold(t, 1, "Bills saved: 120, 9876.50 with tax.")

	wrong := w.with("DINGTALK_ROBOT_SECRET", "SECnot-the-secret").with("WEBHOOK_URL", "")
	e = wrong.run(t, "starter", "alerts", "test", "--flow", builtInFlow)
	require.Equal(t, 1, e.code)
	require.Equal(t, 2, strings.Count(e.stdout, "✓"), e.stdout)
	require.Contains(t, e.stdout, "✗ dingtalk DINGTALK_ROBOT_URL: DingTalk robot [310000]: sign not match")
	require.Contains(t, e.stdout, "✗ webhook WEBHOOK_URL: WEBHOOK_URL: it is not set")
	require.NotContains(t, e.stdout, "SECnot-the-secret")

	e = wrong.run(t, "worker")
	require.Equal(t, 1, e.code)
	require.Contains(t, e.stderr, "WEBHOOK_URL: it is not set")
	e = wrong.run(t, "starter", "check")
	require.Contains(t, e.stdout, "✗ Alert robots")
}
