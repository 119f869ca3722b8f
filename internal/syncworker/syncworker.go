// Package syncworker puts the parts together into the process that polls: the
// clients of both systems, the activities that use them, the workflows, and
// Temporal's workers that run all of it. The worker command, the demo and the
// end-to-end tests start the same one.
package syncworker

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"golang.org/x/time/rate"

	"refundsync/activities"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// Options are what a worker is made of.
type Options struct {
	// Temporal is the connection to the server; the caller closes it.
	Temporal client.Client
	// Namespace is the one that Temporal is connected to.
	Namespace string
	// TaskQueue is the task queue of the workflows and of the calls to Kingdee;
	// the calls to the source have one beside it.
	TaskQueue string
	Flows     flow.Flows
	Source    activities.Source
	Ledger    activities.Ledger
	Robots    activities.Robots
	// SourceCallsPerSecond is the source's limit over all workers.
	SourceCallsPerSecond rate.Limit
	Tuning               config.Tuning
}

// drainTimeout is how long a worker that is told to stop waits for the
// activities under way; one that is cut off is done again by another worker.
const drainTimeout = 90 * time.Second

// WorkerOptions is a worker's tuning in Temporal's terms.
func WorkerOptions(t config.Tuning) worker.Options {
	options := worker.Options{
		MaxConcurrentWorkflowTaskPollers:   t.WorkflowPollers,
		MaxConcurrentActivityTaskPollers:   t.ActivityPollers,
		MaxConcurrentActivityExecutionSize: t.ActivitySlots,
		DisableEagerActivities:             t.EagerActivities == 0,
	}
	if t.EagerActivities > 0 {
		options.MaxEagerActivityReservationsPerWorkflowTask = &t.EagerActivities
	}
	return options
}

// Run polls until ctx is done, then drains: it takes nothing new and lets the
// activities under way finish. It returns an error if polling could not begin
// or broke for good.
func Run(ctx context.Context, o Options) error {
	if err := registerSearchAttributes(ctx, o.Temporal, o.Namespace); err != nil {
		return err
	}
	worker.SetStickyWorkflowCacheSize(o.Tuning.CachedWorkflows)
	broken := make(chan error, 2)
	options := WorkerOptions(o.Tuning)
	options.DisableRegistrationAliasing = true
	options.WorkerStopTimeout = drainTimeout
	options.OnFatalError = func(err error) { broken <- err }
	sourceOptions := options
	sourceOptions.DisableWorkflowWorker = true
	sourceOptions.MaxConcurrentActivityTaskPollers = 2
	sourceOptions.TaskQueueActivitiesPerSecond = float64(o.SourceCallsPerSecond)

	main := worker.New(o.Temporal, o.TaskQueue, options)
	source := worker.New(o.Temporal, workflows.SourceTaskQueue(o.TaskQueue), sourceOptions)
	a := &activities.Activities{Flows: o.Flows, Source: o.Source, Ledger: o.Ledger, Robots: o.Robots}
	workflows.Register(main)
	a.Register(main)
	a.RegisterSource(source)

	for _, w := range []worker.Worker{main, source} {
		if err := w.Start(); err != nil {
			return fmt.Errorf("worker 无法开始轮询 the worker can't begin to poll: %w", err)
		}
		defer w.Stop()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-broken:
		return fmt.Errorf("worker 轮询中断 the worker's polling broke: %w", err)
	}
}
