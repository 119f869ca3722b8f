package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// monitored is a worker with its health and metrics endpoints.
type monitored struct {
	*runningWorker
	url string
}

func (w *world) startMonitored(t *testing.T) monitored {
	t.Helper()
	p := w.with("REFUNDSYNC_HTTP_ADDRESS", "127.0.0.1:0").startWorker(t)
	for line := range strings.Lines(p.output()) {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Address != "" {
			return monitored{p, "http://" + entry.Address}
		}
	}
	require.Fail(t, "the worker does not say where it serves", p.output())
	return monitored{}
}

func (m monitored) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	reply, err := http.Get(m.url + path)
	require.NoError(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply.StatusCode, string(text)
}

// metrics returns each value by its name and labels.
func (m monitored) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	code, text := m.get(t, "/metrics")
	require.Equal(t, http.StatusOK, code)
	values := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			end := strings.LastIndex(line, " ")
			value, err := strconv.ParseFloat(line[end+1:], 64)
			require.NoError(t, err, line)
			values[line[:end]] = value
		}
	}
	return values
}

func orders(outcome, reason string) string {
	return `refundsync_orders_total{flow="refund_to_return",outcome="` + outcome + `",reason="` + reason + `"}`
}

// requireCounted requires that the metrics count the orders of a run as its result does.
// A repeated workflow task counts again, as documented; nothing else does.
func requireCounted(t *testing.T, w *world, r result, values map[string]float64) {
	t.Helper()
	c := w.temporal(t)
	for _, execution := range listed(t, c, "") {
		id := execution.GetExecution().GetWorkflowId()
		if hasEvent(t, c, id, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT) || hasEvent(t, c, id, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED) {
			t.Logf("%s: a workflow task was done again, so its orders may count twice", id)
			return
		}
	}
	require.NotZero(t, r.Saved)
	require.Equal(t, float64(r.Saved), values[orders("saved", "")])
	require.Equal(t, float64(r.AlreadySaved), values[orders("already_saved", "")])
	require.NotEmpty(t, r.Skipped)
	for reason, count := range r.Skipped {
		require.Equal(t, float64(count), values[orders("skipped", reason)], reason)
	}
	require.NotEmpty(t, r.FailedReasons)
	for reason, count := range r.FailedReasons {
		require.Equal(t, float64(count), values[orders("parked", reason)], reason)
	}
	total := 0.0
	for series, value := range values {
		if strings.HasPrefix(series, "refundsync_orders_total{") {
			total += value
		}
	}
	require.Equal(t, float64(r.Fetched), total)
}

func TestMetricsHoldWhatTheRunSays(t *testing.T) {
	t.Parallel()
	temporal := startDevServer(t, devserver.Options{})
	from := time.Now().In(merchant.Beijing).Truncate(time.Hour).AddDate(0, 0, -2).Add(-time.Hour)
	w := newWorldAt(t, simulator.Options{Orders: 100, From: from}, temporal.Address, temporal.Namespace)
	worker := w.startMonitored(t)
	testkit.Wait(t, "the worker is ready", func() bool {
		code, _ := worker.get(t, "/readyz")
		return code == http.StatusOK
	})

	r := w.syncBy(t, workflows.SyncFlowInput{Flow: builtInFlow, Since: &from})
	values := worker.metrics(t)
	requireCounted(t, w, r, values)
	require.Equal(t, 1.0, values[`refundsync_runs_total{flow="refund_to_return",outcome="parked",reason=""}`])
	require.GreaterOrEqual(t, values[`refundsync_kingdee_call_bills_sum{call="batchSave"}`], float64(r.Saved))
	require.GreaterOrEqual(t, values[`refundsync_call_duration_seconds_count{call="jushuitan.refund.list.query",result="ok",system="jushuitan"}`], float64(r.Pages))
	w.requireNoSecretsNorOrders(t, values)

	code, text := worker.get(t, "/readyz")
	require.Equal(t, http.StatusOK, code, text)
	var ready struct {
		LastPoll    *time.Time            `json:"last_poll"`
		LastSuccess map[string]*time.Time `json:"last_success"`
	}
	require.NoError(t, json.Unmarshal([]byte(text), &ready))
	require.NotNil(t, ready.LastPoll)
	require.NotNil(t, ready.LastSuccess["jushuitan"])
	require.NotNil(t, ready.LastSuccess["kingdee"])
	counted := worker.metrics(t)
	worker.terminate(t)

	// Another worker knows the flow's health from the server alone.
	worker = w.startMonitored(t)
	testkit.Wait(t, "the flow's state is known", func() bool {
		values = worker.metrics(t)
		return values[`refundsync_parked_orders{flow="refund_to_return"}`] == float64(r.Parked) &&
			values[`refundsync_watermark_timestamp_seconds{flow="refund_to_return"}`] == float64(r.Watermark.Unix())
	})
	for series, value := range values {
		counted[series] = value
	}
	requireNamesExist(t, counted)

	require.NoError(t, temporal.Stop())
	testkit.Wait(t, "the worker is not ready", func() bool {
		code, text = worker.get(t, "/readyz")
		return code == http.StatusServiceUnavailable
	})
	require.Contains(t, text, "can't reach Temporal")
	code, _ = worker.get(t, "/healthz")
	require.Equal(t, http.StatusOK, code)
}

// requireNoSecretsNorOrders requires that the labels of metrics contain neither.
func (w *world) requireNoSecretsNorOrders(t *testing.T, values map[string]float64) {
	t.Helper()
	var private []string
	for name, value := range w.env {
		if strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_PASSWORD") || strings.HasSuffix(name, "_ROBOT_URL") {
			private = append(private, value)
		}
	}
	for id := range w.Truth() {
		private = append(private, id)
	}
	require.Greater(t, len(private), 100)
	for series := range values {
		for _, text := range private {
			require.NotContains(t, series, text)
		}
	}
}

var metricName = regexp.MustCompile(`\b(refundsync|temporal|process)_\w+`)

// endsOnly is counted only when a parked order has ended.
const endsOnly = "refundsync_parked_orders_ended_total"

// requireNamesExist requires that a worker has every metric named in the dashboards and
// alert rules.
func requireNamesExist(t *testing.T, values map[string]float64) {
	t.Helper()
	exist := map[string]bool{endsOnly: true}
	for series := range values {
		name, _, _ := strings.Cut(series, "{")
		exist[name] = true
	}
	for _, path := range []string{"grafana/business.json", "grafana/worker.json", "prometheus/alerts.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "deploy", path))
		require.NoError(t, err)
		for _, name := range metricName.FindAllString(string(text), -1) {
			assert.True(t, exist[name], "%s: %s", path, name)
		}
	}
}
