package reconcile_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"pgregory.net/rapid"

	"refundsync/activities"
	"refundsync/internal/booking"
	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/groupcommit"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/syncworker"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

const testFlow = "refund_to_return"

// Law: any set of planted differences equals the report's. Each order and each bill that
// counts is in exactly one row, and the sums are those of the rows. Reads that fail are
// retried, and nothing is invented: not what differs for a moment, because a run is just
// saving the bill, or the order changes between the calls to the two systems.
func TestPlantedDifferencesAreReported(t *testing.T) {
	flows, err := flowfile.LoadFolder("../../flows")
	require.NoError(t, err)
	flows[testFlow].Retry.Attempts = 100 // more than chance can use up
	// A server waits some seconds for connections that were opened and never used.
	var closing sync.WaitGroup
	t.Cleanup(closing.Wait)
	if asked := flag.Lookup("rapid.checks"); !testkit.Long() && asked.Value.String() == asked.DefValue {
		// Each check is a world with servers of its own; the long suite makes all hundred.
		require.NoError(t, asked.Value.Set("40"))
		t.Cleanup(func() { require.NoError(t, asked.Value.Set(asked.DefValue)) })
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, flows[testFlow])
		defer closing.Go(w.close)
		failing := rapid.Bool().Draw(t, "faults")
		w.plant(t, failing)
		if failing {
			w.require(t, w.sim.SetFaults(faults.Probabilities{
				faults.SourceServerError: 0.1, faults.SourceMalformedJSON: 0.1, faults.SourceTruncatedBody: 0.1,
				faults.KingdeeServerError: 0.1, faults.KingdeeSessionLost: 0.1, faults.KingdeeMalformedJSON: 0.1,
			}))
		}
		switch rapid.IntRange(0, 2).Draw(t, "for a moment") {
		case 1:
			w.acts.Source = formerSource{w.acts.Source, w}
		case 2:
			w.acts.Ledger = &slowLedger{Ledger: w.acts.Ledger, hides: w.agreeing()}
		}
		report, rows := w.reconcile(t)
		got := map[string]int{}
		for _, row := range rows {
			got[nameOf(row.Kind, row.OrderID, row.BillNumber)]++
		}
		if want := w.expected(); !maps.Equal(want, got) {
			t.Fatalf("range %s\nwant %v\ngot  %v", w.span, onlyIn(want, got), onlyIn(got, want))
		}
		requireSums(t, report, rows)
	})
}

func nameOf(kind reconcile.Kind, order, bill string) string {
	return strings.Join([]string{string(kind), order, bill}, " ")
}

func onlyIn(a, b map[string]int) (only []string) {
	for name, count := range a {
		if b[name] != count {
			only = append(only, fmt.Sprintf("%d × %s", count, name))
		}
	}
	slices.Sort(only)
	return only
}

// requireSums checks that all sums of a report are those of its rows.
func requireSums(t *rapid.T, report reconcile.Report, rows []reconcile.Row) {
	var total, kinds, days, shops, warehouses reconcile.Sides
	differences := 0
	for _, row := range rows {
		total.Add(row.Sides)
		if row.Kind.Differs() {
			differences++
		}
	}
	for _, kind := range report.Kinds {
		kinds.Add(kind.Sides)
	}
	for sides, groups := range map[*reconcile.Sides][]reconcile.Group{&days: report.Days, &shops: report.Shops, &warehouses: report.Warehouses} {
		counted := 0
		for _, group := range groups {
			sides.Add(group.Sides)
			counted += group.Differences
		}
		if counted != differences {
			t.Fatalf("%d differences in %v, %d rows", counted, groups, differences)
		}
	}
	for name, sides := range map[string]reconcile.Sides{"totals": report.Totals, "kinds": kinds, "days": days, "shops": shops, "warehouses": warehouses} {
		if shown(sides) != shown(total) {
			t.Fatalf("%s: %s, the rows: %s", name, shown(sides), shown(total))
		}
	}
	if report.Differences != differences {
		t.Fatalf("%d differences, %d rows", report.Differences, differences)
	}
}

func shown(s reconcile.Sides) string {
	side := func(s reconcile.Sum) string {
		return fmt.Sprintf("%d %s %s", s.Count, s.Quantity.StringFixed(4), s.Amount.StringFixed(2))
	}
	return side(s.Source) + " | " + side(s.Kingdee)
}

// world is a merchant whose orders are synced, without Temporal.
type world struct {
	flow   *flow.Flow
	sim    *simulator.Simulator
	server *simulator.Server
	acts   *activities.Activities
	span   workflows.Window

	orders map[string]*order
	// extra are the kinds of bills that are no order's own, by number.
	extra map[string]reconcile.Kind
}

// order is what the test knows of an order.
type order struct {
	at   time.Time
	date string // of the bill that the flow makes; "" if it makes none
	kind reconcile.Kind
}

func newWorld(t *rapid.T, f *flow.Flow) *world {
	sim, err := simulator.New(simulator.Options{Seed: rapid.Uint64Range(1, 1000).Draw(t, "seed"), Orders: 20, Days: 3})
	w := &world{flow: f, sim: sim, orders: map[string]*order{}, extra: map[string]reconcile.Kind{}}
	w.require(t, err)
	w.server, err = sim.Start(context.Background(), "127.0.0.1:0")
	w.require(t, err)
	environment := config.Environment(w.server.Environment().Map())
	environment["JUSHUITAN_CALLS_PER_SECOND"], environment["TEMPORAL_NAMESPACE"] = "1000", "none"
	settings, err := environment.Load()
	w.require(t, err)
	source, ledger, err := syncworker.Clients(settings, nil)
	w.require(t, err)
	w.acts = &activities.Activities{
		Flows: flow.Flows{testFlow: f}, Source: source, Parked: parked{},
		Ledger: groupcommit.New(ledger, groupcommit.Options{Calls: 4, Bills: 20}),
	}
	w.sync(t)
	days := rapid.IntRange(0, 3).Draw(t, "days")
	from := simulator.DefaultFrom.AddDate(0, 0, rapid.IntRange(-1, 2).Draw(t, "from")).Add(time.Duration(rapid.IntRange(0, 23).Draw(t, "hour")) * time.Hour)
	w.span = workflows.Window{From: from, To: from.AddDate(0, 0, days).Add(time.Hour)}
	return w
}

func (w *world) close() {
	_ = w.server.Close()
	_ = w.sim.Close()
}

func (w *world) require(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// parked are the parked orders: their workflow ids, and the reasons; "" for a discarded one.
type parked map[string]string

func (p parked) List(context.Context, string) (map[string]string, error)    { return p, nil }
func (p parked) Waiting(context.Context, string) (map[string]string, error) { return p, nil }
func (p parked) Discarded(_ context.Context, flowName string, order contract.Order, _ time.Time) (bool, error) {
	reason, known := p[workflows.ParkedOrderID(flowName, order.ID)]
	return known && reason == "", nil
}
func (p parked) Resolve(context.Context, string, workflows.ResolvedVersion) error {
	return nil
}

// sync saves the bill of each order that has one.
func (w *world) sync(t *rapid.T) {
	from, to := w.sim.Range()
	book := booking.Book{Flow: w.flow, Flows: flow.Flows{testFlow: w.flow}, Ledger: w.acts.Ledger}
	var saving sync.WaitGroup
	for page := 1; ; page++ {
		read, err := w.acts.Fetch(context.Background(), workflows.FetchPageParams{Flow: testFlow, Window: workflows.Window{From: from, To: to}, PageIndex: page})
		w.require(t, err)
		for _, skipped := range read.Skipped {
			w.orders[skipped.ID] = &order{at: skipped.ChangedAt, kind: reconcile.LeftOut}
		}
		for _, one := range read.Orders {
			known := &order{at: one.ChangedAt, kind: reconcile.Unmapped}
			w.orders[one.ID] = known
			opened := w.flow.Open(one)
			bill, err := opened.Bill()
			if err != nil {
				continue
			}
			date, err := bill.Date()
			w.require(t, err)
			known.date, known.kind = date.Format(time.DateOnly), reconcile.Agrees
			saving.Go(func() {
				if _, err := book.Save(context.Background(), opened, true, false); err != nil {
					known.kind = reconcile.Missing // a material that Kingdee does not know
				}
			})
		}
		if page >= read.PageCount {
			break
		}
	}
	saving.Wait()
}

// plant has people do things to some of the bills and orders. Where calls fail, no order is
// unknown to the source: that takes a call for each week up to now.
func (w *world) plant(t *rapid.T, failing bool) {
	for _, id := range slices.Sorted(maps.Keys(w.orders)) {
		known := w.orders[id]
		switch {
		case known.kind == reconcile.Agrees:
		case known.kind != reconcile.LeftOut && rapid.Bool().Draw(t, "parked "+id):
			w.acts.Parked.(parked)[workflows.ParkedOrderID(testFlow, id)] = "unknown"
			known.kind = reconcile.Parked
			continue
		case known.kind != reconcile.LeftOut && rapid.Bool().Draw(t, "discarded "+id):
			w.acts.Parked.(parked)[workflows.ParkedOrderID(testFlow, id)] = ""
			known.kind = reconcile.LeftOut
			continue
		default:
			continue
		}
		var err error
		copied := "COPY-" + id
		switch rapid.IntRange(0, 24).Draw(t, id) {
		case 0:
			err, known.kind = w.sim.DeleteBill(id), reconcile.Missing
		case 1:
			err, known.kind = w.sim.VoidBills(id), reconcile.Void
		case 2:
			err, known.kind = w.sim.ChangeBill(id, 1, "FRealQty", "77"), reconcile.Different
		case 3:
			err, known.kind = w.sim.ChangeBill(id, 1, "FTaxPrice", "7777.77"), reconcile.Different
		case 4:
			w.require(t, w.sim.AddMaterial("OTHER"))
			err, known.kind = w.sim.ChangeBill(id, 1, "FMaterialId", "OTHER"), reconcile.Different
		case 5:
			err, known.kind = w.sim.ChangeBill(id, 0, "FDate", "2024-03-0"+fmt.Sprint(4+len(id)%2)), reconcile.Different
		case 6:
			w.require(t, w.sim.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_OTHER", Name: "other"}))
			err, known.kind = w.sim.ChangeBill(id, 0, "FRetcustId", "CUST_OTHER"), reconcile.Different
		case 7:
			err, w.extra[copied] = w.sim.CopyBill(id, copied, true), reconcile.Doubled
		case 8:
			err, w.extra[copied] = w.sim.CopyBill(id, copied, false), reconcile.OthersBill
		case 9:
			if failing {
				continue
			}
			w.require(t, w.sim.CopyBill(id, copied, true))
			err = w.sim.ChangeBill(copied, 0, "FHeadNote", "[799999999@20240301080000#0123456789ab.abcdef]")
			w.extra[copied] = reconcile.OnlyInKingdee
		case 12:
			if failing {
				continue
			}
			w.require(t, w.sim.CopyBill(id, copied, true))
			w.require(t, w.sim.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_OTHER", Name: "other"}))
			w.require(t, w.sim.ChangeBill(copied, 0, "FRetcustId", "CUST_OTHER"))
			err = w.sim.ChangeBill(copied, 0, "FHeadNote", "[799999999@20240301080000#0123456789ab."+w.flow.MarkVersion()+"]")
			w.extra[copied] = reconcile.OnlyInKingdee
		case 10:
			w.sim.Withdraw(id, merchant.StatusCancelled)
			known.kind, known.date = reconcile.Withdrawn, ""
		case 11:
			w.sim.Withdraw(id, merchant.StatusCancelled)
			err = w.sim.DeleteBill(id)
			known.kind, known.date = reconcile.LeftOut, ""
		}
		w.require(t, err)
	}
	for id, expectation := range w.sim.Truth() {
		if known := w.orders[id]; known != nil {
			known.at = expectation.Modified
		}
	}
}

// agreeing are the numbers of the bills that agree with their orders.
func (w *world) agreeing() map[string]bool {
	numbers := map[string]bool{}
	for id, known := range w.orders {
		if known.kind == reconcile.Agrees {
			numbers[id] = true
		}
	}
	return numbers
}

// expected are the rows that the report must have, by their names.
func (w *world) expected() map[string]int {
	want := map[string]int{}
	from, to := w.span.From.Format(time.DateOnly), w.span.To.Format(time.DateOnly)
	in := func(day string) bool { return from <= day && day <= to }
	dated := map[string]string{}
	for _, bill := range w.sim.State().Kingdee.Bills {
		dated[bill.Number], _, _ = strings.Cut(bill.Fields["FDate"], "T")
	}
	for id, known := range w.orders {
		if w.span.Holds(known.at) || in(known.date) || in(dated[id]) {
			want[nameOf(known.kind, id, id)]++
		}
	}
	for number, kind := range w.extra {
		order := strings.TrimPrefix(number, "COPY-")
		switch kind {
		case reconcile.OthersBill:
			order = ""
		case reconcile.OnlyInKingdee:
			order = "799999999"
		}
		if in(dated[number]) {
			want[nameOf(kind, order, number)]++
		}
	}
	return want
}

// reconcile runs the workflow, and reads the rows of its children.
func (w *world) reconcile(t *rapid.T) (reconcile.Report, []reconcile.Row) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.SetStartTime(simulator.DefaultFrom.AddDate(0, 1, 0))
	workflows.Register(env)
	w.acts.Register(env)
	env.ExecuteWorkflow(workflows.ReconcileName, workflows.ReconcileInput{Flow: testFlow, Range: w.span})
	w.require(t, env.GetWorkflowError())
	var result workflows.ReconcileResult
	w.require(t, env.GetWorkflowResult(&result))
	var rows []reconcile.Row
	for _, part := range result.Parts {
		for page, pages := 0, 1; page < pages; page++ {
			value, err := env.QueryWorkflowByID(part.WorkflowID, workflows.RowsQuery, page)
			w.require(t, err)
			var answer workflows.RowsPage
			w.require(t, value.Get(&answer))
			more, err := reconcile.UnpackRows(answer.Rows)
			w.require(t, err)
			rows, pages = append(rows, more...), answer.Pages
		}
	}
	return result.Report, rows
}

func quantity(value any) decimal.Decimal {
	read, _ := decimal.NewFromString(fmt.Sprint(value))
	return read
}

// formerSource shows the orders of the range in pages as they were before all was received,
// and by themselves as they are. Orders changed outside of it count by the date of their
// bill, which a former state may lack: such an order is left to the next reconciliation.
type formerSource struct {
	activities.Source
	world *world
}

func (s formerSource) List(ctx context.Context, source *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	page, err := s.Source.List(ctx, source, params)
	if params["as_ids"] != "" {
		return page, err
	}
	for _, record := range page.Datas {
		if !s.world.span.Holds(s.world.flow.CountedAt(record)) {
			continue
		}
		lines, _ := record["items"].([]any)
		for _, line := range lines {
			if line := line.(map[string]any); quantity(line["r_qty"]).GreaterThan(decimal.NewFromInt(1)) {
				line["r_qty"] = json.Number("1")
			}
		}
	}
	return page, err
}

// slowLedger hides bills the first time it is asked for them with their lines.
type slowLedger struct {
	kingdee.Ledger
	mu    sync.Mutex
	hides map[string]bool
}

func (l *slowLedger) ExecuteBillQuery(ctx context.Context, query kingdee.BillQuery) ([][]any, error) {
	rows, err := l.Ledger.ExecuteBillQuery(ctx, query)
	if !strings.HasPrefix(query.FilterString, "FBillNo in") {
		return rows, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	hidden := map[string]bool{}
	return slices.DeleteFunc(rows, func(row []any) bool {
		number := fmt.Sprint(row[8])
		hidden[number] = hidden[number] || l.hides[number]
		delete(l.hides, number)
		return hidden[number]
	}), err
}
