package main

import (
	"context"
	"slices"
	"time"

	"refundsync/internal/booking"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
)

// orderLookUp says which orders to read from Jushuitan, by the flow's key. The flow's
// parameters do not hide them.
type orderLookUp struct {
	flow *flow.Flow
	ids  []string
	// since is when they were last modified at the earliest; zero for the usual horizon.
	since time.Time
}

// find gives the orders that Jushuitan shows, by their key. An order with a bill was
// modified when its mark says, or later.
func (l orderLookUp) find(ctx context.Context, source jushuitan.Source, ledger booking.Reader) (map[string][]map[string]any, error) {
	found := map[string][]map[string]any{}
	find := func(ids []string, since time.Time) error {
		look := jushuitan.LookUp{Interface: l.flow.Source.Interface, Field: l.flow.Source.Key, IDs: ids, Parameters: jushuitan.Widening(l.flow.Source.Interface, l.flow.Source.Parameters), ChangedAt: since}
		if !l.since.IsZero() {
			look.Horizon = time.Since(l.since)
		}
		result, err := look.Find(ctx, source)
		for _, record := range result.Orders {
			id := jushuitan.FieldText(record, l.flow.Source.Key)
			found[id] = append(found[id], record)
		}
		return err
	}
	marked, err := l.marked(ctx, ledger)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, id := range l.ids {
		if since := marked[id]; !since.IsZero() {
			if err := find([]string{id}, since); err != nil {
				return nil, err
			}
		}
		if len(found[id]) == 0 {
			others = append(others, id)
		}
	}
	return found, find(others, time.Time{})
}

// marked is when the orders that have bills were modified, by the latest mark.
func (l orderLookUp) marked(ctx context.Context, ledger booking.Reader) (map[string]time.Time, error) {
	var numbers []string
	for _, id := range l.ids {
		if number, err := l.flow.NumberOf(id); err == nil {
			numbers = append(numbers, flow.BillNumbers(number)...)
		}
	}
	bills, err := ledger.FindBills(ctx, booking.FormOf(l.flow), numbers)
	if err != nil {
		return nil, err
	}
	marked := map[string]time.Time{}
	for _, found := range bills {
		for _, bill := range found {
			mark, ok := flow.FindMark(bill.Text)
			if ok && slices.Contains(l.ids, mark.OrderID) && mark.ChangedAt.After(marked[mark.OrderID]) {
				marked[mark.OrderID] = mark.ChangedAt
			}
		}
	}
	return marked, nil
}
