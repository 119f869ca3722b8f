// Package booking brings the bill of an order in Kingdee to what it is to be, once:
// whatever has become of earlier attempts, and whoever else works on it.
package booking

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

// Book books the orders of a flow.
type Book struct {
	Flow   *flow.Flow
	Ledger kingdee.Ledger
	// Flows are all of this worker: a number that one of them gives is right.
	Flows flow.Flows
	// Proofs are this worker's; nil where no bill has to prove the way.
	Proofs *Proofs
	// Run identifies the run whose first new bill proves the way for the others; "" for
	// orders that are parked.
	Run string
}

// Result tells what became of an order.
type Result struct {
	// Outcome is Saved, Updated, AlreadySaved or LeftOut.
	Outcome    tally.Outcome
	BillNumber string
	// Reason is why an order is LeftOut.
	Reason string
	// Differences are what Kingdee has otherwise than it was sent, of the bill that
	// proved the way.
	Differences string
}

// Save sees to it that an order has its bill, or none where the flow leaves it out. An
// error is a *fault.Error but for what becomes of ctx.
//
// A first attempt saves, unless the bill is known to exist: groupcommit.Groups sees to it
// that a look-up that holds found none. One that is retried looks first, because it
// can't know what became of the one before, and goes on from what it finds.
func (b Book) Save(ctx context.Context, order *flow.Opened, exists, retried bool) (Result, error) {
	reason, leaveOut, err := order.Skip()
	if err != nil {
		return Result{}, err
	}
	if leaveOut {
		reason, err := b.leaveOut(ctx, order, reason, retried)
		return Result{Outcome: tally.LeftOut, BillNumber: order.Order.BillNumber, Reason: reason}, err
	}
	bill, err := order.Bill()
	if err != nil {
		return Result{}, err
	}
	w := &work{Book: b, order: order, bill: bill}
	outcome, err := w.bring(ctx, exists, retried)
	if err != nil {
		return Result{}, fmt.Errorf("售后单 order %s, 单据 bill %s: %w", order.Order.ID, bill.Number, err)
	}
	return Result{Outcome: outcome, BillNumber: bill.Number, Differences: w.told}, nil
}

// work is an order on its way.
type work struct {
	Book
	order *flow.Opened
	bill  flow.Bill // of all that the order asks for
	// told is what Kingdee has otherwise than the proof was sent.
	told string
}

func (w *work) bring(ctx context.Context, exists, retried bool) (tally.Outcome, error) {
	ours := retried // what a later attempt finds is most likely what an earlier one saved
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
		// A save that an earlier attempt gave up waiting for can have landed since the
		// look: where Kingdee has no rule that numbers are unique, the look that
		// follows finds two.
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
	return w.settle(ctx, found, ours, retried)
}

// find finds the bills of an order by the number of the first: that one, if it is there,
// and what supplements it, in their order.
func (b Book) find(ctx context.Context, first string) ([]kingdee.Bill, error) {
	numbers := b.numbers(first)
	found, err := b.Ledger.FindBills(ctx, b.Flow.Call.FormId, flow.MarkField, numbers)
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

// theBills are the bills of an order: one a number, from the first on, and none left out.
func theBills(numbers []string, found map[string][]kingdee.Bill) (bills []kingdee.Bill, err error) {
	missing := ""
	for _, number := range numbers {
		// A void bill books nothing, and stands in nobody's way but by its number.
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

// saveNew saves the bill once the way is proven, or as the proof.
func (w *work) saveNew(ctx context.Context, retried bool) error {
	saved := false
	if w.Proofs != nil {
		err := w.Proofs.pass(ctx, gateKey{w.Flow.Name, w.Run}, func() (err error) {
			saved, err = w.prove(ctx, retried)
			return err
		})
		if err != nil || saved {
			return err
		}
	}
	_, err := w.save(ctx)
	return err
}

// save saves the bill anew. Which periods are closed it asks at the last moment: a
// bill that exists has its date, however long after it is looked at again. The bill is
// nil only where Kingdee has not said that it is saved.
func (w *work) save(ctx context.Context) (*savedBill, error) {
	bill, err := w.Flow.InOpenPeriod(w.bill, time.Now())
	if err != nil {
		return nil, err
	}
	id, err := w.send(ctx, bill.Model, nil)
	if id == "" {
		return nil, err
	}
	return &savedBill{id: id, bill: bill}, err
}

// send saves the bill, over another one unless that is nil. It gives the FID of one that
// is saved, also where the number is not the one that was sent.
func (w *work) send(ctx context.Context, model json.RawMessage, over *kingdee.Bill) (id string, err error) {
	request := Request(w.Flow, model)
	request.Over, request.TextField = over, flow.MarkField
	result, err := only(w.Ledger.BatchSave(ctx, request))
	if err == nil && result.Number != "" && result.Number != w.bill.Number {
		err = renumbered(result.ID, w.bill.Number, result.Number)
	}
	return result.ID, err
}

// Request is the call that saves a bill.
func Request(f *flow.Flow, model json.RawMessage) kingdee.BatchSave {
	return kingdee.BatchSave{
		FormID:                f.Call.FormId,
		Operation:             f.Call.Operation,
		Model:                 []json.RawMessage{model},
		BatchCount:            f.Call.BatchCount,
		IsVerifyBaseDataField: f.Call.IsVerifyBaseDataField,
		IsAutoSubmitAndAudit:  f.Call.IsAutoSubmitAndAudit,
	}
}

// settle brings the bills that are there to the order as it is now, and as far as the
// flow wants them. ours tells that this order's own attempts saved them.
func (w *work) settle(ctx context.Context, found []kingdee.Bill, ours, retried bool) (tally.Outcome, error) {
	numbers := flow.BillNumbers(w.bill.Number)
	for i, bill := range found {
		if bill.Void {
			return "", billVoid(bill)
		}
		if bill.Number != numbers[i] {
			return "", renumbered(bill.ID, numbers[i], bill.Number)
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

// finish submits and audits the bills, from wherever they stand, and tells whether
// there was anything to do.
func (w *work) finish(ctx context.Context, found []kingdee.Bill) (finished bool, err error) {
	for _, bill := range found {
		form, numbers := w.Flow.Call.FormId, []string{bill.Number}
		submit, audit := steps(w.Flow, bill)
		if submit {
			if _, err := only(w.Ledger.Submit(ctx, form, numbers)); err != nil {
				return false, fmt.Errorf("提交失败 submit failed: %w", err)
			}
		}
		if audit {
			if _, err := only(w.Ledger.Audit(ctx, form, numbers)); err != nil {
				return false, fmt.Errorf("审核失败 audit failed: %w", err)
			}
		}
		finished = finished || audit
	}
	return finished, nil
}

// steps are those that the flow wants of a bill, by its FDocumentStatus: Z draft,
// A created, B under review, C audited, D re-opened. What a person has re-opened is
// left to them.
func steps(f *flow.Flow, bill kingdee.Bill) (submit, audit bool) {
	if f.Options.SubmitAndAudit == flow.SubmitAndAuditNone {
		return false, false
	}
	submit = isUntouched(bill)
	return submit, submit || bill.DocumentStatus == "B"
}

// isUntouched reports whether a bill is a draft or created, and nobody has submitted,
// audited or re-opened it.
func isUntouched(bill kingdee.Bill) bool {
	return bill.DocumentStatus == "Z" || bill.DocumentStatus == "A"
}

// only is the outcome of a call about a single bill.
func only(results []kingdee.BillResult, err error) (kingdee.BillResult, error) {
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return kingdee.BillResult{}, err
	}
	return results[0], nil
}
