package booking

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

// compare tells whether the order has changed since its bills were made: the last tells
// from what. It fails if they are not this order's, or nobody can tell.
func (w *work) compare(ctx context.Context, found []kingdee.Bill) (changed bool, err error) {
	last := len(found) - 1
	for i, bill := range found {
		mark, marked := flow.FindMark(bill.Text)
		if !marked && w.bill.Mark.RemainsIn(bill.Text) {
			return false, markDamaged(bill, w.bill.Mark)
		}
		if marked && mark.OrderID != w.bill.Mark.OrderID {
			return false, w.numberConflict(bill,
				fmt.Sprintf("是售后单 %s 的", mark.OrderID), fmt.Sprintf("is the bill of order %s", mark.OrderID))
		}
		if !marked && i > 0 {
			return false, w.numberConflict(bill, "没有本程序的标记", "carries no mark of ours")
		}
	}
	switch w.bill.Mark.Kinship(found[last].Text) {
	case flow.Same, flow.Newer:
		return false, nil
	case flow.Older:
		return true, nil
	}
	// The mark can't tell: it is missing, or the flow was changed since and would
	// make another bill of the same order. What came back does.
	different, err := w.differentGoods(ctx, found)
	if _, marked := flow.FindMark(found[last].Text); err != nil || different == "" || marked {
		return different != "", err
	}
	return false, w.numberConflict(found[last],
		"没有本程序的标记，退回的物料和数量也不同："+different, "carries no mark of ours and holds other goods: "+different)
}

// differentGoods lists the materials whose quantities differ, as
// “material: bills'/order's”; "" if none does.
func (w *work) differentGoods(ctx context.Context, found []kingdee.Bill) (string, error) {
	ordered, err := w.bill.Quantities()
	if err != nil {
		return "", fmt.Errorf("单据 bill %s: %w", w.bill.Number, err)
	}
	booked := map[string]decimal.Decimal{}
	for _, bill := range found {
		quantities, err := w.Ledger.Quantities(ctx, w.Flow.Call.FormId, bill.ID)
		if err != nil {
			return "", err
		}
		for material, quantity := range quantities {
			booked[material] = booked[material].Add(quantity)
		}
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
func (w *work) update(ctx context.Context, found []kingdee.Bill) ([]kingdee.Bill, error) {
	model, err := w.modelOver(ctx, found[0])
	if err != nil {
		return nil, err
	}
	_, err = w.send(ctx, model, &found[0])
	if isNumberUsed(err) {
		return nil, savedMeanwhile(w.bill.Number)
	}
	if err != nil {
		return nil, fmt.Errorf("更新失败 update failed: %w", err)
	}
	updated, err := w.find(ctx, w.bill.Number)
	if err != nil {
		return nil, err
	}
	if len(updated) == 0 || w.bill.Mark.Kinship(updated[0].Text) != flow.Same {
		return nil, savedMeanwhile(w.bill.Number)
	}
	return updated, nil
}

// modelOver is the bill as it is to be saved over one; an error says why none is.
func (w *work) modelOver(ctx context.Context, found kingdee.Bill) (json.RawMessage, error) {
	if w.Flow.Options.Existing != flow.ExistingUpdate || !isUntouched(found) {
		return nil, w.orderChanged(found, "", "")
	}
	now := time.Now()
	booked, err := time.ParseInLocation(time.DateOnly, found.Date, beijing.Zone)
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
	if second, there, err := w.isSupplemented(ctx, w.bill.Number); there || err != nil {
		return nil, cmp.Or(err, w.orderChanged(found, "，另有补充单据 "+second+"，不能整张更新", "; with bill "+second+" it is booked in several, and can't be updated as a whole"))
	}
	return bill.Changing(found.ID), nil
}

// isSupplemented reports whether an order has a second bill, by its number. A flow that
// makes none may have made some before it was changed.
func (b Book) isSupplemented(ctx context.Context, first string) (second string, there bool, err error) {
	second, _ = flow.SupplementNumber(first, 2)
	found, err := b.Ledger.FindBills(ctx, b.Flow.Call.FormId, flow.MarkField, []string{second})
	return second, len(found[second]) > 0, err
}
