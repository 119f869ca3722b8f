package workflows

import (
	"time"

	"github.com/shopspring/decimal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/reconcile"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// The names of the activities on the Temporal server. They are in every history and must
// never change.
const (
	LoadFlowName  = "LoadFlow"
	FetchPageName = "FetchPage"
	FindBillsName = "FindBills"
	SaveOrderName = "SaveOrder"
	SyncPagesName = "SyncPages"
	CountName     = "CountOrders"
	ReadOrderName = "ReadOrder"
	ParkOrderName = "ParkOrder"
	ReportRunName = "ReportRun"
	SendAlertName = "SendAlert"
	CountDayName  = "CountDay"

	ListBillsName    = "ListBills"
	ComparePagesName = "ComparePages"
	CompareBillsName = "CompareBills"

	FindHoldsName   = "FindHolds"
	TellRunsName    = "TellRuns"
	WakeParkedName  = "WakeParked"
	TellWatchesName = "TellWatches"
	RenewTokenName  = "RenewToken"
)

// Plan is what a run needs to know about its flow. LoadFlow reads it once, and the history
// keeps it, so that a run goes on as it began even if the flow file is edited meanwhile.
type Plan struct {
	Flow    string `json:"flow"`
	Title   string `json:"title"`
	Version string `json:"version"`
	Enabled bool   `json:"enabled"`
	// Transport is how the source is called; see [SourceTaskQueue].
	Transport string `json:"transport"`
	// Money: its bills have amounts alone, without quantities.
	Money bool `json:"money,omitempty"`
	// LongestWindow is the longest window.
	LongestWindow time.Duration `json:"longest_window"`
	// Cursor is how the flow finds what is new: contract.CursorTime or
	// contract.CursorRowVersion.
	Cursor string `json:"cursor"`
	// SinceRowVersion is where the first incremental run by row versions starts; nil if
	// the flow does not say.
	SinceRowVersion *int64 `json:"since_row_version,string,omitempty"`
	// Overlap is how far before its watermark an incremental run starts.
	Overlap time.Duration `json:"overlap"`
	// Lag is how far behind now an incremental run ends.
	Lag time.Duration `json:"lag"`
	// Since is where the first incremental run starts; nil if the flow does not say.
	Since         *time.Time `json:"since,omitempty"`
	WindowsAtOnce int        `json:"windows_at_once"`
	// InFlight bounds the orders of one window that are in flight at a time.
	InFlight int `json:"in_flight"`
	// PageSize is how many orders a page of the source has at most.
	PageSize int            `json:"page_size"`
	Retry    contract.Retry `json:"retry"`
	// Grain is contract.GrainAuto, contract.GrainOrder or contract.GrainPage.
	Grain string `json:"grain"`
	// CallsPerSecond is the source's limit over all workers, and Sessions how many calls to
	// Kingdee one worker makes at a time.
	CallsPerSecond float64 `json:"calls_per_second"`
	Sessions       int     `json:"sessions"`
	// TooManyFailures is the percentage of the orders of a page or a run that stops the run
	// if they fail for one cause; 0 never does.
	TooManyFailures int `json:"too_many_failures"`
	// Sweep is nil for a flow without sweeps.
	Sweep *Sweep `json:"sweep,omitempty"`
	// Alerts is nil for a flow without alerts.
	Alerts *AlertSettings `json:"alerts,omitempty"`
}

// Sweep is what a sweep covers: Span, up to Behind before now. What is more recent may not
// have been read at all yet.
type Sweep struct {
	Span   time.Duration `json:"span"`
	Behind time.Duration `json:"behind"`
}

// LoadFlowParams names a flow.
type LoadFlowParams struct {
	Flow string `json:"flow"`
	// Orders are those of a run over given orders: by the flow's key, or by the number of
	// their bill.
	Orders []string `json:"orders,omitempty"`
}

// LoadFlowResult is what a run begins with.
type LoadFlowResult struct {
	Plan
	// SourceTime is the time of the source's clock when the run began, at least; zero if
	// unknown.
	SourceTime time.Time `json:"source_time,omitzero"`
	// SourceAhead is how much that clock is ahead of the worker's, at least, negative if it
	// is behind; 0 if the two agree, or if unknown.
	SourceAhead time.Duration `json:"source_ahead,omitempty"`
	// OrderIDs are the keys of the given orders, each once.
	OrderIDs []string `json:"order_ids,omitempty"`
	// NotKept says what of the flow's text could not be kept for later, and why; zero if all
	// of it is kept.
	NotKept text.Text `json:"not_kept,omitzero"`
	// ProgramVersion is the worker's.
	ProgramVersion string `json:"program_version,omitempty"`
	// Holds are those of the flow that are on; the source is then not asked for its time.
	Holds []contract.Hold `json:"holds,omitempty"`
}

// HoldScope is what a hold concerns: a flow, or with "" all flows of the task queue.
type HoldScope struct {
	Flow string `json:"flow,omitempty"`
}

// FindHoldsResult are the holds of a flow that are on: that of its task queue, and its own.
type FindHoldsResult struct {
	Holds []contract.Hold `json:"holds,omitempty"`
}

// TellRunsResult says how many runs have not answered, so that they may not know which holds
// are on.
type TellRunsResult struct {
	Left int `json:"left,omitempty"`
}

// FetchPageParams names a page of a window, as the source counts pages now, or with StartTS
// the rows from a row version on, or with OrderIDs these orders, on page 1.
type FetchPageParams struct {
	Flow      string `json:"flow"`
	Window    Window `json:"window"`
	PageIndex int    `json:"page_index"`
	// Rows is how many rows at the beginning of the page are to be read, because the others
	// have been read already; 0 for all.
	Rows    int    `json:"rows,omitempty"`
	StartTS *int64 `json:"start_ts,string,omitempty"`
	// OrderIDs are the keys of orders that are looked up among those modified from the
	// window's beginning to now.
	OrderIDs []string `json:"order_ids,omitempty"`
}

func (p FetchPageParams) summary() string {
	switch {
	case len(p.OrderIDs) > 0:
		return SummaryOfOrders(p.OrderIDs)
	case p.StartTS != nil:
		return text.Sprintf("row versions from %d", *p.StartTS)
	}
	return text.Sprintf("%s page %d", p.Window, p.PageIndex)
}

// ReadOrderParams names an order to be read by itself.
type ReadOrderParams struct {
	Flow    string `json:"flow"`
	OrderID string `json:"id"`
	// ChangedAt is when the order was last modified, as far as known: the search begins there.
	ChangedAt time.Time `json:"changed_at"`
}

// ReadOrderResult is an order as the source shows it.
type ReadOrderResult struct {
	PickVersion string `json:"pick_version"`
	// Order is nil if the source does not show it by the flow's parameters.
	Order *contract.Order `json:"order,omitempty"`
}

// FindBillsParams names the bills that orders should have.
type FindBillsParams struct {
	Flow  string      `json:"flow"`
	Bills []OrderBill `json:"bills"`
}

// OrderBill is the bill that an order should have.
type OrderBill struct {
	OrderID   string    `json:"id"`
	Number    string    `json:"bill_number"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Hash is the order's BillHash; see [contract.Order]. Empty for an order that the flow
	// leaves out, which should have no bill, and for one that lacks a number or a value.
	Hash string `json:"bill_hash,omitempty"`
	// LeftOut is why the flow leaves the order out; "" if it does not.
	LeftOut string `json:"left_out,omitempty"`
}

// BillOf is the bill that an order should have.
func BillOf(order contract.Order) OrderBill {
	return OrderBill{OrderID: order.ID, Number: order.BillNumber, ChangedAt: order.ChangedAt, Hash: order.BillHash}
}

// BillOfLeftOut is the bill that a left-out order should not have. It has no hash, so that
// no bill matches it: the bill itself need not show why the order is left out.
func BillOfLeftOut(order contract.Order, reason string) OrderBill {
	bill := BillOf(order)
	bill.Hash, bill.LeftOut = "", reason
	return bill
}

// FindBillsResult says which orders have a bill, by their keys.
type FindBillsResult struct {
	// Finished have one that was made from the current order and has gone as far as the
	// flow wants.
	Finished []string `json:"finished,omitempty"`
	// Unfinished have one that needs a submit, an audit, a person, or a comparison with
	// the order, which may have changed.
	Unfinished []string `json:"unfinished,omitempty"`
}

// SaveOrderParams is an order to be saved.
type SaveOrderParams struct {
	Flow        string         `json:"flow"`
	PickVersion string         `json:"pick_version"`
	Order       contract.Order `json:"order"`
	// Exists means that a bill may be in Kingdee already, so that the first attempt looks
	// first. Otherwise it relies on the look-up that found none.
	Exists bool `json:"exists,omitempty"`
	// Attempted means that SyncPages has attempted to save this order: that counts as an
	// attempt before the first, and its outcome may be open.
	Attempted bool `json:"attempted,omitempty"`
	// Run identifies the run, whose first new bill is the proof for the others; "" for a
	// parked order.
	Run string `json:"run,omitempty"`
	// DiscardsAsOf: the order is left out if a person had discarded it by then, at least.
	// Zero means that it is saved even so: it is parked, or a person has named it.
	DiscardsAsOf time.Time `json:"discards_as_of,omitzero"`
}

// SaveOrderResult is the outcome of an order.
type SaveOrderResult struct {
	Outcome tally.Outcome `json:"outcome"`
	// BillNumber is the bill's FBillNo.
	BillNumber string `json:"bill_number"`
	// Amount is what the order's bills add up to with tax.
	Amount decimal.Decimal `json:"amount,omitzero"`
	// Reason is why the flow leaves the order out.
	Reason string `json:"reason,omitempty"`
	// Differences are the values of the run's proof that Kingdee has otherwise than they
	// were sent.
	Differences text.Text `json:"differences,omitzero"`
	// Unlinked: goods were booked without a link to a source bill, by a flow that links.
	Unlinked bool `json:"unlinked,omitempty"`
}

// SyncPagesParams is a window of which pages are to be read and their orders saved.
type SyncPagesParams struct {
	Flow   string `json:"flow"`
	Window Window `json:"window"`
	// Reading is how far the window is read, and its orders.
	Reading paging.Window `json:"reading"`
	// MostOrders is how many orders the window may have, by the source's count on its first
	// page; if it has more, none is saved.
	MostOrders int `json:"most_orders"`
	// InFlight bounds the orders in flight at a time.
	InFlight int `json:"in_flight"`
	// Run and DiscardsAsOf are as in [SaveOrderParams].
	Run          string    `json:"run,omitempty"`
	DiscardsAsOf time.Time `json:"discards_as_of,omitzero"`
}

// SyncPagesResult is what came of some pages, in the order in which the orders were shown.
type SyncPagesResult struct {
	PickVersion string `json:"pick_version"`
	// Crowded is the source's count of orders if that exceeds MostOrders, so that none was
	// saved; 0 otherwise.
	Crowded int `json:"crowded,omitempty"`
	// Reader is how far the window is read by now.
	Reader paging.Reader `json:"reader"`
	// Outcomes are the orders that have an outcome.
	Outcomes tally.List `json:"outcomes"`
	// Failed are the first failures among Outcomes.
	Failed []tally.Failure `json:"failed,omitempty"`
	// SavedAmount is that of the bills of Outcomes which were saved; see [tally.Tally].
	SavedAmount decimal.Decimal `json:"saved_amount,omitzero"`
	// Pending need a SaveOrder each.
	Pending []PendingOrder `json:"pending,omitempty"`
	// Wait is how long those of Pending that were attempted wait before it.
	Wait time.Duration `json:"wait,omitempty"`
	// Differences are as in [SaveOrderResult].
	Differences []text.Text `json:"differences,omitempty"`
	// Unlinked counts the orders of which goods were booked without a link to a source bill.
	Unlinked int `json:"unlinked,omitempty"`
}

// PendingOrder is an order without an outcome at the end of a SyncPages.
type PendingOrder struct {
	Order contract.Order `json:"order"`
	// Attempted means that saving it failed. Otherwise it has an unfinished bill, or may
	// have one.
	Attempted bool `json:"attempted,omitempty"`
}

// ParkOrderParams is an order that can't be saved, and why.
type ParkOrderParams struct {
	Plan        Plan           `json:"plan"`
	PickVersion string         `json:"pick_version"`
	Order       contract.Order `json:"order"`
	Failure     tally.Failure  `json:"failure"`
	// AlsoDiscarded: the order is parked even if a person has discarded it.
	AlsoDiscarded bool `json:"also_discarded,omitempty"`
}

// ParkOrderResult says where the order waits.
type ParkOrderResult struct {
	// WorkflowID is the order's [ParkedOrder] workflow.
	WorkflowID string `json:"workflow_id"`
	// Discarded means that a person has discarded the order, and it has not changed since, so
	// it was not parked.
	Discarded bool `json:"discarded,omitempty"`
	// AlreadyWaiting means that the order was parked before.
	AlreadyWaiting bool `json:"already_waiting,omitempty"`
}

// ReportRunParams is how an incremental run, a sweep or a daily reconciliation ended.
type ReportRunParams struct {
	Flow  string `json:"flow"`
	Title string `json:"title"`
	// Report is complete except for Waiting, which ReportRun counts.
	Report RunReport `json:"report"`
}

// SendAlertParams is a message for one robot of a flow.
type SendAlertParams struct {
	// Robot is one of the flow's [AlertSettings].Robots.
	Robot  string       `json:"robot"`
	Notice alert.Notice `json:"notice"`
}

// CountDayParams names a day of a flow, from midnight to midnight, Beijing time. The result of
// CountDay is an [alert.Counts].
type CountDayParams struct {
	Flow string    `json:"flow"`
	From time.Time `json:"from"`
	// To is the first moment after the day.
	To time.Time `json:"to"`
}

// UnknownRobot is the type of the error with which SendAlert fails if the flow no longer
// has that robot.
const UnknownRobot = "unknown_robot"

// Comparison is what a reconciliation compares.
type Comparison struct {
	Flow string `json:"flow"`
	// Range bounds the times of the orders and the days of the bills that count.
	Range Window `json:"range"`
	// Tolerance is how far two amounts may be apart.
	Tolerance decimal.Decimal `json:"tolerance"`
}

// ListBillsParams asks for the bills dated in the range whose id is above After.
type ListBillsParams struct {
	Comparison
	After int64 `json:"after"`
}

// ListBillsResult are some of these bills, in the order of their ids.
type ListBillsResult struct {
	// Bills are packed; see [reconcile.PackIDs].
	Bills []byte `json:"bills,omitempty"`
	// Last is the highest id of them.
	Last int64 `json:"last"`
	// Complete means that no further bill follows.
	Complete bool `json:"complete,omitempty"`
}

// ComparePagesParams is a window of which pages are to be read and their orders compared
// with Kingdee.
type ComparePagesParams struct {
	Comparison
	Window Window `json:"window"`
	// Reading is how far the window is read, and its orders.
	Reading paging.Window `json:"reading"`
	// MostOrders is as in [SyncPagesParams].
	MostOrders int `json:"most_orders"`
}

// ComparePagesResult is what came of some pages. Each order counts as it was first shown.
type ComparePagesResult struct {
	// Crowded is as in [SyncPagesResult].
	Crowded int `json:"crowded,omitempty"`
	// Reader is how far the window is read by now, and Shown the orders that were new.
	Reader paging.Reader `json:"reader"`
	Shown  tally.List    `json:"shown"`
	ComparedRows
}

// ComparedRows are rows of a report, and their sums.
type ComparedRows struct {
	// Rows are packed; see [reconcile.PackRows].
	Rows []byte         `json:"rows,omitempty"`
	Sums reconcile.Sums `json:"sums"`
	// Bills are the ids (FID) that the rows account for, packed; see [reconcile.PackIDs].
	Bills []byte `json:"bills,omitempty"`
}

// CompareBillsParams are bills that no order of the windows accounts for.
type CompareBillsParams struct {
	Comparison
	// All are the ids (FID) of all of them, packed; the bills First up to, but without,
	// Behind are to be compared.
	All    []byte `json:"all"`
	First  int    `json:"first"`
	Behind int    `json:"behind"`
	// ReadFrom is where the search begins for an order whose last change is unknown.
	ReadFrom time.Time `json:"read_from"`
}

// TellWatchesParams is a hold of which the robots are to be told.
type TellWatchesParams struct {
	// HoldID is the id of the Hold workflow.
	HoldID string        `json:"hold_id"`
	Hold   contract.Hold `json:"hold"`
}

// FailureDetails are the details of each *temporal.ApplicationError with which an activity
// or a workflow fails; the reason is its type.
type FailureDetails struct {
	// Message is the error's message, for programs of any language.
	Message text.Text `json:"message,omitzero"`
	// Field is the vendor's name of the field at fault, where known.
	Field string `json:"field,omitempty"`
	// Orders is how many orders a window has, with [WindowCut].
	Orders int `json:"orders,omitempty"`
	// Tally is what the window did before, with [WindowUnfinished].
	Tally *tally.Tally `json:"tally,omitempty"`
	// Result is what the run did before, with [RunUnfinished].
	Result *SyncFlowResult `json:"result,omitempty"`
}

// loadFlow asks a worker for the flow, and for the keys of the orders that a run is given.
// It does not depend on the source.
func loadFlow(ctx workflow.Context, name string, orders []string) (LoadFlowResult, error) {
	ctx = withHousekeeping(ctx, 30*time.Second, 5, text.Sprintf("load flow %s", name))
	var result LoadFlowResult
	err := workflow.ExecuteActivity(ctx, LoadFlowName, LoadFlowParams{Flow: name, Orders: orders}).Get(ctx, &result)
	return result, err
}

// fetchPage starts reading a page from the source; the result is a [paging.Page].
func fetchPage(ctx workflow.Context, plan Plan, params FetchPageParams) workflow.Future {
	if len(params.OrderIDs) > 0 {
		ctx = withLookUp(ctx, plan, params.summary())
	} else {
		ctx = withSourceCall(ctx, plan, params.summary())
	}
	return workflow.ExecuteActivity(ctx, FetchPageName, params)
}

// findBills asks Kingdee which bills exist.
func findBills(ctx workflow.Context, plan Plan, pageIndex int, bills []OrderBill) (FindBillsResult, error) {
	ctx = withKingdeeCalls(ctx, plan, text.Sprintf("look up %d bills of page %d", len(bills), pageIndex))
	var found FindBillsResult
	err := workflow.ExecuteActivity(ctx, FindBillsName, FindBillsParams{Flow: plan.Flow, Bills: bills}).Get(ctx, &found)
	return found, err
}

// runOf identifies the run of a window; "" outside a run.
func runOf(ctx workflow.Context) string {
	if run := workflow.GetInfo(ctx).ParentWorkflowExecution; run != nil {
		return run.RunID
	}
	return ""
}

// saveOrder maps an order and saves its bill.
func saveOrder(ctx workflow.Context, plan Plan, params SaveOrderParams) (SaveOrderResult, error) {
	summary := text.Join(" · ", text.New("order %s → bill %s", params.Order.ID, params.Order.BillNumber), params.Order.Shop)
	ctx = withKingdeeCalls(ctx, plan, shortSummary(summary))
	params.Run = runOf(ctx)
	var result SaveOrderResult
	err := workflow.ExecuteActivity(ctx, SaveOrderName, params).Get(ctx, &result)
	return result, err
}

// syncPages starts reading pages from the source and saving their orders; the result is a
// [SyncPagesResult]. If cancelled, it returns what it has done.
func syncPages(ctx workflow.Context, plan Plan, params SyncPagesParams) workflow.Future {
	ctx = withPages(ctx, plan, text.Sprintf("%s from page %d → bills", params.Window, params.Reading.Next))
	params.Run = runOf(ctx)
	return workflow.ExecuteActivity(ctx, SyncPagesName, params)
}

// listBills lists bills dated in the range of a reconciliation.
func listBills(ctx workflow.Context, plan Plan, params ListBillsParams) (ListBillsResult, error) {
	ctx = withKingdeeCalls(ctx, plan, text.Sprintf("list the bills dated %s", params.Range))
	var result ListBillsResult
	err := workflow.ExecuteActivity(ctx, ListBillsName, params).Get(ctx, &result)
	return result, err
}

// comparePages reads pages from the source and compares their orders.
func comparePages(ctx workflow.Context, plan Plan, params ComparePagesParams) (ComparePagesResult, error) {
	ctx = withPages(ctx, plan, text.Sprintf("%s from page %d ↔ bills", params.Window, params.Reading.Next))
	var result ComparePagesResult
	err := workflow.ExecuteActivity(ctx, ComparePagesName, params).Get(ctx, &result)
	return result, err
}

// compareBills compares bills that no order of the windows accounts for.
func compareBills(ctx workflow.Context, plan Plan, params CompareBillsParams) (ComparedRows, error) {
	ctx = withPages(ctx, plan, text.Sprintf("bills %d to %d ↔ orders", params.First+1, params.Behind))
	var result ComparedRows
	err := workflow.ExecuteActivity(ctx, CompareBillsName, params).Get(ctx, &result)
	return result, err
}

// countOrders starts asking the source how many orders a window has; the result is an int.
func countOrders(ctx workflow.Context, plan Plan, window Window) workflow.Future {
	params := FetchPageParams{Flow: plan.Flow, Window: window, PageIndex: 1}
	ctx = withSourceCall(ctx, plan, text.Sprintf("%s: how many orders", window))
	return workflow.ExecuteActivity(ctx, CountName, params)
}

// readOrder reads an order anew. It does not wait for long: the workflow can go on with the
// version that it has.
func readOrder(ctx workflow.Context, plan Plan, params ReadOrderParams) (ReadOrderResult, error) {
	ctx = withBriefSourceCall(ctx, plan, shortSummary(text.New("read order %s", params.OrderID)))
	var result ReadOrderResult
	err := workflow.ExecuteActivity(ctx, ReadOrderName, params).Get(ctx, &result)
	return result, err
}

// parkOrder gives an order that can't be saved a workflow of its own, in which it waits.
func parkOrder(ctx workflow.Context, params ParkOrderParams) (ParkOrderResult, error) {
	ctx = withHousekeeping(ctx, time.Minute, 10, shortSummary(text.New("park order %s · %s", params.Order.ID, params.Failure.Reason)))
	var result ParkOrderResult
	err := workflow.ExecuteActivity(ctx, ParkOrderName, params).Get(ctx, &result)
	return result, err
}

// reportRun reports to the flow's WatchFlow how a run ended.
func reportRun(ctx workflow.Context, params ReportRunParams) error {
	ctx = withHousekeeping(ctx, 30*time.Second, 5, text.Sprintf("report the run to %s", WatchFlowID(params.Flow)))
	return workflow.ExecuteActivity(ctx, ReportRunName, params).Get(ctx, nil)
}

// countDay adds up what runs did on a day.
func countDay(ctx workflow.Context, params CountDayParams) (alert.Counts, error) {
	ctx = withHousekeeping(ctx, time.Minute, 8, text.Sprintf("count the runs of %s", beijing.Day(params.From)))
	var counts alert.Counts
	err := workflow.ExecuteActivity(ctx, CountDayName, params).Get(ctx, &counts)
	return counts, err
}

// sendAlert starts sending a message to a robot.
func sendAlert(ctx workflow.Context, params SendAlertParams) workflow.Future {
	ctx = withRobotCall(ctx, text.Sprintf("notify %s", params.Robot))
	return workflow.ExecuteActivity(ctx, SendAlertName, params)
}

// findHolds asks the server which holds of a flow are on. It retries until it knows.
func findHolds(ctx workflow.Context, flow string) ([]contract.Hold, error) {
	ctx = withHousekeeping(ctx, 10*time.Second, 0, text.Sprintf("look for holds"))
	var found FindHoldsResult
	err := workflow.ExecuteActivity(ctx, FindHoldsName, HoldScope{Flow: flow}).Get(ctx, &found)
	return found.Holds, err
}

// tellRuns starts having the runs under way look which holds are on; the result is a
// [TellRunsResult].
func tellRuns(ctx workflow.Context, flow string) workflow.Future {
	ctx = withHousekeeping(ctx, 2*time.Minute, 0, text.Sprintf("have the runs under way look for holds"))
	return workflow.ExecuteActivity(ctx, TellRunsName, HoldScope{Flow: flow})
}

// wakeParked starts having the parked orders that put off an attempt make it.
func wakeParked(ctx workflow.Context, flow string) workflow.Future {
	ctx = withHousekeeping(ctx, 10*time.Minute, 0, text.Sprintf("wake the parked orders"))
	return workflow.ExecuteActivity(ctx, WakeParkedName, HoldScope{Flow: flow})
}

// tellWatches tells the WatchFlow workflows that a hold began, changed or ended.
func tellWatches(ctx workflow.Context, hold contract.Hold) error {
	ctx = withHousekeeping(ctx, time.Minute, 5, text.Sprintf("tell the robots' watches"))
	params := TellWatchesParams{HoldID: workflow.GetInfo(ctx).WorkflowExecution.ID, Hold: hold}
	return workflow.ExecuteActivity(ctx, TellWatchesName, params).Get(ctx, nil)
}
