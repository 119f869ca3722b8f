package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/flow"
)

// The names under which the activities are known to the Temporal server. They
// are in every history and must never change.
const (
	LoadFlowName  = "LoadFlow"
	FetchPageName = "FetchPage"
	FindBillsName = "FindBills"
	SaveOrderName = "SaveOrder"
	SavePageName  = "SavePage"
	SyncPageName  = "SyncPage"
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
	// Cursor is the flow's way to find what is new; "" stands for its default.
	Cursor string `json:"cursor,omitempty"`
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
	// PageSize is how many orders a page of the source has at most; 0 in older
	// histories.
	PageSize int   `json:"page_size,omitempty"`
	Retry    Retry `json:"retry"`
	// Grain is flow.GrainOrder, also when empty, or flow.GrainPage.
	Grain string `json:"grain,omitempty"`
	// TooManyFailures is the share of a page's or a run's orders, in percent, that stops
	// the run if they fail for one cause; 0 never does.
	TooManyFailures int `json:"too_many_failures"`
	// Alerts is nil for a flow that tells nobody.
	Alerts *AlertSettings `json:"alerts,omitempty"`
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
	StartTS   *int64 `json:"start_ts,string,omitempty"`
}

func (p FetchPageParams) summary() string {
	if p.StartTS != nil {
		return fmt.Sprintf("行版本自 row versions from %d", *p.StartTS)
	}
	return fmt.Sprintf("%s 第 %d 页 page %d", p.Window, p.PageIndex, p.PageIndex)
}

// FetchPageResult is a page: of each order the fields that the flow names, and
// nothing else.
type FetchPageResult struct {
	// PickVersion identifies the fields that were picked; see
	// [flow.Flow.PickVersion].
	PickVersion string `json:"pick_version"`
	// PageCount and DataCount are the source's, at the time of this call.
	PageCount int `json:"page_count"`
	DataCount int `json:"data_count"`
	// Orders are to become bills.
	Orders []flow.Order `json:"orders,omitempty"`
	// Skipped are left out by the flow.
	Skipped []SkippedOrder `json:"skipped,omitempty"`
	// Failed can't even be read as orders.
	Failed []Failure `json:"failed,omitempty"`
	// Outside are the ids of orders that belong to a neighbouring window; see
	// [Window].
	Outside []string `json:"outside,omitempty"`

	// The rest is said of rows by their versions alone. LastTS is the highest
	// version on the page, and SettledTS the highest before the first row that
	// changed after the window; 0 for none.
	LastTS    int64 `json:"last_ts,string,omitempty"`
	SettledTS int64 `json:"settled_ts,string,omitempty"`
	// More tells that the source may have more rows: the page is full, or the
	// source says so.
	More bool `json:"more,omitempty"`
}

// SkippedOrder is an order that a flow leaves out, and why.
type SkippedOrder struct {
	ID     string `json:"as_id"`
	Reason string `json:"reason"`
	// ChangedAt is the order's; see [flow.Order].
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Order is the order itself, if it has a bill number and the page has room for
	// it: it may have been saved before it became one to leave out. nil in older
	// histories.
	Order *flow.Order `json:"order,omitempty"`
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
	// Hash is the order's BillHash; see [flow.Order]. Empty for an order that the
	// flow leaves out, which is to have no bill.
	Hash string `json:"bill_hash,omitempty"`
	// LeftOut tells that the flow leaves the order out. An order without a number or a
	// value that it needs has no hash either.
	LeftOut bool `json:"left_out,omitempty"`
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
	Flow        string     `json:"flow"`
	PickVersion string     `json:"pick_version"`
	Order       flow.Order `json:"order"`
	// Exists tells that the bill is in Kingdee already, unfinished. Otherwise
	// the first attempt saves by the look-up that found none.
	Exists bool `json:"exists,omitempty"`
	// Tried tells that SavePage has tried this order: it counts as an attempt
	// before the first, and its outcome may be open.
	Tried bool `json:"tried,omitempty"`
	// Run identifies the run whose first new bill proves the way for the others; "" for
	// a parked order.
	Run string `json:"run,omitempty"`
}

// Outcome is what SaveOrder made of an order.
type Outcome string

const (
	// Saved is a bill that this run brought into being or finished.
	Saved Outcome = "saved"
	// Updated is a bill that this run changed, because its order had changed.
	Updated Outcome = "updated"
	// AlreadySaved is a bill that somebody else had saved.
	AlreadySaved Outcome = "already_saved"
	// LeftOut is an order that the flow leaves out, and that has no bill but that of
	// a later version of it, if any.
	LeftOut Outcome = "left_out"
)

// SaveOrderResult tells what became of the order.
type SaveOrderResult struct {
	Outcome Outcome `json:"outcome"`
	// BillNumber is the bill's FBillNo.
	BillNumber string `json:"bill_number"`
	// Reason is why an order is LeftOut.
	Reason string `json:"reason,omitempty"`
	// Differences are what Kingdee has otherwise than it was sent, of the bill that
	// proved the way.
	Differences string `json:"differences,omitempty"`
}

// Reasons for which SaveOrder fails that are about the bill that is there.
const (
	// OrderChanged: the order has changed since its bill was saved, and the bill
	// was left as it is.
	OrderChanged = "order_changed"
	// DoubleBill: there are several bills under the number.
	DoubleBill = "double_bill"
	// BillVoid: the bill under the number was made void (作废).
	BillVoid = "bill_void"
)

// Reasons for which no order of a run may be saved: a bill that is saved would not be
// found again, or not be known.
const (
	// BillRenumbered: Kingdee gave a bill another number than was sent.
	BillRenumbered = "bill_renumbered"
	// BillHidden: look-ups do not show a bill that was saved.
	BillHidden = "bill_hidden"
	// MarkLost: a bill's mark is not as it was sent.
	MarkLost = "mark_lost"
	// NumberChanged: bills have other numbers than the flow gives their orders now.
	NumberChanged = "number_changed"
	// FieldUnreadable: the user has no right to a field.
	FieldUnreadable = "field_unreadable"
)

// ClosesTheWay reports whether a reason is one for which no order may be saved.
func ClosesTheWay(reason string) bool {
	return slices.Contains([]string{BillRenumbered, BillHidden, MarkLost, NumberChanged, FieldUnreadable}, reason)
}

// SavePageParams are orders of one page that are to become bills.
type SavePageParams struct {
	Flow        string       `json:"flow"`
	PickVersion string       `json:"pick_version"`
	Orders      []flow.Order `json:"orders"`
	// LookUp has SavePage ask first which bills exist, and save the others alone.
	// In older histories none of the bills is known to exist.
	LookUp bool `json:"look_up,omitempty"`
	// LeftOut are orders that are to have no bill, to be looked up as well.
	LeftOut []OrderBill `json:"left_out,omitempty"`
	// Tried tells that SyncPage has tried this page: it counts as an attempt before
	// the first, and what became of the orders may be open.
	Tried bool `json:"tried,omitempty"`
	// Run is as in [SaveOrderParams].
	Run string `json:"run,omitempty"`
}

// SavePageResult tells what became of each order, by its as_id.
type SavePageResult struct {
	// Found are the orders that have a bill.
	Found   FindBillsResult            `json:"found,omitzero"`
	Done    map[string]SaveOrderResult `json:"done,omitempty"`
	NotDone map[string]NotDone         `json:"not_done,omitempty"`
}

// NotDone is why SavePage did not come to an end with an order.
type NotDone struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// Final tells that it will fail again until a person changes something.
	Final bool `json:"final,omitempty"`
	// Delay is how long to wait before the next attempt; 0 leaves it to the flow.
	Delay time.Duration `json:"delay,omitempty"`
}

// SyncPageParams is a page that is to be read and its orders saved.
type SyncPageParams struct {
	FetchPageParams
	// MostOrders is how many orders the window may have, by the source's count, for
	// one to be saved; 0 for any number.
	MostOrders int `json:"most_orders,omitempty"`
	// LeaveAlone are the ids of orders of the window that must not be touched: in
	// earlier versions, they are being saved now, or have failed.
	LeaveAlone []string `json:"leave_alone,omitempty"`
	// Known are orders that the page showed before, with what became of them: in the
	// same version they need no look-up.
	Known []SettledOrder `json:"known,omitempty"`
	// Run is as in [SaveOrderParams].
	Run string `json:"run,omitempty"`
}

// SyncPageResult is a page whose orders are saved. Of those, only what the window
// remembers travels.
type SyncPageResult struct {
	// FetchPageResult has of Orders and of the orders in Skipped those that want a
	// SaveOrder of their own: their bill exists and wants more than a look, they must
	// not be touched, or they are NotDone.
	FetchPageResult
	// Settled have their bill.
	Settled []SettledOrder `json:"settled,omitempty"`
	// NotDone are those of Orders that were tried and are not settled, by as_id.
	NotDone map[string]NotDone `json:"not_done,omitempty"`
}

// SettledOrder is an order that has its bill, or is left out and has none.
type SettledOrder struct {
	ID        string    `json:"as_id"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Content identifies the order's content; see [Settled]. Empty for an order that
	// was left out.
	Content string  `json:"content,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Reason is why an order is LeftOut.
	Reason string `json:"reason,omitempty"`
	// Differences are as in [SaveOrderResult].
	Differences string `json:"differences,omitempty"`
}

// Settled is an order that has its bill, as the window is told of it.
func Settled(order flow.Order, result SaveOrderResult) SettledOrder {
	shown := seen(order)
	return SettledOrder{ID: shown.ID, ChangedAt: shown.ChangedAt, Content: shown.Content, Outcome: result.Outcome, Reason: result.Reason, Differences: result.Differences}
}

// PageUntouched is the type of the error with which SyncPage fails before it has
// saved an order.
const PageUntouched = "page_untouched"

// ParkOrderParams is an order that can't be saved, and why.
type ParkOrderParams struct {
	Plan        Plan       `json:"plan"`
	PickVersion string     `json:"pick_version"`
	Order       flow.Order `json:"order"`
	Failure     Failure    `json:"failure"`
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

// Failure is an order that could not be saved, and why.
type Failure struct {
	ID         string `json:"as_id"`
	BillNumber string `json:"bill_number"`
	// Reason is a short stable code to group by.
	Reason string `json:"reason"`
	// Message says what happened and what to do, for a person.
	Message string `json:"message"`
	// Field is the vendor's name of the field at fault, where known.
	Field string `json:"field,omitempty"`
}

// FailureDetails are the details of the *temporal.ApplicationError with which
// an activity fails, beside the reason (its type) and the message.
type FailureDetails struct {
	Field string `json:"field,omitempty"`
}

// loadFlow asks a worker for the flow. It does not depend on the source's answer, so
// it is tried again only for the time that a worker needs to start.
func loadFlow(ctx workflow.Context, name string) (LoadFlowResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 5},
		Summary:             "读取流程 load flow " + name,
	})
	var result LoadFlowResult
	err := workflow.ExecuteActivity(ctx, LoadFlowName, LoadFlowParams{Flow: name}).Get(ctx, &result)
	return result, err
}

// fetchPage begins to read a page from the source, which is a [FetchPageResult].
func fetchPage(ctx workflow.Context, plan Plan, params FetchPageParams) workflow.Future {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: SourceTaskQueue(workflow.GetInfo(ctx).TaskQueueName),
		// A slow first page takes over half a minute, and the call may have to
		// wait for its turn under the client's own limit before that.
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         plan.Retry.policy(),
		Summary:             params.summary(),
	})
	return workflow.ExecuteActivity(ctx, FetchPageName, params)
}

// findBills asks Kingdee which bills exist.
func findBills(ctx workflow.Context, plan Plan, pageIndex int, bills []OrderBill) (FindBillsResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: kingdeeTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         plan.Retry.policy(),
		Summary:             fmt.Sprintf("第 %d 页的 %d 张单据是否已存在 which bills of page %d exist", pageIndex, len(bills), pageIndex),
	})
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
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: kingdeeTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         plan.Retry.policy(),
		Summary:             shortSummary(summary),
	})
	params.Run = runOf(ctx)
	var result SaveOrderResult
	err := workflow.ExecuteActivity(ctx, SaveOrderName, params).Get(ctx, &result)
	return result, err
}

// savePage maps the orders of a page and saves their bills.
func savePage(ctx workflow.Context, plan Plan, pageIndex int, params SavePageParams) (SavePageResult, error) {
	policy := plan.Retry.policy()
	if !params.LookUp {
		policy.MaximumAttempts = min(policy.MaximumAttempts, PageAttempts)
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: pageTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         policy,
		Summary:             fmt.Sprintf("第 %d 页的 %d 单 → 销售退货单 %[2]d orders of page %[1]d", pageIndex, len(params.Orders)),
	})
	var result SavePageResult
	params.Run = runOf(ctx)
	err := workflow.ExecuteActivity(ctx, SavePageName, params).Get(ctx, &result)
	return result, err
}

// syncPage reads a page from the source and saves its orders. It is tried once: what
// it could not do is done by FetchPage and SavePage.
func syncPage(ctx workflow.Context, params SyncPageParams) (SyncPageResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           SourceTaskQueue(workflow.GetInfo(ctx).TaskQueueName),
		StartToCloseTimeout: pageTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             params.summary() + " → 销售退货单",
	})
	var result SyncPageResult
	params.Run = runOf(ctx)
	err := workflow.ExecuteActivity(ctx, SyncPageName, params).Get(ctx, &result)
	return result, err
}

// parkOrder gives an order that can't be saved a workflow of its own, in which
// it waits.
func parkOrder(ctx workflow.Context, params ParkOrderParams) (ParkOrderResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 10},
		Summary:             shortSummary(fmt.Sprintf("挂起售后单 park order %s · %s", params.Order.ID, params.Failure.Reason)),
	})
	var result ParkOrderResult
	err := workflow.ExecuteActivity(ctx, ParkOrderName, params).Get(ctx, &result)
	return result, err
}

// reportRun tells the flow's WatchFlow how a run ended.
func reportRun(ctx workflow.Context, params ReportRunParams) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 5},
		Summary:             "向告警报告本次运行 report the run to " + WatchFlowID(params.Flow),
	})
	return workflow.ExecuteActivity(ctx, ReportRunName, params).Get(ctx, nil)
}

// sendAlert begins to send a message to a robot. It is given up after a quarter
// of an hour: the next message then tells the same.
func sendAlert(ctx workflow.Context, params SendAlertParams) workflow.Future {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 10 * time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute, MaximumAttempts: 8,
		},
		Summary: "通知 tell " + params.Robot,
	})
	return workflow.ExecuteActivity(ctx, SendAlertName, params)
}

const (
	// heartbeatTimeout is how soon the work of a worker that died is given to
	// another.
	heartbeatTimeout = 15 * time.Second
	// kingdeeTimeout bounds one attempt at Kingdee. Most of it can be the wait
	// for a free session, behind everything else in flight.
	kingdeeTimeout = 15 * time.Minute
	// pageTimeout is kingdeeTimeout for the orders of a page: from the third
	// attempt on they share no calls.
	pageTimeout = time.Hour
	// PageAttempts bounds those at a page. They are used up by workers that die,
	// and the cause may be one of its orders. A SavePage with LookUp is tried
	// further, as FindBills is, but only looks up then.
	PageAttempts = 3
)
