package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/config"
	"refundsync/internal/syncworker"
)

// The no-op fan-out has the shape of a run by orders: windows, pages and activities
// with as many bytes, on the same server, by a worker with the same options. It calls
// nobody and does nothing, so it measures Temporal itself.

const (
	noOpWindows, noOpPage, noOpInFlight = 4, 50, 100
	// noOpOrderBytes is the size of an order in Temporal.
	noOpOrderBytes = 800
)

func runNoOpWorker(ctx context.Context) error {
	settings, err := config.FromProcess().LoadWorker()
	if err != nil {
		return err
	}
	temporal, err := dial(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	w := worker.New(temporal, settings.TaskQueue, syncworker.WorkerOptions())
	w.RegisterWorkflow(NoOpRun)
	w.RegisterWorkflow(NoOpWindow)
	w.RegisterActivityWithOptions(noOpFetch, activity.RegisterOptions{Name: "Fetch"})
	w.RegisterActivityWithOptions(noOpSave, activity.RegisterOptions{Name: "Save"})
	if err := w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}

func noOpFetch(_ context.Context, orders int) ([][]byte, error) {
	page := make([][]byte, orders)
	for i := range page {
		page[i] = make([]byte, noOpOrderBytes*3/4) // base64 adds a third
	}
	return page, nil
}

func noOpSave(context.Context, []byte) error { return nil }

// NoOpRun divides the orders among a few concurrent windows.
func NoOpRun(ctx workflow.Context, orders int) error {
	var windows []workflow.Future
	for range noOpWindows {
		windows = append(windows, workflow.ExecuteChildWorkflow(ctx, NoOpWindow, orders/noOpWindows))
	}
	for _, window := range windows {
		if err := window.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// NoOpWindow fetches the pages and dispatches their orders.
func NoOpWindow(ctx workflow.Context, orders int) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             "an order or a page, as a person would see it",
	})
	inFlight, saved := workflow.NewSemaphore(ctx, noOpInFlight), workflow.NewWaitGroup(ctx)
	var failed error
	for ; orders > 0; orders -= noOpPage {
		var page [][]byte
		if err := workflow.ExecuteActivity(ctx, "Fetch", min(orders, noOpPage)).Get(ctx, &page); err != nil {
			return err
		}
		for _, order := range page {
			if err := inFlight.Acquire(ctx, 1); err != nil {
				return err
			}
			saved.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer saved.Done()
				defer inFlight.Release(1)
				if err := workflow.ExecuteActivity(ctx, "Save", order).Get(ctx, nil); err != nil {
					failed = err
				}
			})
		}
	}
	saved.Wait(ctx)
	return failed
}
