package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

// compare tells whether the order has changed since the bill under its number was
// made. It fails if the bill is not this order's, or nobody can tell.
func (w *work) compare(ctx context.Context, found kingdee.Bill) (changed bool, err error) {
	mark, marked := flow.FindMark(found.Text)
	switch w.bill.Mark.Kinship(found.Text) {
	case flow.Same, flow.Newer:
		return false, nil
	case flow.Older:
		return true, nil
	case flow.OtherOrder:
		return false, w.numberConflict(found,
			fmt.Sprintf("是售后单 %s 的", mark.OrderID), fmt.Sprintf("is the bill of order %s", mark.OrderID))
	}
	if w.bill.Mark.RemainsIn(found.Text) {
		return false, markDamaged(found, w.bill.Mark)
	}
	// The mark can't tell: it is missing, or the flow was changed since and would
	// make another bill of the same order. What came back does.
	different, err := w.differentGoods(ctx, found)
	if err != nil || different == "" || marked {
		return different != "", err
	}
	return false, w.numberConflict(found,
		"没有本程序的标记，退回的物料和数量也不同："+different, "carries no mark of ours and holds other goods: "+different)
}

// differentGoods lists the materials whose quantities differ, as
// “material: bill's/order's”; "" if none does.
func (w *work) differentGoods(ctx context.Context, found kingdee.Bill) (string, error) {
	ordered, err := w.bill.Quantities()
	if err != nil {
		return "", fmt.Errorf("单据 bill %s: %w", w.bill.Number, err)
	}
	booked, err := w.Ledger.Quantities(ctx, w.Flow.Call.FormId, found.ID)
	if err != nil {
		return "", err
	}
	all := maps.Clone(ordered)
	maps.Copy(all, booked)
	var different []string
	for _, material := range slices.Sorted(maps.Keys(all)) {
		if !booked[material].Equal(ordered[material]) {
			different = append(different, fmt.Sprintf("%s: %s/%s", material, booked[material], ordered[material]))
		}
	}
	return strings.Join(different, ", "), nil
}

// update changes the bill into what the order asks for now, if the flow wants that,
// nobody has gone on with the bill, and it stays in its month. It gives the bill as it
// is then: another worker may have changed it at the same time.
func (w *work) update(ctx context.Context, found kingdee.Bill) (kingdee.Bill, error) {
	model, err := w.modelOver(found)
	if err != nil {
		return found, err
	}
	_, err = w.send(ctx, model, &found)
	if isNumberUsed(err) {
		return found, savedMeanwhile(w.bill.Number)
	}
	if err != nil {
		return found, fmt.Errorf("更新失败 update failed: %w", err)
	}
	updated, err := w.find(ctx, w.bill.Number)
	if err != nil {
		return found, err
	}
	if updated == nil || w.bill.Mark.Kinship(updated.Text) != flow.Same {
		return found, savedMeanwhile(w.bill.Number)
	}
	return *updated, nil
}

// modelOver is the bill as it is to be saved over one; an error says why none is.
func (w *work) modelOver(found kingdee.Bill) (json.RawMessage, error) {
	if w.Flow.Options.Existing != flow.ExistingUpdate || !isUntouched(found) {
		return nil, w.orderChanged(found, "", "")
	}
	now := time.Now()
	booked, err := time.ParseInLocation(time.DateOnly, found.Date, catalog.Beijing)
	if err != nil {
		return nil, w.orderChanged(found, "，读不到单据的日期", "; its date can't be read")
	}
	if closed := w.Flow.ClosedPeriods.LastDay(now); !booked.After(closed) {
		return nil, w.orderChanged(found,
			fmt.Sprintf("，单据日期 %s 在已结账的期间（截至 %s）", found.Date, closed.Format(time.DateOnly)),
			fmt.Sprintf("; its date %s is in a closed period (up to %s)", found.Date, closed.Format(time.DateOnly)))
	}
	bill, err := w.Flow.InOpenPeriod(w.bill, now)
	if err != nil {
		return nil, err
	}
	date, err := bill.Date()
	if err != nil {
		return nil, err
	}
	// From month to month it would change what is booked in both, and finance may
	// have closed one of them without the flow's knowing, or dated the bill by hand.
	if !date.IsZero() && (date.Year() != booked.Year() || date.Month() != booked.Month()) {
		return nil, w.orderChanged(found,
			fmt.Sprintf("，按售后单应记到 %s，单据却记在 %s，更新会把它移到另一个月", date.Format(time.DateOnly), found.Date),
			fmt.Sprintf("; it is dated %s, and by the order it would be %s, in another month", found.Date, date.Format(time.DateOnly)))
	}
	return bill.Changing(found.ID), nil
}

// leaveOut sees to it that an order which the flow leaves out has no bill: it may
// have been saved before it changed. A bill of another order, or one that a person
// made, is none of this one's, and one of a later version of the order is right.
func (b Book) leaveOut(ctx context.Context, order flow.Order, reason string) error {
	found, err := b.find(ctx, order.BillNumber)
	if err != nil || found == nil || found.Void {
		return err
	}
	order.BillHash = ""
	mark := b.Flow.Mark(order)
	if mark.RemainsIn(found.Text) {
		return markDamaged(*found, mark)
	}
	switch mark.Kinship(found.Text) {
	case flow.Unmarked, flow.OtherOrder, flow.Newer:
		return nil
	}
	return leftOutSinceSaved(order, *found, reason)
}
