package booking

import (
	"cmp"
	"context"
	"slices"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// leaveOut ensures that an order which the flow leaves out has no bill: it may have been
// saved before it changed. A bill of another order, or one that a person made, is left
// alone, and a bill of a later version of the order is right. The outcome is LeftOut or
// BillDeleted.
func (b Book) leaveOut(ctx context.Context, opened *flow.Opened, reason string, retried bool) (tally.Outcome, error) {
	order, deletes := opened.Order, opened.Withdrawn() && b.Flow.Options.Withdrawn == flow.WithdrawnDelete
	found, err := b.find(ctx, order.BillNumber)
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(bill kingdee.Bill) bool { return bill.Void })
	if len(found) == 0 {
		if retried && deletes {
			return tally.BillDeleted, nil // by the attempt before
		}
		return tally.LeftOut, nil
	}
	order.BillHash = ""
	mark, last := b.Flow.Mark(order), found[len(found)-1]
	if mark.RemainsIn(last.Text) {
		return "", b.markDamaged(last, mark)
	}
	switch mark.Compare(last.Text) {
	case flow.Unmarked, flow.OtherOrder, flow.Newer:
		return tally.LeftOut, nil
	}
	switch {
	case !opened.Withdrawn():
		return "", leftOutSinceSaved(order, found, reason)
	case !deletes:
		return "", orderWithdrawn(order, found, reason, text.Text{})
	case slices.ContainsFunc(found, func(bill kingdee.Bill) bool { return !isUntouched(bill) }):
		return "", orderWithdrawn(order, found, reason, text.New("; it is submitted or audited and cannot be deleted automatically"))
	case slices.ContainsFunc(found, func(bill kingdee.Bill) bool { return !b.isOpen(bill) }):
		return "", orderWithdrawn(order, found, reason, text.New("; its period is closed or its date cannot be read, so it was not deleted"))
	}
	if !b.Flow.Supplements() {
		second, there, err := b.isSupplemented(ctx, order.BillNumber)
		if there || err != nil {
			return "", cmp.Or(err, orderWithdrawn(order, found, reason, text.New("; the order also has bill %s, so it was not deleted", second)))
		}
	}
	// The last is deleted first, so that a failure leaves no gap in between.
	for _, bill := range slices.Backward(found) {
		if err := b.delete(ctx, bill); err != nil {
			return "", err
		}
	}
	return tally.BillDeleted, nil
}

// isOpen reports whether the bill's period is known to be open.
func (b Book) isOpen(bill kingdee.Bill) bool {
	date, err := time.ParseInLocation(time.DateOnly, bill.Date, beijing.Zone)
	return err == nil && date.After(b.Flow.ClosedPeriods.LastDay(time.Now()))
}

// delete deletes a bill that is still as it was found. If the reply is lost, the next
// attempt looks whether the bill is still there.
func (b Book) delete(ctx context.Context, bill kingdee.Bill) error {
	err := b.Ledger.Delete(ctx, FormOf(b.Flow), bill)
	if isNumberUsed(err) {
		return savedMeanwhile(bill.Number)
	}
	if err != nil {
		return text.Errorf("deleting bill %s failed: %w", bill.Number, err)
	}
	return nil
}
