package workflows

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/contract"
)

// countedMetrics is a metrics handler that keeps what our counters were told.
type countedMetrics struct {
	client.MetricsHandler
	tags map[string]string
	kept *keptCounts
}

type keptCounts struct {
	mu     sync.Mutex
	counts map[string]int64
}

func newCountedMetrics() countedMetrics {
	return countedMetrics{client.MetricsNopHandler, nil, &keptCounts{counts: map[string]int64{}}}
}

func (m countedMetrics) WithTags(tags map[string]string) client.MetricsHandler {
	return countedMetrics{m.MetricsHandler, tags, m.kept}
}

func (m countedMetrics) Counter(name string) client.MetricsCounter {
	return counterFunc(func(d int64) {
		if m.tags[OutcomeLabel] == "" {
			return // one of the SDK's
		}
		m.kept.mu.Lock()
		defer m.kept.mu.Unlock()
		m.kept.counts[fmt.Sprintf("%s %s %s %s", name, m.tags[FlowLabel], m.tags[OutcomeLabel], m.tags[ReasonLabel])] += d
	})
}

type counterFunc func(int64)

func (f counterFunc) Inc(d int64) { f(d) }

func countedEnvironment(world *fakeWorld) (*testsuite.TestWorkflowEnvironment, map[string]int64) {
	metrics := newCountedMetrics()
	env := newEnvironment(func(suite *testsuite.WorkflowTestSuite) { suite.SetMetricsHandler(metrics) })
	Register(env)
	world.register(env)
	return env, metrics.kept.counts
}

// Page 1 is read twice, and its orders are counted once.
func TestOrdersAreCountedAsTheTallyCountsThem(t *testing.T) {
	world := newFakeWorld(10)
	world.skipped["70001"] = "仅退款"
	world.finished["70002"] = true
	world.busyFirst = true
	world.saveErr = func(order contract.Order) error {
		if order.ID == "70005" {
			return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
		}
		return nil
	}
	env, counts := countedEnvironment(world)
	env.ExecuteWorkflow(SyncWindowName, world.input())
	require.NoError(t, env.GetWorkflowError())
	f := world.plan.Flow
	require.Equal(t, map[string]int64{
		"refundsync_orders " + f + " saved ":                  7,
		"refundsync_orders " + f + " already_saved ":          1,
		"refundsync_orders " + f + " skipped 仅退款":             1,
		"refundsync_orders " + f + " parked unknown_material": 1,
	}, counts)
}

func TestRunsAreCountedUnderTheirOutcome(t *testing.T) {
	byHand := SyncFlowInput{Flow: "refund_to_return", Range: &testWindow}
	for _, c := range []struct {
		outcome string
		in      SyncFlowInput
		change  func(*fakeWorld)
	}{
		{RunDone, byHand, func(*fakeWorld) {}},
		{RunParked, byHand, func(w *fakeWorld) {
			w.plan.TooManyFailures = 0
			w.saveErr = func(contract.Order) error {
				return temporal.NewNonRetryableApplicationError("", "unknown_material", nil)
			}
		}},
		{RunFailed, SyncFlowInput{Flow: "refund_to_return"}, func(w *fakeWorld) { w.plan.Enabled = false }},
	} {
		t.Run(c.outcome, func(t *testing.T) {
			world := newFakeWorld(2)
			c.change(world)
			env, counts := countedEnvironment(world)
			env.ExecuteWorkflow(SyncFlowName, c.in)
			require.Equal(t, int64(1), counts["refundsync_runs refund_to_return "+c.outcome+" "], "%v", counts)
		})
	}
}

func TestParkedOrdersAreCountedWhenTheyWaitNoLonger(t *testing.T) {
	for _, c := range []struct {
		outcome string
		signal  string
		content any
	}{
		{"saved", RetrySignal, nil},
		{"discarded", DiscardSignal, Discard{By: "李", Reason: "重复"}},
	} {
		t.Run(c.outcome, func(t *testing.T) {
			world := newFakeWorld(0)
			env, counts := countedEnvironment(world)
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(c.signal, c.content) }, time.Second)
			env.ExecuteWorkflow(ParkedOrderName, ParkedOrderInput{Plan: world.plan, Version: parkedVersion("3件", "2024-03-01 08:00:00")})
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, map[string]int64{"refundsync_parked_orders_ended " + world.plan.Flow + " " + c.outcome + " ": 1}, counts)
		})
	}
}
