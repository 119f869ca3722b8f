package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/activities"
	"refundsync/internal/booking"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// worker is a process of the product, with its own groups, proofs and clock.
type worker struct {
	*life
	name   string
	groups *groupcommit.Groups
	proofs *booking.Proofs
	ctx    context.Context
	cancel context.CancelFunc
	// running are the attempts that it has begun.
	running []*attempt

	gone      bool
	suspended bool
	since     time.Time         // when the suspension began
	held      []*event          // events delayed by the suspension
	inside    map[*arrival]bool // its goroutines in park
	// away is the total time that it was suspended, slept the part of it during which its
	// machine's monotonic clock stood still, and ahead how far its wall clock is ahead.
	away, slept, ahead time.Duration
}

func (l *life) newWorker() *worker {
	l.count++
	w := &worker{life: l, name: fmt.Sprintf("w%06d", l.count), proofs: booking.NewProofs(), inside: map[*arrival]bool{}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.groups = w.newGroups()
	l.note("%s begins", w.name)
	return w
}

func (w *worker) newGroups() *groupcommit.Groups {
	return groupcommit.New(client{w}, groupcommit.Options{
		Calls: w.settings.sessions, Bills: w.settings.billsACall, Wait: 20 * time.Millisecond, Clock: w.clock(),
	})
}

// kill kills the process. What it has sent is still in flight.
func (w *worker) kill() {
	w.note("%s is killed", w.name)
	w.mu.Lock()
	w.gone = true
	w.mu.Unlock()
	w.cancel()
	w.woke = true
	for a := range w.inside {
		a.answer(errGone)
	}
	w.missHeartbeats()
	for _, try := range w.running {
		for _, h := range try.held {
			w.after(w.settings.latency+w.settings.late, h.release)
		}
	}
}

// suspend stops the process until resume.
func (w *worker) suspend() {
	w.note("%s is suspended", w.name)
	w.suspended, w.since = true, time.Now()
	w.missHeartbeats()
}

func (w *worker) resume(asleep bool) {
	w.note("%s goes on", w.name)
	w.suspended = false
	w.away += time.Since(w.since)
	if asleep {
		w.slept += time.Since(w.since)
	}
	held := w.held
	w.held = nil
	for _, e := range held {
		if !e.stopped {
			w.on(w, w.between(0, 50*time.Millisecond), e.do)
		}
	}
}

// clock is the worker's clock.
type clock struct{ w *worker }

func (w *worker) clock() groupcommit.Clock {
	if w.without.clock != nil {
		return w.without.clock(w)
	}
	return clock{w}
}

// Now returns the monotonic and the wall clock.
func (c clock) Now() (monotonic, wall time.Time) {
	now := time.Now()
	return now.Add(-c.w.slept), now.Round(0).Add(c.w.ahead)
}

// AfterFunc is the worker's timer, which stops while the worker is suspended.
func (c clock) AfterFunc(d time.Duration, f func()) groupcommit.Timer {
	t := &timer{}
	at := time.Now().Add(d)
	c.w.post(fmt.Sprintf("timer %d", d), func() {
		c.w.on(c.w, time.Until(at), func() {
			if !t.stopped {
				c.w.woke = true
				f()
			}
		})
	})
	return t
}

type timer struct{ stopped bool }

// Stop is called with the groups' lock held.
func (t *timer) Stop() bool {
	was := t.stopped
	t.stopped = true
	return !was
}

type taskKey struct{}

// taskOf names the task of a context.
func taskOf(ctx context.Context) string { return ctx.Value(taskKey{}).(string) }

// activities returns this worker's activities. Where the orders of a page are saved
// concurrently, none of them proves the way, because it is not determined which begins.
func (w *worker) activities() *activities.Activities {
	f := w.settings.flow
	a := &activities.Activities{Flows: flow.Flows{f.Name: f}, Source: sourceClient{w}, Parked: parkedClient{w}}
	if f.Options.Grain == contract.GrainOrder {
		a.Proofs = w.proofs
	}
	var ledger kingdee.Ledger = w.groups
	if w.without.ledger != nil {
		ledger = w.without.ledger(w)
	}
	a.Ledger = gate{w, ledger}
	return a
}

// parkedClient is a worker's view of the parked orders.
type parkedClient struct{ w *worker }

func (c parkedClient) List(ctx context.Context, flowName string) (map[string]string, error) {
	return c.Waiting(ctx, flowName)
}

func (c parkedClient) Waiting(ctx context.Context, flowName string) (map[string]string, error) {
	reasons := map[string]string{}
	gone, _ := c.w.park("waiting "+taskOf(ctx), func(a *arrival) {
		for _, p := range c.w.waiting() {
			reasons[workflows.ParkedOrderID(flowName, p.Version.Order.ID)] = p.Version.Failure.Reason
		}
		a.answer(nil)
	}).(error)
	return reasons, gone
}

func (c parkedClient) Discarded(ctx context.Context, _ string, order contract.Order, _ time.Time) (discarded bool, err error) {
	if c.w.without.discards {
		return false, nil
	}
	gone, _ := c.w.park("discarded "+taskOf(ctx)+order.ID, func(a *arrival) {
		discarded = c.w.isDiscarded(order)
		a.answer(nil)
	}).(error)
	return discarded, gone
}

func (c parkedClient) Resolve(ctx context.Context, workflowID string, version workflows.ResolvedVersion) error {
	if c.w.without.settled {
		return nil
	}
	gone, _ := c.w.park("settle "+taskOf(ctx)+workflowID, func(a *arrival) {
		for _, p := range c.w.waiting() {
			if workflows.ParkedOrderID(c.w.settings.flow.Name, p.Version.Order.ID) == workflowID {
				p.settled(version)
			}
		}
		a.answer(nil)
	}).(error)
	return gone
}

// gate lets the goroutines of a worker into and out of its groups one at a time, in an
// order that the life draws.
type gate struct {
	w      *worker
	ledger kingdee.Ledger
}

func through[T any](ctx context.Context, g gate, what string, call func() (T, error)) (result T, err error) {
	pass := func(door string) error {
		err, _ := g.w.park(door+taskOf(ctx)+what, func(a *arrival) {
			g.w.on(g.w, g.w.between(0, 20*time.Millisecond), func() { a.answer(nil) })
		}).(error)
		return err
	}
	if err := pass("in "); err != nil {
		return result, err
	}
	result, err = call()
	if gone := pass("out "); gone != nil {
		return result, gone
	}
	return result, err
}

func (g gate) FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	return through(ctx, g, " find "+numbers[0], func() (map[string][]kingdee.Bill, error) {
		return g.ledger.FindBills(ctx, form, numbers)
	})
}

func (g gate) NewestBills(ctx context.Context, form kingdee.BillForm, like string, limit int) ([]kingdee.Bill, error) {
	return through(ctx, g, " newest", func() ([]kingdee.Bill, error) { return g.ledger.NewestBills(ctx, form, like, limit) })
}

func (g gate) ReadBill(ctx context.Context, form kingdee.BillForm, id string, keys []string) ([][]any, error) {
	return through(ctx, g, " read "+id, func() ([][]any, error) { return g.ledger.ReadBill(ctx, form, id, keys) })
}

func (g gate) ExecuteBillQuery(ctx context.Context, q kingdee.BillQuery) ([][]any, error) {
	return through(ctx, g, " query", func() ([][]any, error) { return g.ledger.ExecuteBillQuery(ctx, q) })
}

func (g gate) ByItem(ctx context.Context, form kingdee.BillForm, id string) (map[string]decimal.Decimal, error) {
	return through(ctx, g, " quantities "+id, func() (map[string]decimal.Decimal, error) { return g.ledger.ByItem(ctx, form, id) })
}

func (g gate) SourceLines(ctx context.Context, q kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error) {
	return through(ctx, g, " sources", func() (map[string][]kingdee.SourceLine, error) { return g.ledger.SourceLines(ctx, q, values) })
}

func (g gate) BatchSave(ctx context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	return through(ctx, g, " save "+numberOf(request.Model[0]), func() ([]kingdee.BillResult, error) { return g.ledger.BatchSave(ctx, request) })
}

func (g gate) Submit(ctx context.Context, form kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return through(ctx, g, " submit "+numbers[0], func() ([]kingdee.BillResult, error) { return g.ledger.Submit(ctx, form, numbers) })
}

func (g gate) Audit(ctx context.Context, form kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return through(ctx, g, " audit "+numbers[0], func() ([]kingdee.BillResult, error) { return g.ledger.Audit(ctx, form, numbers) })
}

func (g gate) Delete(ctx context.Context, form kingdee.BillForm, bill kingdee.Bill) error {
	_, err := through(ctx, g, " delete "+bill.ID, func() (struct{}, error) { return struct{}{}, g.ledger.Delete(ctx, form, bill) })
	return err
}
