package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"refundsync/activities"
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
)

// loopSettings is the variable that holds a loop as JSON.
const loopSettings = "BENCH_LOOP"

// loop is what a script does that has the same clients, the same mapping, the
// same shared calls and as many goroutines as a run has windows and orders in
// flight, but remembers nothing: what fails, or is under way when it ends, is
// lost.
type loop struct {
	From, To                time.Time
	Window                  time.Duration
	WindowsAtOnce, InFlight int

	source *jushuitan.Client
	ledger *kingdee.Groups
	flow   *flow.Flow
}

// runLoop prints how long the loop took, and ends.
func runLoop(ctx context.Context) error {
	var l loop
	if err := json.Unmarshal([]byte(os.Getenv(loopSettings)), &l); err != nil {
		return err
	}
	flows, source, ledger, err := outside()
	if err != nil {
		return err
	}
	l.source, l.ledger, l.flow = source, ledger, flows[builtInFlow]
	begun := time.Now()
	windows, ctx := errgroup.WithContext(ctx)
	windows.SetLimit(l.WindowsAtOnce)
	for from := l.From; from.Before(l.To); from = from.Add(l.Window) {
		windows.Go(func() error { return l.window(ctx, from, from.Add(l.Window-time.Second)) })
	}
	if err := windows.Wait(); err != nil {
		return err
	}
	fmt.Println(time.Since(begun))
	return nil
}

func (l *loop) window(ctx context.Context, from, to time.Time) error {
	orders, ctx := errgroup.WithContext(ctx)
	orders.SetLimit(l.InFlight)
	for index := 1; ; index++ {
		parameters := map[string]string{}
		for name, value := range l.flow.Source.Parameters {
			parameters[name] = value
		}
		parameters["page_index"] = strconv.Itoa(index)
		parameters["start_time"] = from.In(catalog.Beijing).Format(time.DateTime)
		parameters["end_time"] = to.In(catalog.Beijing).Format(time.DateTime)
		page, err := l.source.RefundList(ctx, parameters)
		if err != nil {
			return errors.Join(err, orders.Wait())
		}
		for _, record := range page.Datas {
			orders.Go(func() error { return l.save(ctx, record) })
		}
		if !page.HasNext {
			return orders.Wait()
		}
	}
}

// save drops an order that can't be saved, as a script would that only logs it.
func (l *loop) save(ctx context.Context, record map[string]any) error {
	picked, err := l.flow.Pick(record)
	if err != nil {
		return nil
	}
	if _, skip, err := picked.Skip(); err != nil || skip {
		return nil
	}
	bill, err := picked.Bill()
	if err != nil {
		return nil
	}
	results, err := l.ledger.BatchSave(ctx, activities.BatchSaveRequest(l.flow, bill))
	if err != nil {
		return err
	}
	if len(results) != 1 {
		return fmt.Errorf("order %s: %d results", picked.Order.ID, len(results))
	}
	return nil
}
