package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/singleflight"

	"refundsync/internal/booking"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// listedFor is how long the list of a flow's parked orders is gone by. An order that
// is read again was parked by an earlier run, as a rule minutes ago.
const listedFor = 10 * time.Second

// Parked is what is needed of the orders that wait; [ParkedOrders] has it.
type Parked interface {
	// Waiting gives the workflow ids of a flow's parked orders.
	Waiting(ctx context.Context, flowName string) (map[string]bool, error)
	// Settle tells a parked order that a version of it needs nothing any more. One
	// that waits no more needs not be told.
	Settle(ctx context.Context, workflowID string, version workflows.SettledVersion) error
}

// ParkedOrders are the ParkedOrder workflows of a namespace.
type ParkedOrders struct {
	client client.Client
	// lists are under way: one a flow, for all who ask meanwhile.
	lists singleflight.Group

	mu     sync.Mutex // never held during a call
	listed map[string]parkedList
}

type parkedList struct {
	at  time.Time
	ids map[string]bool
}

// NewParkedOrders asks a Temporal server for them, and tells them, by a client.
func NewParkedOrders(c client.Client) *ParkedOrders {
	return &ParkedOrders{client: c, listed: map[string]parkedList{}}
}

// Waiting gives the workflow ids of a flow's parked orders, as they were ten seconds
// ago at most. Those who ask while the list is away wait for it together.
func (p *ParkedOrders) Waiting(ctx context.Context, flowName string) (map[string]bool, error) {
	p.mu.Lock()
	list, ok := p.listed[flowName]
	p.mu.Unlock()
	if ok && time.Since(list.at) < listedFor {
		return list.ids, nil
	}
	listed := p.lists.DoChan(flowName, func() (any, error) {
		// Whoever asked first may give up; the others have not.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listedFor)
		defer cancel()
		return p.list(ctx, flowName)
	})
	select {
	case result := <-listed:
		ids, _ := result.Val.(map[string]bool)
		return ids, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *ParkedOrders) list(ctx context.Context, flowName string) (map[string]bool, error) {
	ids, err := visibility.Parked(ctx, p.client, flowName)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed[flowName] = parkedList{time.Now(), ids}
	return ids, nil
}

// Settle signals a parked order.
func (p *ParkedOrders) Settle(ctx context.Context, workflowID string, version workflows.SettledVersion) error {
	err := p.client.SignalWorkflow(ctx, workflowID, "", workflows.SettledSignal, version)
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("无法告知挂起的单 %[1]s 已不需要处理。 Parked order %[1]s can't be told that it needs nothing any more: %[2]w", workflowID, err)
	}
	return nil
}

// settleParked tells those of the orders that wait that they need nothing any more:
// an order that was parked in a version, and then changed back to what its bill says,
// would else be booked in that version as soon as it can be.
//
// Where the list of parked orders can't be read, nobody is told: orders that can be
// saved do not wait for it.
func (a *Activities) settleParked(ctx context.Context, flowName string, settled []booking.Wanted) error {
	if a.Parked == nil || len(settled) == 0 {
		return nil
	}
	waiting, err := a.Parked.Waiting(ctx, flowName)
	if err != nil {
		activity.GetLogger(ctx).Warn("列不出挂起的单，没有告知它们。 The parked orders can't be listed, so none was told", "error", err)
		return nil
	}
	for _, order := range settled {
		id := workflows.ParkedOrderID(flowName, order.OrderID)
		if !waiting[id] || order.ChangedAt.IsZero() {
			continue
		}
		if err := a.Parked.Settle(ctx, id, workflows.SettledVersion{ChangedAt: order.ChangedAt, LeftOut: order.LeftOut}); err != nil {
			return err
		}
	}
	return nil
}
