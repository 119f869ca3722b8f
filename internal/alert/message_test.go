package alert

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

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
	for name, notice := range map[string]Notice{
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
		"test":                {Test: true},
	} {
		t.Run(name, func(t *testing.T) {
			notice.Flow, notice.Title, notice.At = "refund_to_return", "聚水潭售后单 → 金蝶云星空销售退货单", at
			golden(t, name+".txt", notice.Message().String()+"\n")
		})
	}
}

func TestHours(t *testing.T) {
	for seconds, want := range map[int]string{86400: "24h", 5400: "1h30m", 60: "1m", 90: "1m30s", 600: "10m", 30: "30s"} {
		assert.Equal(t, want, hours(seconds))
	}
}

// A flow's title and the id of a run come from files and from who starts runs.
func TestNamesInANoticeAreLiteral(t *testing.T) {
	const odd = "[x](https://example.com)\n<@all> **"
	message := Notice{Flow: odd, Title: odd, Firing: []Trouble{
		{Cause: RunFailed, Reason: odd, WorkflowID: odd, RunID: odd},
		{Cause: OrdersParked, Parked: map[string]int{odd: 1}},
	}}.Message().String()
	for _, obeyed := range []string{"[", "://", "<", "**", "com\n"} {
		require.NotContains(t, message, obeyed)
	}
	require.Contains(t, message, "［x］(https：//example.com) ＜＠all＞ ＊＊")
}
