package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/jushuitan"
	"refundsync/internal/testkit/nettest"
	"refundsync/workflows"
)

func newMetrics(t *testing.T) *Metrics {
	t.Helper()
	m, err := NewMetrics(MetricsOptions{
		Flows: flow.Flows{
			"f":        {Enabled: true, LagLimit: time.Hour},
			"disabled": {LagLimit: time.Hour, Company: "north"},
		},
		Companies: []CompanyOptions{
			{Sessions: 4, SessionsInUse: func() int { return 3 }},
			{Company: "north", Sessions: 2, SessionsInUse: func() int { return 1 }},
		},
	})
	require.NoError(t, err)
	return m
}

// scrape gives every value that Prometheus reads, by name and labels.
func scrape(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	reply := httptest.NewRecorder()
	m.ServeHTTP(reply, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, reply.Code, reply.Body)
	values := map[string]float64{}
	for lines := bufio.NewScanner(reply.Body); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			end := strings.LastIndex(line, " ")
			value, err := strconv.ParseFloat(line[end+1:], 64)
			require.NoError(t, err, line)
			values[line[:end]] = value
		}
	}
	return values
}

func TestWhatWorkflowsCountKeepsOurLabelsAlone(t *testing.T) {
	m := newMetrics(t)
	const saved = `refundsync_orders_total{flow="f",outcome="saved",reason=""}`
	values := scrape(t, m)
	require.Contains(t, values, saved, "it begins at 0")
	require.Zero(t, values[saved])
	require.Contains(t, values, `refundsync_runs_total{flow="f",outcome="failed",reason=""}`)

	ofSDK := m.ForTemporal().WithTags(map[string]string{"namespace": "default", "workflow_type": "SyncWindow"})
	for _, reason := range []string{"", "", "unknown_material"} {
		outcome := "saved"
		if reason != "" {
			outcome = "parked"
		}
		ofSDK.WithTags(map[string]string{workflows.FlowLabel: "f", workflows.OutcomeLabel: outcome, workflows.ReasonLabel: reason}).
			Counter(workflows.OrdersMetric).Inc(1)
	}
	values = scrape(t, m)
	require.Equal(t, 2.0, values[saved])
	require.Equal(t, 1.0, values[`refundsync_orders_total{flow="f",outcome="parked",reason="unknown_material"}`])
}

func TestCallsToKingdeeAreMeasured(t *testing.T) {
	m := newMetrics(t)
	var observer groupcommit.Observer = m.Calls(0)
	require.True(t, m.Calls(0).last(systemKingdee).IsZero())
	for _, err := range []error{
		nil, nil, &fault.Error{Class: fault.SessionLost}, &fault.Error{Class: fault.RateLimited}, context.Canceled, errors.New("?"),
	} {
		observer.Called("batchSave", 7, time.Second, err)
	}
	observer.Waited("batchSave", 2*time.Second)
	require.Equal(t, 4.0, scrape(t, m)["refundsync_kingdee_calls_allowed"], "all sessions at first")
	observer.Allowed(2)
	values := scrape(t, m)
	for result, count := range map[string]float64{"ok": 2, "session_lost": 1, "rate_limited": 1, "cancelled": 1, "unknown": 1} {
		assert.Equal(t, count, values[`refundsync_call_duration_seconds_count{call="batchSave",result="`+result+`",system="kingdee"}`], result)
	}
	assert.Equal(t, 42.0, values[`refundsync_kingdee_call_bills_sum{call="batchSave"}`])
	assert.Equal(t, 2.0, values[`refundsync_call_wait_seconds_sum{call="batchSave",system="kingdee"}`])
	assert.Equal(t, 3.0, values["refundsync_kingdee_sessions_in_use"])
	assert.Equal(t, 4.0, values["refundsync_kingdee_sessions"])
	assert.Equal(t, 2.0, values["refundsync_kingdee_calls_allowed"])
	assert.Contains(t, values, `refundsync_last_success_timestamp_seconds{system="kingdee"}`)
	assert.NotContains(t, values, `refundsync_last_success_timestamp_seconds{system="jushuitan"}`)
}

var refunds = catalog.All()["jushuitan.refund.list.query"]

// waitingSource waits and then calls its gateway, or gives up.
type waitingSource struct {
	wait    time.Duration
	gateway *nettest.Server
	givesUp bool
}

func (s waitingSource) List(ctx context.Context, _ *catalog.Interface, _ map[string]string) (jushuitan.Page, error) {
	time.Sleep(s.wait)
	if s.givesUp {
		return jushuitan.Page{}, context.Canceled
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, nettest.URL, nil)
	if err != nil {
		return jushuitan.Page{}, err
	}
	client := http.Client{Transport: &http.Transport{DialContext: s.gateway.Dial}}
	reply, err := client.Do(request)
	if err != nil {
		return jushuitan.Page{}, err
	}
	return jushuitan.Page{DataCount: 1}, reply.Body.Close()
}

func TestWaitForTheSourcesLimitIsMeasuredApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := nettest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Second) }))
		m := newMetrics(t)
		page, err := m.Calls(0).Source(waitingSource{wait: 5 * time.Second, gateway: gateway}).List(t.Context(), refunds, nil)
		require.NoError(t, err)
		require.Equal(t, 1, page.DataCount)
		_, err = m.Calls(0).Source(waitingSource{wait: time.Second, givesUp: true}).List(t.Context(), refunds, nil)
		require.ErrorIs(t, err, context.Canceled)

		values := scrape(t, m)
		const labels = `{call="jushuitan.refund.list.query",system="jushuitan"}`
		require.Equal(t, 5.0, values["refundsync_call_wait_seconds_sum"+labels])
		require.Equal(t, 2.0, values[`refundsync_call_duration_seconds_sum{call="jushuitan.refund.list.query",result="ok",system="jushuitan"}`])
		require.Equal(t, 1.0, values["refundsync_call_wait_seconds_count"+labels], "a call that was given up before it was made doesn't count")
	})
}

// Each company has its own series; the settings without a company have no such label.
func TestMetricsOfCompanies(t *testing.T) {
	m := newMetrics(t)
	m.Calls(0).Called("batchSave", 7, time.Second, nil)
	m.Calls(1).Called("batchSave", 8, time.Second, errors.New("?"))
	m.Calls(1).Allowed(1)
	require.False(t, m.Calls(0).last(systemKingdee).IsZero())
	require.True(t, m.Calls(1).last(systemKingdee).IsZero())
	values := scrape(t, m)
	for series, want := range map[string]float64{
		`refundsync_kingdee_call_bills_sum{call="batchSave"}`:                                                        7,
		`refundsync_kingdee_call_bills_sum{call="batchSave",company="north"}`:                                        8,
		`refundsync_call_duration_seconds_count{call="batchSave",company="north",result="unknown",system="kingdee"}`: 1,
		`refundsync_kingdee_calls_allowed`:                                                                           4,
		`refundsync_kingdee_calls_allowed{company="north"}`:                                                          1,
		`refundsync_kingdee_sessions_in_use{company="north"}`:                                                        1,
		`refundsync_flow_info{flow="f"}`:                                                                             1,
		`refundsync_flow_info{company="north",flow="disabled"}`:                                                      1,
	} {
		require.Equal(t, want, values[series], series)
	}
}

func TestDurationsOfTheSDKHaveBoundsInSeconds(t *testing.T) {
	m := newMetrics(t)
	m.ForTemporal().Timer("temporal_activity_execution_latency").Record(40 * time.Millisecond)
	values := scrape(t, m)
	require.Equal(t, 0.0, values[`temporal_activity_execution_latency_seconds_bucket{le="0.025"}`])
	require.Equal(t, 1.0, values[`temporal_activity_execution_latency_seconds_bucket{le="0.05"}`])
}

var ourMetric = regexp.MustCompile(`\brefundsync_\w+`)

// The dashboards and the alert rules use metrics that exist. A test in e2e checks those
// of Temporal's SDK.
func TestDashboardsAndAlertsNameMetricsThatExist(t *testing.T) {
	m := newMetrics(t)
	m.Calls(0).Called("batchSave", 1, time.Second, nil)
	m.Calls(0).Waited("batchSave", time.Second)
	m.polls.answered.isNow()
	m.flows.states["f"] = flowState{at: time.Now(), parked: 1, watermark: new(time.Now())}
	m.ForTemporal().Counter(workflows.ParkedEndedMetric).Inc(1)
	exist := map[string]bool{}
	for series := range scrape(t, m) {
		name, _, _ := strings.Cut(series, "{")
		exist[name] = true
	}
	for _, path := range []string{"../../deploy/grafana/business.json", "../../deploy/grafana/worker.json", "../../deploy/prometheus/alerts.yaml"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		names := ourMetric.FindAllString(string(text), -1)
		require.Greater(t, len(names), 5, path)
		for _, name := range names {
			assert.True(t, exist[name], "%s: %s", path, name)
		}
	}
}

// A test in tools/deploy reads them with Grafana's own types.
func TestPanelsOfDashboards(t *testing.T) {
	for _, name := range []string{"business", "worker"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../../deploy/grafana/" + name + ".json")
			require.NoError(t, err)
			var dashboard struct {
				UID    string
				Panels []struct {
					ID      int
					Title   string
					GridPos struct{ H, W, X, Y int }
					Targets []struct{ Expr string }
				}
			}
			require.NoError(t, json.Unmarshal(text, &dashboard))
			require.Equal(t, "refundsync-"+name, dashboard.UID)
			ids := map[int]bool{}
			taken := map[[2]int]string{}
			for _, panel := range dashboard.Panels {
				assert.False(t, ids[panel.ID], "id %d twice", panel.ID)
				ids[panel.ID] = true
				assert.NotEmpty(t, panel.Title)
				assert.NotEmpty(t, panel.Targets, panel.Title)
				for _, target := range panel.Targets {
					assert.NotEmpty(t, target.Expr, panel.Title)
					ofCalls := strings.Count(target.Expr, "refundsync_call_") + strings.Count(target.Expr, "refundsync_kingdee_") + strings.Count(target.Expr, "refundsync_last_success_")
					assert.Equal(t, ofCalls, strings.Count(target.Expr, `company=~"${company:pipe}"`), panel.Title)
				}
				assert.LessOrEqual(t, panel.GridPos.X+panel.GridPos.W, 24, panel.Title)
				for x := range panel.GridPos.W {
					for y := range panel.GridPos.H {
						place := [2]int{panel.GridPos.X + x, panel.GridPos.Y + y}
						assert.Empty(t, taken[place], panel.Title)
						taken[place] = panel.Title
					}
				}
			}
		})
	}
}

var alertRule = regexp.MustCompile(`(?s)- alert: (\w+)\n.*?runbook: docs/operations\.md#(\w+)\n`)

// docs/operations.md says under an alert's name what to do.
func TestEachAlertHasItsSection(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	operations, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	alerts := alertRule.FindAllStringSubmatch(string(rules), -1)
	require.Len(t, alerts, strings.Count(string(rules), "- alert: "))
	require.NotEmpty(t, alerts)
	for _, alert := range alerts {
		require.Equal(t, strings.ToLower(alert[1]), alert[2])
		require.Contains(t, string(operations), "\n### "+alert[1]+"\n")
	}
}

// An alert about a flow or about calls begins with its company, if there is one, and names it
// once.
func TestAlertsNameTheirCompanyOnce(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	ofCompanies := 0
	for _, alert := range alertRule.FindAllStringSubmatch(string(rules), -1) {
		t.Run(alert[1], func(t *testing.T) {
			rule, annotations, ok := strings.Cut(alert[0], "annotations:")
			require.True(t, ok)
			if !strings.Contains(rule, "company") {
				require.NotContains(t, rule, "flow")
				require.NotContains(t, annotations, "company")
				return
			}
			ofCompanies++
			require.Contains(t, annotations, "summary: '{{ with $labels.company }}{{ . }}: {{ end }}")
			require.Equal(t, 1, strings.Count(annotations, "company"))
		})
	}
	require.NotZero(t, ofCompanies)
}
