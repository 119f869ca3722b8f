package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
)

// The no-op fan-out has the shape of a run: as many windows, pages, activities and
// bytes, on the same server with the same tuning. It asks nobody and does nothing,
// so it is what Temporal itself takes.

// noOpOrderBytes is what an order takes on its way through Temporal.
const noOpOrderBytes = 800

type noOpRun struct {
	Windows, WindowsAtOnce, PagesInWindow, OrdersInPage, InFlight int
	Grain                                                         string
}

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
	w.RegisterActivityWithOptions(noOpFind, activity.RegisterOptions{Name: "Find"})
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

func noOpFind(context.Context, []string) ([]string, error)     { return nil, nil }
func noOpSave(_ context.Context, orders [][]byte) (int, error) { return len(orders), nil }

// NoOpRun starts the windows, so many at once.
func NoOpRun(ctx workflow.Context, run noOpRun) error {
	atOnce, windows := workflow.NewSemaphore(ctx, int64(run.WindowsAtOnce)), workflow.NewWaitGroup(ctx)
	var failed error
	for range run.Windows {
		if err := atOnce.Acquire(ctx, 1); err != nil {
			return err
		}
		windows.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer windows.Done()
			defer atOnce.Release(1)
			if err := workflow.ExecuteChildWorkflow(ctx, NoOpWindow, run).Get(ctx, nil); err != nil {
				failed = err
			}
		})
	}
	windows.Wait(ctx)
	return failed
}

// NoOpWindow reads the pages and gives out the orders, or each page.
func NoOpWindow(ctx workflow.Context, run noOpRun) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             "an order or a page, as a person would see it",
	})
	inFlight, orders := workflow.NewSemaphore(ctx, int64(run.InFlight)), workflow.NewWaitGroup(ctx)
	var failed error
	for range run.PagesInWindow {
		var page [][]byte
		if err := workflow.ExecuteActivity(ctx, "Fetch", run.OrdersInPage).Get(ctx, &page); err != nil {
			return err
		}
		numbers := make([]string, len(page))
		for i := range numbers {
			numbers[i] = "AS202403010000001"
		}
		if err := workflow.ExecuteActivity(ctx, "Find", numbers).Get(ctx, nil); err != nil {
			return err
		}
		parts := [][][]byte{page}
		if run.Grain == flow.GrainOrder {
			parts = nil
			for _, order := range page {
				parts = append(parts, [][]byte{order})
			}
		}
		for _, part := range parts {
			if err := inFlight.Acquire(ctx, int64(len(part))); err != nil {
				return err
			}
			orders.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer orders.Done()
				defer inFlight.Release(int64(len(part)))
				if err := workflow.ExecuteActivity(ctx, "Save", part).Get(ctx, nil); err != nil {
					failed = err
				}
			})
		}
	}
	orders.Wait(ctx)
	return failed
}
