package booking

import (
	"context"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// supplement books what was received since the order's bills were made in a further bill,
// numbered after the first. Of two workers that do so at once, one is refused the number,
// as with a first bill, and compares anew. It returns all bills of the order.
//
// What a further bill can't express is left to a person: less of something, or another
// price, warehouse or customer.
func (w *work) supplement(ctx context.Context, found []kingdee.Bill, retried bool) ([]kingdee.Bill, error) {
	last := found[len(found)-1]
	if _, marked := flow.FindMark(found[0].Text); !marked {
		return nil, w.orderChanged(last, text.New("; the first bill carries no mark of ours"))
	}
	booked, err := w.readBooked(ctx, found)
	if err != nil {
		return nil, err
	}
	if less := booked.Less(w.Flow.Wanted(w.bill)); less != "" {
		return nil, w.orderChanged(last, text.New("; it asks for less than is booked (booked/wanted): %s", less))
	}
	number, ok := flow.SupplementNumber(w.bill.Number, len(found)+1)
	if !ok {
		return nil, w.orderChanged(last, text.New("; it has %d bills already and gets no further one", len(found)))
	}
	bill, ok, err := w.order.Supplement(number, booked)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, w.orderChanged(last, text.New("; the quantities are the same, and something else has changed, such as the date"))
	}
	further := &work{Book: w.Book, order: w.order, bill: bill}
	err = further.saveNew(ctx, retried)
	w.differences, w.unlinked = further.differences, further.unlinked
	if isNumberUsed(err) {
		return nil, savedMeanwhile(number)
	}
	if err != nil {
		return nil, text.Errorf("supplement %s: %w", number, err)
	}
	after, err := w.find(ctx, w.bill.Number)
	switch {
	case err != nil:
		return nil, err
	case len(after) <= len(found):
		return nil, notShown(number, "", retried)
	case w.bill.Mark.Compare(after[len(after)-1].Text) != flow.Same:
		return nil, savedMeanwhile(number)
	}
	return after, nil
}

// readBooked adds up what the bills of the order hold.
func (w *work) readBooked(ctx context.Context, found []kingdee.Bill) (flow.Booked, error) {
	booked := flow.Booked{}
	for _, bill := range found {
		rows, err := w.Ledger.ReadBill(ctx, FormOf(w.Flow), bill.ID, w.Flow.BookedKeys(w.bill))
		if err != nil {
			return nil, text.Errorf("reading bill %s failed: %w", bill.Number, err)
		}
		if len(rows) == 0 {
			return nil, savedMeanwhile(bill.Number) // it is gone
		}
		holds, other, unreadable := w.Flow.ReadBooked(w.bill, rows)
		if unreadable != "" {
			return nil, kingdee.Unreadable(unreadable, bill.ID)
		}
		if other != "" {
			return nil, w.orderChanged(bill, text.New("; its head differs (bill/order): %s", other))
		}
		booked.Add(holds)
	}
	return booked, nil
}
