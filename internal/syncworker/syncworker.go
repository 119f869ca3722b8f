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
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// Options are what a worker is made of.
type Options struct {
	// Temporal is the connection to the server; the caller closes it.
	Temporal client.Client
	// Namespace is the one that Temporal is connected to.
	Namespace string
	// Codec is the one that Temporal was configured with.
	Codec encryption.Codec
	// TaskQueue is the task queue of the workflows and of the calls to Kingdee;
	// the calls to the source have one beside it.
	TaskQueue string
	Flows     flow.Flows
	Source    activities.Source
	Ledger    activities.Ledger
	Robots    activities.Robots
	// SourceCallsPerSecond is the source's limit over all workers.
	SourceCallsPerSecond rate.Limit
}

// drainTimeout is how long a worker that is told to stop waits for the
// activities under way; one that is cut off is done again by another worker.
const drainTimeout = 90 * time.Second

// workflowsCached is how many workflows the process keeps in memory between two of
// their tasks. Runs and their windows are some dozen; the default of 10,000 would
// keep every parked order as well, at some 60 KiB each, which waits for hours.
const workflowsCached = 500

// Run polls until ctx is done, then drains: it takes nothing new and lets the
// activities under way finish. It returns an error if polling could not begin
// or broke for good.
func Run(ctx context.Context, o Options) error {
	if err := registerSearchAttributes(ctx, o.Temporal, o.Namespace); err != nil {
		return err
	}
	if err := checkDecryption(ctx, o.Codec.Client(o.Temporal)); err != nil {
		return err
	}
	worker.SetStickyWorkflowCacheSize(workflowsCached)
	broken := make(chan error, 2)
	options := worker.Options{
		DisableRegistrationAliasing: true,
		WorkerStopTimeout:           drainTimeout,
		// With the two pollers of the default, the polling itself is what an
		// order waits for.
		MaxConcurrentActivityTaskPollers: 16,
		MaxConcurrentWorkflowTaskPollers: 8,
		OnFatalError:                     func(err error) { broken <- err },
	}
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
