package booking

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

// leaveOut sees to it that an order which the flow leaves out has no bill: it may
// have been saved before it changed. A bill of another order, or one that a person
// made, is none of this one's, and one of a later version of the order is right. It gives
// the reason that the order is counted under.
func (b Book) leaveOut(ctx context.Context, opened *flow.Opened, reason string, retried bool) (string, error) {
	order, deletes := opened.Order, opened.Withdrawn() && b.Flow.Options.Withdrawn == flow.WithdrawnDelete
	found, err := b.find(ctx, order.BillNumber)
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(bill kingdee.Bill) bool { return bill.Void })
	if len(found) == 0 {
		if retried && deletes {
			return reason + tally.BillDeleted, nil // by the attempt before
		}
		return reason, nil
	}
	order.BillHash = ""
	mark, last := b.Flow.Mark(order), found[len(found)-1]
	if mark.RemainsIn(last.Text) {
		return "", markDamaged(last, mark)
	}
	switch mark.Kinship(last.Text) {
	case flow.Unmarked, flow.OtherOrder, flow.Newer:
		return reason, nil
	}
	switch {
	case !opened.Withdrawn():
		return "", leftOutSinceSaved(order, found, reason)
	case !deletes:
		return "", orderWithdrawn(order, found, reason, "", "")
	case slices.ContainsFunc(found, func(bill kingdee.Bill) bool { return !isUntouched(bill) }):
		return "", orderWithdrawn(order, found, reason, "，已提交或审核，不能自动删除", "; submitted or audited, it can't be deleted by itself")
	case slices.ContainsFunc(found, func(bill kingdee.Bill) bool { return !b.isOpen(bill) }):
		return "", orderWithdrawn(order, found, reason, "，所在期间已结账或日期读不到，没有删除", "; its period is closed or its date can't be read, so it was not deleted")
	}
	if !b.Flow.Supplements() {
		second, there, err := b.isSupplemented(ctx, order.BillNumber)
		if there || err != nil {
			return "", cmp.Or(err, orderWithdrawn(order, found, reason, "，另有补充单据 "+second+"，没有删除", "; there is bill "+second+" besides, so it was not deleted"))
		}
	}
	// The last goes first: what is left after a failure has none missing in between.
	for _, bill := range slices.Backward(found) {
		if err := b.delete(ctx, bill); err != nil {
			return "", err
		}
	}
	return reason + tally.BillDeleted, nil
}

// isOpen reports whether the bill is known to be of a period that is open.
func (b Book) isOpen(bill kingdee.Bill) bool {
	date, err := time.ParseInLocation(time.DateOnly, bill.Date, beijing.Zone)
	return err == nil && date.After(b.Flow.ClosedPeriods.LastDay(time.Now()))
}

// delete deletes a bill that is still as it was found. Whatever becomes of the reply, the
// next attempt looks whether it is there.
func (b Book) delete(ctx context.Context, bill kingdee.Bill) error {
	err := b.Ledger.Delete(ctx, b.Flow.Call.FormId, flow.MarkField, bill)
	if isNumberUsed(err) {
		return savedMeanwhile(bill.Number)
	}
	if err != nil {
		return fmt.Errorf("删除单据 %[1]s 失败 deleting bill %[1]s failed: %[2]w", bill.Number, err)
	}
	return nil
}
