package e2e

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// parkedLine is an entry of `starter parked list -o json`.
type parkedLine struct {
	Flow string `json:"flow"`
	Shop string `json:"shop"`
	tally.Failure
}

// Orders that can't be saved wait, each once however many runs find them; they are
// corrected, retried and end, or are discarded for good.
func TestParkedOrdersAreCorrectedAndRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200})
	w.startWorker(t)
	first := w.sync(t)
	failed := map[string]merchant.Expectation{}
	materials := map[string]bool{}
	for id, expectation := range w.Truth() {
		if expectation.Outcome == merchant.Failed {
			failed[id] = expectation
		}
	}
	require.Equal(t, len(failed), first.Parked)
	w.waitForParkedCount(t, len(failed))
	var lines []parkedLine
	e := w.starter(t, 0, "parked", "list", "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &lines))
	require.Len(t, lines, len(failed))
	unknown := 0
	for _, line := range lines {
		require.Contains(t, failed, line.ID)
		require.Equal(t, builtInFlow, line.Flow)
		require.NotEmpty(t, line.Shop)
		if line.Reason == "unknown_material" {
			materials[missingMaterial(line.Failure)] = true
			unknown++
		}
	}
	require.NotZero(t, unknown)
	require.Less(t, unknown, len(failed))
	require.Equal(t, len(failed), w.sync(t).Parked)
	require.Len(t, w.parked(t), len(failed), "a second run parks nothing twice")

	// The CSV opens in Excel: it has a byte-order mark, and ids are text.
	e = w.starter(t, 0, "parked", "list", "-o", "csv", "--reason", "unknown_material")
	require.True(t, strings.HasPrefix(e.stdout, "\ufeffbill_number,"))
	rows, err := csv.NewReader(strings.NewReader(e.stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+unknown)
	require.Regexp(t, `^="\d+"$`, rows[1][0])

	// A misspelt reason or flow is no empty list.
	misspelt := w.starter(t, 2, "parked", "list", "--reason", "unknown_matter").stderr
	require.Contains(t, misspelt, `"unknown_matter"`)
	require.Contains(t, misspelt, "unknown_material", "one of those that there are")
	require.Contains(t, w.starter(t, 2, "parked", "retry", "--flow", "refunds", "--all").stderr, "the flows are: "+builtInFlow)

	// No shop has such a name, and no part of it becomes part of the query.
	for _, odd := range []string{`x' OR RefundsyncReason = 'unknown_material`, `x\' OR RefundsyncReason = 'unknown_material' OR RefundsyncShop = \'`, `\`, `''`, `x\\' OR 1 = 1 --`} {
		require.Equal(t, "[]", strings.TrimSpace(w.starter(t, 0, "parked", "list", "-o", "json", "--shop", odd).stdout), odd)
	}

	// The missing materials are added and their orders retried: they end.
	for material := range materials {
		require.NoError(t, w.AddMaterial(material))
	}
	told := w.starter(t, 0, "parked", "retry", "--reason", "unknown_material", "--wait").stdout
	require.Equal(t, unknown, strings.Count(told, ": saved: "), told)
	others := w.waitForParked(t, func(parked map[string]tally.Failure) bool { return len(ofReason(parked, "unknown_material")) == 0 })
	requireBills(t, w)

	// One of the others is shown, and discarded: no later run parks it again.
	var gone string
	for gone = range others {
		break
	}
	e = w.starter(t, 0, "parked", "show", gone, "-o", "json")
	var state workflows.ParkedOrderState
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &state))
	require.Equal(t, gone, state.Version.Order.ID)
	require.NotContains(t, e.stdout, merchant.PersonalData)
	w.starter(t, 0, "parked", "discard", gone, "--note", "测试单", "--by", "wang", "--yes")
	w.waitForParkedCount(t, len(others)-1)
	last := w.sync(t)
	require.Equal(t, len(others)-1, last.Parked)
	require.Equal(t, 1, last.Skipped["discarded"])
	require.Equal(t, last.Fetched, last.Saved+last.Updated+last.AlreadySaved+last.SkippedTotal()+last.Parked)
	require.NotContains(t, w.parked(t), gone)

	require.Contains(t, w.starter(t, 0, "parked", "show", gone).stdout, "wang")
	for _, args := range [][]string{{"retry", gone}, {"discard", gone, "--note", "again", "--yes"}} {
		require.Contains(t, w.starter(t, 1, append([]string{"parked"}, args...)...).stderr, gone)
	}

	// The rest is discarded at once: from a file, which needs a confirmation, and by
	// reason.
	var rest []string
	reasons := map[string]bool{}
	for id, failure := range w.parked(t) {
		if rest = append(rest, id); len(rest) > 1 {
			reasons[failure.Reason] = true
		}
	}
	file := filepath.Join(t.TempDir(), "orders.txt")
	require.NoError(t, os.WriteFile(file, []byte(rest[0]+"\n"), 0o600))
	require.Contains(t, w.starter(t, 1, "parked", "discard", "--file", file, "--note", "测试单").stderr, "not confirmed")
	require.Contains(t, w.starter(t, 0, "parked", "discard", "--file", file, "--note", "测试单", "--yes").stdout, "Orders discarded: 1 ")
	for reason := range reasons {
		w.starter(t, 0, "parked", "discard", "--reason", reason, "--note", "测试单", "--yes")
	}
	w.waitForParkedCount(t, 0)
}

// A wrong organisation is one mistake, not four hundred: the run stops with it and parks
// nothing.
func TestRunStopsWhenMostOrdersFailForOneCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 150})
	wrong := w.with("REFUNDSYNC_FLOWS", changedFlows(t, `FSaleOrgId: { constant: "100" }`, `FSaleOrgId: { constant: "999" }`))
	worker := wrong.startWorker(t)
	stopped := end(t, w.begin(t, w.input()))
	require.Contains(t, stopped.Error, "999")
	require.Zero(t, stopped.Parked)
	require.Empty(t, w.parked(t))
	require.Empty(t, w.State().Kingdee.Bills)
	worker.terminate(t)

	w.startWorker(t)
	requireTruth(t, w, w.sync(t))
}
