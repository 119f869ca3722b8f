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

	"refundsync/activities"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
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
	// Activities are what the worker does. Their CallsPerSecond is the source's limit over
	// all workers.
	Activities *activities.Activities
	// Accounts are those of the activities' Source and Ledger. The first worker binds the
	// task queue to its own; one with others is refused.
	Accounts config.Accounts
	// DrainTimeout is how long Run may take to end when it is told to.
	DrainTimeout time.Duration
	// Polls, unless nil, is called once the worker polls.
	Polls func()
	// Version is the worker's in a Worker Deployment; the zero value is a worker
	// without versions.
	Version worker.WorkerDeploymentVersion
}

// ErrCutOff is the end of a worker that had work under way when its time to stop
// was over. Another worker does it again.
var ErrCutOff = errors.New("停止的时限已到，仍有活动在做，将由别的 worker 重做；可调大 REFUNDSYNC_DRAIN_TIMEOUT。 The time to stop is over with activities under way; another worker does them again. Raise that setting to leave them more time")

const (
	// workflowPollers and activityPollers are the requests for tasks that are open at a
	// time, the latter of each task queue: by the SDK's two, the polling itself is what an
	// order waits for. Pollers that scale by themselves begin with five, and a short run
	// is over before there are enough.
	workflowPollers, activityPollers = 8, 16
	// cachedWorkflows is how many workflows are kept in memory between two of their tasks:
	// runs and windows are some dozen; a parked order takes 60 KiB, and waits for hours.
	cachedWorkflows = 500
	// heartbeatInterval is how often a heartbeat reaches the server at most. A cancellation
	// comes with its answer, so an activity that beats hears of one within that time.
	heartbeatInterval = 2 * time.Second
)

// eagerActivities is how many activities come back with the workflow task that asked for
// them, without a poll: a page's. The SDK's 3 leave the others to the polls.
var eagerActivities = 50

// deadlockTimeout is how long workflow code may run without yielding. The SDK's second
// goes by the wall clock: a machine with more to do than it can stops a workflow task in
// the middle of honest work, while its code goes on. The server gives a task ten seconds.
const deadlockTimeout = 9 * time.Second

// WorkerOptions are how a worker takes its work from Temporal; docs/performance.md has
// what was measured.
func WorkerOptions() worker.Options {
	return worker.Options{
		MaxConcurrentWorkflowTaskPollers:            workflowPollers,
		MaxConcurrentActivityTaskPollers:            activityPollers,
		MaxEagerActivityReservationsPerWorkflowTask: &eagerActivities,
		MaxHeartbeatThrottleInterval:                heartbeatInterval,
		DeadlockDetectionTimeout:                    deadlockTimeout,
	}
}

// Run polls until ctx is done, then drains: it takes nothing new and lets the
// activities under way finish. It returns [ErrCutOff] if they did not within the
// time for that, and another error if polling could not begin or broke for good.
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
	worker.SetStickyWorkflowCacheSize(cachedWorkflows)
	broken := make(chan error, 2)
	options := WorkerOptions()
	options.DisableRegistrationAliasing = true
	options.Identity = processIdentity()
	// Beyond the time that stop waits, so that it is stop that ends it.
	options.WorkerStopTimeout = o.DrainTimeout + time.Minute
	options.OnFatalError = func(err error) { broken <- err }
	options.DeploymentOptions = worker.DeploymentOptions{UseVersioning: o.Version != worker.WorkerDeploymentVersion{}, Version: o.Version}
	sourceOptions := options
	sourceOptions.DisableWorkflowWorker = true
	sourceOptions.Identity = identity(o.Activities.Flows)
	sourceOptions.TaskQueueActivitiesPerSecond = o.Activities.CallsPerSecond

	main := worker.New(o.Temporal, o.TaskQueue, options)
	source := worker.New(o.Temporal, workflows.SourceTaskQueue(o.TaskQueue), sourceOptions)
	workflows.Register(main)
	o.Activities.Register(main)
	o.Activities.RegisterSource(source)

	var started []worker.Worker
	for _, w := range []worker.Worker{main, source} {
		if err := w.Start(); err != nil {
			return errors.Join(fmt.Errorf("worker 无法开始轮询 the worker can't begin to poll: %w", err), stop(started, o.DrainTimeout))
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
		return errors.Join(fmt.Errorf("worker 轮询中断 the worker's polling broke: %w", err), stop(started, o.DrainTimeout))
	}
}

// stop stops all workers, within the time-out.
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
