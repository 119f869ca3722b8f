package activities

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"golang.org/x/time/rate"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/workflows"
)

func TestLoadFlowTellsTheRunItsPlan(t *testing.T) {
	f := *loadFlow(t)
	since := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	f.Source.Since = since
	value, err := environment(&Activities{Flows: flow.Flows{testFlow: &f}, Source: &fakeSource{}}).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
	require.NoError(t, err)
	var plan workflows.Plan
	require.NoError(t, value.Get(&plan))
	require.Equal(t, workflows.Plan{
		Flow: testFlow, Title: f.Title, Version: f.Version, Enabled: true, Transport: "qimen",
		LongestWindow: 7*24*time.Hour - 2*time.Second, Overlap: 10 * time.Minute, Lag: 5 * time.Minute, Since: &since, Cursor: contract.CursorTime,
		WindowsAtOnce: 8, InFlight: 100, PageSize: 100, Grain: contract.GrainAuto, TooManyFailures: 80,
		Retry: contract.Retry{Attempts: 8, First: 2 * time.Second, Factor: 2, Longest: 5 * time.Minute},
		Sweep: &workflows.Sweep{Span: 15 * 24 * time.Hour, Behind: time.Hour},
	}, plan)
}

func TestLoadFlowNamesTheFlowsThatThereAre(t *testing.T) {
	_, err := environment(&Activities{Flows: flow.Flows{testFlow: loadFlow(t)}}).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: "refunds"})
	require.ErrorContains(t, err, "refunds")
	require.ErrorContains(t, err, testFlow)
}

func TestLoadFlowTellsWhomToAlert(t *testing.T) {
	f := loadFlow(t, func(f *flow.Flow) {
		f.LagLimit = 2 * time.Hour
		f.Alerts = flow.Alerts{
			Robots:   []flow.Robot{{Kind: flow.RobotWeCom, URLFrom: "A"}, {Kind: flow.RobotDingTalk, URLFrom: "B", SecretFrom: "C"}},
			Interval: time.Hour, NothingSyncedFor: 24 * time.Hour, DailyAt: new(9*60 + 30),
		}
	})
	value, err := environment(&Activities{Flows: flow.Flows{testFlow: f}, Source: &fakeSource{}}).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
	require.NoError(t, err)
	var plan workflows.Plan
	require.NoError(t, value.Get(&plan))
	require.Equal(t, &workflows.AlertSettings{
		Robots: []string{"A", "B"}, Interval: time.Hour, NothingSyncedFor: 24 * time.Hour, LagLimit: 2 * time.Hour,
		DailyAt: new(9*time.Hour + 30*time.Minute), Reconciles: true,
	}, plan.Alerts)
}

// sourceAt is a source that answers with a status and a Date, none where it is empty,
// and otherwise shows no orders.
func sourceAt(t *testing.T, status int, date func() string) *jushuitan.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		if now := date(); now != "" {
			w.Header().Set("Date", now)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"response":{"data_count":0,"page_count":0,"datas":[]}}`))
	}))
	t.Cleanup(server.Close)
	client, err := jushuitan.New(jushuitan.Config{
		Qimen:          &jushuitan.Qimen{URL: server.URL, AppKey: "a", AppSecret: "s", CustomerID: "c", TargetAppKey: "t", SignMethod: jushuitan.SignMD5},
		CallsPerSecond: rate.Inf,
	})
	require.NoError(t, err)
	return client
}

// A run is told the time at the source, and the log says that the clocks differ. If the
// source does not tell its time, the run goes by our own clock.
func TestLoadFlowTellsTheTimeAtTheSource(t *testing.T) {
	date := func(ahead time.Duration) func() string {
		return func() string { return time.Now().Add(ahead).UTC().Format(http.TimeFormat) }
	}
	text := func(text string) func() string { return func() string { return text } }
	const apart, none, failed = "the clocks differ", "no readable Date", "did not answer with its time"
	for _, c := range []struct {
		name   string
		status int
		date   func() string
		known  bool
		ahead  time.Duration // about
		logged string
	}{
		{"together", 200, date(0), true, 0, ""},
		{"behind", 200, date(-5 * time.Minute), true, -5 * time.Minute, apart},
		{"ahead", 200, date(5 * time.Minute), true, 5 * time.Minute, apart},
		{"no Date", 200, text(""), false, 0, none},
		{"a Date that can't be read", 200, text("yesterday"), false, 0, none},
		{"a source in trouble", 503, date(0), false, 0, failed},
		{"too far apart, which FetchPage tells", 200, date(-time.Hour), false, 0, failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			var logged bytes.Buffer
			var suite testsuite.WorkflowTestSuite
			suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))))
			env := suite.NewTestActivityEnvironment()
			(&Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: sourceAt(t, c.status, c.date)}).Register(env)
			for range 2 {
				value, err := env.ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
				require.NoError(t, err)
				var result workflows.LoadFlowResult
				require.NoError(t, value.Get(&result))
				require.Equal(t, testFlow, result.Flow)
				require.Equal(t, c.known, !result.SourceTime.IsZero())
				if c.known {
					require.False(t, result.SourceTime.After(time.Now().Add(c.ahead)))
				}
				require.InDelta(t, c.ahead.Seconds(), result.SourceAhead.Seconds(), 60)
				require.Equal(t, c.ahead == 0, result.SourceAhead == 0)
			}
			if c.logged == "" {
				require.Empty(t, logged.String())
				return
			}
			times := 2
			if c.logged == none {
				times = 1
			}
			require.Equal(t, times, strings.Count(logged.String(), c.logged), logged.String())
		})
	}
}
