package booking

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// Proofs let one new bill of each run go ahead of the others, as proof that Kingdee keeps
// a bill's number and mark and shows the bill. A worker keeps its own in memory, so each
// worker that joins a run needs one proof.
type Proofs struct {
	mu    sync.Mutex
	gates map[gateKey]*gate
	// unproven is, by flow, the bill that was saved as a proof and not found as it was
	// sent. Until it is, or is known to be gone, nothing else is saved: it might have the
	// same fault.
	unproven map[string]*savedBill
}

// gateKey is a flow in a run; the run of parked orders is "".
type gateKey struct{ flow, run string }

// gate lets bills pass once one has succeeded as the proof.
type gate struct {
	// turn is held by the bill that is the proof, which guards the other fields except
	// attempts.
	turn     chan struct{}
	attempts atomic.Int64 // that have ended
	// err is what the last attempt means for all that waited for it; with nil the next
	// bill is the proof.
	err error
	// decided means that no further proof is needed: the gate is open or, with err, closed.
	decided bool
}

// savedBill is a bill that Kingdee has said to be saved.
type savedBill struct {
	id   string // its FID
	bill flow.Bill
	// shown means that a look-up has shown it, and missed that one has not.
	shown, missed atomic.Bool
}

// mostGates bounds the gates in memory. A dropped one costs another proof.
const mostGates = 1000

// NewProofs makes the proofs of a worker.
func NewProofs() *Proofs {
	return &Proofs{gates: map[gateKey]*gate{}, unproven: map[string]*savedBill{}}
}

// pass returns once the proof has succeeded. One bill at a time is the proof, and the
// others wait. A failure that closes the gate, and one that may pass by itself, is
// returned to all that wait; if the bill fails for a cause of its own, the next one is
// the proof.
func (p *Proofs) pass(ctx context.Context, key gateKey, prove func() error) error {
	g := p.gate(key)
	before := g.attempts.Load()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.decided || g.err != nil && g.attempts.Load() > before {
		return g.err
	}
	defer g.attempts.Add(1)
	g.err = nil
	err := prove() // a panic is the bill's own
	f := fault.As(err)
	switch {
	case err == nil:
		g.decided = true
	case f == nil:
	case f.Class != fault.Final:
		g.err = &fault.Error{Class: f.Class, Reason: f.Reason, Delay: f.Delay,
			Err: text.Errorf("not saved yet, because the first bill of the run did not succeed: %w", err)}
	case tally.StopsRun(f.Reason):
		g.err, g.decided = err, key.run != ""
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

// keep sets the bill that is not proven, nil for none.
func (p *Proofs) keep(flowName string, saved *savedBill) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unproven[flowName] = saved
}

// prove completes an earlier proof or, if there is none to complete, saves this bill as
// the proof; attempted says that it tried to save it.
func (w *work) prove(ctx context.Context, retried bool) (attempted bool, err error) {
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
		if found, lookErr := w.Ledger.FindBills(ctx, FormOf(w.Flow), []string{w.bill.Number}); lookErr == nil && len(found) == 0 {
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

// proveBy completes the proof if the bill that was found is the one that an earlier
// attempt saved for it.
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

// checkNumbers checks that existing bills have the numbers that the flow gives their
// orders today: a number depends on the order's key alone, which the mark names. Where
// they differ, the mapping of the number was edited, or Kingdee has renumbered the bills.
func (w *work) checkNumbers(ctx context.Context) error {
	newest, err := w.Ledger.NewestBills(ctx, FormOf(w.Flow), flow.MarkLike, fewNewest)
	if err != nil {
		return text.Errorf("looking up the newest bills failed: %w", err)
	}
	others := map[string]kingdee.Bill{} // by the numbers that they should have
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
	found, err := w.Ledger.FindBills(ctx, FormOf(w.Flow), numbers)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if len(found[number]) == 0 {
			return w.numberChanged(number, others[number])
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

// readBack compares a bill that was saved with what Kingdee shows under its FID. A bill
// that was shown before and no longer is, or that is void, is gone: a person has removed it.
func (w *work) readBack(ctx context.Context, saved *savedBill) (gone bool, err error) {
	keys := saved.bill.ReadBackKeys()
	rows, err := w.Ledger.ReadBill(ctx, FormOf(w.Flow), saved.id, append(keys, "FCancelStatus"))
	if err != nil {
		return false, text.Errorf("reading back bill FID %s failed: %w", saved.id, err)
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
	var differences []any
	for _, difference := range saved.bill.Differences(status, rows) {
		switch {
		case difference.Unreadable && saved.bill.IsFoundBy(difference):
			return false, kingdee.Unreadable(difference.Field, saved.id)
		case difference.Line == 0 && difference.Field == w.Flow.Form.Form.Note:
			if mark, ok := flow.FindMark(difference.Read); ok && mark.OrderID == saved.bill.Mark.OrderID {
				return false, nil // a later version of the order has been saved over it
			}
			return false, w.markLost(saved, difference)
		case saved.bill.IsFoundBy(difference):
			return false, w.renumbered(saved.id, saved.bill.Number, difference.Read)
		case !slices.Contains(w.Flow.Options.ExpectedDifferences, difference.Field):
			differences = append(differences, difference)
		}
	}
	if len(differences) > 0 {
		w.differences = text.New("bill %s: %s", saved.bill.Number, text.Join("; ", differences...)).Short(tally.LongestMessage)
	}
	return false, nil
}
