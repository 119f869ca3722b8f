// Package booking ensures that an order has exactly the bills in Kingdee that it should
// have, whatever became of earlier attempts and whoever else works on them.
package booking

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// Book books the orders of a flow.
type Book struct {
	Flow   *flow.Flow
	Ledger kingdee.Ledger
	// Flows are all flows of this worker: a number that any of them gives is right.
	Flows flow.Flows
	// Proofs are this worker's; nil where no proof is needed.
	Proofs *Proofs
	// Turns are this worker's; nil where orders are saved one by one.
	Turns *Turns
	// Run identifies the run, whose first new bill is the proof for the others; "" for
	// parked orders.
	Run string
}

// Result tells what became of an order.
type Result struct {
	// Outcome is Saved, Updated, AlreadySaved, LeftOut or BillDeleted.
	Outcome    tally.Outcome
	BillNumber string
	// Amount is what the order's bills add up to with tax; zero for an order that is left
	// out.
	Amount decimal.Decimal
	// Reason is why the flow leaves the order out.
	Reason string
	// Differences are the values of the run's proof that Kingdee has otherwise than they
	// were sent.
	Differences text.Text
	// Unlinked: the flow links bills, and goods of this one were saved without a source.
	Unlinked bool
}

// Save ensures that an order has its bill, or none where the flow leaves it out. The error
// is a *fault.Error, or that of ctx.
//
// A first attempt saves, unless the bill is known to exist: groupcommit.Groups ensures that
// a current look-up found none. A retry looks first, because it can't know what became of
// the attempt before, and goes on from what it finds.
func (b Book) Save(ctx context.Context, order *flow.Opened, exists, retried bool) (Result, error) {
	reason, leaveOut, err := order.Skip()
	if err != nil {
		return Result{}, err
	}
	if leaveOut {
		outcome, err := b.leaveOut(ctx, order, reason, retried)
		return Result{Outcome: outcome, BillNumber: order.Order.BillNumber, Reason: reason}, err
	}
	bill, err := order.Bill()
	if err != nil {
		return Result{}, err
	}
	w := &work{Book: b, order: order, bill: bill}
	outcome, err := w.ensure(ctx, exists, retried)
	if err != nil {
		return Result{}, text.Errorf("order %s, bill %s: %w", order.Order.ID, bill.Number, err)
	}
	return Result{Outcome: outcome, BillNumber: bill.Number, Amount: bill.Amount(), Differences: w.differences, Unlinked: w.unlinked}, nil
}

// work is an order being saved.
type work struct {
	Book
	order *flow.Opened
	bill  flow.Bill // of everything that the order asks for
	// differences and unlinked are as in [Result].
	differences text.Text
	unlinked    bool
}

// ensure saves the bill, or reconciles the bills that exist with the order.
func (w *work) ensure(ctx context.Context, exists, retried bool) (tally.Outcome, error) {
	ours := retried // what a retry finds was most likely saved by an earlier attempt
	var found []kingdee.Bill
	var err error
	if exists || retried {
		if found, err = w.find(ctx, w.bill.Number); err != nil {
			return "", err
		}
	}
	if len(found) == 0 {
		err := w.saveNew(ctx, retried)
		ours = !isNumberUsed(err)
		if err != nil && ours {
			return "", err
		}
		// A save that an earlier attempt gave up on can have landed since the look-up:
		// where Kingdee does not keep numbers unique, the next look-up finds two bills.
		if ours && !retried && w.Flow.Options.SubmitAndAudit == flow.SubmitAndAuditNone {
			return tally.Saved, nil
		}
		if found, err = w.find(ctx, w.bill.Number); err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", notShown(w.bill.Number, "", retried)
		}
	}
	return w.reconcile(ctx, found, ours, retried)
}

// find finds the bills of an order by the number of the first: that bill, if it exists,
// and its supplements, in order.
func (b Book) find(ctx context.Context, first string) ([]kingdee.Bill, error) {
	numbers := b.numbers(first)
	found, err := b.Ledger.FindBills(ctx, FormOf(b.Flow), numbers)
	if err != nil {
		return nil, err
	}
	return theBills(numbers, found)
}

// numbers are those that bills of an order can have by the flow.
func (b Book) numbers(first string) []string {
	if b.Flow.Supplements() {
		return flow.BillNumbers(first)
	}
	return []string{first}
}

// theBills are the bills of an order: one per number, from the first on, without gaps.
func theBills(numbers []string, found map[string][]kingdee.Bill) (bills []kingdee.Bill, err error) {
	missing := ""
	for _, number := range numbers {
		// A void bill books nothing and only holds its number.
		all := found[number]
		valid := slices.DeleteFunc(slices.Clone(all), func(bill kingdee.Bill) bool { return bill.Void })
		switch {
		case len(all) == 0:
			missing = cmp.Or(missing, number)
			continue
		case missing != "":
			return nil, billsIncomplete(missing, number)
		case len(valid) > 1:
			return nil, doubleBill(number, valid)
		case len(valid) == 0:
			bills = append(bills, all[0])
		case valid[0].Unreadable != "":
			return nil, kingdee.Unreadable(valid[0].Unreadable, valid[0].ID)
		default:
			bills = append(bills, valid[0])
		}
	}
	return bills, nil
}

// saveNew saves the bill once the proof has succeeded, or as the proof.
func (w *work) saveNew(ctx context.Context, retried bool) error {
	attempted := false
	if w.Proofs != nil {
		err := w.Proofs.pass(ctx, gateKey{w.Flow.Name, w.Run}, func() (err error) {
			attempted, err = w.prove(ctx, retried)
			return err
		})
		if err != nil || attempted {
			return err
		}
	}
	_, err := w.save(ctx)
	return err
}

// save saves a new bill. It checks at the last moment which periods are closed, since a bill
// that exists keeps its date, and links the bill to its sources. The result is nil only where Kingdee has not confirmed the
// save.
func (w *work) save(ctx context.Context) (*savedBill, error) {
	bill, err := w.Flow.InOpenPeriod(w.bill, time.Now())
	if err != nil {
		return nil, err
	}
	bill, end, err := w.link(ctx, bill)
	defer end()
	if err != nil {
		return nil, err
	}
	id, err := w.send(ctx, bill.Model, nil)
	if id == "" {
		return nil, err
	}
	return &savedBill{id: id, bill: bill}, err
}

// send saves the bill, over another one unless that is nil. It returns the FID of a saved
// bill, even where its number is not the one that was sent.
func (w *work) send(ctx context.Context, model json.RawMessage, over *kingdee.Bill) (id string, err error) {
	request := Request(w.Flow, model)
	request.Over = over
	result, err := only(w.Ledger.BatchSave(ctx, request))
	if err == nil && result.Number != "" && result.Number != w.bill.Number {
		err = w.renumbered(result.ID, w.bill.Number, result.Number)
	}
	return result.ID, err
}

// Request is the call that saves a bill.
func Request(f *flow.Flow, model json.RawMessage) kingdee.BatchSave {
	return kingdee.BatchSave{
		Form:                  FormOf(f),
		Operation:             f.Call.Operation,
		Model:                 []json.RawMessage{model},
		BatchCount:            f.Call.BatchCount,
		IsVerifyBaseDataField: f.Call.IsVerifyBaseDataField,
		IsAutoSubmitAndAudit:  f.Call.IsAutoSubmitAndAudit,
	}
}

// reconcile brings the existing bills into line with the current order, and submits and
// audits them as the flow wants. ours means that this order's own attempts saved them.
func (w *work) reconcile(ctx context.Context, found []kingdee.Bill, ours, retried bool) (tally.Outcome, error) {
	numbers := flow.BillNumbers(w.bill.Number)
	for i, bill := range found {
		if bill.Void {
			return "", billVoid(bill)
		}
		if bill.Number != numbers[i] {
			return "", w.renumbered(bill.ID, numbers[i], bill.Number)
		}
		if err := w.proveBy(ctx, bill); err != nil {
			return "", err
		}
	}
	changed, err := w.compare(ctx, found)
	if err != nil {
		return "", err
	}
	if changed {
		change := w.update
		if w.Flow.Supplements() {
			change = func(ctx context.Context, found []kingdee.Bill) ([]kingdee.Bill, error) {
				return w.supplement(ctx, found, retried)
			}
		}
		if found, err = change(ctx, found); err != nil {
			return "", err
		}
	}
	finished, err := w.finish(ctx, found)
	switch {
	case changed:
		return tally.Updated, err
	case ours, finished:
		return tally.Saved, err
	}
	return tally.AlreadySaved, err
}

// finish submits and audits the bills, from whatever status they have, and reports
// whether there was anything to do.
func (w *work) finish(ctx context.Context, found []kingdee.Bill) (finished bool, err error) {
	for _, bill := range found {
		form, numbers := FormOf(w.Flow), []string{bill.Number}
		submit, audit := steps(w.Flow, bill)
		if submit {
			if _, err := only(w.Ledger.Submit(ctx, form, numbers)); err != nil {
				return false, text.Errorf("submit failed: %w", err)
			}
		}
		if audit {
			if _, err := only(w.Ledger.Audit(ctx, form, numbers)); err != nil {
				return false, text.Errorf("audit failed: %w", err)
			}
		}
		finished = finished || audit
	}
	return finished, nil
}

// steps says what the flow wants done about a bill, by its FDocumentStatus: Z draft,
// A created, B under review, C audited, D re-opened. A bill that a person has re-opened
// is left to them.
func steps(f *flow.Flow, bill kingdee.Bill) (submit, audit bool) {
	if f.Options.SubmitAndAudit == flow.SubmitAndAuditNone {
		return false, false
	}
	submit = isUntouched(bill)
	return submit, submit || bill.DocumentStatus == "B"
}

// isUntouched reports whether nobody has submitted, audited or re-opened a bill.
func isUntouched(bill kingdee.Bill) bool {
	return bill.DocumentStatus == "Z" || bill.DocumentStatus == "A"
}

// only is the result of a call about a single bill.
func only(results []kingdee.BillResult, err error) (kingdee.BillResult, error) {
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return kingdee.BillResult{}, err
	}
	return results[0], nil
}
