package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// The names under which the activities are known to the Temporal server. They
// are in every history and must never change.
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
)

// Plan is what a run needs to know of its flow. It is read once, by LoadFlow,
// and kept in the history, so that a run goes on as it began even when the
// flow file is edited meanwhile.
type Plan struct {
	Flow    string `json:"flow"`
	Title   string `json:"title"`
	Version string `json:"version"`
	Enabled bool   `json:"enabled"`
	// LongestWindow is the longest span that is read at a time.
	LongestWindow time.Duration `json:"longest_window"`
	// Cursor is the flow's way to find what is new: contract.CursorTime or
	// contract.CursorRowVersion.
	Cursor string `json:"cursor"`
	// SinceRowVersion is where the first incremental run by row versions starts;
	// nil where the flow does not say.
	SinceRowVersion *int64 `json:"since_row_version,string,omitempty"`
	// Overlap is how far before its watermark an incremental run starts.
	Overlap time.Duration `json:"overlap"`
	// Lag is how far behind now an incremental run ends.
	Lag time.Duration `json:"lag"`
	// Since is where the first incremental run starts; nil where the flow does
	// not say.
	Since         *time.Time `json:"since,omitempty"`
	WindowsAtOnce int        `json:"windows_at_once"`
	// InFlight bounds the orders of one window that are being saved at a time.
	InFlight int `json:"in_flight"`
	// PageSize is how many orders a page of the source has at most.
	PageSize int   `json:"page_size"`
	Retry    Retry `json:"retry"`
	// Grain is contract.GrainAuto, contract.GrainOrder or contract.GrainPage.
	Grain string `json:"grain"`
	// CallsPerSecond is the source's allowance, over all workers, and Sessions how many
	// calls to Kingdee one worker makes at a time.
	CallsPerSecond float64 `json:"calls_per_second"`
	Sessions       int     `json:"sessions"`
	// TooManyFailures is the share of a page's or a run's orders, in percent, that stops
	// the run if they fail for one cause; 0 never does.
	TooManyFailures int `json:"too_many_failures"`
	// Sweep is nil for a flow that does not read again.
	Sweep *Sweep `json:"sweep,omitempty"`
	// Alerts is nil for a flow that tells nobody.
	Alerts *AlertSettings `json:"alerts,omitempty"`
}

// Sweep is what a run that reads again covers: so much, up to Behind before now. What is
// nearer may not have been read at all.
type Sweep struct {
	Span   time.Duration `json:"span"`
	Behind time.Duration `json:"behind"`
}

// Retry says how often and at which intervals a call is tried again.
type Retry struct {
	Attempts int           `json:"attempts"`
	First    time.Duration `json:"first"`
	Factor   int           `json:"factor"`
	Longest  time.Duration `json:"longest"`
}

func (r Retry) policy() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    r.First,
		BackoffCoefficient: float64(r.Factor),
		MaximumInterval:    r.Longest,
		MaximumAttempts:    int32(r.Attempts),
	}
}

// LoadFlowParams names a flow.
type LoadFlowParams struct {
	Flow string `json:"flow"`
}

// LoadFlowResult is what a run begins with.
type LoadFlowResult struct {
	Plan
	// SourceTime is what the source's clock showed at least when the run began; zero
	// where it is not known.
	SourceTime time.Time `json:"source_time,omitzero"`
	// SourceAhead is by how much that clock is ahead of the worker's at least, negative
	// where it is behind; 0 where the two agree, or it is not known.
	SourceAhead time.Duration `json:"source_ahead,omitempty"`
}

// FetchPageParams names a page of a window, as the source counts pages now, or
// with StartTS the rows from a row version on.
type FetchPageParams struct {
	Flow      string `json:"flow"`
	Window    Window `json:"window"`
	PageIndex int    `json:"page_index"`
	// Rows is how many rows of the page are to be read, those at its beginning: the
	// others have come already. 0 is all.
	Rows    int    `json:"rows,omitempty"`
	StartTS *int64 `json:"start_ts,string,omitempty"`
}

func (p FetchPageParams) summary() string {
	if p.StartTS != nil {
		return fmt.Sprintf("行版本自 row versions from %d", *p.StartTS)
	}
	return fmt.Sprintf("%s 第 %d 页 page %d", p.Window, p.PageIndex, p.PageIndex)
}

// ReadOrderParams names an order that is to be read by itself.
type ReadOrderParams struct {
	Flow    string `json:"flow"`
	OrderID string `json:"as_id"`
	// ChangedAt is when it was modified as far as is known: not before is it looked for.
	ChangedAt time.Time `json:"changed_at"`
}

// ReadOrderResult is an order as the source shows it.
type ReadOrderResult struct {
	PickVersion string `json:"pick_version"`
	// Order is nil where the source shows none, by the flow's parameters.
	Order *contract.Order `json:"order,omitempty"`
}

// FindBillsParams names the bills that orders are to have.
type FindBillsParams struct {
	Flow  string      `json:"flow"`
	Bills []OrderBill `json:"bills"`
}

// OrderBill is the bill that an order is to have.
type OrderBill struct {
	OrderID   string    `json:"as_id"`
	Number    string    `json:"bill_number"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Hash is the order's BillHash; see [contract.Order]. Empty for an order that the
	// flow leaves out, which is to have no bill.
	Hash string `json:"bill_hash,omitempty"`
	// LeftOut is why the flow leaves the order out; "" if it does not. An order without a
	// number or a value that it needs has no hash either.
	LeftOut string `json:"left_out,omitempty"`
}

// BillOf is the bill that an order is to have.
func BillOf(order contract.Order) OrderBill {
	return OrderBill{OrderID: order.ID, Number: order.BillNumber, ChangedAt: order.ChangedAt, Hash: order.BillHash}
}

// BillOfLeftOut is the bill that an order is not to have. Without a hash it has none
// that would do: what makes it one to leave out need not stand in the bill.
func BillOfLeftOut(order contract.Order, reason string) OrderBill {
	bill := BillOf(order)
	bill.Hash, bill.LeftOut = "", reason
	return bill
}

// FindBillsResult says which orders have a bill, by their as_id.
type FindBillsResult struct {
	// Finished have one that was made from the order as it is, and has gone as
	// far as the flow wants it to.
	Finished []string `json:"finished,omitempty"`
	// Unfinished have one that wants a submit, an audit, a comparison with the
	// order, which may have changed, or a person's look.
	Unfinished []string `json:"unfinished,omitempty"`
}

// SaveOrderParams is one order that is to become a bill.
type SaveOrderParams struct {
	Flow        string         `json:"flow"`
	PickVersion string         `json:"pick_version"`
	Order       contract.Order `json:"order"`
	// Exists tells that the bill is in Kingdee already, unfinished. Otherwise
	// the first attempt saves by the look-up that found none.
	Exists bool `json:"exists,omitempty"`
	// Tried tells that SyncPages has tried this order: it counts as an attempt
	// before the first, and its outcome may be open.
	Attempted bool `json:"attempted,omitempty"`
	// Run identifies the run whose first new bill proves the way for the others; "" for
	// a parked order.
	Run string `json:"run,omitempty"`
}

// SaveOrderResult tells what became of the order.
type SaveOrderResult struct {
	Outcome tally.Outcome `json:"outcome"`
	// BillNumber is the bill's FBillNo.
	BillNumber string `json:"bill_number"`
	// Reason is why an order is LeftOut.
	Reason string `json:"reason,omitempty"`
	// Differences are what Kingdee has otherwise than it was sent, of the bill that
	// proved the way.
	Differences text.Text `json:"differences,omitzero"`
}

// SyncPagesParams are pages of a window that are to be read, and their orders saved.
type SyncPagesParams struct {
	Flow   string `json:"flow"`
	Window Window `json:"window"`
	// Reading is how far the window is read, and what it has shown.
	Reading paging.Window `json:"reading"`
	// MostOrders is how many orders the window may have, by the source's count on its
	// first page, for one to be saved.
	MostOrders int `json:"most_orders"`
	// InFlight bounds the orders that are being saved at a time.
	InFlight int `json:"in_flight"`
	// Run is as in [SaveOrderParams].
	Run string `json:"run,omitempty"`
}

// SyncPagesResult is what came of some pages. It is in the order in which the orders
// were shown.
type SyncPagesResult struct {
	PickVersion string `json:"pick_version"`
	// Crowded is how many orders the source counts, where these are over MostOrders and
	// none was saved; 0 otherwise.
	Crowded int `json:"crowded,omitempty"`
	// Reader is how far the window is read by now.
	Reader paging.Reader `json:"reader"`
	// Settled are the orders of which it is known what became of them.
	Outcomes tally.List `json:"outcomes"`
	// Failed are the first of those of Settled that failed.
	Failed []tally.Failure `json:"failed,omitempty"`
	// Left want a SaveOrder of their own.
	Pending []PendingOrder `json:"pending,omitempty"`
	// Wait is for how long those of Left that were tried wait before that.
	Wait time.Duration `json:"wait,omitempty"`
	// Differences are as in [SaveOrderResult].
	Differences []text.Text `json:"differences,omitempty"`
}

// PendingOrder is an order that SyncPages has not brought to its end.
type PendingOrder struct {
	Order contract.Order `json:"order"`
	// Tried tells that saving it did not succeed. Otherwise it has a bill that wants
	// more than a look, or may have one.
	Attempted bool `json:"attempted,omitempty"`
}

// ParkOrderParams is an order that can't be saved, and why.
type ParkOrderParams struct {
	Plan        Plan           `json:"plan"`
	PickVersion string         `json:"pick_version"`
	Order       contract.Order `json:"order"`
	Failure     tally.Failure  `json:"failure"`
}

// ParkOrderResult tells where the order waits.
type ParkOrderResult struct {
	// WorkflowID is the order's [ParkedOrder] workflow.
	WorkflowID string `json:"workflow_id"`
	// Discarded is set when a person has discarded this very order before; it
	// is not parked again.
	Discarded bool `json:"discarded,omitempty"`
	// AlreadyWaiting is set when an earlier run had parked the order.
	AlreadyWaiting bool `json:"already_waiting,omitempty"`
}

// ReportRunParams is how an incremental run ended.
type ReportRunParams struct {
	Flow  string `json:"flow"`
	Title string `json:"title"`
	// Report is complete but for Waiting, which ReportRun counts.
	Report RunReport `json:"report"`
}

// SendAlertParams is a message for one robot of a flow.
type SendAlertParams struct {
	// Robot is one of the flow's [AlertSettings].Robots.
	Robot  string       `json:"robot"`
	Notice alert.Notice `json:"notice"`
}

// UnknownRobot is the type of the error with which SendAlert fails when the flow
// names no such robot any more.
const UnknownRobot = "unknown_robot"

// FailureDetails are the details of each *temporal.ApplicationError with which an activity
// or a workflow fails, beside the reason, which is its type.
type FailureDetails struct {
	// Message is the error's, for programs of any language.
	Message text.Text `json:"message,omitzero"`
	// Field is the vendor's name of the field at fault, where known.
	Field string `json:"field,omitempty"`
	// Orders is how many orders a window has, with [WindowCut].
	Orders int `json:"orders,omitempty"`
	// Tally is what a window did before, with [WindowUnfinished].
	Tally *tally.Tally `json:"tally,omitempty"`
	// Result is what a run did before, with [RunUnfinished].
	Result *SyncRefundsResult `json:"result,omitempty"`
}

// loadFlow asks a worker for the flow. It does not depend on the source's answer.
func loadFlow(ctx workflow.Context, name string) (LoadFlowResult, error) {
	ctx = withHousekeeping(ctx, 10*time.Second, 5, "读取流程 load flow "+name)
	var result LoadFlowResult
	err := workflow.ExecuteActivity(ctx, LoadFlowName, LoadFlowParams{Flow: name}).Get(ctx, &result)
	return result, err
}

// fetchPage begins to read a page from the source, which is a [paging.Page].
func fetchPage(ctx workflow.Context, plan Plan, params FetchPageParams) workflow.Future {
	ctx = withSourceCall(ctx, plan, params.summary())
	return workflow.ExecuteActivity(ctx, FetchPageName, params)
}

// findBills asks Kingdee which bills exist.
func findBills(ctx workflow.Context, plan Plan, pageIndex int, bills []OrderBill) (FindBillsResult, error) {
	ctx = withKingdeeCalls(ctx, plan, fmt.Sprintf("第 %d 页的 %d 张单据是否已存在 which bills of page %d exist", pageIndex, len(bills), pageIndex))
	var found FindBillsResult
	err := workflow.ExecuteActivity(ctx, FindBillsName, FindBillsParams{Flow: plan.Flow, Bills: bills}).Get(ctx, &found)
	return found, err
}

// runOf identifies the run that a window is part of; "" outside of one.
func runOf(ctx workflow.Context) string {
	if run := workflow.GetInfo(ctx).ParentWorkflowExecution; run != nil {
		return run.RunID
	}
	return ""
}

// saveOrder maps an order and saves its bill.
func saveOrder(ctx workflow.Context, plan Plan, params SaveOrderParams) (SaveOrderResult, error) {
	summary := fmt.Sprintf("售后单 %s → 销售退货单 %s", params.Order.ID, params.Order.BillNumber)
	if params.Order.Shop != "" {
		summary += " · " + params.Order.Shop
	}
	ctx = withKingdeeCalls(ctx, plan, shortSummary(summary))
	params.Run = runOf(ctx)
	var result SaveOrderResult
	err := workflow.ExecuteActivity(ctx, SaveOrderName, params).Get(ctx, &result)
	return result, err
}

// syncPages begins to read pages from the source and save their orders, which is a
// [SyncPagesResult]. Cancelled, it gives what it has done.
func syncPages(ctx workflow.Context, plan Plan, params SyncPagesParams) workflow.Future {
	ctx = withPages(ctx, plan, fmt.Sprintf("%s 自第 %d 页 from page %d → 销售退货单", params.Window, params.Reading.Next, params.Reading.Next))
	params.Run = runOf(ctx)
	return workflow.ExecuteActivity(ctx, SyncPagesName, params)
}

// countOrders begins to ask the source how many orders a window has, which is an int.
func countOrders(ctx workflow.Context, plan Plan, window Window) workflow.Future {
	params := FetchPageParams{Flow: plan.Flow, Window: window, PageIndex: 1}
	ctx = withSourceCall(ctx, plan, fmt.Sprintf("%s 有多少单 how many orders", window))
	return workflow.ExecuteActivity(ctx, CountName, params)
}

// readOrder reads an order anew. It keeps nobody waiting for long: what is known of the
// order does as well.
func readOrder(ctx workflow.Context, plan Plan, params ReadOrderParams) (ReadOrderResult, error) {
	ctx = withBriefSourceCall(ctx, plan, shortSummary("重读售后单 read order "+params.OrderID))
	var result ReadOrderResult
	err := workflow.ExecuteActivity(ctx, ReadOrderName, params).Get(ctx, &result)
	return result, err
}

// parkOrder gives an order that can't be saved a workflow of its own, in which
// it waits.
func parkOrder(ctx workflow.Context, params ParkOrderParams) (ParkOrderResult, error) {
	ctx = withHousekeeping(ctx, time.Minute, 10, shortSummary(fmt.Sprintf("挂起售后单 park order %s · %s", params.Order.ID, params.Failure.Reason)))
	var result ParkOrderResult
	err := workflow.ExecuteActivity(ctx, ParkOrderName, params).Get(ctx, &result)
	return result, err
}

// reportRun tells the flow's WatchFlow how a run ended.
func reportRun(ctx workflow.Context, params ReportRunParams) error {
	ctx = withHousekeeping(ctx, 30*time.Second, 5, "向告警报告本次运行 report the run to "+WatchFlowID(params.Flow))
	return workflow.ExecuteActivity(ctx, ReportRunName, params).Get(ctx, nil)
}

// sendAlert begins to send a message to a robot.
func sendAlert(ctx workflow.Context, params SendAlertParams) workflow.Future {
	ctx = withRobotCall(ctx, "通知 tell "+params.Robot)
	return workflow.ExecuteActivity(ctx, SendAlertName, params)
}
