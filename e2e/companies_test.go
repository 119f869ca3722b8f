package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/syncworker"
	"refundsync/internal/testkit"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// joinCompanies puts worlds of one namespace, with a flow each, into the settings of one worker as
// companies.
func joinCompanies(t *testing.T, worlds map[string]*world) {
	t.Helper()
	folder, env := t.TempDir(), map[string]string{}
	for company, w := range worlds {
		w.company = company
		from := libraryFlows(t, w.flows[0])
		require.NoError(t, os.MkdirAll(filepath.Join(folder, "tables"), 0o755))
		require.NoError(t, filepath.WalkDir(filepath.Join(from, "tables"), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(folder, "tables", entry.Name()), raw, 0o600)
		}))
		raw, err := os.ReadFile(filepath.Join(from, string(w.flows[0])+".yaml"))
		require.NoError(t, err)
		text := strings.Replace(string(raw), "\nname: ", "\ncompany: "+company+"\nname: ", 1)
		require.NoError(t, os.WriteFile(filepath.Join(folder, string(w.flows[0])+".yaml"), []byte(text), 0o600))
		for name, value := range w.env {
			system, setting, _ := strings.Cut(name, "_")
			if system == "JUSHUITAN" || system == "KINGDEE" {
				name = system + "_" + strings.ToUpper(company) + "_" + setting
			}
			env[name] = value
		}
	}
	env["REFUNDSYNC_FLOWS"] = folder
	for _, w := range worlds {
		w.env = maps.Clone(env)
	}
}

// underWay reports whether a run is still under way.
func underWay(t *testing.T, run client.WorkflowRun, c client.Client) bool {
	t.Helper()
	described, err := c.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
	require.NoError(t, err)
	return described.WorkflowExecutionMetadata.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// One worker serves two companies. While Kingdee answers no save of one, which has all its
// orders to book, and Jushuitan none of its reads, the other's runs end as ever; each books its
// own orders alone, and commands, holds and metrics keep to their company.
func TestOneCompanyDoesNotDelayAnother(t *testing.T) {
	t.Parallel()
	address, namespace := newNamespace(t)
	north := newWorldAt(t, simulator.Options{Orders: 40}, address, namespace)
	south := newWorldAt(t, simulator.Options{Orders: 60, Seed: 8, AcctID: "65e0a1b2c3d4e6", SplitShops: true, HangTime: time.Second}, address, namespace)
	south.flows = []merchant.Flow{merchant.RefundToReturnOpen}
	joinCompanies(t, map[string]*world{"north": north, "south": south})
	worker := north.startMonitored(t)
	worker.waitFor(t, `"task_queue":"refundsync-north"`)
	worker.waitFor(t, `"task_queue":"refundsync-south"`)
	c := north.temporal(t)
	inputs := map[*world]workflows.SyncFlowInput{north: north.input(), south: south.input()}
	for w, in := range inputs {
		in.Flow = string(w.flows[0])
		inputs[w] = in
	}

	south.HoldSaves(0)
	stuck := south.begin(t, inputs[south])
	south.waitUntilHeld(t)
	require.NoError(t, south.SetFaults(faults.Probabilities{faults.SourceHang: 1}))
	dayBefore := inputs[south]
	dayBefore.Range = &workflows.Window{From: dayBefore.Range.From.AddDate(0, 0, -1), To: dayBefore.Range.From.Add(-time.Second)}
	reading := south.begin(t, dayBefore)
	testkit.Wait(t, "Jushuitan hangs", func() bool { return south.State().Faults[faults.SourceHang] > 0 })
	requireTruth(t, north, north.syncBy(t, inputs[north]))
	require.Zero(t, north.syncBy(t, inputs[north]).Saved)
	require.True(t, underWay(t, stuck, c))
	require.True(t, underWay(t, reading, c))
	require.Zero(t, south.bills())
	requireMetricsApart(t, worker)
	require.NoError(t, south.SetFaults(nil))

	t.Run("flow files that can't be read", func(t *testing.T) {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, "broken.yaml"), []byte("name: ["), 0o600))
		broken := north.with("REFUNDSYNC_FLOWS", folder)
		broken.starter(t, 0, "pause", stuck.GetID(), "--by", "wang")
		broken.starter(t, 0, "resume", stuck.GetID())
		require.Contains(t, broken.starter(t, 1, "hold", "--note", "stock-taking").stderr, "the flows that name the companies can't be read")
		other := broken.with("KINGDEE_SOUTH_ACCT_ID", "another")
		require.Contains(t, other.starter(t, 1, "cancel", stuck.GetID()).stderr, `KINGDEE_SOUTH_ACCT_ID: bound to "65e0a1b2c3d4e6", but here it is "another"`)
	})

	t.Run("commands", func(t *testing.T) {
		flowsOf := func(args ...string) (names []string) {
			t.Helper()
			var listed []struct{ Flow, Company string }
			require.NoError(t, json.Unmarshal([]byte(north.starter(t, 0, append(args, "-o", "json")...).stdout), &listed))
			for _, flow := range listed {
				names = append(names, flow.Company+"/"+flow.Flow)
			}
			return names
		}
		both := []string{"north/refund_to_return", "south/refund_to_return_open"}
		for _, command := range [][]string{{"status"}, {"flow", "list"}} {
			require.Equal(t, both, flowsOf(command...))
			require.Equal(t, both[1:], flowsOf(append(command, "--company", "south")...))
		}
		require.Contains(t, north.starter(t, 2, "status", "--company", "east").stderr, "the companies are: north, south")
		require.Contains(t, north.starter(t, 2, "hold", "--note", "stock-taking").stderr, "there are several companies (north, south)")
		checked := north.starter(t, 0, "check", "--days", "0").stdout
		for _, line := range []string{"✓ north: Settings", "✓ south: Settings", "✓ north: Task queue refundsync-north", "✓ south: Task queue refundsync-south"} {
			require.Contains(t, checked, line)
		}
		require.NotContains(t, north.starter(t, 0, "check", "--days", "0", "--company", "south").stdout, "north")
	})

	north.starter(t, 0, "hold", "--company", "south", "--note", "stock-taking", "--by", "wang")
	require.Contains(t, north.starter(t, 1, "run", "--flow", string(south.flows[0]), "--wait").stderr, "all flows of south")
	require.False(t, north.syncBy(t, inputs[north]).DidNothing(), "a hold of one company is none of another")
	north.starter(t, 0, "release", "--company", "south")

	south.ReleaseSaves()
	require.Empty(t, end(t, reading).Error)
	r := end(t, stuck)
	require.Empty(t, r.Error)
	requireTruthOf(t, south, south.flows[0], r)
	requireBills(t, north)

	parkedOf := func(flags ...string) (orders []struct{ Flow string }) {
		require.NoError(t, json.Unmarshal([]byte(north.starter(t, 0, append([]string{"parked", "list", "-o", "json"}, flags...)...).stdout), &orders))
		return orders
	}
	failed := len(ofOutcome(south.TruthOf(south.flows[0]), merchant.Failed))
	require.NotZero(t, failed)
	testkit.Wait(t, "the parked orders are listed", func() bool { return len(parkedOf("--company", "south")) == failed })
	for _, order := range parkedOf("--company", "south") {
		require.Equal(t, string(south.flows[0]), order.Flow)
	}
	require.Equal(t, failed+len(ofOutcome(north.Truth(), merchant.Failed)), len(parkedOf()))
	require.Contains(t, north.starter(t, 2, "parked", "discard", "--all", "--note", "none", "--yes").stderr, "there are several companies (north, south)")
	t.Run("reconciled", func(t *testing.T) {
		for w, of := range map[*world]merchant.Flow{north: builtInFlow, south: south.flows[0]} {
			t.Run(w.company, func(t *testing.T) {
				t.Parallel()
				orders := ofOutcome(w.TruthOf(of), merchant.Failed)
				require.Equal(t, expectedKinds(w.TruthOf(of), orders), w.reconcile(t, exitOf(orders), "--flow", string(of)).kinds())
				bound, _, err := syncworker.BoundAccounts(t.Context(), c, w.taskQueue(t))
				require.NoError(t, err)
				require.Equal(t, w.company, bound.Company)
				for _, execution := range listed(t, c, visibility.Equal("TaskQueue", w.taskQueue(t))) {
					name := string(of)
					require.NoError(t, visibility.Attribute(execution, workflows.FlowAttribute.GetName(), &name))
					require.Equal(t, string(of), name)
				}
			})
		}
	})
	for line := range strings.Lines(worker.output()) {
		require.False(t, strings.Contains(line, "refundsync-north") && strings.Contains(line, `"company":"south"`), line)
	}
}

// requireMetricsApart requires that the metrics of calls name their company, and show no failure
// of north while south's calls fail.
func requireMetricsApart(t *testing.T, worker monitored) {
	t.Helper()
	testkit.Wait(t, "a call of south fails", func() bool {
		failed := map[string]float64{}
		for series, calls := range worker.metrics(t) {
			if !strings.HasPrefix(series, "refundsync_call_duration_seconds_count{") {
				continue
			}
			labels := map[string]string{}
			for _, label := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(series, -1) {
				labels[label[1]] = label[2]
			}
			require.Contains(t, []string{"north", "south"}, labels["company"], series)
			if labels["result"] == "retry" {
				failed[labels["company"]] += calls
			}
		}
		require.Zero(t, failed["north"])
		return failed["south"] > 0
	})
}

// Accounts of a company that are changed by mistake are refused, by their own names.
func TestOtherAccountsOfACompanyAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	joinCompanies(t, map[string]*world{"north": w})
	w.startWorker(t).terminate(t)
	err := syncworker.RunProcess(t.Context(), w.with("KINGDEE_NORTH_ACCT_ID", "another").env, &strings.Builder{})
	require.ErrorContains(t, err, `KINGDEE_NORTH_ACCT_ID: bound to "65e0a1b2c3d4e5", but here it is "another"`)
}

// For as long as REFUNDSYNC_COMPANIES_FOR says, such as 30m, one worker serves two companies,
// and both of one's outside systems are away half of the time, while it reads all its orders
// over and over with every fault on. Neither misses an order or books one twice.
func TestChaosOfCompanies(t *testing.T) {
	t.Parallel()
	if !isLong() {
		t.Skip("in the long suite")
	}
	long := time.Minute
	if text := os.Getenv("REFUNDSYNC_COMPANIES_FOR"); text != "" {
		var err error
		long, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	address, namespace := newNamespace(t)
	faulty := everyFault()
	faulty[faults.SourceClockOff] = 0 // it would stop a run
	north := newChaosWorldAt(t, 1, simulator.Options{Orders: 100, ArrivePerMinute: 60, Faults: usualFaults()}, address, namespace)
	south := newChaosWorldAt(t, 2, simulator.Options{
		Orders: 600, AcctID: "65e0a1b2c3d4e6", SplitShops: true, Faults: faulty, HangTime: time.Second,
	}, address, namespace)
	south.flows = []merchant.Flow{merchant.RefundToReturnOpen}
	south.existing = flow.ExistingReport
	joinCompanies(t, map[string]*world{"north": north.world, "south": south.world})
	worker := north.startWorkerProcess(t)
	c := north.temporal(t)

	var start func() // brings what is away back
	toggle := func() {
		if start != nil {
			start()
			start = nil
		} else {
			start = south.stopSimulators(t)
		}
	}
	begin, latest := time.Now(), time.Duration(0)
	upTo := begin // when the last of north's runs began that read all
	backfill := south.beginAll(t)
	backfills, syncs, outages := 1, 0, 0
	from, _ := north.Range()
	for next := begin; time.Since(begin) < long; syncs++ {
		if !underWay(t, backfill, c) {
			south.endOrFail(t, backfill)
			backfill = south.beginAll(t)
			backfills++
		}
		if !time.Now().Before(next) {
			toggle()
			outages++
			next = time.Now().Add(5 * time.Second)
		}
		begun := time.Now()
		// Orders that arrive while their window is read move its rows.
		r := north.endOrFail(t, north.beginRange(t, from, begun.Add(-20*time.Second).In(beijing.Zone).Truncate(time.Second)))
		if r.Error != "" { // rows that a fault moves in each pass; the next run reads them
			require.Contains(t, r.Error, "they are still moving")
		} else {
			latest, upTo = max(latest, time.Since(upTo)), begun
		}
		if syncs%20 == 10 { // the worker is killed, too
			worker.Kill(t)
			worker = north.startWorkerProcess(t)
		}
	}
	if start != nil {
		start()
	}
	require.NoError(t, south.SetFaults(nil))
	south.endOrFail(t, backfill)
	north.StopArriving()
	t.Logf("%s: %d runs of north, which was behind by %s at most; %d backfills of south, away or back %d times",
		time.Since(begin).Round(time.Second), syncs, latest.Round(time.Second), backfills, outages)
	for _, of := range []*chaosWorld{north, south} {
		of.requireNothingLost(t)
	}
	// checks.lag_limit of the shipped flows
	require.Less(t, latest, time.Hour, "the healthy company keeps up")
}
