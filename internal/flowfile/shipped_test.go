package flowfile

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

// shippedFlows are the folder that workers read and the flows to copy into it.
var shippedFlows = []string{filepath.Join("..", "..", "flows"), filepath.Join("..", "..", "flows", "library")}

// Every shipped flow loads, leaves nothing to be looked at, and has examples, which pass. Not
// all of them can be in one folder.
func TestShippedFlows(t *testing.T) {
	for _, folder := range shippedFlows {
		paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			p, err := load(path)
			require.NoError(t, err)
			require.Empty(t, p.allProblems())
			require.Empty(t, p.notes.found)
			f, name := p.flow, p.flow.Name
			require.Equal(t, name+".yaml", f.Files[0].Name)
			examples, err := RunExamples(f, ExamplesFolder(folder, name))
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(examples), 4, name)
			for _, example := range examples {
				t.Run(name+"/"+example.Name, func(t *testing.T) {
					require.NotEmpty(t, example.About)
					require.Empty(t, words(example.Differences))
				})
			}
		}
	}
}

// Two flows of one document by two interfaces run side by side, so all but their names and
// sources is the same. The second leaves out settings that have their defaults.
func TestFlowsOfOneDocumentAreEqual(t *testing.T) {
	mayDiffer := []string{"name ", "title ", "source."}
	defaults := []string{
		"bill.IsAutoSubmitAndAudit ", "bill.IsVerifyBaseDataField ", "bill.BatchCount ", "options.", "checks.enabled ", "checks.too_many_failures ",
		"checks.lag_limit ", "checks.retry.", "checks.schedule.time_zone ", "checks.closed_periods.then ",
	}
	settings := func(f *flow.Flow) []any {
		return []any{f.Source.Key, f.Call, f.Options, f.Enabled, f.TooManyFailures, f.LagLimit, f.Retry, f.Schedule, f.ClosedPeriods, f.Sweep, f.Reconcile, f.Alerts}
	}
	for _, pair := range [][2]string{{"../refund_to_return", "refund_to_return_open"}, {"saleout_to_outstock", "saleout_to_outstock_open"}} {
		t.Run(pair[1], func(t *testing.T) {
			one, err := Load(filepath.Join(shippedFlows[1], pair[0]+".yaml"))
			require.NoError(t, err)
			other, err := Load(filepath.Join(shippedFlows[1], pair[1]+".yaml"))
			require.NoError(t, err)
			require.Equal(t, settings(one), settings(other))
			found, err := Diff(one.Files, other.Files)
			require.NoError(t, err)
			for _, difference := range words(found) {
				require.True(t, slices.ContainsFunc(slices.Concat(mayDiffer, defaults), func(part string) bool { return strings.HasPrefix(difference, part) }), difference)
			}
		})
	}
}
