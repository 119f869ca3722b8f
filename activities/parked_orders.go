package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/singleflight"

	"refundsync/internal/booking"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// listedFor is how long the list of a flow's parked and discarded orders is cached.
const listedFor = 10 * time.Second

// Parked is what is needed of the parked orders; [ParkedOrders] implements it.
type Parked interface {
	// List lists a flow's parked orders: their workflow ids, and the reason of each.
	List(ctx context.Context, flowName string) (map[string]string, error)
	// Waiting is List as it was a moment ago.
	Waiting(ctx context.Context, flowName string) (map[string]string, error)
	// Discarded reports whether a person had discarded the order by a time, or has since, and
	// it has not changed in the source. An error says that this is not known.
	Discarded(ctx context.Context, flowName string, order contract.Order, asOf time.Time) (bool, error)
	// Resolve tells a parked order that a version of it needs nothing more. It is a no-op
	// if the order is no longer parked.
	Resolve(ctx context.Context, workflowID string, version workflows.ResolvedVersion) error
}

// ParkedOrders are the ParkedOrder workflows of a namespace.
type ParkedOrders struct {
	client client.Client
	// lists are in flight: one per flow, shared by all callers.
	lists singleflight.Group

	mu     sync.Mutex // never held during a call
	listed map[string]parkedList
}

type parkedList struct {
	visibility.ParkedOrders
	// at is when it was asked for; all that had become of the orders by then is on it.
	at time.Time
}

// NewParkedOrders lists and signals parked orders through a client.
func NewParkedOrders(c client.Client) *ParkedOrders {
	return &ParkedOrders{client: c, listed: map[string]parkedList{}}
}

// Waiting lists a flow's parked orders as they were at most ten seconds ago. Concurrent
// callers share one call.
func (p *ParkedOrders) Waiting(ctx context.Context, flowName string) (map[string]string, error) {
	list, err := p.recent(ctx, flowName, time.Time{})
	return list.Waiting, err
}

// List lists a flow's parked orders.
func (p *ParkedOrders) List(ctx context.Context, flowName string) (map[string]string, error) {
	list, err := p.list(ctx, flowName)
	return list.Waiting, err
}

// Discarded asks the server about the order itself if it is parked or discarded by the list,
// which may be late. The server forgets discarded orders after its retention.
func (p *ParkedOrders) Discarded(ctx context.Context, flowName string, order contract.Order, asOf time.Time) (bool, error) {
	list, err := p.recent(ctx, flowName, asOf)
	if err != nil {
		return false, err
	}
	id := workflows.ParkedOrderID(flowName, order.ID)
	if _, waiting := list.Waiting[id]; !waiting && !list.Discarded[id] {
		return false, nil
	}
	last, err := lastParking(ctx, p.client, id)
	if err != nil {
		return false, err
	}
	return isDiscarded(ctx, p.client, last, order)
}

// recent is a list that is not older than ten seconds, nor than asOf.
func (p *ParkedOrders) recent(ctx context.Context, flowName string, asOf time.Time) (parkedList, error) {
	if now := time.Now(); asOf.After(now) {
		asOf = now // the clock of Temporal's server may be fast
	}
	for {
		p.mu.Lock()
		list, ok := p.listed[flowName]
		p.mu.Unlock()
		if ok && time.Since(list.at) < listedFor && !list.at.Before(asOf) {
			return list, nil
		}
		listed := p.lists.DoChan(flowName, func() (any, error) {
			// The first caller may give up while others still wait.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listedFor)
			defer cancel()
			return p.list(ctx, flowName)
		})
		select {
		case result := <-listed:
			list, _ := result.Val.(parkedList)
			// The call that is shared may have begun before asOf.
			if result.Err != nil || !list.at.Before(asOf) {
				return list, result.Err
			}
		case <-ctx.Done():
			return parkedList{}, ctx.Err()
		}
	}
}

func (p *ParkedOrders) list(ctx context.Context, flowName string) (parkedList, error) {
	at := time.Now()
	orders, err := visibility.Parked(ctx, p.client, flowName)
	if err != nil {
		return parkedList{}, err
	}
	list := parkedList{orders, at}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed[flowName] = list
	return list, nil
}

// lastParking is the last time that an order was parked; nil if it never was, or if the
// server no longer retains it.
func lastParking(ctx context.Context, c client.Client, workflowID string) (*workflowpb.WorkflowExecutionInfo, error) {
	described, err := c.DescribeWorkflow(ctx, workflowID, "")
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, text.Errorf("looking up %s failed: %w", workflowID, err)
	}
	return described.RawResponse.GetWorkflowExecutionInfo(), nil
}

// isDiscarded reports whether the last parking of an order ended with a person discarding it,
// and the order has not changed in the source since.
func isDiscarded(ctx context.Context, c client.Client, last *workflowpb.WorkflowExecutionInfo, order contract.Order) (bool, error) {
	if last.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return false, nil
	}
	var ended workflows.ParkedOrderResult
	if err := c.GetWorkflow(ctx, last.GetExecution().GetWorkflowId(), last.GetExecution().GetRunId()).Get(ctx, &ended); err != nil {
		return false, text.Errorf("reading the result of %s failed: %w", last.GetExecution().GetWorkflowId(), err)
	}
	return ended.Discarded != nil && ended.Order.Covers(order), nil
}

// Resolve signals a parked order.
func (p *ParkedOrders) Resolve(ctx context.Context, workflowID string, version workflows.ResolvedVersion) error {
	err := p.client.SignalWorkflow(ctx, workflowID, "", workflows.ResolvedSignal, version)
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return text.Errorf("telling parked order %s that it needs nothing more failed: %w", workflowID, err)
	}
	return nil
}

// resolveParked tells those of the orders that are parked that they need nothing more: an
// order that was parked in one version, and then changed back to what its bill says, would
// otherwise be booked in that version as soon as possible.
//
// If the parked orders can't be listed, none is told: orders that can be saved do not wait
// for that.
func (a *Activities) resolveParked(ctx context.Context, flowName string, resolved []booking.Wanted) error {
	if a.Parked == nil || len(resolved) == 0 {
		return nil
	}
	waiting, err := a.Parked.Waiting(ctx, flowName)
	if err != nil {
		activity.GetLogger(ctx).Warn("the parked orders cannot be listed, so none was told", "error", err)
		return nil
	}
	for _, order := range resolved {
		id := workflows.ParkedOrderID(flowName, order.OrderID)
		if _, ok := waiting[id]; !ok || order.ChangedAt.IsZero() {
			continue
		}
		if err := a.Parked.Resolve(ctx, id, workflows.ResolvedVersion{ChangedAt: order.ChangedAt, LeftOut: order.LeftOut}); err != nil {
			return err
		}
	}
	return nil
}

// isDiscarded reports whether an order is to be left out because a person has discarded it;
// asOf is as in [workflows.SaveOrderParams].
func (a *Activities) isDiscarded(ctx context.Context, flowName string, order contract.Order, asOf time.Time) (bool, error) {
	if a.Parked == nil || asOf.IsZero() {
		return false, nil
	}
	discarded, err := a.Parked.Discarded(ctx, flowName, order, asOf)
	if err != nil {
		return false, &fault.Error{
			Class:  fault.Retry,
			Reason: "discards_unknown",
			Err:    text.Errorf("whether a person has discarded order %s can't be told: %w", order.ID, err),
			Advice: text.New("Retried automatically; if it lasts, check Temporal's server and its database"),
		}
	}
	return discarded, nil
}
