package e2e

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/workflows"
)

// parkedLine is an entry of `starter parked list -o json`.
type parkedLine struct {
	ID         string `json:"as_id"`
	BillNumber string `json:"bill_number"`
	Reason     string `json:"reason"`
	Message    string `json:"message"`
	Flow       string `json:"flow"`
	Shop       string `json:"shop"`
}

// parked gives the parked orders by as_id.
func (w *world) parked(t *testing.T, flags ...string) map[string]parkedLine {
	t.Helper()
	e := w.run(t, "starter", append([]string{"parked", "list", "-o", "json"}, flags...)...)
	require.Zero(t, e.code, e.stderr)
	var lines []parkedLine
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &lines))
	parked := map[string]parkedLine{}
	for _, line := range lines {
		require.NotContains(t, parked, line.ID, "parked twice")
		parked[line.ID] = line
	}
	return parked
}

// Orders that can't be saved wait, each once however many runs find them; they
// are mended, retried and end, or are discarded for good.
func TestParkedOrdersWaitAndAreMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 400})
	w.startWorker(t)
	first := w.sync(t, 3)
	failed := map[string]merchant.Expectation{}
	materials := map[string]bool{}
	for id, expectation := range w.Truth() {
		if expectation.Outcome == merchant.Failed {
			failed[id] = expectation
		}
	}
	require.Equal(t, len(failed), first.Parked)
	// The list lags behind by up to seconds.
	require.Eventually(t, func() bool { return len(w.parked(t)) == len(failed) }, patience, 200*time.Millisecond)
	unknown := w.parked(t, "--reason", "unknown_material")
	require.NotEmpty(t, unknown)
	require.Less(t, len(unknown), len(failed))
	for id, line := range w.parked(t) {
		require.Contains(t, failed, id)
		require.Equal(t, "refund_to_return", line.Flow)
		require.NotEmpty(t, line.Shop)
		if line.Reason == "unknown_material" {
			materials[between(line.Message, "的值“", "”")] = true
		}
	}
	require.Equal(t, len(failed), w.sync(t, 3).Parked)
	require.Len(t, w.parked(t), len(failed), "a second run parks nothing twice")

	// The CSV opens in Excel: a byte-order mark, and ids as text.
	e := w.run(t, "starter", "parked", "list", "-o", "csv", "--reason", "unknown_material")
	require.Zero(t, e.code, e.stderr)
	require.True(t, strings.HasPrefix(e.stdout, "\ufeffFBillNo,"))
	rows, err := csv.NewReader(strings.NewReader(e.stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+len(unknown))
	require.Regexp(t, `^="\d+"$`, rows[1][0])

	// The missing materials are added and their orders retried: they end.
	for material := range materials {
		require.NoError(t, w.AddMaterial(material))
	}
	e = w.run(t, "starter", "parked", "retry", "--reason", "unknown_material")
	require.Zero(t, e.code, e.stderr)
	require.Eventually(t, func() bool { return len(w.parked(t, "--reason", "unknown_material")) == 0 }, patience, 200*time.Millisecond)
	requireBills(t, w)

	// One of the others is shown, and discarded: no later run parks it again.
	var gone string
	for gone = range w.parked(t) {
		break
	}
	e = w.run(t, "starter", "parked", "show", gone)
	require.Zero(t, e.code, e.stderr)
	var state workflows.ParkedOrderState
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &state))
	require.Equal(t, gone, state.Version.Order.ID)
	require.NotContains(t, e.stdout, merchant.PersonalData)
	e = w.run(t, "starter", "parked", "discard", gone, "--reason", "测试单", "--by", "wang")
	require.Zero(t, e.code, e.stderr)
	require.Eventually(t, func() bool { return len(w.parked(t)) == len(failed)-len(unknown)-1 }, patience, 200*time.Millisecond)
	last := w.sync(t, 3)
	require.Equal(t, len(failed)-len(unknown)-1, last.Parked)
	require.Equal(t, 1, last.Skipped["已由人工放弃 (discarded by a person)"])
	require.Equal(t, last.Fetched, last.Saved+last.Updated+last.AlreadySaved+last.SkippedTotal()+last.Parked)
	require.NotContains(t, w.parked(t), gone)

	e = w.run(t, "starter", "parked", "show", gone)
	require.Zero(t, e.code, e.stderr)
	require.Contains(t, e.stdout, "wang")
	for _, args := range [][]string{{"retry", gone}, {"discard", gone, "--reason", "again"}} {
		e = w.run(t, "starter", append([]string{"parked"}, args...)...)
		require.Equal(t, 1, e.code, args)
		require.Contains(t, e.stderr, gone)
	}
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// A wrong organisation is one mistake, not four hundred: the run stops with it
// and parks nothing.
func TestRunStopsWhenMostOrdersFailForOneCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 300})
	wrong := w.with("REFUNDSYNC_FLOWS", changedFlows(t, `FSaleOrgId: { constant: "100" }`, `FSaleOrgId: { constant: "999" }`, "window: 1h", "window: 6h"))
	worker := wrong.startWorker(t)
	stopped := wrong.sync(t, 1)
	require.Contains(t, stopped.Error, "999")
	require.Zero(t, stopped.Parked)
	require.Empty(t, w.parked(t))
	require.Empty(t, w.State().Kingdee.Bills)
	worker.terminate(t)

	w.startWorker(t)
	requireTruth(t, w, w.sync(t, 3))
}
