package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/singleflight"

	"refundsync/internal/booking"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// listedFor is how long the list of a flow's parked orders is cached. A parked order that a
// run reads was parked by an earlier run, usually minutes ago.
const listedFor = 10 * time.Second

// Parked is what is needed of the parked orders; [ParkedOrders] implements it.
type Parked interface {
	// List lists a flow's parked orders: their workflow ids, and the reason of each.
	List(ctx context.Context, flowName string) (map[string]string, error)
	// Waiting is List as it was a moment ago.
	Waiting(ctx context.Context, flowName string) (map[string]string, error)
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
	at      time.Time
	reasons map[string]string
}

// NewParkedOrders lists and signals parked orders through a client.
func NewParkedOrders(c client.Client) *ParkedOrders {
	return &ParkedOrders{client: c, listed: map[string]parkedList{}}
}

// Waiting lists a flow's parked orders as they were at most ten seconds ago. Concurrent
// callers share one call.
func (p *ParkedOrders) Waiting(ctx context.Context, flowName string) (map[string]string, error) {
	p.mu.Lock()
	list, ok := p.listed[flowName]
	p.mu.Unlock()
	if ok && time.Since(list.at) < listedFor {
		return list.reasons, nil
	}
	listed := p.lists.DoChan(flowName, func() (any, error) {
		// The first caller may give up while others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listedFor)
		defer cancel()
		return p.List(ctx, flowName)
	})
	select {
	case result := <-listed:
		reasons, _ := result.Val.(map[string]string)
		return reasons, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// List lists a flow's parked orders.
func (p *ParkedOrders) List(ctx context.Context, flowName string) (map[string]string, error) {
	reasons, err := visibility.Parked(ctx, p.client, flowName)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed[flowName] = parkedList{time.Now(), reasons}
	return reasons, nil
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
