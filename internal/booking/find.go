package booking

import (
	"context"
	"time"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// Wanted is the bill that an order should have.
type Wanted struct {
	OrderID string
	// Number is the bill's; "" where the order has a mistake, which saving it reports.
	Number    string
	ChangedAt time.Time
	// Hash is the order's BillHash; see [contract.Order]. Empty for an order that is left
	// out or has a mistake.
	Hash string
	// LeftOut is why the flow leaves the order out, so that it should have no bill; "" if
	// it does not.
	LeftOut string
}

// Found says which orders have a bill, by their keys.
type Found struct {
	// Finished have one that was made from the current order and has gone as far as the
	// flow wants.
	Finished []string
	// Unfinished have one that needs a submit, an audit, a person, or a comparison with
	// the order, which may have changed.
	Unfinished []string
	// Resolved are the orders that need nothing more: Finished, or left out and without
	// a bill. LeftOut is "" where a later version of the order has its bill.
	Resolved []Wanted
}

// Find asks which bills exist, how far they have gone, and whether they were made from
// the current orders.
func (b Book) Find(ctx context.Context, all []Wanted) (found Found, err error) {
	if len(all) == 0 {
		return found, nil
	}
	var numbers []string
	for _, wanted := range all {
		numbers = append(numbers, b.numbers(wanted.Number)...)
	}
	bills, err := b.Ledger.FindBills(ctx, FormOf(b.Flow), numbers)
	if err != nil {
		return found, text.Errorf("looking up existing bills failed: %w", err)
	}
	for _, wanted := range all {
		numbers := b.numbers(wanted.Number)
		switch its, err := theBills(numbers, bills); {
		case err == nil && len(its) > 0 && b.areFinished(wanted, its):
			found.Finished = append(found.Finished, wanted.OrderID)
			wanted.LeftOut = ""
			found.Resolved = append(found.Resolved, wanted)
		case err != nil || len(its) > 0:
			found.Unfinished = append(found.Unfinished, wanted.OrderID)
		case wanted.LeftOut != "":
			found.Resolved = append(found.Resolved, wanted)
		}
	}
	return found, nil
}

// areFinished reports whether the bills of an order need nothing more.
func (b Book) areFinished(wanted Wanted, bills []kingdee.Bill) bool {
	numbers := flow.BillNumbers(wanted.Number)
	mark := b.Flow.Mark(contract.Order{ID: wanted.OrderID, ChangedAt: wanted.ChangedAt, BillHash: wanted.Hash})
	for i, bill := range bills {
		_, audit := steps(b.Flow, bill)
		if bill.Void || bill.Number != numbers[i] || audit {
			return false
		}
		if its, marked := flow.FindMark(bill.Text); len(bills) > 1 && (!marked || its.OrderID != wanted.OrderID) {
			return false
		}
	}
	comparison := mark.Compare(bills[len(bills)-1].Text)
	return comparison == flow.Same || comparison == flow.Newer
}

// IsSaved reports whether an order has a bill whose mark says that it was made from this
// version of the order or a later one, by whatever flow: the order may have been saved by
// a run under a changed flow.
func (b Book) IsSaved(ctx context.Context, order contract.Order) (bool, error) {
	if order.BillNumber == "" || order.ChangedAt.IsZero() {
		return false, nil
	}
	found, err := b.find(ctx, order.BillNumber)
	if err != nil || len(found) == 0 {
		return false, err
	}
	last := found[len(found)-1]
	if last.Void {
		return false, nil
	}
	mark, marked := flow.FindMark(last.Text)
	return marked && mark.OrderID == order.ID && !mark.ChangedAt.Before(order.ChangedAt.Truncate(time.Second)), nil
}
