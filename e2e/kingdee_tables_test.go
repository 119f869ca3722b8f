package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/tally"
)

// kingdeeCustomers changes the built-in flow to read its customers from Kingdee.
func kingdeeCustomers(t *testing.T, pairs ...string) string {
	t.Helper()
	return changedFlows(t, append(pairs, `    values:
      天猫旗舰店: CUST_TMALL
      京东专营店: CUST_JD
      抖音小店: CUST_DOUYIN
      拼多多百货店: CUST_PDD
      快手小店: CUST_KUAISHOU
`, `    from: kingdee
    form: BD_Customer
    by: FName
    value: FNumber
    where: "FUseOrgId.FNumber = '100'"
    refresh: 1m
`)...)
}

// newShop is a shop whose customer is in no table.
const (
	newShop     = "视频号新店"
	unknownShop = "unknown_code customers " + newShop
)

// ofNewShop returns the failures of that shop's orders.
func ofNewShop(parked map[string]tally.Failure) int { return len(ofReason(parked, unknownShop)) }

// The customers come from Kingdee. An order whose shop is not among them is parked with
// the shop's name, and saved once the customer exists; an ambiguous code is not guessed;
// check reports both.
func TestATableComesFromKingdee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200})
	w.env["REFUNDSYNC_FLOWS"] = kingdeeCustomers(t)
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_TMALL", Name: "天猫旗舰店", Organisation: "200"}))
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_OLD", Name: "关掉的店", Forbidden: true}))
	worker := w.startWorker(t)
	worker.waitFor(t, `"table read"`)
	r := w.sync(t)
	require.Zero(t, r.Failed)
	require.Positive(t, r.FailedReasons[unknownShop])
	customers := map[string]bool{}
	for _, bill := range w.State().Kingdee.Bills {
		customers[bill.Fields["FRetcustId"]] = true
	}
	require.Equal(t, []string{"CUST_DOUYIN", "CUST_JD", "CUST_KUAISHOU", "CUST_PDD", "CUST_TMALL"}, slices.Sorted(maps.Keys(customers)))
	parked := w.waitForParked(t, func(parked map[string]tally.Failure) bool {
		return ofNewShop(parked) == r.FailedReasons[unknownShop]
	})
	for _, failure := range ofReason(parked, unknownShop) {
		require.Contains(t, failure.Message.String(), newShop)
		require.Contains(t, failure.Message.String(), "BD_Customer")
	}

	// Two customers have the name: neither is used.
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_KS_A", Name: newShop}))
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_KS_B", Name: newShop}))
	e := w.starter(t, 0, "check")
	require.Contains(t, e.stdout, "✓ Table customers")
	require.Contains(t, e.stdout, newShop+" (CUST_KS_A, CUST_KS_B)")
	require.Contains(t, e.stdout, "关掉的店 (CUST_OLD)")

	// One of them is disabled, and the other is not audited.
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_KS_A", Name: newShop, Forbidden: true}))
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_KS_B", Name: newShop, Draft: true}))
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_SPH", Name: newShop}))
	// A worker reloads at most once a minute, so a new one is started.
	worker.terminate(t)
	w.startWorker(t)
	c := w.temporal(t)
	for id := range ofReason(parked, unknownShop) {
		retryParked(t, c, builtInFlow, id)
	}
	w.waitForParked(t, func(parked map[string]tally.Failure) bool { return ofNewShop(parked) == 0 })
	booked := 0
	for _, bill := range w.State().Kingdee.Bills {
		if bill.Fields["FRetcustId"] == "CUST_SPH" {
			booked++
		}
	}
	require.Equal(t, r.FailedReasons[unknownShop], booked)
	require.Len(t, w.State().Kingdee.Bills, r.Saved+booked)
}

// Until a table has been read, the orders that need it wait, and none is booked with
// anything else; once it can be read, they proceed by themselves.
func TestOrdersWaitForATableThatCantBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 20})
	w.env["REFUNDSYNC_FLOWS"] = kingdeeCustomers(t, "grain: auto", "grain: page")
	w.SetHabits(galaxy.Habits{NoRight: []string{"FForbidStatus"}})
	worker := w.startWorker(t)
	worker.waitFor(t, "orders that need it wait")
	e := w.starter(t, 1, "check")
	require.Contains(t, e.stdout, "✗ Table customers")
	require.Contains(t, e.stdout, "FForbidStatus")
	run := w.begin(t, w.input())
	worker.waitFor(t, "table_unread") // of an order
	require.Zero(t, w.bills())
	w.SetHabits(galaxy.Habits{})
	r := end(t, run)
	require.Empty(t, r.Error)
	require.Equal(t, w.Truth().Totals().Saved, r.Saved)
}

// A worker starts even if Kingdee can't be reached, and reports what it could not read.
func TestWorkerStartsWithoutKingdee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 20})
	w.env["REFUNDSYNC_FLOWS"] = kingdeeCustomers(t)
	worker := w.with("KINGDEE_URL", "http://127.0.0.1:1/k3cloud/").startWorker(t)
	worker.waitFor(t, "orders that need it wait")
	worker.waitFor(t, "the catalog alone counts")
	worker.terminate(t)
}

// Preview reads the tables, but only if the flow has some.
func TestPreviewReadsTheTablesFromKingdee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 20})
	const order = "../internal/flow/testdata/orders/returned.json"
	plain := w.starter(t, 0, "preview", "--flow", builtInFlow, "--file", order, "-o", "request")
	require.Empty(t, w.State().Kingdee.Calls)
	tables := w.with("REFUNDSYNC_FLOWS", kingdeeCustomers(t))
	e := tables.starter(t, 0, "preview", "--flow", builtInFlow, "--file", order, "-o", "request")
	require.Contains(t, e.stdout, `"FRetcustId":{"FNumber":"CUST_TMALL"}`)
	require.Contains(t, plain.stdout, `"FRetcustId":{"FNumber":"CUST_TMALL"}`)
	w.SetHabits(galaxy.Habits{NoRight: []string{"FName"}})
	require.Contains(t, tables.starter(t, 1, "preview", "--flow", builtInFlow, "--file", order, "-o", "request").stderr, "FName")
	require.Contains(t, tables.with("KINGDEE_URL", "").starter(t, 1, "preview", "--flow", builtInFlow, "--file", order, "-o", "request").stderr, "KINGDEE_URL")
}
