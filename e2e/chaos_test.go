package e2e

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// everyFault is the probability of each fault when all are on. Call limits are rare,
// because each makes its call wait for half a minute, and so is a clock that is off,
// because it stops a run.
func everyFault() faults.Probabilities {
	all := faults.Probabilities{}
	for _, name := range faults.Names() {
		all[name] = 0.03
	}
	maps.Copy(all, faults.Probabilities{
		faults.SourceOrderMoves:     0.3,
		faults.SourceOrderChanges:   0.2,
		faults.SourceOrderWithdrawn: 0.1,
		faults.SourceClockOff:       0.01,
		faults.SourceClockBehind:    0, // it would stop all of them
		faults.KingdeeCallLimit:     0.0005,
		faults.KingdeeConflict:      0.01,
	})
	return all
}

// A run survives every fault except a wrong clock, which a person must set: then it fails
// and says so, and the range is run again. Orders change after they were saved: depending
// on seed and grain they are reported, get a further bill for what was received since, or
// have their bills updated; in the page grain the bills of withdrawn orders are deleted.
func TestChaosEveryFaultAtOnce(t *testing.T) {
	eachChaosGrain(t, contract.GrainOrder, func(t *testing.T, seed uint64, grain string) {
		ways := []string{simulator.AuthPassword, simulator.AuthSignature, simulator.AuthAppSecret, simulator.AuthSign}
		c := newChaosWorld(t, seed, simulator.Options{
			Orders:   chaosLength(60, 2000),
			Auth:     ways[seed%uint64(len(ways))],
			Faults:   everyFault(),
			HangTime: time.Second,
		})
		c.grain = grain
		turn := seed
		changes := []string{}
		if grain == contract.GrainPage {
			turn++
			changes = append(changes, "withdrawn: report", "withdrawn: delete")
		}
		c.existing = []string{flow.ExistingReport, flow.ExistingSupplement, flow.ExistingUpdate}[turn%3]
		c.changeFlow(t, append(changes, "existing: report", "existing: "+c.existing)...)
		// Small groups mean more calls for faults to strike, but are large enough for
		// faults that need several bills per call.
		c.env["KINGDEE_BATCH_BILLS"] = "5"
		c.startWorkerProcess(t)
		for {
			run := c.endOrFail(t, c.beginAll(t))
			if run.Error == "" {
				break
			}
			require.Contains(t, run.Error, "Invalid Timestamp")
		}
		c.requireNothingLost(t)
	})
}

// The work of a killed worker is dispatched again after its heartbeat timeout, 15
// seconds. So all windows run at once, and in the long form pages are read slowly: each
// worker finds some that its predecessors have not taken.
func TestChaosWorkerKilled(t *testing.T) {
	eachChaosGrain(t, contract.GrainPage, func(t *testing.T, seed uint64, grain string) {
		c := newChaosWorld(t, seed, simulator.Options{
			Orders:      chaosLength(40, 600),
			CallLatency: 100 * time.Millisecond,
			Faults:      faults.Probabilities{faults.KingdeeReplyLost: 0.05, faults.KingdeeSaveLate: 0.05},
			HangTime:    time.Second,
		})
		c.grain = grain
		c.changeFlow(t, append([]string{"windows_at_once: 8", "windows_at_once: 50", "in_flight: 100", "in_flight: 10", `page_size: "100"`, `page_size: "10"`}, manyAttempts...)...)
		c.env["JUSHUITAN_CALLS_PER_SECOND"] = strconv.Itoa(chaosLength(100, 20)) // shared with workers that were killed a minute ago
		worker := c.startWorkerProcess(t)
		run := c.beginAll(t)
		for _, bills := range c.killPoints(chaosLength(1, 20)) {
			c.strikeAt(t, bills, func() { worker.Kill(t) })
			worker = c.startWorkerProcess(t)
		}
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)
		if grain == contract.GrainPage {
			require.NotZero(t, c.activitiesOf(t, first)[workflows.SyncPagesName])
		}

		worker.Terminate(t)
		c.env["JUSHUITAN_CALLS_PER_SECOND"] = "100"
		c.startWorkerProcess(t)
		c.requireNothingLost(t)
	})
}

func TestChaosSimulatorsStopped(t *testing.T) {
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		c := newChaosWorld(t, seed, simulator.Options{Orders: chaosLength(100, 1000), CallLatency: 20 * time.Millisecond})
		c.changeFlow(t, manyAttempts...)
		worker := c.startWorkerProcess(t)
		run := c.beginAll(t)
		for _, bills := range c.killPoints(chaosLength(1, 10)) {
			c.HoldSaves(bills) // the run can't end before the worker notices
			c.waitUntilHeld(t)
			before := strings.Count(worker.Output(), "connection refused")
			start := c.stopSimulators(t)
			c.kills++
			testkit.Wait(t, "the worker notices", func() bool { return strings.Count(worker.Output(), "connection refused") > before })
			c.ReleaseSaves()
			start()
		}
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)
		c.requireNothingLost(t)
	})
}

// Each of the two ranges contains the third of the orders in the middle. One run saves
// order by order, the other page by page.
func TestChaosOverlappingRanges(t *testing.T) {
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		c := newChaosWorld(t, seed, simulator.Options{Orders: chaosLength(120, 2000), CallLatency: 5 * time.Millisecond})
		c.startWorkerProcess(t)
		c.startWorkerProcess(t)
		from, to := c.Range()
		third := to.Sub(from) / 3
		early := c.beginRange(t, from, to.Add(-third-time.Second))
		c.grain = grainOf(seed + 1)
		late := c.beginRange(t, from.Add(third), to.Add(-time.Second))
		first, second := c.end(t, early), c.end(t, late)

		truth := c.Truth()
		require.Len(t, truth.Between(from, to.Add(-third)), first.Fetched)
		require.Len(t, truth.Between(from.Add(third), to), second.Fetched)
		require.Equal(t, truth.Totals().Saved, first.Saved+second.Saved, "each bill was saved by one of the runs")
		c.requireNothingLost(t)
	})
}
