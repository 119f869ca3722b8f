// Package sighting finds what the histories of the server say of one order: when a run read
// it, what became of it, and what its waiting as a parked order went through.
package sighting

import (
	"context"
	"errors"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// Kind says what happened to the order.
type Kind string

const (
	// Read: a page of the source showed the order, which should have a bill.
	Read Kind = "read"
	// LeftOut: a page showed the order, and the flow left it out; Reason says why.
	LeftOut Kind = "left_out"
	// Unreadable: a page showed the order, and it could not be read or was too large.
	Unreadable Kind = "unreadable"
	// HasBill: Kingdee had a bill of the order as it was read, which needed nothing more.
	HasBill Kind = "has_bill"
	// Done: the order got an outcome, which is set; BillNumber is its bill's.
	Done Kind = "done"
	// Failed: saving the order failed; Reason and Message say why.
	Failed Kind = "failed"
	// Parked: the order was parked, or the run sent its version to where it waits.
	Parked Kind = "parked"
	// Retried: a person had the parked order retried.
	Retried Kind = "retried"
	// Discarded: a person discarded the parked order; By and Message say who and why.
	Discarded Kind = "discarded"
)

// Sighting is something that a history says of the order.
type Sighting struct {
	// At is in Beijing time.
	At      time.Time     `json:"at"`
	Kind    Kind          `json:"kind"`
	Outcome tally.Outcome `json:"outcome,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	// Message is in the language of this program.
	Message    string `json:"message,omitempty"`
	BillNumber string `json:"bill_number,omitempty"`
	// Attempts is how many attempts at saving it took, if that is known.
	Attempts int    `json:"attempts,omitempty"`
	By       string `json:"by,omitempty"`
	// Order is the order as it was read, and PickVersion the fields that were picked for
	// it; nil if the history does not hold it.
	Order       *contract.Order `json:"-"`
	PickVersion string          `json:"-"`
}

// Window is what the first event of a window says.
type Window struct {
	Window workflows.Window `json:"window"`
	Plan   struct {
		Version string `json:"version"`
	} `json:"plan"`
}

// Histories are the histories of a server.
type Histories interface {
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, longPoll bool, filter enumspb.HistoryEventFilterType) client.HistoryEventIterator
}

// ErrEnough: so many events were read that the rest was left.
var ErrEnough = errors.New("so many events were read that the rest was left")

// Reader reads histories.
type Reader struct {
	Histories Histories
	// Payloads and Failures decrypt what the histories hold.
	Payloads converter.DataConverter
	Failures converter.FailureConverter
	// Events is how many events may still be read.
	Events int
}

// Window reads the first event of a window alone.
func (r *Reader) Window(ctx context.Context, workflowID, runID string) (window Window, err error) {
	events := r.Histories.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	if !events.HasNext() {
		return window, errors.New("an empty history")
	}
	event, err := events.Next()
	if err == nil {
		r.Events--
		err = r.decode(event.GetWorkflowExecutionStartedEventAttributes().GetInput(), &window)
	}
	return window, err
}

// Find gives what a history says of an order, in its order. It gives what it has found, and
// [ErrEnough], when it has read as many events as it may.
func (r *Reader) Find(ctx context.Context, workflowID, runID, orderID string) (found []Sighting, err error) {
	f := &finder{Reader: r, orderID: orderID, scheduled: map[int64]*activity{}}
	events := r.Histories.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return f.found, err
		}
		if r.Events--; r.Events < 0 {
			return f.found, ErrEnough
		}
		if err := f.take(event); err != nil {
			return f.found, err
		}
	}
	return f.found, nil
}

func (r *Reader) decode(payloads *commonpb.Payloads, value any) error {
	if len(payloads.GetPayloads()) == 0 {
		return nil
	}
	return r.Payloads.FromPayload(payloads.GetPayloads()[0], value)
}

type finder struct {
	*Reader
	orderID   string
	scheduled map[int64]*activity
	found     []Sighting
}

// activity is one that is under way and concerns the order, or may.
type activity struct {
	name     string
	attempts int
	order    *contract.Order // of SaveOrder and ParkOrder
	pick     string
}

// add adds a sighting, but not what a page shows once more: a window is gone through until a
// pass shows nothing new.
func (f *finder) add(event *historypb.HistoryEvent, s Sighting) {
	shows := s.Kind == Read || s.Kind == LeftOut || s.Kind == Unreadable || s.Kind == HasBill
	if shows && slices.ContainsFunc(f.found, s.repeats) {
		return
	}
	s.At = event.GetEventTime().AsTime().In(beijing.Zone)
	f.found = append(f.found, s)
}

// repeats reports whether an earlier sighting says the same of the same version.
func (s Sighting) repeats(earlier Sighting) bool {
	same := s.Order == nil && earlier.Order == nil || s.Order != nil && earlier.Order != nil && s.Order.Content() == earlier.Order.Content()
	return same && s.Kind == earlier.Kind && s.Reason == earlier.Reason
}

func (f *finder) take(event *historypb.HistoryEvent) error {
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		return f.schedule(event)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		started := event.GetActivityTaskStartedEventAttributes()
		if a := f.scheduled[started.GetScheduledEventId()]; a != nil {
			a.attempts = int(started.GetAttempt())
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		completed := event.GetActivityTaskCompletedEventAttributes()
		if a := f.end(completed.GetScheduledEventId()); a != nil {
			return f.complete(event, a, completed.GetResult())
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		failed := event.GetActivityTaskFailedEventAttributes()
		f.fail(event, f.end(failed.GetScheduledEventId()), failed.GetFailure())
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		failed := event.GetActivityTaskTimedOutEventAttributes()
		f.fail(event, f.end(failed.GetScheduledEventId()), failed.GetFailure())
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		return f.signal(event)
	}
	return nil
}

func (f *finder) end(scheduled int64) *activity {
	a := f.scheduled[scheduled]
	delete(f.scheduled, scheduled)
	return a
}

// schedule notes an activity that concerns the order, or reads pages or bills. The order's
// fields are decompressed only if it is the one.
func (f *finder) schedule(event *historypb.HistoryEvent) error {
	scheduled := event.GetActivityTaskScheduledEventAttributes()
	a := &activity{name: scheduled.GetActivityType().GetName()}
	switch a.name {
	case workflows.SaveOrderName, workflows.ParkOrderName:
		var which struct {
			Order struct {
				ID string `json:"id"`
			} `json:"order"`
		}
		if err := f.decode(scheduled.GetInput(), &which); err != nil || which.Order.ID != f.orderID {
			return err
		}
		var params struct {
			PickVersion string         `json:"pick_version"`
			Order       contract.Order `json:"order"`
		}
		if err := f.decode(scheduled.GetInput(), &params); err != nil {
			return err
		}
		a.order, a.pick = &params.Order, params.PickVersion
	case workflows.FetchPageName, workflows.FindBillsName, workflows.SyncPagesName:
	default:
		return nil
	}
	f.scheduled[event.GetEventId()] = a
	return nil
}

func (f *finder) complete(event *historypb.HistoryEvent, a *activity, result *commonpb.Payloads) error {
	switch a.name {
	case workflows.FetchPageName:
		var page paging.Page
		if err := f.decode(result, &page); err != nil {
			return err
		}
		f.page(event, page)
	case workflows.FindBillsName:
		var bills workflows.FindBillsResult
		if err := f.decode(result, &bills); err != nil {
			return err
		}
		if slices.Contains(bills.Finished, f.orderID) {
			f.add(event, Sighting{Kind: HasBill})
		}
	case workflows.SyncPagesName:
		var pages workflows.SyncPagesResult
		if err := f.decode(result, &pages); err != nil {
			return err
		}
		f.pages(event, pages)
	case workflows.SaveOrderName:
		var saved workflows.SaveOrderResult
		if err := f.decode(result, &saved); err != nil {
			return err
		}
		f.add(event, Sighting{
			Kind: Done, Outcome: saved.Outcome, Reason: saved.Reason, BillNumber: saved.BillNumber, Attempts: a.attempts, Order: a.order, PickVersion: a.pick,
		})
	case workflows.ParkOrderName:
		var parked workflows.ParkOrderResult
		if err := f.decode(result, &parked); err != nil {
			return err
		}
		if parked.Discarded {
			f.add(event, Sighting{Kind: LeftOut, Reason: string(Discarded), Order: a.order, PickVersion: a.pick})
			return nil
		}
		f.add(event, Sighting{Kind: Parked, Order: a.order, PickVersion: a.pick})
	}
	return nil
}

func (f *finder) page(event *historypb.HistoryEvent, page paging.Page) {
	for _, order := range page.Orders {
		if order.ID == f.orderID {
			f.add(event, Sighting{Kind: Read, BillNumber: order.BillNumber, Order: &order, PickVersion: page.PickVersion})
		}
	}
	for _, skipped := range page.Skipped {
		if skipped.ID == f.orderID {
			f.add(event, Sighting{Kind: LeftOut, Reason: skipped.Reason, Order: skipped.Order, PickVersion: page.PickVersion})
		}
	}
	for _, failed := range page.Failed {
		if failed.ID == f.orderID {
			f.add(event, Sighting{Kind: Unreadable, Reason: failed.Reason, Message: failed.Message.String()})
		}
	}
}

// pages takes in the orders of several pages, which have outcomes without their fields.
func (f *finder) pages(event *historypb.HistoryEvent, pages workflows.SyncPagesResult) {
	for _, order := range pages.Outcomes {
		if order.ID != f.orderID || order.Outcome == tally.Open || order.Outcome == tally.Outside {
			continue
		}
		s := Sighting{Kind: Done, Outcome: order.Outcome, Reason: order.Reason}
		switch {
		case order.Outcome == tally.LeftOut:
			s = Sighting{Kind: LeftOut, Reason: order.Reason}
		case order.Outcome.HasFailed():
			s = Sighting{Kind: Unreadable, Reason: order.Reason}
			for _, failure := range pages.Failed {
				if failure.ID == f.orderID {
					s.Message = failure.Message.String()
				}
			}
		}
		f.add(event, s)
	}
	for _, pending := range pages.Pending {
		if pending.Order.ID == f.orderID {
			f.add(event, Sighting{Kind: Read, BillNumber: pending.Order.BillNumber, Order: &pending.Order, PickVersion: pages.PickVersion})
		}
	}
}

// fail takes in the failure of an activity that concerns this order alone.
func (f *finder) fail(event *historypb.HistoryEvent, a *activity, failure *failurepb.Failure) {
	if a == nil || a.order == nil {
		return
	}
	err := f.Failures.FailureToError(failure)
	s := Sighting{Kind: Failed, Message: workflows.MessageOf(err).String(), Attempts: a.attempts, Order: a.order, PickVersion: a.pick}
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &application):
		s.Reason = application.Type()
	case errors.As(err, &timeout):
		s.Reason = "timeout"
	}
	f.add(event, s)
}

// signal takes in what a person, or a run, told a parked order.
func (f *finder) signal(event *historypb.HistoryEvent) error {
	signaled := event.GetWorkflowExecutionSignaledEventAttributes()
	switch signaled.GetSignalName() {
	case workflows.RetrySignal:
		f.add(event, Sighting{Kind: Retried})
	case workflows.DiscardSignal:
		var discard workflows.Discard
		// One without usable content is ignored by the workflow as well.
		if err := f.decode(signaled.GetInput(), &discard); err == nil && discard.By != "" && discard.Reason != "" {
			f.add(event, Sighting{Kind: Discarded, By: discard.By, Message: discard.Reason})
		}
	case workflows.OrderSignal:
		var version workflows.ParkedVersion
		if err := f.decode(signaled.GetInput(), &version); err == nil && version.Order.ID == f.orderID {
			f.add(event, Sighting{
				Kind: Parked, Reason: version.Failure.Reason, Message: version.Failure.Message.String(), Order: &version.Order, PickVersion: version.PickVersion,
			})
		}
	}
	return nil
}
