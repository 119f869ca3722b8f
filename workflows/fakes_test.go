package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"refundsync/internal/flow"
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
	rows        []flow.Order
	pageSize    int
	skipped     map[string]string // as_id → reason
	outside     map[string]bool   // as_ids of a neighbouring window
	// as_ids of the orders whose bills exist, as they are wanted or otherwise
	finished, unfinished map[string]bool
	leftOut              map[string]string // as_id → reason for which SaveOrder leaves it out
	versions             []versionedRow    // instead of rows, for reading by row versions

	// beforeFetch may change the rows, as a source does while it is read.
	beforeFetch func(w *fakeWorld, call int)
	fetchErr    func(call int) error
	// changePage may change what a call answers.
	changePage func(call int, page *FetchPageResult)
	saveErr    func(order flow.Order) error
	// busyFirst fails the first attempt at every order.
	busyFirst bool
	parkErr   error
	discarded bool
	reportErr error
	// whileLooking runs in the middle of a FindBills, beside others.
	whileLooking func()
	// whileSaving runs in the middle of a save, beside others.
	whileSaving func()
	// pageErr fails SavePage as a whole, and SyncPage once it has read.
	pageErr func() error
	// delays are for which SavePage asks before the next attempt at an order.
	delays map[string]time.Duration

	// syncPages has windows use SyncPage.
	syncPages bool
	// booked are the orders whose bills SyncPage finds, as they were saved.
	booked map[string]flow.Order

	fetches []int
	looked  []OrderBill // in all look-ups
	saves   map[string]int
	asked   []SaveOrderParams // of all saves, in the order in which they ended
	pages   [][]string        // as_ids that SavePage and SyncPage saved, or tried to
	synced  []SyncPageParams
	savings []SavePageParams
	parked  map[string]Failure
	waiting map[string]bool // as_id of those parked by an earlier run
	reports []ReportRunParams
	windows []Window
}

func newFakeWorld(orders int) *fakeWorld {
	w := &fakeWorld{
		plan: Plan{
			Flow: "refund_to_return", Title: "test", Version: "v1", Enabled: true,
			LongestWindow: time.Hour, Overlap: 10 * time.Minute, Lag: 5 * time.Minute,
			WindowsAtOnce: 3, InFlight: 5,
			TooManyFailures: 80,
			Retry:           Retry{Attempts: 3, First: time.Second, Factor: 2, Longest: time.Minute},
		},
		pageSize: 4,
		skipped:  map[string]string{},
		outside:  map[string]bool{},
		finished: map[string]bool{},
		booked:   map[string]flow.Order{},
		saves:    map[string]int{},
		parked:   map[string]Failure{},
	}
	for i := range orders {
		w.add(i)
	}
	return w
}

func (w *fakeWorld) add(i int) {
	id := fmt.Sprintf("7%04d", i)
	w.rows = append(w.rows, flow.Order{ID: id, BillNumber: id, Shop: "shop", Fields: json.RawMessage(`"` + id + `"`)})
}

func (w *fakeWorld) register(env *testsuite.TestWorkflowEnvironment) {
	register := func(f any, name string) {
		env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	register(w.loadFlow, LoadFlowName)
	register(w.fetchPage, FetchPageName)
	register(w.findBills, FindBillsName)
	register(w.saveOrder, SaveOrderName)
	register(w.savePage, SavePageName)
	register(w.syncPage, SyncPageName)
	register(w.parkOrder, ParkOrderName)
	register(w.reportRun, ReportRunName)
}

// ways are those in which a window can save its orders.
var ways = []string{"an order", "a page", "a page that is read and saved at once"}

// by has the windows go one of the ways. A page must not have more orders than may be
// in flight.
func (w *fakeWorld) by(way string) {
	w.syncPages = way == ways[2]
	if way != ways[0] {
		w.plan.Grain = flow.GrainPage
	}
}

// eachWay runs a test each way.
func eachWay(t *testing.T, name string, test func(t *testing.T, way string)) {
	t.Helper()
	for _, way := range ways {
		t.Run(name+", by "+way, func(t *testing.T) { test(t, way) })
	}
}

// input is that of a window.
func (w *fakeWorld) input() SyncWindowInput {
	w.plan.PageSize = w.pageSize
	return SyncWindowInput{Plan: w.plan, Window: testWindow, SyncPages: w.syncPages}
}

func (w *fakeWorld) loadFlow(context.Context, LoadFlowParams) (LoadFlowResult, error) {
	return LoadFlowResult{Plan: w.plan, SourceTime: w.sourceTime, SourceAhead: w.sourceAhead}, nil
}

func (w *fakeWorld) fetchPage(_ context.Context, params FetchPageParams) (FetchPageResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches = append(w.fetches, params.PageIndex)
	w.windows = append(w.windows, params.Window)
	if w.beforeFetch != nil {
		w.beforeFetch(w, len(w.fetches))
	}
	if w.fetchErr != nil {
		if err := w.fetchErr(len(w.fetches)); err != nil {
			return FetchPageResult{}, err
		}
	}
	if params.StartTS != nil {
		return w.fetchVersions(params)
	}
	page := FetchPageResult{
		PickVersion: "v1",
		DataCount:   len(w.rows),
		PageCount:   (len(w.rows) + w.pageSize - 1) / w.pageSize,
	}
	first := min((params.PageIndex-1)*w.pageSize, len(w.rows))
	for _, row := range w.rows[first:min(first+w.pageSize, len(w.rows))] {
		if reason, ok := w.skipped[row.ID]; ok {
			page.Skipped = append(page.Skipped, SkippedOrder{ID: row.ID, Reason: reason, ChangedAt: row.ChangedAt, Order: &row})
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

// savePage saves one order after the other, as saveOrder would.
func (w *fakeWorld) savePage(_ context.Context, params SavePageParams) (SavePageResult, error) {
	if w.whileSaving != nil {
		w.whileSaving()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.savings = append(w.savings, params)
	result := SavePageResult{Done: map[string]SaveOrderResult{}, NotDone: map[string]NotDone{}}
	if params.LookUp {
		bills := slices.Clone(params.LeftOut)
		for _, order := range params.Orders {
			bills = append(bills, BillOf(order))
		}
		result.Found = w.lookUp(bills)
	}
	orders := slices.DeleteFunc(slices.Clone(params.Orders), func(order flow.Order) bool {
		return slices.Contains(result.Found.Finished, order.ID) || slices.Contains(result.Found.Unfinished, order.ID)
	})
	var ids []string
	for _, order := range orders {
		ids = append(ids, order.ID)
	}
	w.pages = append(w.pages, ids)
	if w.pageErr != nil {
		if err := w.pageErr(); err != nil {
			return SavePageResult{}, err
		}
	}
	for _, order := range orders {
		done, err := w.save(SaveOrderParams{Flow: params.Flow, PickVersion: params.PickVersion, Order: order})
		var application *temporal.ApplicationError
		if errors.As(err, &application) {
			result.NotDone[order.ID] = NotDone{
				Reason: application.Type(), Message: application.Message(), Final: application.NonRetryable(), Delay: w.delays[order.ID],
			}
		} else {
			result.Done[order.ID] = done
		}
	}
	return result, nil
}

// syncPage reads a page and saves one of its orders after the other.
func (w *fakeWorld) syncPage(ctx context.Context, params SyncPageParams) (SyncPageResult, error) {
	page, err := w.fetchPage(ctx, params.FetchPageParams)
	if err != nil {
		return SyncPageResult{}, temporal.NewNonRetryableApplicationError(err.Error(), PageUntouched, err)
	}
	if params.MostOrders > 0 && page.DataCount > params.MostOrders {
		return SyncPageResult{FetchPageResult: FetchPageResult{PickVersion: page.PickVersion, PageCount: page.PageCount, DataCount: page.DataCount}}, nil
	}
	if w.whileSaving != nil {
		w.whileSaving()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.synced = append(w.synced, params)
	shown := map[string]int{}
	for _, order := range page.Orders {
		shown[order.ID]++
	}
	for _, skipped := range page.Skipped {
		shown[skipped.ID]++
	}
	apart := func(id string) bool { return shown[id] > 1 || slices.Contains(params.LeaveAlone, id) }
	result := SyncPageResult{FetchPageResult: page, NotDone: map[string]NotDone{}}
	result.Orders = nil
	var unsaved []flow.Order
	for _, order := range page.Orders {
		w.looked = append(w.looked, BillOf(order))
		booked, ok := w.booked[order.ID]
		if !ok && w.finished[order.ID] {
			booked, ok = order, true
			w.booked[order.ID] = order
		}
		switch {
		case apart(order.ID), ok && seen(booked).isNewer(seen(order)), !ok && w.unfinished[order.ID]:
			result.Orders = append(result.Orders, order)
		case ok:
			result.Settled = append(result.Settled, Settled(order, SaveOrderResult{Outcome: AlreadySaved}))
		default:
			unsaved = append(unsaved, order)
		}
	}
	for i, skipped := range page.Skipped {
		w.looked = append(w.looked, BillOfLeftOut(*skipped.Order))
		if !apart(skipped.ID) && !w.unfinished[skipped.ID] {
			result.Skipped[i].Order = nil
		}
	}
	var ids []string
	for _, order := range unsaved {
		ids = append(ids, order.ID)
	}
	w.pages = append(w.pages, ids)
	if w.pageErr != nil {
		if err := w.pageErr(); err != nil {
			return SyncPageResult{}, err
		}
	}
	for _, order := range unsaved {
		done, err := w.save(SaveOrderParams{Flow: params.Flow, PickVersion: page.PickVersion, Order: order})
		var application *temporal.ApplicationError
		if errors.As(err, &application) {
			result.Orders = append(result.Orders, order)
			result.NotDone[order.ID] = NotDone{
				Reason: application.Type(), Message: application.Message(), Final: application.NonRetryable(), Delay: w.delays[order.ID],
			}
		} else {
			result.Settled = append(result.Settled, Settled(order, done))
		}
	}
	return result, nil
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
		return SaveOrderResult{Outcome: LeftOut, BillNumber: params.Order.BillNumber, Reason: reason}, nil
	}
	w.booked[params.Order.ID] = params.Order
	return SaveOrderResult{Outcome: Saved, BillNumber: params.Order.BillNumber}, nil
}

func (w *fakeWorld) parkOrder(_ context.Context, params ParkOrderParams) (ParkOrderResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
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

// keepPlaces makes each order so large, and has it keep its place for an hour: it is
// refused at first.
func (w *fakeWorld) keepPlaces(bytes int) {
	w.delays = map[string]time.Duration{}
	for i, row := range w.rows {
		w.sized(i, bytes)
		w.delays[row.ID] = time.Hour
	}
	w.refuseOnce()
}

// sized has an order be about so large.
func (w *fakeWorld) sized(row int, bytes int) {
	w.rows[row].Fields = json.RawMessage(`"` + strings.Repeat("x", bytes) + `"`)
}

// refuseOnce refuses the first attempt at each order, but for those named.
func (w *fakeWorld) refuseOnce(but ...string) {
	w.saveErr = func(order flow.Order) error {
		if w.saves[order.ID] == 1 && !slices.Contains(but, order.ID) {
			return temporal.NewApplicationError("调用过多", "call_limit")
		}
		return nil
	}
}

func (w *fakeWorld) remove(index int) {
	w.rows = slices.Delete(w.rows, index, index+1)
}
