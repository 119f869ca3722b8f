package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// Given orders are synced alone, each counted like any other, and one that the source does
// not show is named. What a later run over the range finds is the whole truth.
func TestRunOfGivenOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60}).with("REFUNDSYNC_FLOWS", changedFlows(t, "FBillNo: { field: as_id }", `FBillNo: { expression: '"TH" + as_id' }`))
	w.startWorker(t)
	from, _ := w.Range()
	var saved, failed []string
	for id, expectation := range w.Truth() {
		switch expectation.Outcome {
		case merchant.Saved:
			saved = append(saved, id)
		case merchant.Failed:
			failed = append(failed, id)
		}
	}
	run := func(code int, args ...string) (e ended, r result) {
		t.Helper()
		args = append([]string{"run", "--flow", builtInFlow, "--from", from.Format("2006-01-02"), "--wait", "-o", "json"}, args...)
		e = w.starter(t, code, args...)
		require.NoError(t, json.Unmarshal([]byte(e.stdout), &r))
		return e, r
	}
	_, r := run(3, "--order", saved[0]+",TH"+saved[1]+","+failed[0]+","+saved[0]+",12")
	require.Equal(t, []int{4, 2, 1, 1}, []int{r.Fetched, r.Saved, r.Parked, r.Failed})
	require.Equal(t, 1, r.FailedReasons["order_not_found"])
	require.Equal(t, []string{"12"}, r.NotFound)
	require.Nil(t, r.Watermark)
	require.Equal(t, 2, w.bills())
	require.Contains(t, w.waitForParkedCount(t, 1), failed[0])

	file := filepath.Join(t.TempDir(), "orders.txt")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff"+strings.Join(saved[:12], "\r\n")+"\n\n"), 0o600))
	e, r := run(0, "--orders", file)
	require.Equal(t, []int{12, 10, 2}, []int{r.Fetched, r.Saved, r.AlreadySaved})
	require.Contains(t, e.stderr, "12-orders-")
	require.Equal(t, 12, w.bills())

	e = w.starter(t, 3, "run", "--flow", builtInFlow, "--order", "12", "--wait")
	require.Contains(t, e.stdout, "order_not_found")
	require.Contains(t, e.stdout, builtInFlow+"/order-12")

	rest := w.sync(t)
	require.Equal(t, []int{12, len(saved) - 12}, []int{rest.AlreadySaved, rest.Saved})
	require.Equal(t, len(saved), w.bills())
}
