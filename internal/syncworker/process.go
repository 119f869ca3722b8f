package syncworker

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"refundsync/activities"
	"refundsync/internal/booking"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/observe"
	"refundsync/internal/tenant"
	"refundsync/internal/version"
)

// secondLook is longer than it mostly takes to save a bill.
const secondLook = 5 * time.Second

// garbageCollection is GOGC unless the environment sets it. A worker holds little memory
// and makes much garbage: with Go's 100 it would collect all the time, to save 25 MB.
const garbageCollection = 300

// setGarbageCollection respects GOGC of the environment.
func setGarbageCollection(environment config.Environment) {
	if environment["GOGC"] == "" {
		debug.SetGCPercent(garbageCollection)
	}
}

// tracesTimeout is how long the last traces may take to leave.
const tracesTimeout = 5 * time.Second

// RunProcess runs a worker with the settings of the environment, with its log, metrics,
// health and traces, until ctx is done; then it drains. The error lists all mistakes in
// the settings at once, before anything is polled.
func RunProcess(ctx context.Context, environment config.Environment, log io.Writer) (err error) {
	setGarbageCollection(environment)
	flows, settings, loadErr := Load(environment)
	robots, robotsErr := Robots(environment, flows)
	temporalOptions, temporalErr := environment.TemporalOptions()
	if err := errors.Join(loadErr, settings.Worker.CheckBuildID(), robotsErr, temporalErr); err != nil {
		return err
	}
	codec, err := encryption.NewCodec(settings.Encryption)
	if err != nil {
		return err
	}
	ledger, err := KingdeeClient(settings.Kingdee)
	if err != nil {
		return err
	}
	tokenSource, err := newTokenSource(settings.Jushuitan.Open)
	if err != nil {
		return err
	}
	logger, err := observe.NewLogger(log, settings.Log.Level, settings.Log.Format)
	if err != nil {
		return err
	}
	metrics, err := observe.NewMetrics(observe.MetricsOptions{Flows: flows, Sessions: settings.Kingdee.Sessions, SessionsInUse: ledger.SessionsInUse})
	if err != nil {
		return err
	}
	tracing, stopTracing, err := observe.Traces(ctx, logger)
	if err != nil {
		return err
	}
	defer func() {
		sent, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesTimeout)
		defer cancel()
		if err := stopTracing(sent); err != nil {
			logger.Warn("traces were lost", zap.Error(err))
		}
	}()

	temporalOptions.Logger = observe.ForTemporal(logger, codec.Enabled())
	temporalOptions.MetricsHandler = metrics.ForTemporal()
	temporalOptions.Interceptors = append(temporalOptions.Interceptors, tracing...)
	temporalOptions.ConnectionOptions.DialOptions = append(temporalOptions.ConnectionOptions.DialOptions, metrics.WatchPolls())
	codec.ConfigureWorker(&temporalOptions)
	temporal, err := config.DialTemporal(ctx, temporalOptions)
	if err != nil {
		return err
	}
	defer temporal.Close()
	source, err := sourceClient(settings.Jushuitan, sharedTokens(codec.Client(temporal), settings))
	if err != nil {
		return err
	}

	if settings.Worker.HTTPAddress != "" {
		server, err := observe.Serve(ctx, settings.Worker.HTTPAddress, metrics, temporal)
		if err != nil {
			return err
		}
		defer func() {
			if err := server.Close(); err != nil {
				logger.Warn("health and metrics ended badly", zap.Error(err))
			}
		}()
		logger.Info("serving health and metrics", zap.String("address", server.Address()))
		go metrics.WatchFlows(ctx, codec.Client(temporal), settings.Worker.TaskQueue, logger)
	}
	for _, f := range flows {
		logger.Info("flow", zap.String("name", f.Name), zap.String("version", f.Version), zap.Bool("enabled", f.Enabled))
	}
	logger.Info("encryption", zap.Bool("enabled", codec.Enabled()), zap.Stringer("keys", codec))
	asking, stopAsking := context.WithCancel(ctx)
	var asked sync.WaitGroup
	tables := tenant.NewTables(ledger, func(read tenant.TableRead) { logTable(logger, read) })
	defer tables.Close()
	asked.Go(func() {
		for _, f := range flows {
			tables.Refresh(asking, f)
		}
		checkForms(asking, ledger, flows, logger)
	})
	defer asked.Wait()
	defer stopAsking()
	context.AfterFunc(ctx, func() { logger.Info("draining", zap.Duration("for_at_most", settings.Worker.DrainTimeout)) })
	k := settings.Kingdee
	err = Run(ctx, Options{
		Temporal:     temporal,
		Namespace:    temporalOptions.Namespace,
		Codec:        codec,
		TaskQueue:    settings.Worker.TaskQueue,
		Accounts:     settings.Accounts(),
		DrainTimeout: settings.Worker.DrainTimeout,
		Activities: &activities.Activities{
			Flows:          flows,
			Source:         metrics.Source(shareCalls(source, settings.Jushuitan.CallsPerSecond, temporal, settings.Worker.TaskQueue)),
			Ledger:         groupcommit.New(ledger, groupcommit.Options{Calls: k.Sessions, Bills: k.BatchBills, Wait: k.BatchWait, Observer: metrics}),
			Robots:         robots,
			Temporal:       codec.Client(temporal),
			Parked:         activities.NewParkedOrders(temporal),
			Versions:       activities.NewFlowVersions(temporal, settings.Worker.TaskQueue),
			Holds:          activities.NewHolds(codec.Client(temporal)),
			Proofs:         booking.NewProofs(),
			Turns:          booking.NewTurns(),
			Tables:         tables,
			Tokens:         tokenSource,
			SecondLook:     secondLook,
			CallsPerSecond: float64(settings.Jushuitan.CallsPerSecond),
			Sessions:       k.Sessions,
		},
		NotKept: func(f *flow.Flow, err error) {
			logger.Warn("the flow's text is not kept", zap.String("name", f.Name), zap.String("version", f.Version), zap.Error(err))
		},
		Polls: func() {
			logger.Info("polling", zap.String("task_queue", settings.Worker.TaskQueue), zap.String("version", version.Version()),
				zap.String("deployment", settings.Worker.DeploymentName), zap.String("build_id", settings.Worker.BuildID))
		},
		Version: worker.WorkerDeploymentVersion{DeploymentName: settings.Worker.DeploymentName, BuildID: settings.Worker.BuildID},
	})
	logger.Info("stopped", zap.Error(err))
	return err
}
