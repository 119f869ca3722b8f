package workflows

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/reconcile"
)

func TestReconciliationOf(t *testing.T) {
	sum := func(count int, amount string) reconcile.Sum {
		return reconcile.Sum{Count: count, Amount: decimal.RequireFromString(amount)}
	}
	report := reconcile.Report{
		From: at("2024-02-27 00:00:00").UTC(), To: at("2024-02-29 23:59:59").UTC(),
		Sums: reconcile.Sums{NotAudited: 4, Kinds: []reconcile.KindSum{
			{Kind: reconcile.Agrees, Sides: reconcile.Sides{Source: sum(10, "100"), Kingdee: sum(10, "100")}},
			{Kind: reconcile.Parked, Reason: "a", Sides: reconcile.Sides{Source: sum(1, "0.10")}},
			{Kind: reconcile.Parked, Reason: "b", Sides: reconcile.Sides{Source: sum(2, "0.20")}},
			{Kind: reconcile.Different, Sides: reconcile.Sides{Source: sum(1, "7"), Kingdee: sum(2, "8")}}, // with a supplement
			{Kind: reconcile.OnlyInKingdee, Sides: reconcile.Sides{Kingdee: sum(1, "5")}},
			{Kind: reconcile.OthersBill, Sides: reconcile.Sides{Kingdee: sum(50, "900")}},
			{Kind: reconcile.LeftOut, Reason: "cancelled", Sides: reconcile.Sides{Source: sum(60, "800")}},
		}},
	}
	got, err := json.Marshal(reconciliationOf(report, ""))
	require.NoError(t, err)
	require.JSONEq(t, `{"from": "2024-02-27", "to": "2024-02-29", "not_audited": 4,
		"differences": {"parked": 3, "different": 1, "only_in_kingdee": 1},
		"source": {"count": 14, "amount": "107.3"}, "kingdee": {"count": 13, "amount": "113"}}`, string(got))
	require.False(t, reconciliationOf(report, "").Agrees())
	report.Kinds, report.NotAudited = report.Kinds[:1], 0
	require.True(t, reconciliationOf(report, "").Agrees())

	failed := reconciliationOf(reconcile.Report{}, "bad_signature")
	require.False(t, failed.Agrees())
	require.Equal(t, "bad_signature", failed.Failed)
	require.Empty(t, failed.From)
}

func TestDailyReconciliationsAreReported(t *testing.T) {
	daily := ReconcileInput{Flow: "refund_to_return", Days: 3}
	for _, c := range []struct {
		name  string
		in    ReconcileInput
		err   error
		world func(*fakeWorld)
		want  int
	}{
		{"agrees", daily, nil, func(*fakeWorld) {}, 1},
		{"failed", daily, temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil), func(*fakeWorld) {}, 1},
		{"by hand", ReconcileInput{Flow: "refund_to_return"}, nil, func(*fakeWorld) {}, 0},
		{"cancelled", daily, temporal.NewCanceledError(), func(*fakeWorld) {}, 0},
		{"of a disabled flow", daily, temporal.NewNonRetryableApplicationError("disabled", FlowDisabled, nil), func(*fakeWorld) {}, 0},
		{"without alerts", daily, nil, func(w *fakeWorld) { w.plan.Alerts = nil }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := watched(0)
			c.world(world)
			env := newEnvironment()
			world.register(env)
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				reportReconciliation(ctx, world.plan, c.in, reconcile.Report{}, c.err)
				return nil
			})
			require.NoError(t, env.GetWorkflowError())
			require.Len(t, world.reports, c.want)
			for _, reported := range world.reports {
				require.Equal(t, "refund_to_return", reported.Flow)
				require.NotEmpty(t, reported.Report.RunID)
				require.Equal(t, testAlerts, reported.Report.Settings)
				require.Equal(t, c.err == nil, reported.Report.Reconciliation.Agrees())
			}
		})
	}
}
