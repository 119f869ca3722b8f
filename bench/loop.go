package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"refundsync/internal/booking"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/syncworker"
)

// loopSettings is the environment variable with a loop as JSON.
const loopSettings = "BENCH_LOOP"

// loop does what a script with the same clients and the same mapping would do: each of
// four goroutines takes the next page, maps it and saves its bills. It looks nothing up
// and remembers nothing: what fails, or is in flight when it stops, is lost.
type loop struct {
	From, To time.Time

	source *jushuitan.Client
	ledger *kingdee.Client
	flow   *flow.Flow
	bills  int // in a call
}

// runLoop runs the loop and prints how long it took.
func runLoop(ctx context.Context) error {
	var l loop
	if err := json.Unmarshal([]byte(os.Getenv(loopSettings)), &l); err != nil {
		return err
	}
	companies, err := syncworker.Load(config.FromProcess())
	if err != nil {
		return err
	}
	flows, settings := companies[0].Flows, companies[0].Settings
	if l.source, l.ledger, err = syncworker.Clients(settings, nil); err != nil {
		return err
	}
	l.flow, l.bills = flows[builtInFlow], settings.Kingdee.BatchBills
	begun := time.Now()
	// The interface accepts no longer range.
	const longest = 7 * 24 * time.Hour
	for from := l.From; from.Before(l.To); from = from.Add(longest) {
		to := from.Add(longest - time.Second)
		if to.After(l.To) {
			to = l.To
		}
		if err := l.read(ctx, from, to); err != nil {
			return err
		}
	}
	fmt.Println(time.Since(begun))
	return nil
}

// read reads and saves the orders of a range. The first reply has the number of pages.
func (l *loop) read(ctx context.Context, from, to time.Time) error {
	first, err := l.page(ctx, from, to, 1)
	if err != nil {
		return err
	}
	var taken atomic.Int64
	taken.Store(1)
	connections, ctx := errgroup.WithContext(ctx)
	for connection := range sessions {
		connections.Go(func() error {
			if connection == 0 {
				if err := l.save(ctx, first); err != nil {
					return err
				}
			}
			for {
				index := int(taken.Add(1))
				if index > first.PageCount {
					return nil
				}
				page, err := l.page(ctx, from, to, index)
				if err != nil {
					return err
				}
				if err := l.save(ctx, page); err != nil {
					return err
				}
			}
		})
	}
	return connections.Wait()
}

func (l *loop) page(ctx context.Context, from, to time.Time, index int) (jushuitan.Page, error) {
	return l.source.List(ctx, l.flow.Source.Interface, l.flow.Source.Page(from, to, index))
}

// save drops orders that can't be mapped, like a script that only logs them.
func (l *loop) save(ctx context.Context, page jushuitan.Page) error {
	var bills []flow.Bill
	for _, record := range page.Datas {
		picked, err := l.flow.Pick(record)
		if err != nil {
			continue
		}
		if _, skip, err := picked.Skip(); err != nil || skip {
			continue
		}
		bill, err := picked.Bill()
		if err != nil {
			continue
		}
		bills = append(bills, bill)
	}
	for call := range slices.Chunk(bills, l.bills) {
		request := booking.Request(l.flow, call[0].Model)
		for _, bill := range call[1:] {
			request.Model = append(request.Model, bill.Model)
		}
		if _, err := l.ledger.BatchSave(ctx, request); err != nil {
			return err
		}
	}
	return nil
}
