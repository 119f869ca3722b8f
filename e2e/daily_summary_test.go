package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// The schedule of the reconciliation starts one over the last whole days. The robots are told
// of its differences, and once the next one agrees.
func TestDailyReconciliationTellsOfDifferences(t *testing.T) {
	t.Parallel()
	w, c := newWatchedWorldOf(t, simulator.Options{Orders: 20, Kinds: []merchant.Kind{merchant.Returned, merchant.RefundOnly}})
	w.startWorker(t)
	from, _ := w.Range()
	w.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--cron", "0 4 1 1 *")
	reconcile := func(after string) (reported workflows.RunReport) {
		t.Helper()
		require.NoError(t, c.ScheduleClient().GetHandle(t.Context(), "reconcile/"+builtInFlow).Trigger(t.Context(), client.ScheduleTriggerOptions{}))
		testkit.Wait(t, "the reconciliation is reported", func() bool {
			value, err := c.QueryWorkflow(t.Context(), workflows.WatchFlowID(builtInFlow), "", workflows.ProgressQuery)
			var state workflows.WatchFlowState
			if err != nil || value.Get(&state) != nil || state.LastReconciliation == nil || state.LastReconciliation.RunID == after {
				return false
			}
			reported = *state.LastReconciliation
			return true
		})
		return reported
	}
	today := time.Now().In(beijing.Zone)
	first := reconcile("")
	days := *first.Reconciliation
	require.Equal(t, today.AddDate(0, 0, -3).Format(time.DateOnly), days.From)
	require.Equal(t, today.AddDate(0, 0, -1).Format(time.DateOnly), days.To)
	missing := days.Differences["missing"]
	require.NotZero(t, missing)
	require.Equal(t, alert.Sum{Count: missing, Amount: days.Source.Amount}, days.Source)
	w.requireTold(t, 1, fmt.Sprintf("found differences: %d (Missing in Kingdee %d).", missing, missing))
	w.requireTold(t, 1, "starter reconcile --flow refund_to_return --from "+days.From+" --to "+days.To)

	w.syncSpan(t, from, time.Now())
	second := reconcile(first.RunID).Reconciliation
	require.True(t, second.Agrees(), "%+v", second)
	require.Equal(t, missing, second.Kingdee.Count)
	require.Equal(t, days.Source.Amount.StringFixed(2), second.Kingdee.Amount.StringFixed(2))
	w.requireTold(t, 1, "found no differences")
}

// What a summary says was saved is what Kingdee has: by an automatic run, by one by hand, and
// from the parked orders. What Temporal keeps of them is encrypted. The summary reaches the
// robots, although its time has passed without a worker.
func TestDailySummarySaysWhatKingdeeHas(t *testing.T) {
	t.Parallel()
	w, _ := newWatchedWorldOf(t, simulator.Options{Orders: 100, Kinds: []merchant.Kind{merchant.Returned, merchant.RefundOnly, merchant.UnknownMaterial, merchant.Repair}})
	w.setKeys(newKey)
	c := w.temporal(t)
	w.startWorker(t)
	from, _ := w.Range()
	begun := time.Now().Add(-time.Minute)
	half := w.syncSpan(t, from, from.Add(24*time.Hour))
	require.NotZero(t, half.Saved)
	automatic := w.syncIncrementally(t)
	require.Empty(t, automatic.Error)
	require.NotZero(t, automatic.Saved)
	waiting := map[string]int{}
	for _, failure := range w.waitForParkedCount(t, tally.Total(w.Truth().Totals().Failed)) {
		waiting[failure.Reason]++
		if failure.Reason == "unknown_material" {
			require.NoError(t, w.AddMaterial(missingMaterial(failure)))
		}
	}
	retried := waiting["unknown_material"]
	require.NotZero(t, retried)
	w.starter(t, 0, "parked", "retry", "--reason", "unknown_material", "--wait")
	delete(waiting, "unknown_material")

	amount := decimal.Zero
	for _, expectation := range w.Truth() {
		if expectation.Bill != nil {
			for _, line := range expectation.Bill.Lines {
				amount = amount.Add(line.AllAmount)
			}
		}
	}
	count := w.countingDays(t)
	var counts alert.Counts
	testkit.Wait(t, "the list has everything", func() bool {
		counts = count(begun, time.Now().Add(time.Minute))
		return counts.Saved.Count == w.bills() && counts.Runs == 2
	})
	require.Equal(t, amount.StringFixed(2), counts.Saved.Amount.StringFixed(2))
	require.Zero(t, counts.RunsFailed)
	require.Equal(t, retried, counts.WereParked)
	require.Equal(t, waiting, counts.Parked)
	require.Equal(t, automatic.NewlySkipped, counts.LeftOut)
	require.NotEmpty(t, counts.LeftOut)
	require.Nil(t, counts.KeptSince)
	earlier := count(begun.AddDate(-1, 0, 0), begun)
	require.Zero(t, earlier.Runs)
	require.Equal(t, waiting, earlier.Parked)
	require.NotNil(t, earlier.KeptSince, "no server keeps what ended a year ago")

	carried := w.watchState(t, c)
	require.Nil(t, carried.Settings.DailyAt)
	carried.Settings.DailyAt, carried.SummaryAt = new(9*time.Hour), time.Now().AddDate(0, 0, -3)
	require.NoError(t, c.TerminateWorkflow(t.Context(), workflows.WatchFlowID(builtInFlow), "", "as if nothing ran for three days"))
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.WatchFlowID(builtInFlow), TaskQueue: "refundsync"},
		workflows.WatchFlowName, workflows.WatchFlowInput{Flow: builtInFlow, Title: "test", Carried: &carried})
	require.NoError(t, err)
	w.requireTold(t, 1, "summary of "+time.Now().In(beijing.Zone).AddDate(0, 0, -1).Format(time.DateOnly))
	w.requireTold(t, 1, "Bills saved: ")
}

// countingDays has the world's workers count the built-in flow's days.
func (w *world) countingDays(t *testing.T) func(from, to time.Time) alert.Counts {
	t.Helper()
	c := w.dial(t)
	asking := worker.New(c, "counting", worker.Options{})
	asking.RegisterWorkflowWithOptions(func(ctx workflow.Context, params workflows.CountDayParams) (counts alert.Counts, err error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "refundsync", StartToCloseTimeout: testkit.Patience, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3}})
		err = workflow.ExecuteActivity(ctx, workflows.CountDayName, params).Get(ctx, &counts)
		return counts, err
	}, workflow.RegisterOptions{Name: "count"})
	require.NoError(t, asking.Start())
	t.Cleanup(asking.Stop)
	return func(from, to time.Time) (counts alert.Counts) {
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "counting"}, "count", workflows.CountDayParams{Flow: builtInFlow, From: from, To: to})
		require.NoError(t, err)
		require.NoError(t, run.Get(t.Context(), &counts))
		return counts
	}
}
