package workflows

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

var testAlerts = AlertSettings{Robots: []string{"WECOM_ROBOT_URL"}, Interval: time.Hour, NothingSyncedFor: 24 * time.Hour, LagLimit: time.Hour}

// watched is a fake world whose flow has alerts.
func watched(orders int) *fakeWorld {
	world := newFakeWorld(orders)
	world.plan.Alerts = &testAlerts
	return world
}

func TestIncrementalRunsReportHowTheyEnded(t *testing.T) {
	since, watermark := at("2024-03-01 11:30:00"), at("2024-03-01 11:55:00")
	incremental := SyncFlowInput{Flow: "refund_to_return", Since: &since}
	refused := func(contract.Order) error {
		return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
	}
	for _, c := range []struct {
		name  string
		input SyncFlowInput
		world func(*fakeWorld)
		want  *RunReport
	}{
		{"done", incremental, func(*fakeWorld) {}, &RunReport{Watermark: &watermark, Saved: 3}},
		{"parked, one of them by an earlier run", incremental, func(w *fakeWorld) {
			w.saveErr, w.waiting = refused, map[string]bool{"70001": true}
		}, &RunReport{Watermark: &watermark, NewlyParked: map[string]int{"unknown_material": 2}}},
		{"done, but for orders that could not even be parked", incremental, func(w *fakeWorld) {
			w.saveErr, w.parkErr = refused, temporal.NewNonRetryableApplicationError("服务器已满", "full", nil)
		}, &RunReport{Failed: NotParked}},
		{"failed", incremental, func(w *fakeWorld) {
			w.fetchErr = func(int) error { return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil) }
		}, &RunReport{Failed: "bad_signature"}},
		{"not begun", SyncFlowInput{Flow: "refund_to_return"}, func(*fakeWorld) {}, &RunReport{Failed: WatermarkUnknown}},
		{"disabled", incremental, func(w *fakeWorld) { w.plan.Enabled = false }, nil},
		{"by hand", handRange("2024-03-01 00:00:00", "2024-03-01 00:30:00"), func(*fakeWorld) {}, nil},
		{"without alerts", incremental, func(w *fakeWorld) { w.plan.Alerts = nil }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := watched(3)
			c.world(world)
			_, err := runSync(world, c.input, startingAt("2024-03-01 12:00:00"))
			if c.want == nil {
				require.Empty(t, world.reports)
				return
			}
			require.Equal(t, c.want.Failed != "" && c.want.Failed != NotParked, err != nil, "%v", err)
			require.Len(t, world.reports, 1)
			require.Equal(t, "refund_to_return", world.reports[0].Flow)
			got := world.reports[0].Report
			require.NotEmpty(t, got.WorkflowID)
			require.NotEmpty(t, got.RunID)
			require.False(t, got.EndedAt.Before(at("2024-03-01 12:00:00")))
			require.Equal(t, testAlerts, got.Settings)
			if c.want.Watermark != nil {
				require.Equal(t, c.want.Watermark.UTC(), got.Watermark.UTC())
			} else {
				require.Nil(t, got.Watermark)
			}
			require.Equal(t, c.want.Failed, got.Failed)
			require.Equal(t, c.want.Saved, got.Saved)
			require.Equal(t, c.want.NewlyParked, got.NewlyParked)
		})
	}
}

// A run that fails tells the watermark that it leaves, and what it did.
func TestFailedRunReportsWhatItDid(t *testing.T) {
	world := watched(2)
	world.plan.WindowsAtOnce = 1
	world.fetchErr = func(call int) error {
		if call > 2 {
			return temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
		}
		return nil
	}
	last := at("2024-03-01 08:00:00")
	_, err := runSync(world, SyncFlowInput{Flow: "refund_to_return"}, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		env.SetLastCompletionResult(SyncFlowResult{Watermark: &last})
	})
	require.Error(t, err)
	require.Len(t, world.reports, 1)
	report := world.reports[0].Report
	require.Equal(t, "bad_signature", report.Failed)
	require.Equal(t, last.UTC(), report.Watermark.UTC())
	require.Equal(t, 4, report.Saved)
}

// A run by row versions reads the last row of the run before again, which is no sign
// of life.
func TestRowAtTheBoundaryIsNotReportedAsSaved(t *testing.T) {
	world := versionedWorld(3)
	world.plan.Alerts = &testAlerts
	first, err := runVersions(world, "2024-03-01 12:00:00", nil)
	require.NoError(t, err)
	for id := range world.saves {
		world.finished[id] = true
	}
	second, err := runVersions(world, "2024-03-02 12:00:00", &first)
	require.NoError(t, err)
	require.Equal(t, 1, second.AlreadySaved)
	require.Len(t, world.reports, 2)
	require.Equal(t, 3, world.reports[0].Report.Saved)
	require.Zero(t, world.reports[1].Report.Saved)
}

func TestCancelledRunReportsNothing(t *testing.T) {
	world := watched(2)
	since := at("2024-03-01 08:00:00")
	_, err := runSync(world, SyncFlowInput{Flow: "refund_to_return", Since: &since}, startingAt("2024-03-01 12:00:00"), func(env *testsuite.TestWorkflowEnvironment) {
		world.beforeFetch = func(*fakeWorld, int) { env.CancelWorkflow() }
	})
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Empty(t, world.reports)
}

func TestReportThatFailsDoesNotFailTheRun(t *testing.T) {
	world := watched(2)
	world.reportErr = errors.New("no connection")
	since := at("2024-03-01 11:30:00")
	result, err := runSync(world, SyncFlowInput{Flow: "refund_to_return", Since: &since}, startingAt("2024-03-01 12:00:00"))
	require.NoError(t, err)
	require.Equal(t, 2, result.Saved)
	require.Greater(t, len(world.reports), 1, "it is retried")
}

func TestReasonOf(t *testing.T) {
	cause := temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil)
	require.Equal(t, "bad_signature", reasonOf(temporal.NewApplicationErrorWithCause("run", RunUnfinished, temporal.NewApplicationErrorWithCause("window", WindowUnfinished, cause))))
	require.Equal(t, "window_unfinished", reasonOf(temporal.NewApplicationErrorWithCause("window", WindowUnfinished, errors.New("other"))))
	require.Equal(t, "unknown", reasonOf(errors.New("other")))
	require.Empty(t, reasonOf(nil))
}
