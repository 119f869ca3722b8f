package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/testkit/golden"
)

func TestTextOfANotice(t *testing.T) {
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	hourAgo, dayAgo := at.Add(-time.Hour), at.Add(-24*time.Hour)
	many := map[string]int{}
	for i, reason := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		many[reason] = i + 1
	}
	failed := Trouble{Cause: RunFailed, Since: hourAgo, FailedRuns: 6, Reason: "bad_signature", WorkflowID: "refund_to_return-2024-03-01T09:00:00Z", RunID: "0190f3c1"}
	parked := Trouble{Cause: OrdersParked, Since: hourAgo, Parked: map[string]int{"missing_value": 1, "unknown_material": 2}, Waiting: 5}
	nothing := Trouble{Cause: NothingSynced, Since: hourAgo, Last: &dayAgo, LimitSeconds: 24 * 60 * 60}
	lag := Trouble{Cause: LagOverLimit, Since: hourAgo, Last: &dayAgo, LimitSeconds: 90 * 60}
	found := Trouble{Cause: SweepFound, Since: hourAgo, Found: 3, WorkflowID: "refund_to_return/sweep-2024-03-01T19:30:00Z", RunID: "0190f3c2"}
	broken := Trouble{Cause: SweepFound, Since: hourAgo, Reason: "bad_signature", WorkflowID: "refund_to_return/sweep-2024-03-01T19:30:00Z", RunID: "0190f3c2"}
	sum := func(count int, amount string) Sum { return Sum{count, decimal.RequireFromString(amount)} }
	agreeing := &Reconciliation{From: "2024-02-28", To: "2024-02-29", Source: sum(3, "59.70"), Kingdee: sum(3, "59.70")}
	differing := &Reconciliation{
		From: "2024-02-27", To: "2024-02-29", Differences: map[string]int{"missing": 2, "different": 1}, NotAudited: 4,
		Source: sum(120, "45678.9"), Kingdee: sum(118, "45600"),
	}
	differs := Trouble{Cause: ReconcileDiffers, Since: hourAgo, Reconciliation: differing, WorkflowID: "refund_to_return/reconcile-2024-03-01T22:00:00Z"}
	notAudited := differs
	notAudited.Reconciliation = &Reconciliation{From: "2024-02-29", To: "2024-02-29", NotAudited: 4, Source: sum(4, "80"), Kingdee: sum(4, "80")}
	unfinished := Trouble{Cause: ReconcileDiffers, Since: hourAgo, Reason: "bad_signature", Reconciliation: &Reconciliation{Failed: "bad_signature"}, WorkflowID: differs.WorkflowID}
	reconciled := Trouble{Cause: ReconcileDiffers, Since: dayAgo, Reconciliation: agreeing}
	watermark := at.Add(-7*time.Minute - 20*time.Second)
	well := Summary{
		Day: "2024-02-29", Reconciliation: agreeing, Reconciles: true, Watermark: &watermark, LagLimitSeconds: 3600,
		Counts: &Counts{Runs: 144, Saved: sum(120, "45678.9")},
	}
	trouble := well
	trouble.Watermark, trouble.Reconciliation = &dayAgo, differing
	trouble.Counts = &Counts{
		Runs: 140, RunsFailed: 2, RunsHeld: 4, Saved: sum(120, "45678.905"), WereParked: 3, Updated: 1, KeptSince: &hourAgo,
		LeftOut: map[string]int{"已作废": 12, "no_goods": 3}, Parked: map[string]int{"unknown_material": 2},
	}
	brokenSummary := Summary{Day: "2024-02-29", Reconciliation: unfinished.Reconciliation, Watermark: &watermark, LagLimitSeconds: 3600}
	held := contract.Hold{By: "wang", Note: "stock-taking", Since: hourAgo}
	heldFlow, heldCompany, released, ended := held, held, held, held
	heldCompany.Company = "north"
	heldFlow.Flow, heldFlow.Until = "refund_to_return", at.Add(72*time.Hour)
	released.Released, ended.Released = &contract.Release{By: "li", At: at}, &contract.Release{At: at}
	disabled := contract.Hold{Flow: "refund_to_return", Disabled: true, By: "wang", Note: "店铺停用", Since: at.Add(-time.Hour)}
	enabled := disabled
	enabled.Released = &contract.Release{By: "li", At: at}
	for name, notice := range map[string]Notice{
		"reconcile_differs":   {Firing: []Trouble{differs}},
		"reconcile_unaudited": {Firing: []Trouble{notAudited}},
		"reconcile_broken":    {Firing: []Trouble{unfinished}},
		"reconcile_resolved":  {Resolved: []Trouble{reconciled}},
		"summary_well":        {Summary: &well},
		"summary_trouble":     {Summary: &trouble},
		"summary_broken":      {Summary: &brokenSummary},
		"summary_first":       {Summary: &Summary{Day: "2024-02-29", Reconciles: true, Counts: &Counts{}}},
		"summary_test":        {Test: true, Summary: &well},
		"of_a_company":        {Company: "north", Firing: []Trouble{lag}},
		"run_failed":          {Firing: []Trouble{failed}},
		"orders_parked":       {Firing: []Trouble{parked}},
		"sweep_found":         {Firing: []Trouble{found}},
		"sweep_broken":        {Firing: []Trouble{broken}},
		"sweep_resolved":      {Resolved: []Trouble{found}},
		"many_reasons":        {Firing: []Trouble{{Cause: OrdersParked, Parked: many, Waiting: 55}}},
		"nothing_synced":      {Firing: []Trouble{nothing}},
		"lag_over_limit":      {Firing: []Trouble{lag}},
		"all_firing":          {Firing: []Trouble{failed, parked, nothing, lag}},
		"resolved":            {Resolved: []Trouble{failed, parked, nothing, lag}},
		"firing_and_resolved": {Firing: []Trouble{parked}, Resolved: []Trouble{failed}},
		"held":                {Holds: []contract.Hold{held}, Held: true},
		"held_of_a_company":   {Company: "north", Holds: []contract.Hold{heldCompany}, Held: true},
		"held_until":          {Holds: []contract.Hold{heldFlow}, Held: true, Firing: []Trouble{parked}},
		"released":            {Holds: []contract.Hold{released}},
		"hold_ended":          {Holds: []contract.Hold{ended}},
		"one_of_two_released": {Holds: []contract.Hold{released}, Held: true},
		"disabled":            {Holds: []contract.Hold{disabled}, Held: true},
		"enabled":             {Holds: []contract.Hold{enabled}},
		"test":                {Test: true},
	} {
		t.Run(name, func(t *testing.T) {
			notice.Flow, notice.Title, notice.At = "refund_to_return", "聚水潭售后单 → 金蝶云星空销售退货单", at
			golden.Equal(t, name+".txt", notice.Message().String()+"\n")
			requireCompanyNamedOnce(t, notice)
		})
	}
}

// requireCompanyNamedOnce requires that a message names the company first in its title, and
// nowhere else.
func requireCompanyNamedOnce(t *testing.T, notice Notice) {
	t.Helper()
	notice.Company = ""
	without := notice.Message()
	notice.Company = "north"
	with := notice.Message()
	about, ok := strings.CutPrefix(with.Title, "refundsync · north · ")
	require.True(t, ok, with.Title)
	require.Equal(t, without.Title, "refundsync · "+about)
	require.Equal(t, without.Lines, with.Lines)
	require.NotContains(t, without.String(), "north")
}

func TestHours(t *testing.T) {
	for seconds, want := range map[int]string{86400: "24h", 5400: "1h30m", 60: "1m", 90: "1m30s", 600: "10m", 30: "30s"} {
		assert.Equal(t, want, hours(seconds))
	}
}

// A flow's title and the id of a run come from files and from who starts runs.
func TestNamesInANoticeAreLiteral(t *testing.T) {
	const odd = "[x](https://example.com)\n<@all> **"
	message := Notice{Flow: odd, Title: odd, Holds: []contract.Hold{{By: odd, Note: odd}, {By: odd, Released: &contract.Release{By: odd}}}, Firing: []Trouble{
		{Cause: RunFailed, Reason: odd, WorkflowID: odd, RunID: odd},
		{Cause: OrdersParked, Parked: map[string]int{odd: 1}},
		{Cause: ReconcileDiffers, Reason: odd, WorkflowID: odd},
		{Cause: ReconcileDiffers, Reconciliation: &Reconciliation{Differences: map[string]int{odd: 1}}},
	}, Summary: &Summary{Reconciliation: &Reconciliation{Failed: odd}, Counts: &Counts{Parked: map[string]int{odd: 1}}}}.Message().String()
	for _, obeyed := range []string{"[", "://", "<", "**", "com\n"} {
		require.NotContains(t, message, obeyed)
	}
	require.Contains(t, message, "［x］(https：//example.com) ＜＠all＞ ＊＊")
}
