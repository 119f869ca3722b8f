// Package syncworker assembles the process that polls: the clients of both systems, the
// activities that use them, the workflows, and the Temporal workers that run them. The
// worker command, the demo and the end-to-end tests start the same one.
package syncworker

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"refundsync/activities"
	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/text"
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
	// TaskQueue is the task queue of the workflows and of the calls to Kingdee; the calls
	// to the source have another.
	TaskQueue string
	// Activities are the activities to run. Their CallsPerSecond is the source's limit over
	// all workers.
	Activities *activities.Activities
	// Accounts are those of the activities' Source and Ledger. The first worker binds the
	// task queue to them; a worker with others is refused.
	Accounts config.Accounts
	// DrainTimeout bounds how long Run drains.
	DrainTimeout time.Duration
	// NotKept is called for a flow whose text could not be kept for later.
	NotKept func(f *flow.Flow, err error)
	// Polls, unless nil, is called once polling has begun.
	Polls func()
	// Version is the worker's in a Worker Deployment; the zero value is an unversioned
	// worker.
	Version worker.WorkerDeploymentVersion
}

// ErrCutOff is returned by a worker that had activities in flight at the end of its drain
// timeout. Another worker retries them.
var ErrCutOff = text.Errorf("the drain timeout is over with activities in flight; another worker retries them. Raise REFUNDSYNC_DRAIN_TIMEOUT to give them more time")

const (
	// workflowPollers and activityPollers are the polls open at a time, the latter of each
	// task queue: with the SDK's two, orders wait for polls. Autoscaling pollers begin with
	// five, and a short run is over before there are enough.
	workflowPollers, activityPollers = 8, 16
	// cachedWorkflows is how many workflows are cached between their tasks: runs and windows
	// are a few dozen; a parked order takes 60 KiB, and waits for hours.
	cachedWorkflows = 500
	// heartbeatInterval is the least time between two heartbeats to the server. An activity
	// learns of its cancellation from the reply.
	heartbeatInterval = 2 * time.Second
)

// eagerActivities is how many activities of a workflow task are handed to the same worker
// without a poll: those of a page. The SDK's 3 leave the others to the pollers.
var eagerActivities = 50

// deadlockTimeout is how long workflow code may run without yielding. The SDK's second is
// wall-clock time: an overloaded machine would fail healthy workflow tasks. The server
// allows a task ten seconds.
const deadlockTimeout = 9 * time.Second

// WorkerOptions are the options of a Temporal worker; docs/performance.md has the
// measurements.
func WorkerOptions() worker.Options {
	return worker.Options{
		MaxConcurrentWorkflowTaskPollers:            workflowPollers,
		MaxConcurrentActivityTaskPollers:            activityPollers,
		MaxEagerActivityReservationsPerWorkflowTask: &eagerActivities,
		MaxHeartbeatThrottleInterval:                heartbeatInterval,
		DeadlockDetectionTimeout:                    deadlockTimeout,
	}
}

// Run polls until ctx is done, then drains: it takes no new work and lets the activities
// in flight finish. It returns [ErrCutOff] if they do not within the drain timeout, and
// another error if polling could not begin or broke for good.
func Run(ctx context.Context, o Options) error {
	if err := registerSearchAttributes(ctx, o.Temporal, o.Namespace); err != nil {
		return err
	}
	if err := bindAccounts(ctx, o.Temporal, o.Namespace, o.TaskQueue, o.Accounts); err != nil {
		return err
	}
	if err := checkDecryption(ctx, o.Codec.Client(o.Temporal)); err != nil {
		return err
	}
	if o.Activities.Versions != nil {
		// Before any bill is made by them: a parked order may come before the next run.
		keepFlows(ctx, o.Activities, o.NotKept)
	}
	worker.SetStickyWorkflowCacheSize(cachedWorkflows)
	broken := make(chan error, 3)
	options := WorkerOptions()
	options.DisableRegistrationAliasing = true
	options.Identity = processIdentity()
	// Longer than stop waits, so that stop decides.
	options.WorkerStopTimeout = o.DrainTimeout + time.Minute
	options.OnFatalError = func(err error) { broken <- err }
	options.DeploymentOptions = worker.DeploymentOptions{UseVersioning: o.Version != worker.WorkerDeploymentVersion{}, Version: o.Version}
	sourceOptions := options
	sourceOptions.DisableWorkflowWorker = true
	sourceOptions.Identity = identity(o.Activities.Flows)
	sourceOptions.TaskQueueActivitiesPerSecond = o.Activities.CallsPerSecond

	main := worker.New(o.Temporal, o.TaskQueue, options)
	workflows.Register(main)
	o.Activities.Register(main)
	workers := []worker.Worker{main}
	// A run or a parked order may go on whose flow is no longer in the folder, so all are
	// polled, whether flows read through them or not.
	for _, transport := range catalog.Transports() {
		source := worker.New(o.Temporal, workflows.SourceTaskQueue(o.TaskQueue, transport), sourceOptions)
		o.Activities.RegisterSource(source)
		workers = append(workers, source)
	}

	var started []worker.Worker
	for _, w := range workers {
		if err := w.Start(); err != nil {
			return errors.Join(text.Errorf("the worker cannot begin to poll: %w", err), stop(started, o.DrainTimeout))
		}
		started = append(started, w)
	}
	if o.Polls != nil {
		o.Polls()
	}
	select {
	case <-ctx.Done():
		return stop(started, o.DrainTimeout)
	case err := <-broken:
		return errors.Join(text.Errorf("the worker can no longer poll: %w", err), stop(started, o.DrainTimeout))
	}
}

// keepFlows keeps the text of all flows.
func keepFlows(ctx context.Context, a *activities.Activities, notKept func(*flow.Flow, error)) {
	for _, f := range a.Flows {
		if err := a.Versions.Keep(ctx, f); err != nil {
			notKept(f, err)
		}
	}
}

// stop stops all workers within the timeout.
func stop(workers []worker.Worker, timeout time.Duration) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var all sync.WaitGroup
		for _, w := range workers {
			all.Go(w.Stop)
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
