// Package syncworker puts the parts together into the process that polls: the
// clients of both systems, the activities that use them, the workflows, and
// Temporal's workers that run all of it. The worker command, the demo and the
// end-to-end tests start the same one.
package syncworker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"golang.org/x/time/rate"

	"refundsync/activities"
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
	// DrainTimeout is how long Run may take to end when it is told to.
	DrainTimeout time.Duration
	// Version is the worker's in a Worker Deployment; the zero value is a worker
	// without versions.
	Version worker.WorkerDeploymentVersion
}

// ErrCutOff is the end of a worker that had work under way when its time to stop
// was over. Another worker does it again.
var ErrCutOff = errors.New("停止的时限已到，仍有活动在做，将由别的 worker 重做；可调大 REFUNDSYNC_DRAIN_TIMEOUT。 The time to stop is over with activities under way; another worker does them again. Raise that setting to leave them more time")

// workflowsCached is how many workflows the process keeps in memory between two of
// their tasks. Runs and their windows are some dozen; the default of 10,000 would
// keep every parked order as well, at some 60 KiB each, which waits for hours.
const workflowsCached = 500

// Run polls until ctx is done, then drains: it takes nothing new and lets the
// activities under way finish. It returns [ErrCutOff] if they did not within the
// time for that, and another error if polling could not begin or broke for good.
func Run(ctx context.Context, o Options) error {
	if err := registerSearchAttributes(ctx, o.Temporal, o.Namespace); err != nil {
		return err
	}
	worker.SetStickyWorkflowCacheSize(workflowsCached)
	broken := make(chan error, 2)
	options := worker.Options{
		DisableRegistrationAliasing: true,
		// Beyond the time that stop waits, so that it is stop that ends it.
		WorkerStopTimeout: o.DrainTimeout,
		// With the two pollers of the default, the polling itself is what an
		// order waits for.
		MaxConcurrentActivityTaskPollers: 16,
		MaxConcurrentWorkflowTaskPollers: 8,
		OnFatalError:                     func(err error) { broken <- err },
		DeploymentOptions:                worker.DeploymentOptions{UseVersioning: o.Version != worker.WorkerDeploymentVersion{}, Version: o.Version},
	}
	sourceOptions := options
	sourceOptions.DisableWorkflowWorker = true
	sourceOptions.MaxConcurrentActivityTaskPollers = 2
	sourceOptions.TaskQueueActivitiesPerSecond = float64(o.SourceCallsPerSecond)

	main, err := newDraining(o.Temporal, o.TaskQueue, options)
	if err != nil {
		return err
	}
	source, err := newDraining(o.Temporal, workflows.SourceTaskQueue(o.TaskQueue), sourceOptions)
	if err != nil {
		return err
	}
	a := &activities.Activities{Flows: o.Flows, Source: o.Source, Ledger: o.Ledger, Robots: o.Robots}
	workflows.Register(main)
	a.Register(main)
	a.RegisterSource(source)

	var started []*draining
	for _, w := range []*draining{main, source} {
		if err := w.Start(); err != nil {
			return errors.Join(fmt.Errorf("worker 无法开始轮询 the worker can't begin to poll: %w", err), stop(started, o.DrainTimeout))
		}
		started = append(started, w)
	}
	select {
	case <-ctx.Done():
		return stop(started, o.DrainTimeout)
	case err := <-broken:
		return errors.Join(fmt.Errorf("worker 轮询中断 the worker's polling broke: %w", err), stop(started, o.DrainTimeout))
	}
}

// stop stops all workers, within the time-out.
func stop(workers []*draining, timeout time.Duration) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var all sync.WaitGroup
		for _, w := range workers {
			all.Go(w.drainAndStop)
		}
		all.Wait()
	}()
	select {
	case <-stopped:
		return nil
	case <-time.After(timeout):
		return ErrCutOff
	}
}
