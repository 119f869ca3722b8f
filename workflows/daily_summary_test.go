package workflows

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/alert"
)

func TestDailySummary(t *testing.T) {
	robots := chat{counts: alert.Counts{Runs: 144, Updated: 3}}
	reports := every10(0, 22*60, dailyAt("09:00"), func(report *RunReport) { report.Settings.Reconciles = true })
	reports = append(reports, run(5, reconciling(map[string]int{"missing": 2}, ""), dailyAt("09:00")))
	watchUntil(t, &robots, 22*60, reports...)
	require.Equal(t, []string{"5 reconcile_differs", "1260 summary of 2024-03-01"}, robots.told(start))
	require.Len(t, robots.days, 1)
	require.Equal(t, at("2024-03-01 00:00:00").Unix(), robots.days[0].From.Unix())
	require.Equal(t, at("2024-03-02 00:00:00").Unix(), robots.days[0].To.Unix())
	require.Equal(t, "refund_to_return", robots.days[0].Flow)
	summary := *robots.notices[1].Summary
	require.Equal(t, start.Add(1260*time.Minute).Unix(), robots.notices[1].At.Unix())
	require.True(t, summary.Watermark.After(start.Add(1240*time.Minute)))
	summary.Watermark = nil
	want, err := json.Marshal(alert.Summary{
		Day: "2024-03-01", Counts: &robots.counts, Reconciles: true, LagLimitSeconds: 3600,
		Reconciliation: &alert.Reconciliation{From: "2024-02-27", To: "2024-02-29", Differences: map[string]int{"missing": 2}},
	})
	require.NoError(t, err)
	got, err := json.Marshal(summary)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
}

// While no worker runs, no timer of the watch fires; once one does, all moments have passed.
func TestSummaryIsSentOnceWhenAWorkerIsBack(t *testing.T) {
	settings := run(0, dailyAt("09:00")).Settings
	settings.LagLimit, settings.NothingSyncedFor = 0, 0
	for _, c := range []struct {
		back string
		want []string
	}{
		{"2024-03-02 08:50:00", []string{"10 summary of 2024-03-01"}},
		{"2024-03-02 09:17:00", []string{"0 summary of 2024-03-01"}},
		{"2024-03-02 23:59:00", []string{"0 summary of 2024-03-01", "541 summary of 2024-03-02"}},
		{"2024-03-05 10:00:00", []string{"0 summary of 2024-03-04"}},
	} {
		t.Run(c.back, func(t *testing.T) {
			var robots chat
			carried := WatchFlowState{Settings: settings, SummaryAt: at("2024-03-01 09:00:00"), LastSynced: start, Causes: map[alert.Cause]CauseState{}}
			watchOn(t, &robots, at(c.back), &carried, 10*60)
			require.Equal(t, c.want, robots.told(at(c.back)))
		})
	}
}

// A flow that comes to want summaries gets the first at the next time, not for a time that
// has passed.
func TestFirstSummary(t *testing.T) {
	var robots chat
	watchUntil(t, &robots, 26*60, slices.Concat(every10(0, 90), every10(100, 26*60, dailyAt("13:00")))...)
	require.Equal(t, []string{"1500 summary of 2024-03-01"}, robots.told(start))
}

// A summary that no robot took is sent again after the interval; one that any took is not.
func TestSummaryThatNoRobotTakes(t *testing.T) {
	robots := chat{}
	robots.refuse = func(string) error {
		if len(robots.notices) < 3 {
			return temporal.NewNonRetryableApplicationError("invalid webhook url", "robot_address", nil)
		}
		return nil
	}
	state := watchUntil(t, &robots, 300, every10(0, 300, dailyAt("12:30"))...)
	require.Equal(t, []string{"30 summary of 2024-02-29", "90 summary of 2024-02-29", "150 summary of 2024-02-29"}, robots.told(start))
	require.Equal(t, start.Add(150*time.Minute).Unix(), state.SummaryAt.Unix())
	require.Zero(t, state.SummaryFailedAt)
}

func TestSummaryIsSentWithoutCountsThatCannotBeRead(t *testing.T) {
	robots := chat{countErr: errors.New("the server's list is away")}
	watchUntil(t, &robots, 60, every10(0, 60, dailyAt("12:30"))...)
	require.Len(t, robots.notices, 1)
	require.Nil(t, robots.notices[0].Summary.Counts)
	require.Greater(t, len(robots.days), 1, "it is retried")
}
