package sighting

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

var begun = time.Date(2024, 3, 2, 10, 0, 0, 0, beijing.Zone)

// history is one that a test writes, an event a second.
type history struct {
	t      *testing.T
	events []*historypb.HistoryEvent
}

func (h *history) add(event *historypb.HistoryEvent) int64 {
	event.EventId = int64(len(h.events) + 1)
	event.EventTime = timestamppb.New(begun.Add(time.Duration(len(h.events)) * time.Second))
	h.events = append(h.events, event)
	return event.EventId
}

func (h *history) payloads(value any) *commonpb.Payloads {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(value)
	require.NoError(h.t, err)
	return payloads
}

func (h *history) begin(name string, input any, attempts int32) int64 {
	id := h.add(&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
		ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{ActivityType: &commonpb.ActivityType{Name: name}, Input: h.payloads(input)},
	}})
	h.add(&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
		ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{ScheduledEventId: id, Attempt: attempts},
	}})
	return id
}

func (h *history) did(name string, input, result any, attempts int32) {
	id := h.begin(name, input, attempts)
	h.add(&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
		ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{ScheduledEventId: id, Result: h.payloads(result)},
	}})
}

func (h *history) failed(name string, input any, attempts int32, err error) {
	id := h.begin(name, input, attempts)
	h.add(&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED, Attributes: &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{
		ActivityTaskFailedEventAttributes: &historypb.ActivityTaskFailedEventAttributes{ScheduledEventId: id, Failure: temporal.GetDefaultFailureConverter().ErrorToFailure(err)},
	}})
}

func (h *history) signal(name string, content any) {
	h.add(&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{SignalName: name, Input: h.payloads(content)},
	}})
}

// GetWorkflowHistory gives the events whatever is asked for.
func (h *history) GetWorkflowHistory(context.Context, string, string, bool, enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	return &iterator{h.events}
}

type iterator struct{ events []*historypb.HistoryEvent }

func (i *iterator) HasNext() bool { return len(i.events) > 0 }

func (i *iterator) Next() (*historypb.HistoryEvent, error) {
	event := i.events[0]
	i.events = i.events[1:]
	return event, nil
}

func (h *history) reader(events int) *Reader {
	return &Reader{Histories: h, Payloads: converter.GetDefaultDataConverter(), Failures: temporal.GetDefaultFailureConverter(), Events: events}
}

func order(id string) contract.Order {
	return contract.Order{ID: id, BillNumber: "B" + id, ChangedAt: begun, Fields: json.RawMessage(`{"as_id":"` + id + `"}`)}
}

// at is so many seconds after the history began.
func at(seconds int) time.Time { return begun.Add(time.Duration(seconds) * time.Second) }

func TestFind(t *testing.T) {
	seven := order("7")
	save := func(id string) workflows.SaveOrderParams {
		return workflows.SaveOrderParams{PickVersion: "p", Order: order(id)}
	}
	for _, c := range []struct {
		name  string
		write func(h *history)
		want  []Sighting
	}{
		{
			"read and saved at the second attempt", func(h *history) {
				h.did(workflows.FetchPageName, nil, paging.Page{PickVersion: "p", Orders: []contract.Order{order("6"), seven}}, 1)
				h.did(workflows.FetchPageName, nil, paging.Page{PickVersion: "p", Orders: []contract.Order{seven}}, 1)
				h.did(workflows.FindBillsName, nil, workflows.FindBillsResult{Finished: []string{"6"}}, 1)
				h.did(workflows.SaveOrderName, save("8"), workflows.SaveOrderResult{Outcome: tally.Saved}, 1)
				h.did(workflows.SaveOrderName, save("7"), workflows.SaveOrderResult{Outcome: tally.Saved, BillNumber: "B7"}, 2)
			},
			[]Sighting{
				{At: at(2), Kind: Read, BillNumber: "B7", Order: &seven, PickVersion: "p"},
				{At: at(14), Kind: Done, Outcome: tally.Saved, BillNumber: "B7", Attempts: 2, Order: &seven, PickVersion: "p"},
			},
		},
		{
			"has its bill", func(h *history) {
				h.did(workflows.FindBillsName, nil, workflows.FindBillsResult{Finished: []string{"7"}}, 1)
			},
			[]Sighting{{At: at(2), Kind: HasBill}},
		},
		{
			"left out, and unreadable", func(h *history) {
				h.did(workflows.FetchPageName, nil, paging.Page{
					Skipped: []paging.Skipped{{ID: "7", Reason: "仅退款"}, {ID: "8"}},
					Failed:  []tally.Failure{{ID: "7", Reason: "too_large", Message: text.Literal("too large")}},
				}, 1)
			},
			[]Sighting{{At: at(2), Kind: LeftOut, Reason: "仅退款"}, {At: at(2), Kind: Unreadable, Reason: "too_large", Message: "too large"}},
		},
		{
			"failed and parked", func(h *history) {
				h.failed(workflows.SaveOrderName, save("8"), 1, temporal.NewNonRetryableApplicationError("another", "other", nil))
				h.failed(workflows.SaveOrderName, save("7"), 8, temporal.NewNonRetryableApplicationError("Kingdee says: 物料不存在", "unknown_material", nil))
				h.did(workflows.ParkOrderName, workflows.ParkOrderParams{PickVersion: "p", Order: seven}, workflows.ParkOrderResult{}, 1)
			},
			[]Sighting{
				{At: at(5), Kind: Failed, Reason: "unknown_material", Message: "Kingdee says: 物料不存在", Attempts: 8, Order: &seven, PickVersion: "p"},
				{At: at(8), Kind: Parked, Order: &seven, PickVersion: "p"},
			},
		},
		{
			"not parked, as a person has discarded it", func(h *history) {
				h.did(workflows.ParkOrderName, workflows.ParkOrderParams{PickVersion: "p", Order: seven}, workflows.ParkOrderResult{Discarded: true}, 1)
			},
			[]Sighting{{At: at(2), Kind: LeftOut, Reason: "discarded", Order: &seven, PickVersion: "p"}},
		},
		{
			"by pages", func(h *history) {
				h.did(workflows.SyncPagesName, nil, workflows.SyncPagesResult{PickVersion: "p", Outcomes: tally.List{
					{Version: tally.Version{ID: "6"}, Outcome: tally.Saved}, {Version: tally.Version{ID: "7"}, Outcome: tally.Outside},
				}}, 1)
				h.did(workflows.SyncPagesName, nil, workflows.SyncPagesResult{PickVersion: "p", Outcomes: tally.List{
					{Version: tally.Version{ID: "7"}, Outcome: tally.Saved},
				}, Pending: []workflows.PendingOrder{{Order: seven}}}, 1)
				h.did(workflows.SyncPagesName, nil, workflows.SyncPagesResult{Outcomes: tally.List{
					{Version: tally.Version{ID: "7"}, Outcome: tally.LeftOut, Reason: "仅退款"},
				}}, 1)
				h.did(workflows.SyncPagesName, nil, workflows.SyncPagesResult{Outcomes: tally.List{
					{Version: tally.Version{ID: "7"}, Outcome: tally.Failed, Reason: "too_large"},
				}, Failed: []tally.Failure{{ID: "7", Message: text.Literal("too large")}}}, 1)
			},
			[]Sighting{
				{At: at(5), Kind: Done, Outcome: tally.Saved},
				{At: at(5), Kind: Read, BillNumber: "B7", Order: &seven, PickVersion: "p"},
				{At: at(8), Kind: LeftOut, Reason: "仅退款"},
				{At: at(11), Kind: Unreadable, Reason: "too_large", Message: "too large"},
			},
		},
		{
			"waiting, retried and discarded", func(h *history) {
				h.signal(workflows.OrderSignal, workflows.ParkedVersion{PickVersion: "p", Order: seven, Failure: tally.Failure{Reason: "unknown_code", Message: text.Literal("no row")}})
				h.signal(workflows.OrderSignal, workflows.ParkedVersion{Order: order("8")})
				h.signal(workflows.RetrySignal, nil)
				h.signal(workflows.DiscardSignal, workflows.Discard{By: "王"})
				h.signal(workflows.DiscardSignal, "no discard")
				h.signal(workflows.DiscardSignal, workflows.Discard{By: "王", Reason: "测试单"})
				h.signal(workflows.ResolvedSignal, workflows.ResolvedVersion{ChangedAt: begun})
			},
			[]Sighting{
				{At: at(0), Kind: Parked, Reason: "unknown_code", Message: "no row", Order: &seven, PickVersion: "p"},
				{At: at(2), Kind: Retried},
				{At: at(5), Kind: Discarded, By: "王", Message: "测试单"},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &history{t: t}
			c.write(h)
			found, err := h.reader(1000).Find(t.Context(), "w", "", "7")
			require.NoError(t, err)
			for i := range found {
				if found[i].Order != nil {
					require.True(t, found[i].Order.ChangedAt.Equal(begun))
					found[i].Order.ChangedAt = begun
				}
			}
			require.Equal(t, c.want, found)
		})
	}
}

func TestFindReadsNoMoreThanItMay(t *testing.T) {
	h := &history{t: t}
	h.did(workflows.FindBillsName, nil, workflows.FindBillsResult{Finished: []string{"7"}}, 1)
	h.did(workflows.FindBillsName, nil, workflows.FindBillsResult{Finished: []string{"7"}}, 1)
	r := h.reader(4)
	found, err := r.Find(t.Context(), "w", "", "7")
	require.ErrorIs(t, err, ErrEnough)
	require.Equal(t, []Sighting{{At: at(2), Kind: HasBill}}, found)
}

func TestWindow(t *testing.T) {
	span := workflows.Window{From: begun, To: at(59)}
	h := &history{t: t}
	h.add(&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
			Input: h.payloads(workflows.SyncWindowInput{Plan: workflows.Plan{Version: "4be012345678"}, Window: span}),
		},
	}})
	window, err := h.reader(10).Window(t.Context(), "w", "")
	require.NoError(t, err)
	require.Equal(t, "4be012345678", window.Plan.Version)
	require.True(t, window.Window.From.Equal(span.From) && window.Window.To.Equal(span.To))
	_, err = (&history{t: t}).reader(10).Window(t.Context(), "w", "")
	require.Error(t, err)
}
