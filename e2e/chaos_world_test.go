package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
)

// isLong reports whether the chaos tests run in their long form: in the long suite on the
// dev server.
func isLong() bool { return testkit.Long() && !onPostgres() }

func chaosLength(short, long int) int {
	if isLong() {
		return long
	}
	return short
}

// parallelIfLong runs the subtests of a test side by side in the long suite. In the default
// suite they take turns, because the other tests would all begin before them.
func parallelIfLong(t *testing.T) {
	t.Helper()
	if testkit.Long() {
		t.Parallel()
	}
}

// eachGrain runs a test in each grain; in the default suite in one of them. The grains take
// turns: in parallel, they would begin after all other tests.
func eachGrain(t *testing.T, byDefault string, test func(t *testing.T, grain string)) {
	t.Helper()
	for _, grain := range []string{contract.GrainOrder, contract.GrainPage} {
		t.Run("grain "+grain, func(t *testing.T) {
			if !isLong() && grain != byDefault {
				t.Skip("this grain is in the long suite")
			}
			test(t, grain)
		})
	}
}

// eachChaosGrain is eachGrain for each seed.
func eachChaosGrain(t *testing.T, byDefault string, test func(t *testing.T, seed uint64, grain string)) {
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		eachGrain(t, byDefault, func(t *testing.T, grain string) { test(t, seed, grain) })
	})
}

// grainOf returns the order grain for odd seeds and the page grain for even ones.
func grainOf(seed uint64) string {
	if seed%2 == 1 {
		return contract.GrainOrder
	}
	return contract.GrainPage
}

// eachChaosSeed runs a test for each seed of REFUNDSYNC_CHAOS_SEEDS, such as 1,2,3, in
// parallel with the other chaos tests.
func eachChaosSeed(t *testing.T, test func(t *testing.T, seed uint64)) {
	t.Parallel()
	seeds := os.Getenv("REFUNDSYNC_CHAOS_SEEDS")
	if seeds == "" {
		seeds = "1"
	}
	for text := range strings.SplitSeq(seeds, ",") {
		seed, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		require.NoError(t, err, "REFUNDSYNC_CHAOS_SEEDS")
		t.Run("seed "+text, func(t *testing.T) { test(t, seed) })
	}
}

// chaosWorld is a world in which things break, with a count of what happened.
type chaosWorld struct {
	*world
	rng     *rand.Rand
	seed    uint64
	started time.Time

	// grain is the grain of the runs.
	grain string
	// existing is what the flow does about changed orders.
	existing string

	// batch is the largest number of bills in a call.
	batch int

	kills int
	runs  int
}

func newChaosWorld(t *testing.T, seed uint64, options simulator.Options) *chaosWorld {
	t.Helper()
	address, namespace := newNamespace(t)
	return newChaosWorldAt(t, seed, options, address, namespace)
}

// newChaosWorldAt is newChaosWorld with an existing namespace.
func newChaosWorldAt(t *testing.T, seed uint64, options simulator.Options, address, namespace string) *chaosWorld {
	t.Helper()
	options.Seed = seed
	c := &chaosWorld{
		world:    newWorldAt(t, options, address, namespace),
		rng:      rand.New(rand.NewPCG(seed, 0)),
		seed:     seed,
		grain:    grainOf(seed),
		started:  time.Now(),
		existing: flow.ExistingReport,
		batch:    chaosLength(2, 20),
	}
	c.env["KINGDEE_BATCH_BILLS"] = strconv.Itoa(c.batch)
	c.changeFlow(t)
	return c
}

// manyAttempts keep repeated faults from exhausting an order's attempts: it would be
// parked, and the number of bills at which the next fault is due not reached.
var manyAttempts = []string{"attempts: 8 #", "attempts: 50 #"}

// changeFlow has the worker use the built-in flow with several windows, short waits
// between attempts, and the given changes.
func (c *chaosWorld) changeFlow(t *testing.T, pairs ...string) {
	t.Helper()
	windows := someWindows
	if isLong() {
		windows = manyWindows
	}
	c.env["REFUNDSYNC_FLOWS"] = changedFlows(t, slices.Concat(windows, []string{
		"first: 2s # before", "first: 1s # before",
		"longest: 5m # 5m", "longest: 2s # 5m",
	}, pairs)...)
}

// killPoints returns n random numbers of bills, in ascending order, at which to kill
// something in the middle of a run: more saves remain than are in flight then.
func (c *chaosWorld) killPoints(n int) []int {
	const sessions = 4
	points := c.rng.Perm(c.TruthOf(c.flows...).Totals().Saved - sessions*c.batch)[:n]
	slices.Sort(points)
	return points
}

// strikeAt calls strike when Kingdee has the given number of bills: half of the time
// before the saves in flight have arrived, half of the time while they do.
func (c *chaosWorld) strikeAt(t *testing.T, bills int, strike func()) {
	t.Helper()
	c.HoldSaves(bills)
	c.waitUntilHeld(t)
	if c.rng.IntN(2) == 0 {
		c.ReleaseSaves()
	}
	strike()
	c.ReleaseSaves()
	c.kills++
}

// beginRange starts a run of the first flow over a range, both ends included.
func (c *chaosWorld) beginRange(t *testing.T, from, to time.Time) client.WorkflowRun {
	t.Helper()
	return c.beginFlow(t, c.flows[0], from, to)
}

// grainOf is the grain of a flow's runs: flows that run at once take turns.
func (c *chaosWorld) grainOf(of merchant.Flow) string {
	if slices.Index(c.flows, of)%2 == 1 {
		return grainOf(c.seed + 1)
	}
	return c.grain
}

// beginFlow starts a run of a flow over a range, both ends included.
func (c *chaosWorld) beginFlow(t *testing.T, of merchant.Flow, from, to time.Time) client.WorkflowRun {
	t.Helper()
	in := inputOf(from, to)
	in.Flow, in.Grain = string(of), c.grainOf(of)
	c.runs++
	return c.begin(t, in)
}

// beginAll starts a run over all orders.
func (c *chaosWorld) beginAll(t *testing.T) client.WorkflowRun {
	t.Helper()
	in := c.input().Range
	return c.beginRange(t, in.From, in.To)
}

// end waits until a run has ended by itself, and returns its result, which must add up.
func (c *chaosWorld) end(t *testing.T, run client.WorkflowRun) result {
	t.Helper()
	r := c.endOrFail(t, run)
	require.Empty(t, r.Error)
	return r
}

// beginFlows starts a run of each flow over a range, both ends included.
func (c *chaosWorld) beginFlows(t *testing.T, from, to time.Time) []client.WorkflowRun {
	t.Helper()
	var runs []client.WorkflowRun
	for _, flow := range c.flows {
		runs = append(runs, c.beginFlow(t, flow, from, to))
	}
	return runs
}

// endAll is end for several runs.
func (c *chaosWorld) endAll(t *testing.T, runs []client.WorkflowRun) []result {
	t.Helper()
	var results []result
	for _, run := range runs {
		results = append(results, c.end(t, run))
	}
	return results
}

// endOrFail is end for a run that may fail and report it.
func (c *chaosWorld) endOrFail(t *testing.T, run client.WorkflowRun) result {
	t.Helper()
	r := end(t, run)
	require.Equal(t, r.Fetched, r.Saved+r.Updated+r.AlreadySaved+r.SkippedTotal()+r.Parked+r.Failed)
	require.Zero(t, r.Failed, "%v", r.FailedReasons)
	return r
}

// requireNothingLost ends the chaos, runs the range again with each flow, retries what is
// parked, and then requires that each flow accounts for each of its orders and that Kingdee
// holds its bill exactly once.
func (c *chaosWorld) requireNothingLost(t *testing.T) {
	t.Helper()
	require.NoError(t, c.SetFaults(nil))
	testkit.Wait(t, "all saves have landed", func() bool { return c.State().Kingdee.LateSaves == 0 })
	injected := c.State().Faults

	from, to := c.Range()
	to = to.Add(-time.Second)
	if latest := c.TruthOf(c.flows...).Latest(); latest.After(to) {
		to = latest
	}
	last := c.endAll(t, c.beginFlows(t, from, to))
	for i, flow := range c.flows {
		c.requireFlow(t, flow, last[i], injected)
	}
	require.Empty(t, c.State().Kingdee.Doubles)
	require.Empty(t, c.State().Kingdee.Violations, "no session serves two requests at a time")
}

// requireFlow is requireNothingLost for one flow, by its last run.
func (c *chaosWorld) requireFlow(t *testing.T, of merchant.Flow, last result, injected map[faults.Name]int) {
	t.Helper()
	truth, state := c.TruthOf(of), c.stateOf(of)
	totals := truth.Totals()
	require.Equal(t, totals.Orders, last.Fetched, of)
	told := withdrawnWithBills(truth, state)
	for id := range told {
		totals.Skipped[truth[id].Reason]--
	}
	maps.DeleteFunc(totals.Skipped, func(_ string, count int) bool { return count == 0 })
	require.Equal(t, totals.Skipped, last.Skipped, of)
	require.Equal(t, len(told), last.FailedReasons["order_withdrawn"], "%s: each withdrawn order that has a bill is reported", of)
	c.requireParkedAreTheBadOrders(t, of)

	state = c.stateOf(of)
	missing, twice, wrong, changed := c.differences(truth, state)
	c.report(t, of, injected, missing, twice)
	require.Empty(t, missing, of)
	require.Empty(t, twice, of)
	require.Empty(t, wrong, of)
	require.Equal(t, totals.Saved-len(changed), last.Saved+last.Updated+last.AlreadySaved, of)
	require.Equal(t, len(changed), last.FailedReasons["order_changed"], of)
	if c.existing != flow.ExistingSupplement {
		require.Len(t, state.Kingdee.Bills, totals.Saved+len(told), of)
	}
}

// stateOf is the state without the bills that only other flows account for.
func (c *chaosWorld) stateOf(of merchant.Flow) simulator.State {
	state, own, others := c.State(), c.TruthOf(of), c.TruthOf(c.flows...)
	state.Kingdee.Bills = slices.DeleteFunc(slices.Clone(state.Kingdee.Bills), func(b galaxy.Bill) bool {
		return own[b.Number].Form != b.Form && (others[b.Number].Form == b.Form || others[b.Form+" "+b.Number].Form == b.Form)
	})
	return state
}

// withdrawnWithBills returns the withdrawn orders that have a bill, by their keys.
func withdrawnWithBills(truth merchant.Truth, state simulator.State) map[string]bool {
	told := map[string]bool{}
	for _, bill := range state.Kingdee.Bills {
		if first, _, _ := strings.Cut(bill.Number, "-"); truth[first].Withdrawn {
			told[first] = true
		}
	}
	return told
}

// requireParkedAreTheBadOrders retries all parked orders of a flow until only those remain
// that can't be saved, and those that changed after they were saved, if the flow only reports
// these.
func (c *chaosWorld) requireParkedAreTheBadOrders(t *testing.T, of merchant.Flow) {
	t.Helper()
	bad := c.badOrders(of)
	temporal := c.temporal(t)
	testkit.Wait(t, "only what can't be saved is parked", func() bool {
		waiting := parkedIn(t, temporal, of)
		if len(waiting) == len(bad) && !slices.ContainsFunc(slices.Collect(maps.Keys(waiting)), func(id string) bool { return !bad[id] }) {
			return true
		}
		for id := range waiting {
			if !bad[id] {
				retryParked(t, temporal, of, id)
			}
		}
		return false
	})
}

// badOrders are the orders of a flow that can't be saved as they are.
func (c *chaosWorld) badOrders(of merchant.Flow) map[string]bool {
	truth, state := c.TruthOf(of), c.stateOf(of)
	_, _, _, bad := c.differences(truth, state)
	maps.Copy(bad, withdrawnWithBills(truth, state))
	for id, expectation := range truth {
		if expectation.Outcome == merchant.Failed {
			bad[id] = true
		}
	}
	return bad
}

// differences compares the bills with the truth. If the flow only reports the bill of a
// changed order, the bill for an earlier version is not wrong: its order is among the
// changed ones.
func (c *chaosWorld) differences(truth merchant.Truth, state simulator.State) (missing, twice, wrong []simulator.Difference, changed map[string]bool) {
	changed = map[string]bool{}
	compare := map[string]func(merchant.Truth, simulator.State) []simulator.Difference{
		flow.ExistingReport: simulator.CompareAnyVersion, flow.ExistingSupplement: simulator.CompareSupplemented, flow.ExistingUpdate: simulator.Compare,
	}[c.existing]
	if c.existing != flow.ExistingUpdate {
		for _, difference := range simulator.Compare(truth, state) {
			if difference.Kind == simulator.Different {
				changed[difference.Number] = true
			}
		}
		for _, bill := range state.Kingdee.Bills {
			first, _, _ := strings.Cut(bill.Number, "-")
			if first != bill.Number {
				delete(changed, first)
			}
		}
	}
	for _, difference := range compare(truth, state) {
		switch difference.Kind {
		case simulator.Missing:
			missing = append(missing, difference)
		case simulator.Double:
			twice = append(twice, difference)
		default:
			wrong = append(wrong, difference)
		}
	}
	return missing, twice, wrong, changed
}

// report prints the figures of a flow in a test for one seed.
func (c *chaosWorld) report(t *testing.T, of merchant.Flow, injected map[faults.Name]int, missing, twice []simulator.Difference) {
	t.Helper()
	struck := 0
	var byName []string
	for _, name := range faults.Names() {
		struck += injected[name]
		if injected[name] > 0 {
			byName = append(byName, fmt.Sprintf("%s %d", name, injected[name]))
		}
	}
	t.Logf("seed %d, %s, grain %s: %d orders, %d faults, %d kills, %d runs, missing %d, twice %d, %.0f s; faults: %s",
		c.seed, of, c.grainOf(of), len(c.TruthOf(of)), struck, c.kills, c.runs, len(missing), len(twice),
		time.Since(c.started).Seconds(), strings.Join(byName, ", "))
}

// stopSimulators stops the HTTP server of both outside systems; their data stays. The
// returned function starts it again at the same address.
func (c *chaosWorld) stopSimulators(t *testing.T) (start func()) {
	t.Helper()
	address, err := url.Parse(c.server.URL())
	require.NoError(t, err)
	require.NoError(t, c.server.Close())
	return func() {
		server, err := c.Start(context.Background(), address.Host)
		require.NoError(t, err)
		c.server = server
	}
}
