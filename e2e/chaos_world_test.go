package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// chaosPatience is how long a run may take under chaos before it counts as one
// that never ends.
const chaosPatience = 10 * time.Minute

// chaosLength is short, or long with REFUNDSYNC_CHAOS=long.
func chaosLength(t *testing.T, short, long int) int {
	t.Helper()
	switch length := os.Getenv("REFUNDSYNC_CHAOS"); length {
	case "":
		return short
	case "long":
		return long
	default:
		require.Fail(t, "REFUNDSYNC_CHAOS must be long or unset", length)
		return 0
	}
}

// eachChaosGrain runs a test for each seed in each grain, one beside the other.
func eachChaosGrain(t *testing.T, test func(t *testing.T, seed uint64, grain string)) {
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		for _, grain := range []string{flow.GrainOrder, flow.GrainPage} {
			t.Run("grain "+grain, func(t *testing.T) {
				t.Parallel()
				test(t, seed, grain)
			})
		}
	})
}

// grainOf has the odd seeds run in the grain of orders, and the even ones in that of
// pages.
func grainOf(seed uint64) string {
	if seed%2 == 1 {
		return flow.GrainOrder
	}
	return flow.GrainPage
}

// eachChaosSeed runs a test for each seed of REFUNDSYNC_CHAOS_SEEDS, such as
// 1,2,3, beside the other chaos tests.
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

// chaosWorld is a world in which things break, and what is counted of it.
type chaosWorld struct {
	*world
	rng     *rand.Rand
	seed    uint64
	started time.Time

	// grain is that of the runs.
	grain string
	// updates tells that the flow changes the bills of orders that changed.
	updates bool

	kills int
	runs  int
}

func newChaosWorld(t *testing.T, seed uint64, options simulator.Options) *chaosWorld {
	t.Helper()
	return newChaosWorldAt(t, seed, options, startServer(t).address)
}

// newChaosWorldAt is newChaosWorld with a Temporal server that is there already.
func newChaosWorldAt(t *testing.T, seed uint64, options simulator.Options, temporalAddress string) *chaosWorld {
	t.Helper()
	options.Seed = seed
	c := &chaosWorld{
		world:   newWorldAt(t, options, temporalAddress),
		rng:     rand.New(rand.NewPCG(seed, 0)),
		seed:    seed,
		grain:   grainOf(seed),
		started: time.Now(),
	}
	c.changeFlow(t)
	return c
}

// changeFlow has the worker use the built-in flow with short waits between
// attempts, and with the further changes.
func (c *chaosWorld) changeFlow(t *testing.T, pairs ...string) {
	t.Helper()
	c.env["REFUNDSYNC_FLOWS"] = changedFlows(t, append([]string{
		"first: 2s # before", "first: 1s # before",
		"longest: 5m # 5m", "longest: 2s # 5m",
	}, pairs...)...)
}

func (c *chaosWorld) saved() int { return len(c.State().Kingdee.Bills) }

// killPoints are n random numbers of bills, in ascending order, at which
// something is killed in the middle of a run.
func (c *chaosWorld) killPoints(n int) []int {
	points := c.rng.Perm(c.Truth().Totals().Saved * 9 / 10)[:n]
	slices.Sort(points)
	return points
}

// waitForBills waits until so many bills are saved.
func (c *chaosWorld) waitForBills(t *testing.T, bills int) {
	t.Helper()
	require.Eventually(t, func() bool { return c.saved() >= bills }, chaosPatience, 20*time.Millisecond, "%d bills", bills)
}

// kill ends a process as a crash does.
func (c *chaosWorld) kill(t *testing.T, p *process) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	<-p.done
	c.kills++
}

// beginRange starts a run over a range, both ends included, and gives its
// workflow id.
func (c *chaosWorld) beginRange(t *testing.T, from, to time.Time) string {
	t.Helper()
	e := c.run(t, "starter", append([]string{"run", "--grain", c.grain, "-o", "json"}, spanFlags(from, to)...)...)
	require.Zero(t, e.code, e.stderr)
	var begun result
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &begun))
	c.runs++
	return begun.WorkflowID
}

// beginAll starts a run over all orders.
func (c *chaosWorld) beginAll(t *testing.T) string {
	t.Helper()
	from, to := c.Range()
	return c.beginRange(t, from, to.Add(-time.Second))
}

// end waits until a run has ended by itself, and gives its result, which must
// add up.
func (c *chaosWorld) end(t *testing.T, workflowID string) result {
	t.Helper()
	r := c.endOrFail(t, workflowID)
	require.Empty(t, r.Error)
	return r
}

// endOrFail is end for a run that may fail, and say so in its result.
func (c *chaosWorld) endOrFail(t *testing.T, workflowID string) result {
	t.Helper()
	cmd := c.command("starter", "watch", workflowID, "-o", "json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	overdue := time.AfterFunc(chaosPatience, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	require.True(t, overdue.Stop(), "the run does not end: %s", stderr.String())
	require.Error(t, err, "each merchant has orders that can't be saved")
	var r result
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &r), stdout.String()+stderr.String())
	require.Equal(t, r.Fetched, r.Saved+r.Updated+r.AlreadySaved+r.SkippedTotal()+r.Parked+r.Failed)
	require.Zero(t, r.Failed, "%v", r.FailedReasons)
	if r.Error == "" {
		require.Equal(t, 3, cmd.ProcessState.ExitCode(), stderr.String())
	}
	return r
}

// requireNothingLost puts an end to the chaos, runs the range again, has what is
// parked tried again, and then requires that each order is accounted for and
// that Kingdee holds its bill, once.
func (c *chaosWorld) requireNothingLost(t *testing.T) {
	t.Helper()
	require.NoError(t, c.SetFaults(nil))
	require.Eventually(t, func() bool { return c.State().Kingdee.LateSaves == 0 }, patience, 20*time.Millisecond)
	injected := c.State().Faults

	truth := c.Truth()
	from, to := c.Range()
	to = to.Add(-time.Second)
	if latest := truth.Latest(); latest.After(to) {
		to = latest
	}
	last := c.end(t, c.beginRange(t, from, to))
	totals := truth.Totals()
	require.Equal(t, totals.Orders, last.Fetched)
	require.Equal(t, totals.Skipped, last.Skipped)
	c.requireParkedAreTheBadOrders(t, truth)

	missing, twice, wrong, changed := c.differences(truth)
	c.report(t, injected, missing, twice)
	require.Empty(t, missing)
	require.Empty(t, twice)
	require.Empty(t, wrong)
	require.Equal(t, totals.Saved-len(changed), last.Saved+last.Updated+last.AlreadySaved)
	require.Equal(t, len(changed), last.FailedReasons["order_changed"])
	require.Empty(t, c.State().Kingdee.Doubles)
	require.Empty(t, c.State().Kingdee.Violations, "no session serves two requests at a time")
	require.Len(t, c.State().Kingdee.Bills, totals.Saved)
}

// requireParkedAreTheBadOrders has all parked orders tried again until those are
// left that can't be saved, and those that changed after they were saved, where
// the flow leaves these to a person.
func (c *chaosWorld) requireParkedAreTheBadOrders(t *testing.T, truth merchant.Truth) {
	t.Helper()
	_, _, _, bad := c.differences(truth)
	for id, expectation := range truth {
		if expectation.Outcome == merchant.Failed {
			bad[id] = true
		}
	}
	left := map[string]bool{}
	allBad := func() bool {
		clear(left)
		for id := range c.parked(t) {
			left[id] = true
		}
		return fmt.Sprint(left) == fmt.Sprint(bad)
	}
	require.Eventually(t, func() bool {
		if allBad() {
			return true
		}
		e := c.run(t, "starter", "parked", "retry", "--all")
		require.Zero(t, e.code, e.stderr)
		return false
	}, patience, time.Second, "parked: %v, must be: %v", left, bad)
}

// differences compares the bills with the truth. Where the flow leaves the bill of
// an order that changed to a person, the bill that the order asked for earlier is
// not wrong: its order is among the changed ones.
func (c *chaosWorld) differences(truth merchant.Truth) (missing, twice, wrong []simulator.Difference, changed map[string]bool) {
	changed = map[string]bool{}
	state := c.State()
	compare := simulator.Compare
	if !c.updates {
		compare = simulator.CompareAnyVersion
		for _, difference := range simulator.Compare(truth, state) {
			if difference.Kind == simulator.Different {
				changed[difference.Number] = true
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

// report prints the figures of a test for one seed.
func (c *chaosWorld) report(t *testing.T, injected map[faults.Name]int, missing, twice []simulator.Difference) {
	t.Helper()
	struck := 0
	var byName []string
	for _, name := range faults.Names() {
		struck += injected[name]
		if injected[name] > 0 {
			byName = append(byName, fmt.Sprintf("%s %d", name, injected[name]))
		}
	}
	t.Logf("seed %d, grain %s: %d orders, %d faults, %d kills, %d runs, missing %d, twice %d, %.0f s; faults: %s",
		c.seed, c.grain, c.Truth().Totals().Orders, struck, c.kills, c.runs, len(missing), len(twice),
		time.Since(c.started).Seconds(), strings.Join(byName, ", "))
}

// stopSimulators ends the HTTP server of both outside systems; what they hold
// stays. The function that is returned serves again at the same address.
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

// refused reports whether nothing listens at the address.
func refused(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return true
	}
	_ = connection.Close()
	return false
}
