package booking

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// Turns let the orders of one source bill take turns from reading it to saving, so that no
// two of one worker are linked to the same goods.
type Turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn ends
}

// NewTurns makes the turns of a worker.
func NewTurns() *Turns { return &Turns{taken: map[string]chan struct{}{}} }

// take waits for the turn of a key, and gives what ends it.
func (t *Turns) take(ctx context.Context, key string) (end func(), err error) {
	for {
		t.mu.Lock()
		before, taken := t.taken[key]
		if !taken {
			turn := make(chan struct{})
			t.taken[key] = turn
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.taken, key)
				t.mu.Unlock()
				close(turn)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// link links the lines of a bill that is about to be saved, if the flow wants that. Call end
// once the save has succeeded or failed.
func (w *work) link(ctx context.Context, bill flow.Bill) (linked flow.Bill, end func(), err error) {
	end = func() {}
	source := w.Flow.SourceBill
	if source == nil {
		return bill, end, nil
	}
	value, err := w.order.SourceValue()
	if err != nil {
		return flow.Bill{}, end, err
	}
	var found []kingdee.SourceLine
	if value != "" {
		if w.Turns != nil {
			if end, err = w.Turns.take(ctx, source.FormID+" "+value); err != nil {
				return flow.Bill{}, func() {}, err
			}
		}
		query := SourceQuery(w.Flow)
		all, err := w.Ledger.SourceLines(ctx, query, []string{value})
		if err != nil {
			return flow.Bill{}, end, sourceUnread(source, value, err)
		}
		found = all[value]
	}
	linked, links, err := w.Flow.Linked(bill, available(found, bill.Number))
	if err != nil {
		return flow.Bill{}, end, err
	}
	missing := map[string]decimal.Decimal{}
	for _, link := range links {
		if link.SourceLine == "" && !link.Quantity.IsZero() {
			missing[link.Item] = missing[link.Item].Add(link.Quantity)
		}
	}
	if len(missing) > 0 && source.Required {
		return flow.Bill{}, end, sourceMissing(source, value, missing, found)
	}
	w.unlinked = len(missing) > 0
	return linked, end, nil
}

// SourceQuery says which lines the bills of a flow can be linked to.
func SourceQuery(f *flow.Flow) kingdee.SourceQuery {
	return kingdee.SourceQuery{FormID: f.SourceBill.FormID, Source: f.SourceBill.Source, Field: f.SourceBill.Field, To: f.Form}
}

// available says how much of each line a bill can be linked to: its quantity less what other
// bills hold, counted from those that name it or as Kingdee has written back, whichever is
// more. Whether Kingdee has written back the bill's own share is unknown, as that may
// happen when it is saved or when it is audited.
func available(lines []kingdee.SourceLine, number string) []flow.SourceLine {
	sources := make([]flow.SourceLine, len(lines))
	for i, line := range lines {
		others, own := decimal.Zero, decimal.Zero
		for _, linked := range line.Linked {
			if strings.EqualFold(linked.BillNumber, number) {
				own = own.Add(linked.Quantity)
			} else {
				others = others.Add(linked.Quantity)
			}
		}
		sources[i] = flow.SourceLine{
			BillID: line.BillID, BillNumber: line.BillNumber, ID: line.ID, Item: line.Item, Unit: line.Unit,
			Quantity: line.Quantity, Base: line.Base, Left: line.Quantity.Sub(decimal.Max(others, line.Returned.Sub(own))),
		}
	}
	return sources
}

// sourceUnread is the failure to read a source. What it holds is unknown, so the order is
// retried.
func sourceUnread(source *flow.SourceBill, value string, err error) error {
	f := fault.As(err)
	if f == nil || f.Class != fault.Final {
		return text.Errorf("reading the lines of %s with %s %s failed: %w", source.FormID, source.Field, source.Shown(value), err)
	}
	return &fault.Error{Class: fault.Retry, Reason: "source_unread", System: system,
		Err:    text.Errorf("the lines of %s with %s %s can't be read, and the order waits: %w", source.FormID, source.Field, source.Shown(value), err),
		Advice: text.New("It is retried automatically; the cause is above, and in starter check.")}
}

// sourceMissing is the failure of an order for whose goods no source has enough left.
func sourceMissing(source *flow.SourceBill, value string, missing map[string]decimal.Decimal, found []kingdee.SourceLine) error {
	var goods, bills []string
	for _, item := range slices.Sorted(maps.Keys(missing)) {
		goods = append(goods, item+" × "+missing[item].String())
	}
	for _, line := range found {
		if !slices.Contains(bills, line.BillNumber) {
			bills = append(bills, line.BillNumber)
		}
	}
	what := text.New("no audited bill of %s with %s %s exists", source.FormID, source.Field, source.Shown(value))
	switch {
	case value == "":
		what = text.New("the order has no value for %s of %s", source.Field, source.FormID)
	case len(bills) > 0:
		what = text.New("%s of %s with %s %s has too little left to return", strings.Join(bills, ", "), source.FormID, source.Field, source.Shown(value))
	}
	return final(tally.SourceBillMissing, "", text.Errorf("no source for %s: %s", strings.Join(goods, ", "), what),
		text.New("Have the outbound bill saved and audited in Kingdee, with its %s filled in, and the order stops waiting once it is retried (starter parked retry); if it was returned otherwise, discard the order (starter parked discard). With required: false in source_bill, it is booked without a link", source.Field))
}
