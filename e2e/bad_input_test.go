package e2e

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/workflows"
)

// savable are the as_ids of the orders that must be saved, in their order.
func (w *world) savable() []string {
	var ids []string
	truth := w.Truth()
	for _, id := range slices.Sorted(maps.Keys(truth)) {
		if truth[id].Outcome == merchant.Saved {
			ids = append(ids, id)
		}
	}
	return ids
}

// Orders of hundreds and thousands of lines become bills of as many lines. The
// server of these tests enforces Temporal's limits.
func TestOrdersOfThousandsOfLinesAreSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 80})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "window: 1h", "window: 48h", `page_size: "50"`, `page_size: "100"`)
	for i, id := range w.savable() {
		lines := 300
		if i == 0 {
			lines = 5000
		}
		require.True(t, w.SetLines(id, lines))
	}
	w.startWorker(t)
	requireTruth(t, w, w.sync(t, 3))
	longest := 0
	for _, bill := range w.State().Kingdee.Bills {
		longest = max(longest, len(bill.Entries))
	}
	require.Greater(t, longest, 2000)
	second := w.sync(t, 3)
	require.Zero(t, second.Saved)
	require.Equal(t, len(w.savable()), second.AlreadySaved)
}

// A bill number with all that means something to SQL, to a filter or to an
// address is one bill, found again by that number, and parked under it.
func TestOddBillNumbersAreNumbersLikeOthers(t *testing.T) {
	t.Parallel()
	const odd = `R'"%_[a-z]*;--/?#&<退>`
	w := newWorld(t, simulator.Options{Orders: 200})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "FBillNo: { field: as_id }", "FBillNo: { expression: '`"+strings.ReplaceAll(odd, "'", "''")+"` + as_id' }")
	w.startWorker(t)
	first := w.sync(t, 3)
	var want, got []string
	for _, id := range w.savable() {
		want = append(want, odd+id)
	}
	for _, bill := range w.State().Kingdee.Bills {
		got = append(got, bill.Number)
	}
	require.ElementsMatch(t, want, got)
	require.Equal(t, len(want), first.Saved)
	second := w.sync(t, 3)
	require.Zero(t, second.Saved)
	require.Equal(t, len(want), second.AlreadySaved)
	require.Equal(t, first.Parked, second.Parked)

	require.Eventually(t, func() bool { return len(w.parked(t)) == first.Parked }, patience, 200*time.Millisecond)
	for id, line := range w.parked(t) {
		require.Equal(t, odd+id, line.BillNumber)
		e := w.run(t, "starter", "parked", "show", line.BillNumber)
		require.Zero(t, e.code, e.stderr)
		e = w.run(t, "starter", "parked", "retry", line.BillNumber)
		require.Zero(t, e.code, e.stderr)
	}
}

// raw is a payload as somebody may have made it by hand.
func raw(encoding, data string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)},
		Data:     []byte(data),
	})
}

// Signals and queries with a wrong name or content change nothing: runs go on,
// parked orders wait, and take the good signal that comes afterwards.
func TestBadSignalsAndQueriesChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slowOptions())
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "in_flight: 100", "in_flight: 10", "window: 1h", "window: 48h")
	w.startWorker(t)
	temporal := w.temporal(t)
	bad := []converter.RawValue{
		raw("json/plain", "{"), raw("json/plain", `"text"`), raw("json/plain", `{"order":7}`), raw("json/plain", "{}"), raw("json/plain", "null"),
		raw("json/plain", `{"order":{"as_id":"x","fields_gzip":"aGVsbG8="}}`), raw("binary/plain", "\x00\xff"), raw("binary/null", ""), raw("rot13/plain", "uryyb"),
	}
	disturb := func(workflowID string, signals ...string) {
		for _, signal := range signals {
			for _, content := range bad {
				require.NoError(t, temporal.SignalWorkflow(t.Context(), workflowID, "", signal, content))
			}
		}
		_, err := temporal.QueryWorkflow(t.Context(), workflowID, "", "weather")
		require.ErrorContains(t, err, "weather")
	}

	id := w.beginRun(t)
	w.waitForBills(t, 10)
	// Paused, it does not end meanwhile.
	require.Zero(t, w.run(t, "starter", "pause", id).code)
	value, err := temporal.QueryWorkflow(t.Context(), id, "", workflows.ProgressQuery)
	require.NoError(t, err)
	var progress workflows.SyncRefundsProgress
	require.NoError(t, value.Get(&progress))
	require.NotEmpty(t, progress.Running)
	disturb(id, "order", "stop")
	disturb(progress.Running[len(progress.Running)-1].WorkflowID, "retry", "discard", "stop")
	require.Zero(t, w.run(t, "starter", "resume", id).code)
	first := w.watch(t, id, 3)
	requireTruth(t, w, first)

	require.Eventually(t, func() bool { return len(w.parked(t)) == first.Parked }, patience, 200*time.Millisecond)
	parked := w.parked(t)
	for as, line := range parked {
		disturb("parked/refund_to_return/"+line.BillNumber, workflows.OrderSignal, workflows.DiscardSignal, "weather")
		if line.Reason == "unknown_material" {
			require.NoError(t, w.AddMaterial(between(line.Message, "的值“", "”")))
			e := w.run(t, "starter", "parked", "retry", line.BillNumber)
			require.Zero(t, e.code, e.stderr)
			delete(parked, as)
		}
	}
	require.Eventually(t, func() bool { return len(w.parked(t)) == len(parked) }, patience, 200*time.Millisecond)
	requireBills(t, w)
	for id := range parked {
		require.Contains(t, w.parked(t), id, strconv.Quote(id)+" still waits")
	}
}
