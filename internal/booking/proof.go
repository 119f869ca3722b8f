package booking

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// Proofs have one new bill of each run prove the way before the others are saved: that
// Kingdee keeps its number and its mark, and shows it. They are one worker's, and are
// kept in its memory: a worker that takes part in a run later proves once for itself.
type Proofs struct {
	mu    sync.Mutex
	gates map[gateKey]*gate
	// unproven is, by flow, the bill that was saved as a proof and was not found as it
	// was sent. Until it is, or is known to be gone, none is saved: it would only be one
	// more.
	unproven map[string]*savedBill
}

// gateKey is a flow in a run; the run of parked orders is "".
type gateKey struct{ flow, run string }

// gate lets bills go once one has proven the way.
type gate struct {
	// turn is held by the bill that is the proof. The rest is the holder's, but for tries.
	turn  chan struct{}
	tries atomic.Int64 // that have ended
	// err is what the last try means for all who waited for it; nil has the next one try.
	err error
	// settled tells that no bill has to try any more: the way is open or, with err,
	// closed.
	settled bool
}

// savedBill is a bill that Kingdee has said to be saved.
type savedBill struct {
	id   string // its FID
	bill flow.Bill
	// shown tells that a look-up has shown it, and missed that one has not.
	shown, missed atomic.Bool
}

// mostGates bounds those that are kept. One that is dropped costs another proof.
const mostGates = 1000

// NewProofs are those of a worker that has proven nothing yet.
func NewProofs() *Proofs {
	return &Proofs{gates: map[gateKey]*gate{}, unproven: map[string]*savedBill{}}
}

// pass returns once the way is proven. One bill at a time tries to prove it, and the
// others wait. A way that is closed, and what may pass by itself, is told to all who
// wait; a bill that can't be saved for a cause of its own leaves the proof to the next.
func (p *Proofs) pass(ctx context.Context, key gateKey, prove func() error) error {
	g := p.gate(key)
	before := g.tries.Load()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.settled || g.err != nil && g.tries.Load() > before {
		return g.err
	}
	defer g.tries.Add(1)
	g.err = nil
	err := prove() // a panic is the bill's own
	f := fault.As(err)
	switch {
	case err == nil:
		g.settled = true
	case f == nil:
	case f.Class != fault.Final:
		g.err = &fault.Error{Class: f.Class, Reason: f.Reason, Delay: f.Delay, Err: err,
			Message: "还没有保存：本次运行的第一张单据没有成功。 Not saved yet: the first bill of the run did not succeed: " + err.Error()}
	case tally.ClosesTheWay(f.Reason):
		g.err, g.settled = err, key.run != ""
	}
	return err
}

func (p *Proofs) gate(key gateKey) *gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.gates) > mostGates {
		clear(p.gates)
	}
	if p.gates[key] == nil {
		p.gates[key] = &gate{turn: make(chan struct{}, 1)}
	}
	return p.gates[key]
}

func (p *Proofs) unprovenOf(flowName string) *savedBill {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unproven[flowName]
}

// keep has a bill be the one that is not proven; nil: none is.
func (p *Proofs) keep(flowName string, saved *savedBill) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unproven[flowName] = saved
}

// prove proves the way by the bill that an earlier proof left, or by this one, which it
// then has tried to save.
func (w *work) prove(ctx context.Context, retried bool) (tried bool, err error) {
	if earlier := w.Proofs.unprovenOf(w.Flow.Name); earlier != nil {
		gone, err := w.readBack(ctx, earlier)
		if err != nil {
			return false, err
		}
		w.Proofs.keep(w.Flow.Name, nil)
		if !gone {
			return false, nil
		}
	}
	if err := w.checkNumbers(ctx); err != nil {
		return false, err
	}
	first, err := w.save(ctx)
	if first != nil {
		w.Proofs.keep(w.Flow.Name, first)
	}
	if isNumberUsed(err) {
		if found, lookErr := w.Ledger.FindBills(ctx, w.Flow.Call.FormId, flow.MarkField, []string{w.bill.Number}); lookErr == nil && len(found) == 0 {
			return true, notShown(w.bill.Number, "", retried)
		}
	}
	if err == nil {
		_, err = w.readBack(ctx, first)
	}
	if err == nil {
		w.Proofs.keep(w.Flow.Name, nil)
	}
	return true, err
}

// proveBy goes on with the proof if the bill that was found is the one that was saved for
// it, by an attempt before.
func (w *work) proveBy(ctx context.Context, found kingdee.Bill) error {
	saved := w.Proofs.unprovenOf(w.Flow.Name)
	if saved == nil || saved.id != found.ID {
		return nil
	}
	_, err := w.readBack(ctx, saved)
	if err == nil {
		w.Proofs.keep(w.Flow.Name, nil)
	}
	return err
}

// fewNewest is how many of the newest bills tell whether numbers are as they were.
const fewNewest = 20

// checkNumbers sees that the bills which exist have the numbers that the flow gives
// their orders today: a number depends on the order's key alone, and the mark names it.
// Where they differ, the mapping of FBillNo was edited, or Kingdee has numbered them.
func (w *work) checkNumbers(ctx context.Context) error {
	newest, err := w.Ledger.NewestBills(ctx, w.Flow.Call.FormId, flow.MarkField, flow.MarkLike, fewNewest)
	if err != nil {
		return fmt.Errorf("查询最近的单据失败 looking up the newest bills failed: %w", err)
	}
	others := map[string]kingdee.Bill{} // by the number that they should have
	for _, bill := range newest {
		if bill.Unreadable != "" {
			return kingdee.Unreadable(bill.Unreadable, bill.ID)
		}
		mark, marked := flow.FindMark(bill.Text)
		if !marked || bill.Void {
			continue
		}
		number, err := w.Flow.NumberOf(mark.OrderID)
		if err == nil && !w.isNumberOf(mark.OrderID, bill.Number) {
			others[number] = bill
		}
	}
	if len(others) == 0 {
		return nil
	}
	// A copy that a person made of a bill has its mark too, beside the bill itself.
	numbers := slices.Sorted(maps.Keys(others))
	found, err := w.Ledger.FindBills(ctx, w.Flow.Call.FormId, flow.MarkField, numbers)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if len(found[number]) == 0 {
			return numberChanged(number, others[number])
		}
	}
	return nil
}

// isNumberOf reports whether a flow of this worker gives the order's bill the number.
func (w *work) isNumberOf(orderID, number string) bool {
	for _, f := range w.Flows {
		given, err := f.NumberOf(orderID)
		if err == nil && slices.Contains(flow.BillNumbers(given), number) && f.Call.FormId == w.Flow.Call.FormId {
			return true
		}
	}
	return false
}

// readBack compares a bill that was saved with what Kingdee shows under its FID. One
// that was shown and is shown no more, or is void, is gone: a person has seen to it.
func (w *work) readBack(ctx context.Context, saved *savedBill) (gone bool, err error) {
	keys := saved.bill.ReadBackKeys()
	rows, err := w.Ledger.ReadBill(ctx, w.Flow.Call.FormId, saved.id, append(keys, "FCancelStatus"))
	if err != nil {
		return false, fmt.Errorf("读回单据失败 reading bill FID %s back failed: %w", saved.id, err)
	}
	if len(rows) == 0 {
		missed := saved.missed.Swap(true)
		if saved.shown.Load() {
			return true, nil
		}
		return false, notShown(saved.bill.Number, saved.id, missed)
	}
	saved.shown.Store(true)
	switch rows[0][len(keys)] {
	case "A":
	case "B":
		return true, nil
	default:
		return false, kingdee.Unreadable("FCancelStatus", saved.id)
	}
	status := "A"
	if w.Flow.Options.SubmitAndAudit == flow.SubmitAndAuditKingdee {
		status = "C"
	}
	var told []string
	for _, difference := range saved.bill.Differences(status, rows) {
		switch {
		case difference.Unreadable && difference.OfIdentity():
			return false, kingdee.Unreadable(difference.Field, saved.id)
		case difference.Field == flow.MarkField:
			if mark, ok := flow.FindMark(difference.Read); ok && mark.OrderID == saved.bill.Mark.OrderID {
				return false, nil // a later version of the order has been saved over it
			}
			return false, markLost(saved, difference)
		case difference.OfIdentity():
			return false, renumbered(saved.id, saved.bill.Number, difference.Read)
		case !slices.Contains(w.Flow.Options.ExpectedDifferences, difference.Field):
			told = append(told, difference.String())
		}
	}
	if len(told) > 0 {
		w.told = text.Literal(fmt.Sprintf("单据 bill %s: %s", saved.bill.Number, strings.Join(told, "; "))).Short(tally.LongestMessage).String()
	}
	return false, nil
}
