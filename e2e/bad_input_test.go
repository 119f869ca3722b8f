package e2e

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// Orders with hundreds and thousands of lines become bills with as many lines. The server
// of these tests enforces Temporal's limits.
func TestOrdersOfThousandsOfLinesAreSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 40})
	for i, id := range w.savable() {
		lines := 300
		if i == 0 {
			lines = 5000
		}
		require.True(t, w.SetLines(id, lines))
	}
	w.startWorker(t)
	requireTruth(t, w, w.sync(t))
	longest := 0
	for _, bill := range w.State().Kingdee.Bills {
		longest = max(longest, len(bill.Entries))
	}
	require.Greater(t, longest, 2000)
	second := w.sync(t)
	require.Zero(t, second.Saved)
	require.Equal(t, len(w.savable()), second.AlreadySaved)
}

// A bill number with characters that are special in SQL, filters or URLs makes one bill,
// which is found by that number and parked under it.
func TestBillsWithOddNumbersAreSaved(t *testing.T) {
	t.Parallel()
	const odd = `R'"%_[a-z]*;--/?#&<退>`
	w := newWorld(t, simulator.Options{Orders: 100})
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "FBillNo: { field: as_id }", "FBillNo: { expression: '`"+strings.ReplaceAll(odd, "'", "''")+"` + as_id' }")
	w.startWorker(t)
	first := w.sync(t)
	var want, got []string
	for _, id := range w.savable() {
		want = append(want, odd+id)
	}
	for _, bill := range w.State().Kingdee.Bills {
		got = append(got, bill.Number)
	}
	require.ElementsMatch(t, want, got)
	require.Equal(t, len(want), first.Saved)
	second := w.sync(t)
	require.Zero(t, second.Saved)
	require.Equal(t, len(want), second.AlreadySaved)
	require.Equal(t, first.Parked, second.Parked)

	parked := w.waitForParkedCount(t, first.Parked)
	for id, failure := range parked {
		require.Equal(t, odd+id, failure.BillNumber)
	}
	for _, failure := range parked {
		w.starter(t, 0, "parked", "show", failure.BillNumber)
		w.starter(t, 0, "parked", "retry", failure.BillNumber)
		break
	}
}

// raw returns a payload as somebody might craft it by hand.
func raw(encoding, data string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)},
		Data:     []byte(data),
	})
}

// Signals and queries with a wrong name or content change nothing: runs continue, parked
// orders wait, and accept the valid signal that follows.
func TestBadSignalsAndQueriesChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 80}).inSmallSteps(t, oneWindow...)
	w.startWorker(t)
	temporal := w.temporal(t)
	bad := []converter.RawValue{
		raw("json/plain", "{"), raw("json/plain", `"text"`), raw("json/plain", `{"order":7}`), raw("json/plain", "{}"), raw("json/plain", "null"),
		raw("json/plain", `{"order":{"id":"x","fields_gzip":"aGVsbG8="}}`), raw("binary/plain", "\x00\xff"), raw("binary/null", ""), raw("rot13/plain", "uryyb"),
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

	run := w.beginHeld(t, 10)
	progress := runProgress(t, temporal, run.GetID())
	require.NotEmpty(t, progress.Running)
	disturb(run.GetID(), "order", "stop")
	disturb(progress.Running[len(progress.Running)-1].WorkflowID, "retry", "discard", "stop")
	w.ReleaseSaves()
	first := end(t, run)
	require.Empty(t, first.Error)
	requireTruth(t, w, first)

	parked := w.waitForParkedCount(t, first.Parked)
	still := maps.Clone(parked)
	for id, failure := range parked {
		disturb(workflows.ParkedOrderID(builtInFlow, id), workflows.OrderSignal, workflows.DiscardSignal, "weather")
		if failure.Reason == "unknown_material" {
			require.NoError(t, w.AddMaterial(missingMaterial(failure)))
			retryParked(t, temporal, builtInFlow, id)
			delete(still, id)
		}
	}
	waiting := w.waitForParkedCount(t, len(still))
	requireBills(t, w)
	for id := range still {
		require.Contains(t, waiting, id, "it still waits")
	}
}
