package workflows

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
)

// newEnvironment logs nothing, as thousands of lines would hide the few that say why a
// test failed, and gives a workflow task, and whatever it waits for, a minute of real
// time, where the SDK gives a second and three.
func newEnvironment(prepare ...func(*testsuite.WorkflowTestSuite)) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	for _, p := range prepare {
		p(&suite)
	}
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	return env
}

// fakeWorld stands in for the activities: a source with pages and a ledger
// with bills.
type fakeWorld struct {
	mu   sync.Mutex
	plan Plan
	// sourceTime and sourceAhead are what LoadFlow knows of the source's clock.
	sourceTime  time.Time
	sourceAhead time.Duration
	rows        []contract.Order
	pageSize    int
	skipped     map[string]string // as_id → reason
	outside     map[string]bool   // as_ids of a neighbouring window
	// as_ids of the orders whose bills exist, as they are wanted or otherwise
	finished, unfinished map[string]bool
	leftOut              map[string]string // as_id → reason for which SaveOrder leaves it out
	billDeleted          bool              // whether it deletes their bills
	versions             []versionedRow    // instead of rows, for reading by row versions

	// beforeFetch may change the rows, as a source does while it is read.
	beforeFetch func(w *fakeWorld, call int)
	fetchErr    func(call int) error
	// changePage may change what a call answers.
	changePage func(call int, page *paging.Page)
	saveErr    func(order contract.Order) error
	// busyFirst fails the first attempt at every order.
	busyFirst bool
	parkErr   error
	discarded bool
	reportErr error
	// shown is what the source shows of an order that is read by itself; nil where it
	// can't be.
	shown func(ReadOrderParams) ReadOrderResult
	// amount is that of each bill.
	amount decimal.Decimal
	// whileLooking runs in the middle of a FindBills, beside others.
	whileLooking func()
	// whileSaving runs in the middle of a save, beside others.
	whileSaving func()
	// pageErr fails SyncPages as a whole.
	pageErr func() error
	// delays are for which SyncPages asks before the next attempt at an order.
	delays map[string]time.Duration

	// count is what the source counts in a window, where it is not the rows.
	count func(Window) (int, error)
	// partSize is how many rows of a page one FetchPage tells; 0 for any number.
	partSize int
	// mostPages is how many pages one SyncPages reads; 0 for any number.
	mostPages int

	fetches []int
	looked  []OrderBill // in all look-ups
	saves   map[string]int
	asked   []SaveOrderParams // of all saves, in the order in which they ended
	pages   [][]string        // as_ids that SyncPages saved, or tried to
	synced  []SyncPagesParams
	counted []Window
	parked  map[string]tally.Failure
	// parkedAnyway are the AlsoDiscarded of all ParkOrder.
	parkedAnyway []bool
	reads        []ReadOrderParams
	waiting      map[string]bool // as_id of those parked by an earlier run
	holds        []contract.Hold // that are on
	looks        int             // for holds, after the run began
	reports      []ReportRunParams
	windows      []Window
}

func newFakeWorld(orders int) *fakeWorld {
	w := &fakeWorld{
		plan: Plan{
			Flow: "refund_to_return", Title: "test", Version: "v1", Enabled: true,
			LongestWindow: time.Hour, Overlap: 10 * time.Minute, Lag: 5 * time.Minute,
			WindowsAtOnce: 3, InFlight: 5, Grain: contract.GrainOrder, Cursor: contract.CursorTime,
			TooManyFailures: 80,
			Retry:           contract.Retry{Attempts: 3, First: time.Second, Factor: 2, Longest: time.Minute},
		},
		pageSize: 4,
		skipped:  map[string]string{},
		outside:  map[string]bool{},
		finished: map[string]bool{},
		saves:    map[string]int{},
		parked:   map[string]tally.Failure{},
	}
	for i := range orders {
		w.add(i)
	}
	return w
}

func (w *fakeWorld) add(i int) {
	id := fmt.Sprintf("7%04d", i)
	w.rows = append(w.rows, contract.Order{ID: id, BillNumber: id, Shop: "shop", Fields: json.RawMessage(`"` + id + `"`)})
}

func (w *fakeWorld) register(env *testsuite.TestWorkflowEnvironment) {
	register := func(f any, name string) {
		env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	register(w.loadFlow, LoadFlowName)
	register(w.fetchPage, FetchPageName)
	register(w.findBills, FindBillsName)
	register(w.saveOrder, SaveOrderName)
	register(w.syncPages, SyncPagesName)
	register(w.countOrders, CountName)
	register(w.readOrder, ReadOrderName)
	register(w.parkOrder, ParkOrderName)
	register(w.reportRun, ReportRunName)
	register(w.findHolds, FindHoldsName)
}

// eachGrain runs a test in each grain.
func eachGrain(t *testing.T, name string, test func(t *testing.T, grain string)) {
	t.Helper()
	for _, grain := range []string{contract.GrainOrder, contract.GrainPage} {
		t.Run(name+", by "+grain, func(t *testing.T) { test(t, grain) })
	}
}

// input is that of a window.
func (w *fakeWorld) input() SyncWindowInput {
	w.plan.PageSize = w.pageSize
	return SyncWindowInput{Plan: w.plan, Window: testWindow, Grain: cmp.Or(w.plan.Grain, contract.GrainOrder), Reading: paging.Window{Reader: paging.New(nil)}}
}

func (w *fakeWorld) loadFlow(_ context.Context, params LoadFlowParams) (LoadFlowResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return LoadFlowResult{
		Plan: w.plan, SourceTime: w.sourceTime, SourceAhead: w.sourceAhead, OrderIDs: slices.Compact(params.Orders), Holds: w.holds,
	}, nil
}

func (w *fakeWorld) findHolds(context.Context, HoldScope) (FindHoldsResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	return FindHoldsResult{Holds: w.holds}, nil
}

// hold sets the holds that are on; none releases them.
func (w *fakeWorld) hold(holds ...contract.Hold) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = holds
}

func (w *fakeWorld) fetchPage(_ context.Context, params FetchPageParams) (paging.Page, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches = append(w.fetches, params.PageIndex)
	w.windows = append(w.windows, params.Window)
	if w.beforeFetch != nil {
		w.beforeFetch(w, len(w.fetches))
	}
	if w.fetchErr != nil {
		if err := w.fetchErr(len(w.fetches)); err != nil {
			return paging.Page{}, err
		}
	}
	if params.StartTS != nil {
		return w.fetchVersions(params)
	}
	if len(params.OrderIDs) > 0 {
		return w.fetchOrders(params), nil
	}
	page := paging.Page{
		PickVersion: "v1",
		DataCount:   len(w.rows),
		PageCount:   (len(w.rows) + w.pageSize - 1) / w.pageSize,
	}
	first := min((params.PageIndex-1)*w.pageSize, len(w.rows))
	rows := w.rows[first:min(first+w.pageSize, len(w.rows))]
	if params.Rows > 0 {
		rows = rows[:min(params.Rows, len(rows))]
	}
	if w.partSize > 0 && len(rows) > w.partSize {
		page.Rest = len(rows) - w.partSize
		rows = rows[page.Rest:]
	}
	for _, row := range rows {
		if reason, ok := w.skipped[row.ID]; ok {
			page.Skipped = append(page.Skipped, paging.Skipped{ID: row.ID, Reason: reason, ChangedAt: row.ChangedAt, Order: &row})
		} else if w.outside[row.ID] {
			page.Outside = append(page.Outside, row.ID)
		} else {
			page.Orders = append(page.Orders, row)
		}
	}
	if w.changePage != nil {
		w.changePage(len(w.fetches), &page)
	}
	return page, nil
}

// fetchOrders looks given orders up.
func (w *fakeWorld) fetchOrders(params FetchPageParams) paging.Page {
	page := paging.Page{PickVersion: "v1", PageCount: 1, DataCount: len(params.OrderIDs)}
	for _, id := range params.OrderIDs {
		i := slices.IndexFunc(w.rows, func(row contract.Order) bool { return row.ID == id })
		switch reason, skipped := w.skipped[id]; {
		case i < 0:
			page.Failed = append(page.Failed, tally.Failure{ID: id, Reason: "order_not_found"})
		case skipped:
			page.Skipped = append(page.Skipped, paging.Skipped{ID: id, Reason: reason, Order: &w.rows[i]})
		default:
			page.Orders = append(page.Orders, w.rows[i])
		}
	}
	return page
}

func (w *fakeWorld) findBills(_ context.Context, params FindBillsParams) (FindBillsResult, error) {
	if w.whileLooking != nil {
		w.whileLooking()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lookUp(params.Bills), nil
}

func (w *fakeWorld) lookUp(bills []OrderBill) (result FindBillsResult) {
	w.looked = append(w.looked, bills...)
	for _, bill := range bills {
		switch {
		case w.finished[bill.OrderID]:
			result.Finished = append(result.Finished, bill.OrderID)
		case w.unfinished[bill.OrderID]:
			result.Unfinished = append(result.Unfinished, bill.OrderID)
		}
	}
	return result
}

func (w *fakeWorld) saveOrder(ctx context.Context, params SaveOrderParams) (SaveOrderResult, error) {
	if w.busyFirst && activity.GetInfo(ctx).Attempt == 1 {
		return SaveOrderResult{}, temporal.NewApplicationError("busy", "busy")
	}
	if w.whileSaving != nil {
		w.whileSaving()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.save(params)
}

// syncPages reads and saves pages, one after the other, until it has read mostPages or
// has left something.
func (w *fakeWorld) syncPages(ctx context.Context, params SyncPagesParams) (SyncPagesResult, error) {
	w.mu.Lock()
	w.synced = append(w.synced, params)
	w.mu.Unlock()
	if w.pageErr != nil {
		if err := w.pageErr(); err != nil {
			return SyncPagesResult{}, err
		}
	}
	reading, result := params.Reading, SyncPagesResult{PickVersion: "v1"}
	tell := func(id string, now tally.Outcome, failure tally.Failure) {
		order, _ := reading.Orders.Order(id)
		if result.Outcomes = append(result.Outcomes, order); now.HasFailed() {
			result.Failed = append(result.Failed, failure)
		}
	}
	settle := func(id string, outcome tally.Outcome, reason string) {
		if now, changed := reading.Orders.Record(id, outcome, tally.Failure{Reason: reason}); changed {
			tell(id, now, tally.Failure{Reason: reason})
		}
	}
	for pages := 0; reading.Next > 0 && len(result.Pending) == 0 && (w.mostPages == 0 || pages < w.mostPages); pages++ {
		page, err := w.fetchPage(ctx, FetchPageParams{Window: params.Window, PageIndex: reading.Next, Rows: reading.Rest})
		if err != nil {
			if pages > 0 {
				break
			}
			return SyncPagesResult{}, err
		}
		if reading.Orders.Len() == 0 && page.DataCount > params.MostOrders {
			return SyncPagesResult{Crowded: page.DataCount}, nil
		}
		before := reading.Reader
		work, err := reading.Take(page, tell)
		if w.whileSaving != nil {
			w.whileSaving()
		}
		w.mu.Lock()
		for _, order := range work.Newer {
			result.Pending = append(result.Pending, PendingOrder{Order: order})
		}
		var ids []string
		for _, order := range work.New {
			found := w.lookUp([]OrderBill{BillOf(order)})
			if len(found.Finished) > 0 {
				settle(order.ID, tally.AlreadySaved, "")
				continue
			}
			if len(found.Unfinished) > 0 {
				result.Pending = append(result.Pending, PendingOrder{Order: order})
				continue
			}
			ids = append(ids, order.ID)
			done, err := w.save(SaveOrderParams{Flow: params.Flow, PickVersion: page.PickVersion, Order: order, DiscardsAsOf: params.DiscardsAsOf})
			if err != nil {
				result.Pending = append(result.Pending, PendingOrder{Order: order, Attempted: true})
				result.Wait = max(result.Wait, w.delays[order.ID])
				continue
			}
			result.SavedAmount = result.SavedAmount.Add(done.Amount)
			settle(order.ID, done.Outcome, done.Reason)
		}
		for _, skipped := range work.LeftOut {
			if len(w.lookUp([]OrderBill{BillOfLeftOut(*skipped.Order, skipped.Reason)}).Unfinished) > 0 {
				result.Pending = append(result.Pending, PendingOrder{Order: *skipped.Order})
			} else {
				settle(skipped.ID, tally.LeftOut, skipped.Reason)
			}
		}
		w.pages = append(w.pages, ids)
		w.mu.Unlock()
		if err != nil {
			reading.Reader = before
			if pages > 0 {
				break
			}
			return SyncPagesResult{}, temporal.NewNonRetryableApplicationError(err.Error(), fault.As(err).Reason, nil)
		}
	}
	result.Reader = reading.Reader
	return result, nil
}

// countOrders counts the rows, or as count says.
func (w *fakeWorld) countOrders(_ context.Context, params FetchPageParams) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted = append(w.counted, params.Window)
	if w.count != nil {
		return w.count(params.Window)
	}
	return len(w.rows), nil
}

func (w *fakeWorld) readOrder(_ context.Context, params ReadOrderParams) (ReadOrderResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads = append(w.reads, params)
	if w.shown == nil {
		return ReadOrderResult{}, temporal.NewNonRetryableApplicationError("away", "away", nil)
	}
	return w.shown(params), nil
}

func (w *fakeWorld) save(params SaveOrderParams) (SaveOrderResult, error) {
	w.saves[params.Order.ID]++
	w.asked = append(w.asked, params)
	if w.saveErr != nil {
		if err := w.saveErr(params.Order); err != nil {
			return SaveOrderResult{}, err
		}
	}
	if reason, ok := w.leftOut[params.Order.ID]; ok {
		outcome := tally.LeftOut
		if w.billDeleted {
			outcome = tally.BillDeleted
		}
		return SaveOrderResult{Outcome: outcome, BillNumber: params.Order.BillNumber, Reason: reason}, nil
	}
	return SaveOrderResult{Outcome: tally.Saved, BillNumber: params.Order.BillNumber, Amount: w.amount}, nil
}

func (w *fakeWorld) parkOrder(_ context.Context, params ParkOrderParams) (ParkOrderResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parkedAnyway = append(w.parkedAnyway, params.AlsoDiscarded)
	if w.parkErr == nil && !w.discarded {
		w.parked[params.Order.ID] = params.Failure
	}
	return ParkOrderResult{Discarded: w.discarded, AlreadyWaiting: w.waiting[params.Order.ID]}, w.parkErr
}

func (w *fakeWorld) reportRun(_ context.Context, params ReportRunParams) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, params)
	return w.reportErr
}

// refuseOnce refuses the first attempt at each order, but for those named.
func (w *fakeWorld) refuseOnce(but ...string) {
	w.saveErr = func(order contract.Order) error {
		if w.saves[order.ID] == 1 && !slices.Contains(but, order.ID) {
			return temporal.NewApplicationError("调用过多", "call_limit")
		}
		return nil
	}
}

func (w *fakeWorld) remove(index int) {
	w.rows = slices.Delete(w.rows, index, index+1)
}
