package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// fakeParked knows which orders wait, and keeps what they are told.
type fakeParked struct {
	ids        []string
	discarded  []contract.Order
	listErr    error
	resolveErr error
	told       map[string]workflows.ResolvedVersion
}

func (p *fakeParked) Waiting(ctx context.Context, flowName string) (map[string]string, error) {
	return p.List(ctx, flowName)
}

func (p *fakeParked) List(_ context.Context, flowName string) (map[string]string, error) {
	reasons := map[string]string{}
	for _, id := range p.ids {
		reasons[workflows.ParkedOrderID(flowName, id)] = "order_changed"
	}
	return reasons, p.listErr
}

func (p *fakeParked) Discarded(_ context.Context, _ string, order contract.Order, _ time.Time) (bool, error) {
	return slices.ContainsFunc(p.discarded, func(d contract.Order) bool { return d.Covers(order) }), p.listErr
}

func (p *fakeParked) Resolve(_ context.Context, workflowID string, version workflows.ResolvedVersion) error {
	if p.told == nil {
		p.told = map[string]workflows.ResolvedVersion{}
	}
	p.told[workflowID] = version
	return p.resolveErr
}

// A look-up tells the orders that wait what it has found of a later version: that the
// bill there is right, or that there is to be none, and is none.
func TestFindBillsTellsParkedOrdersThatNeedNothing(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	back := workflows.BillOf(order)
	back.ChangedAt = back.ChangedAt.Add(time.Hour)
	leftOut := workflows.BillOfLeftOut(order, "已作废")
	id := workflows.ParkedOrderID(testFlow, order.ID)
	same := f.Mark(order).String()
	for _, c := range []struct {
		name    string
		bill    string // the text of the bill that is there; "" for none
		wanted  workflows.OrderBill
		waiting []string
		told    map[string]workflows.ResolvedVersion
	}{
		{"changed back to what its bill says", same, back, []string{order.ID}, map[string]workflows.ResolvedVersion{id: {ChangedAt: back.ChangedAt}}},
		{"left out, without a bill", "", leftOut, []string{order.ID}, map[string]workflows.ResolvedVersion{id: {ChangedAt: leftOut.ChangedAt, LeftOut: "已作废"}}},
		{"left out, with a bill", same, leftOut, []string{order.ID}, nil},
		{"without a bill, to be saved", "", back, []string{order.ID}, nil},
		{"no bill can be made of it", "", workflows.OrderBill{OrderID: order.ID, Number: order.BillNumber, ChangedAt: order.ChangedAt}, []string{order.ID}, nil},
		{"it does not wait", same, back, []string{"70002"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger, parked := newFakeLedger(), &fakeParked{ids: c.waiting}
			if c.bill != "" {
				ledger.with(order.BillNumber, "A").marked(c.bill)
			}
			a := &Activities{Flows: flow.Flows{testFlow: f}, Ledger: ledger, Parked: parked}
			_, err := environment(a).ExecuteActivity(workflows.FindBillsName,
				workflows.FindBillsParams{Flow: testFlow, Bills: []workflows.OrderBill{c.wanted}})
			require.NoError(t, err)
			require.Len(t, parked.told, len(c.told))
			for id, version := range c.told {
				require.True(t, version.ChangedAt.Equal(parked.told[id].ChangedAt))
				require.Equal(t, version.LeftOut, parked.told[id].LeftOut)
			}
		})
	}
}

// An order to leave out whose number another bill has needs nothing either, which only
// the look at that bill tells.
func TestSaveOrderTellsParkedOrdersThatAreLeftOut(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, map[string]any{"type": "仅退款", "items": []any{}})
	parked := &fakeParked{ids: []string{order.ID}}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Parked: parked, Ledger: newFakeLedger().with(order.BillNumber, "A").marked("手工录入")}
	_, err := environment(a).ExecuteActivity(workflows.SaveOrderName,
		workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: order, Exists: true})
	require.NoError(t, err)
	told := parked.told[workflows.ParkedOrderID(testFlow, order.ID)]
	require.NotEmpty(t, told.LeftOut)
	require.True(t, order.ChangedAt.Equal(told.ChangedAt))
}

// A run that finishes a bill tells the version that waits; an attempt at that version itself
// need not.
func TestSaveOrderTellsParkedOrdersWhoseBillARunFinishes(t *testing.T) {
	for run, told := range map[string]int{"run": 1, "": 0} {
		f := loadFlow(t)
		order := pick(t, f, nil)
		parked := &fakeParked{ids: []string{order.ID}}
		a := &Activities{Flows: flow.Flows{testFlow: f}, Parked: parked, Ledger: newFakeLedger().with(order.BillNumber, "A").marked(f.Mark(order).String())}
		_, err := environment(a).ExecuteActivity(workflows.SaveOrderName,
			workflows.SaveOrderParams{Flow: testFlow, PickVersion: f.PickVersion, Order: order, Exists: true, Run: run})
		require.NoError(t, err)
		require.Len(t, parked.told, told)
	}
}

// Orders that can be saved do not wait for the list of those that can't; one that
// should be told, and can't be, fails the look-up, which is tried again.
func TestFindBillsWhenParkedOrdersCannotBeTold(t *testing.T) {
	f := loadFlow(t)
	order := pick(t, f, nil)
	for _, c := range []struct {
		name   string
		parked fakeParked
		fails  bool
	}{
		{"no list", fakeParked{listErr: errors.New("unavailable")}, false},
		{"no signal", fakeParked{ids: []string{order.ID}, resolveErr: errors.New("unavailable")}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &Activities{Flows: flow.Flows{testFlow: f}, Parked: &c.parked,
				Ledger: newFakeLedger().with(order.BillNumber, "A").marked(f.Mark(order).String())}
			_, err := environment(a).ExecuteActivity(workflows.FindBillsName,
				workflows.FindBillsParams{Flow: testFlow, Bills: []workflows.OrderBill{workflows.BillOf(order)}})
			require.Equal(t, c.fails, err != nil, "%v", err)
		})
	}
}

// listingClient is a server with one parked order, which may end at any time.
type listingClient struct {
	client.Client
	lists   int
	signals []any
	gone    bool
}

func (c *listingClient) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.lists++
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflow.WorkflowExecutionInfo{
		{Execution: &commonpb.WorkflowExecution{WorkflowId: "parked/f/1"}},
	}}, nil
}

func (c *listingClient) SignalWorkflow(_ context.Context, id, runID, name string, content any) error {
	if c.gone {
		return serviceerror.NewNotFound("workflow execution already completed")
	}
	c.signals = append(c.signals, []any{id, runID, name, content})
	return nil
}

func TestParkedOrdersAreListedOnceForAWhileAndSignalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &listingClient{}
		parked := NewParkedOrders(c)
		list := func(flowName string) {
			reasons, err := parked.Waiting(t.Context(), flowName)
			require.NoError(t, err)
			require.Equal(t, map[string]string{"parked/f/1": ""}, reasons)
		}
		for range 3 {
			list("f")
		}
		list("g")
		require.Equal(t, 2, c.lists, "once a flow")
		time.Sleep(listedFor)
		list("f")
		require.Equal(t, 3, c.lists, "a while later")

		version := workflows.ResolvedVersion{ChangedAt: testWindow.From, LeftOut: "已作废"}
		require.NoError(t, parked.Resolve(t.Context(), "parked/f/1", version))
		require.Equal(t, []any{[]any{"parked/f/1", "", workflows.ResolvedSignal, version}}, c.signals)
		c.gone = true
		require.NoError(t, parked.Resolve(t.Context(), "parked/f/1", version), "it waits no more")
	})
}

// hangingClient gives no list until its context is done or it is let go.
type hangingClient struct {
	client.Client
	lists atomic.Int64
	letGo chan struct{}
}

func (c *hangingClient) ListWorkflow(ctx context.Context, _ *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.lists.Add(1)
	select {
	case <-c.letGo:
		return &workflowservice.ListWorkflowExecutionsResponse{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// While Temporal's list is away nobody waits for another's turn: all wait for the one
// list, whoever gives up leaves at once, and another flow has its own.
func TestParkedOrdersAreListedOnceForAllWhoAsk(t *testing.T) {
	for _, away := range []bool{true, false} {
		t.Run(fmt.Sprintf("away %t", away), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &hangingClient{letGo: make(chan struct{})}
				parked := NewParkedOrders(c)
				begun := time.Now()
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						_, err := parked.Waiting(t.Context(), "f")
						assert.Equal(t, away, err != nil, "%v", err)
					})
				}
				synctest.Wait()

				impatient, giveUp := context.WithCancel(t.Context())
				giveUp()
				_, err := parked.Waiting(impatient, "f")
				assert.ErrorIs(t, err, context.Canceled)
				all.Go(func() {
					_, err := parked.Waiting(t.Context(), "g")
					assert.Equal(t, away, err != nil, "%v", err)
				})
				synctest.Wait()
				assert.EqualValues(t, 2, c.lists.Load(), "one a flow")

				if !away {
					close(c.letGo)
				}
				all.Wait()
				if away {
					assert.Equal(t, listedFor, time.Since(begun), "once, not one after another")
				}
			})
		})
	}
}

// Whoever asked first and gives up takes the list away from nobody.
func TestParkedOrdersAreListedForTheOthersToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &hangingClient{letGo: make(chan struct{})}
		parked := NewParkedOrders(c)
		first, giveUp := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			_, err := parked.Waiting(first, "f")
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		both.Go(func() {
			_, err := parked.Waiting(t.Context(), "f")
			assert.NoError(t, err)
		})
		synctest.Wait()
		giveUp()
		synctest.Wait()
		close(c.letGo)
		both.Wait()
	})
}

// discardingClient is a server with one order that is or was parked.
type discardingClient struct {
	client.Client
	listed, status       enumspb.WorkflowExecutionStatus // on the list, and by itself
	result               workflows.ParkedOrderResult
	lists, asked         int
	listErr, describeErr error
	resultErr            error
}

func (c *discardingClient) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.lists++
	time.Sleep(time.Second)
	response := &workflowservice.ListWorkflowExecutionsResponse{}
	if c.listed != enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
		response.Executions = []*workflow.WorkflowExecutionInfo{{Execution: &commonpb.WorkflowExecution{WorkflowId: "parked/f/1"}, Status: c.listed}}
	}
	return response, c.listErr
}

func (c *discardingClient) DescribeWorkflow(_ context.Context, id, _ string) (*client.WorkflowExecutionDescription, error) {
	c.asked++
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: "r"}, Status: c.status},
	}}, c.describeErr
}

func (c *discardingClient) GetWorkflow(_ context.Context, id, runID string) client.WorkflowRun {
	if id != "parked/f/1" || runID != "r" {
		return nil
	}
	return endedRun{result: c.result, err: c.resultErr}
}

type endedRun struct {
	client.WorkflowRun
	result workflows.ParkedOrderResult
	err    error
}

func (r endedRun) Get(_ context.Context, result any) error {
	*result.(*workflows.ParkedOrderResult) = r.result
	return r.err
}

func TestDiscardedOrders(t *testing.T) {
	const (
		none      = enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
		running   = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		completed = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	)
	order := contract.Order{ID: "1", ChangedAt: testWindow.From, BillHash: "a"}
	changed := contract.Order{ID: "1", ChangedAt: testWindow.From.Add(time.Second), BillHash: "b"}
	discarded := workflows.ParkedOrderResult{Discarded: &workflows.Discard{By: "wang", Reason: "a test"}, Order: order}
	away := errors.New("unavailable")
	for _, c := range []struct {
		name      string
		server    discardingClient
		order     contract.Order
		discarded bool
		fails     bool
	}{
		{"never parked", discardingClient{listed: none}, order, false, false},
		{"discarded", discardingClient{listed: completed, status: completed, result: discarded}, order, true, false},
		{"discarded this moment", discardingClient{listed: running, status: completed, result: discarded}, order, true, false},
		{"changed since", discardingClient{listed: completed, status: completed, result: discarded}, changed, false, false},
		{"parked", discardingClient{listed: running, status: running}, order, false, false},
		{"parked anew", discardingClient{listed: completed, status: running, result: discarded}, order, false, false},
		{"parked anew and saved", discardingClient{listed: completed, status: completed, result: workflows.ParkedOrderResult{Order: order}}, order, false, false},
		{"terminated", discardingClient{listed: running, status: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, result: discarded}, order, false, false},
		{"no longer retained", discardingClient{listed: completed, describeErr: serviceerror.NewNotFound("gone")}, order, false, false},
		{"no list", discardingClient{listErr: away}, order, false, true},
		{"no answer about the order", discardingClient{listed: completed, describeErr: away}, order, false, true},
		{"an unreadable result", discardingClient{listed: completed, status: completed, resultErr: away}, order, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := NewParkedOrders(&c.server).Discarded(t.Context(), "f", c.order, time.Now())
				require.Equal(t, c.fails, err != nil, "%v", err)
				require.Equal(t, c.discarded, got)
			})
		})
	}
}

// A list that is older than asked is not good enough, not even one under way.
func TestDiscardedOrdersAreListedAsOfATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &discardingClient{}
		parked, begun := NewParkedOrders(c), time.Now()
		ask := func(asOf time.Time) {
			_, err := parked.Discarded(t.Context(), "f", contract.Order{ID: "1"}, asOf)
			assert.NoError(t, err)
		}
		var all sync.WaitGroup
		all.Go(func() { ask(begun) })
		time.Sleep(time.Second / 2)
		all.Go(func() { ask(time.Now()) })
		all.Wait()
		require.Equal(t, 2, c.lists)
		ask(begun)
		require.Equal(t, 2, c.lists, "recent enough")
		ask(time.Now())
		require.Equal(t, 3, c.lists)
		ask(time.Now().Add(time.Hour))
		require.Equal(t, 4, c.lists, "the clock of the server is fast")
		require.Zero(t, c.asked)
	})
}
