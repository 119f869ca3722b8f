package booking

import (
	"context"
	"fmt"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

// supplement books what was received since the order's bills were made in a further one,
// numbered from the first's number. Of two workers that do so at once one is refused the
// number, as with a first bill, and compares anew. It gives all the order's bills.
//
// It leaves to a person what a further bill can't say: less of something, or another
// price, warehouse or customer.
func (w *work) supplement(ctx context.Context, found []kingdee.Bill, retried bool) ([]kingdee.Bill, error) {
	last := found[len(found)-1]
	if _, marked := flow.FindMark(found[0].Text); !marked {
		return nil, w.orderChanged(last, "，第一张单据没有本程序的标记", "; the first bill carries no mark of ours")
	}
	booked, err := w.readBooked(ctx, found)
	if err != nil {
		return nil, err
	}
	wanted, err := w.Flow.Wanted(w.bill)
	if err != nil {
		return nil, fmt.Errorf("单据 bill %s: %w", w.bill.Number, err)
	}
	if less := booked.Less(wanted); less != "" {
		return nil, w.orderChanged(last, "，比已入账的少（已入账/应入账）："+less, "; it asks for less than is booked (booked/wanted): "+less)
	}
	number, ok := flow.SupplementNumber(w.bill.Number, len(found)+1)
	if !ok {
		return nil, w.orderChanged(last, fmt.Sprintf("，已有 %d 张单据，不再补充", len(found)), fmt.Sprintf("; it has %d bills, and gets no further one", len(found)))
	}
	bill, ok, err := w.order.Supplement(number, booked)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, w.orderChanged(last, "，数量不变，变的是日期等", "; the quantities are the same, and something else has changed, such as the date")
	}
	further := &work{Book: w.Book, order: w.order, bill: bill}
	err = further.saveNew(ctx, retried)
	w.told = further.told
	if isNumberUsed(err) {
		return nil, savedMeanwhile(number)
	}
	if err != nil {
		return nil, fmt.Errorf("补充单据 supplement %s: %w", number, err)
	}
	after, err := w.find(ctx, w.bill.Number)
	switch {
	case err != nil:
		return nil, err
	case len(after) <= len(found):
		return nil, notShown(number, "", retried)
	case w.bill.Mark.Kinship(after[len(after)-1].Text) != flow.Same:
		return nil, savedMeanwhile(number)
	}
	return after, nil
}

// readBooked reads what the bills of the order hold together.
func (w *work) readBooked(ctx context.Context, found []kingdee.Bill) (flow.Booked, error) {
	booked := flow.Booked{}
	for _, bill := range found {
		rows, err := w.Ledger.ReadBill(ctx, w.Flow.Call.FormId, bill.ID, w.Flow.BookedKeys(w.bill))
		if err != nil {
			return nil, fmt.Errorf("读取单据 %[1]s 失败 reading bill %[1]s failed: %[2]w", bill.Number, err)
		}
		if len(rows) == 0 {
			return nil, savedMeanwhile(bill.Number) // it is there no more
		}
		holds, other, unreadable := w.Flow.ReadBooked(w.bill, rows)
		if unreadable != "" {
			return nil, kingdee.Unreadable(unreadable, bill.ID)
		}
		if other != "" {
			return nil, w.orderChanged(bill, "，单据头不同（单据/售后单）："+other, "; its head is another (bill/order): "+other)
		}
		booked.Add(holds)
	}
	return booked, nil
}
