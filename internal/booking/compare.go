package booking

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// compare reports whether the order has changed since its bills were made; the mark of
// the last says from which version. It fails if the bills are not this order's, or if
// that is unknown.
func (w *work) compare(ctx context.Context, found []kingdee.Bill) (changed bool, err error) {
	last := len(found) - 1
	for i, bill := range found {
		mark, marked := flow.FindMark(bill.Text)
		if !marked && w.bill.Mark.RemainsIn(bill.Text) {
			return false, w.markDamaged(bill, w.bill.Mark)
		}
		if marked && mark.OrderID != w.bill.Mark.OrderID {
			return false, w.numberConflict(bill, text.New("it is the bill of order %s", mark.OrderID))
		}
		if !marked && i > 0 {
			return false, w.numberConflict(bill, text.New("it carries no mark of ours"))
		}
	}
	switch w.bill.Mark.Compare(found[last].Text) {
	case flow.Same, flow.Newer:
		return false, nil
	case flow.Older:
		return true, nil
	}
	// The mark does not tell: it is missing, or the flow has changed since and would
	// make another bill of the same order. The goods do, or the money.
	different, err := w.differentItems(ctx, found)
	if _, marked := flow.FindMark(found[last].Text); err != nil || different == "" || marked {
		return different != "", err
	}
	if w.Flow.Form.Form.Money() {
		return false, w.numberConflict(found[last], text.New("it carries no mark of ours and holds other amounts (bill/order): %s", different))
	}
	return false, w.numberConflict(found[last], text.New("it carries no mark of ours and holds other goods (bill/order): %s", different))
}

// differentItems lists the items whose quantities differ, or their amounts in a form of
// money, as “item: of the bills/of the order”; "" if none does.
func (w *work) differentItems(ctx context.Context, found []kingdee.Bill) (string, error) {
	ordered := w.bill.ByItem()
	booked := map[string]decimal.Decimal{}
	for _, bill := range found {
		sums, err := w.Ledger.ByItem(ctx, FormOf(w.Flow), bill.ID)
		if err != nil {
			return "", err
		}
		for item, sum := range sums {
			booked[item] = booked[item].Add(sum)
		}
	}
	all := maps.Clone(ordered)
	maps.Copy(all, booked)
	var different []string
	for _, item := range slices.Sorted(maps.Keys(all)) {
		if !booked[item].Equal(ordered[item]) {
			different = append(different, fmt.Sprintf("%s: %s/%s", item, booked[item], ordered[item]))
		}
	}
	return strings.Join(different, ", "), nil
}

// update changes the bill into what the order asks for now, if the flow wants that,
// nobody has submitted the bill, and it stays in its month. It returns the bill as it is
// afterwards: another worker may have changed it at the same time.
func (w *work) update(ctx context.Context, found []kingdee.Bill) ([]kingdee.Bill, error) {
	bill, err := w.billOver(ctx, found[0])
	if err != nil {
		return nil, err
	}
	bill, end, err := w.link(ctx, bill)
	defer end()
	if err != nil {
		return nil, err
	}
	_, err = w.send(ctx, bill.Changing(found[0].ID), &found[0])
	if isNumberUsed(err) {
		return nil, savedMeanwhile(w.bill.Number)
	}
	if err != nil {
		return nil, text.Errorf("update failed: %w", err)
	}
	updated, err := w.find(ctx, w.bill.Number)
	if err != nil {
		return nil, err
	}
	if len(updated) == 0 || w.bill.Mark.Compare(updated[0].Text) != flow.Same {
		return nil, savedMeanwhile(w.bill.Number)
	}
	return updated, nil
}

// billOver is the bill to save over the one found; the error says why it may not be.
func (w *work) billOver(ctx context.Context, found kingdee.Bill) (flow.Bill, error) {
	if w.Flow.Options.Existing != flow.ExistingUpdate || !isUntouched(found) {
		return flow.Bill{}, w.orderChanged(found, text.Text{})
	}
	now := time.Now()
	booked, err := time.ParseInLocation(time.DateOnly, found.Date, beijing.Zone)
	if err != nil {
		return flow.Bill{}, w.orderChanged(found, text.New("; its date cannot be read"))
	}
	if closed := w.Flow.ClosedPeriods.LastDay(now); !booked.After(closed) {
		return flow.Bill{}, w.orderChanged(found, text.New("; its date %s is in a closed period (up to %s)", found.Date, closed.Format(time.DateOnly)))
	}
	bill, err := w.Flow.InOpenPeriod(w.bill, now)
	if err != nil {
		return flow.Bill{}, err
	}
	date, err := bill.Date()
	if err != nil {
		return flow.Bill{}, err
	}
	// A move to another month changes what is booked in both. Finance may have closed
	// one of them without the flow knowing, or dated the bill by hand.
	if !date.IsZero() && (date.Year() != booked.Year() || date.Month() != booked.Month()) {
		return flow.Bill{}, w.orderChanged(found, text.New("; it is dated %s, and an update would move it to %s, in another month", found.Date, date.Format(time.DateOnly)))
	}
	if second, there, err := w.isSupplemented(ctx, w.bill.Number); there || err != nil {
		return flow.Bill{}, cmp.Or(err, w.orderChanged(found, text.New("; the order also has bill %s, so its bill cannot be updated as a whole", second)))
	}
	return bill, nil
}

// isSupplemented reports whether an order has a second bill, and gives its number. A flow
// that makes none may have made some before it was changed.
func (b Book) isSupplemented(ctx context.Context, first string) (second string, there bool, err error) {
	second, _ = flow.SupplementNumber(first, 2)
	found, err := b.Ledger.FindBills(ctx, FormOf(b.Flow), []string{second})
	return second, len(found[second]) > 0, err
}
