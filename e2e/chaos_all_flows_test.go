package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/reconcile"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
)

// Several flows run at once in one worker, with every fault on but those that end a run. In
// the middle of the runs the worker and the Temporal server are killed and the outside systems
// stopped, one by one and all at once. No flow misses an order or books one twice, and the
// reconciliation of each finds what is parked and nothing else. Both flows of returns read the
// shop that both of Jushuitan's gateways show.
func TestChaosAllFlows(t *testing.T) {
	if !isLong() {
		t.Skip("the chaos of one flow is in the default suite")
	}
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		temporal := startKillable(t)
		faulty := everyFault()
		faulty[faults.SourceClockOff] = 0
		c := newChaosWorldAt(t, seed, simulator.Options{
			Orders: 300, SplitShops: true, Faults: faulty, HangTime: time.Second, CallLatency: 20 * time.Millisecond,
		}, temporal.address, temporal.namespace)
		c.flows = merchant.SideBySide
		c.existing = []string{flow.ExistingReport, flow.ExistingUpdate}[seed/2%2]
		c.env["REFUNDSYNC_FLOWS"] = c.allFlows(t)
		worker := c.startWorkerProcess(t)

		killWorker := func() { worker.Kill(t) }
		killServer := func() { temporal.kill(t) }
		strikes := []func(){
			func() { // everything at once
				killWorker()
				start := c.stopSimulators(t)
				killServer()
				start()
				temporal.restart(t)
				worker = c.startWorkerProcess(t)
			},
			func() { killWorker(); worker = c.startWorkerProcess(t) },
			func() { killServer(); temporal.restart(t) },
			func() {
				before := strings.Count(worker.Output(), "connection refused")
				start := c.stopSimulators(t)
				testkit.Wait(t, "the worker notices", func() bool { return strings.Count(worker.Output(), "connection refused") > before })
				start()
			},
		}
		runs := c.beginFlows(t, c.input().Range.From, c.input().Range.To)
		// Orders that move leave the range, so that fewer bills may come.
		for i, bills := range c.killPoints(8) {
			c.strikeAt(t, bills/2, strikes[i%len(strikes)])
		}
		c.endAll(t, runs)
		c.requireNothingLost(t)
		for _, flow := range c.flows {
			t.Run(string(flow)+" is reconciled", func(t *testing.T) {
				t.Parallel()
				c.requireReconciled(t, flow)
			})
		}
	})
}

// allFlows is a folder of the flows, with several windows and short waits between attempts.
func (c *chaosWorld) allFlows(t *testing.T) string {
	t.Helper()
	folder := libraryFlows(t, c.flows...)
	for _, name := range c.flows {
		path := filepath.Join(folder, string(name)+".yaml")
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var keys map[string]any
		require.NoError(t, yaml.Unmarshal(raw, &keys))
		keys["source"].(map[string]any)["window"] = "6h"
		keys["options"] = map[string]any{"existing": c.existing}
		changed, err := yaml.Marshal(keys)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, changed, 0o600))
	}
	return folder
}

// requireReconciled requires that a reconciliation of a flow finds the orders that wait, and
// nothing else.
func (c *chaosWorld) requireReconciled(t *testing.T, of merchant.Flow) {
	t.Helper()
	truth, state := c.TruthOf(of), c.stateOf(of)
	from, to := c.Range()
	if latest := truth.Latest(); latest.After(to) {
		to = latest
	}
	_, _, _, changed := c.differences(truth, state)
	want := map[reconcile.Kind][]string{}
	for kind, orders := range map[reconcile.Kind][]string{
		reconcile.Parked:    ofOutcome(truth, merchant.Failed),
		reconcile.Different: slices.Sorted(maps.Keys(changed)),
		reconcile.Withdrawn: slices.Sorted(maps.Keys(withdrawnWithBills(truth, state))),
	} {
		if len(orders) > 0 {
			want[kind] = orders
		}
	}
	code := 0
	if len(want) > 0 {
		code = 5
	}
	r := c.reconcile(t, code, "--flow", string(of), "--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339))
	require.Equal(t, want, r.kinds(), of)
}
