package main

import (
	"context"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// sourceOrders reads the orders of a range, in windows as a run does, and gives each of
// them once. An order that changes meanwhile is given as it was first shown.
func sourceOrders(ctx context.Context, source *jushuitan.Client, f *flow.Flow, span workflows.Window, take func(record map[string]any) error) error {
	for from := span.From; !from.After(span.To); from = from.Add(f.Source.Window) {
		window := workflows.Window{From: from, To: from.Add(f.Source.Window - time.Second)}
		if window.To.After(span.To) {
			window.To = span.To
		}
		if err := windowOrders(ctx, source, f, window, take); err != nil {
			return err
		}
	}
	return nil
}

func windowOrders(ctx context.Context, source *jushuitan.Client, f *flow.Flow, window workflows.Window, take func(record map[string]any) error) error {
	reading := paging.Window{Reader: paging.New(nil)}
	for reading.Next > 0 {
		start, end := window.Asked()
		reply, err := source.List(ctx, f.Source.Interface, f.Source.Page(start, end, reading.Next))
		if err != nil {
			return err
		}
		page := paging.Page{PageCount: reply.PageCount, DataCount: reply.DataCount}
		if reply.HasNext {
			page.PageCount = max(page.PageCount, reading.Next+1)
		}
		records := map[string]map[string]any{}
		for _, record := range reply.Datas {
			picked, err := f.Pick(record)
			if err != nil {
				return err
			}
			if window.Neighbours(f.CountedAt(record)) && catalog.ToTheSecond(record[f.Source.ChangedField()]) {
				page.Outside = append(page.Outside, picked.Order.ID)
				continue
			}
			page.Orders = append(page.Orders, picked.Order)
			records[picked.Order.ID] = record
		}
		work, err := reading.Take(page, func(string, tally.Outcome, tally.Failure) {})
		if err != nil {
			return err
		}
		for _, order := range work.New {
			if err := take(records[order.ID]); err != nil {
				return err
			}
		}
	}
	return nil
}
