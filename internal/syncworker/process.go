package syncworker

import (
	"context"
	"errors"
	"io"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"refundsync/activities"
	"refundsync/internal/booking"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/kingdee"
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
// health and traces, until ctx is done; then it drains. It serves all companies, which share
// the connection to Temporal and nothing else. The error lists all mistakes in the settings
// at once, before anything is polled.
func RunProcess(ctx context.Context, environment config.Environment, log io.Writer) (err error) {
	setGarbageCollection(environment)
	companies, loadErr := Load(environment)
	common := companies[0].Settings
	temporalOptions, temporalErr := environment.TemporalOptions()
	mistakes := []error{loadErr, common.Worker.CheckBuildID(), temporalErr}
	robots := make([]activities.Robots, len(companies))
	for i, of := range companies {
		var robotsErr error
		robots[i], robotsErr = Robots(environment, of.Flows)
		mistakes = append(mistakes, robotsErr)
	}
	if err := errors.Join(mistakes...); err != nil {
		return err
	}
	codec, err := encryption.NewCodec(common.Encryption)
	if err != nil {
		return err
	}
	logger, err := observe.NewLogger(log, common.Log.Level, common.Log.Format)
	if err != nil {
		return err
	}
	var workers []*companyWorker
	options := observe.MetricsOptions{Flows: flow.Flows{}}
	for i, of := range companies {
		w, err := newCompanyWorker(of, robots[i], logger)
		if err != nil {
			return err
		}
		workers = append(workers, w)
		maps.Copy(options.Flows, of.Flows)
		options.Companies = append(options.Companies, observe.CompanyOptions{Company: of.Name, Sessions: of.Settings.Kingdee.Sessions, SessionsInUse: w.ledger.SessionsInUse})
	}
	metrics, err := observe.NewMetrics(options)
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

	if common.Worker.HTTPAddress != "" {
		server, err := observe.Serve(ctx, common.Worker.HTTPAddress, metrics, temporal)
		if err != nil {
			return err
		}
		defer func() {
			if err := server.Close(); err != nil {
				logger.Warn("health and metrics ended badly", zap.Error(err))
			}
		}()
		logger.Info("serving health and metrics", zap.String("address", server.Address()))
	}
	logger.Info("encryption", zap.Bool("enabled", codec.Enabled()), zap.Stringer("keys", codec))
	context.AfterFunc(ctx, func() { logger.Info("draining", zap.Duration("for_at_most", common.Worker.DrainTimeout)) })
	run, ctx := errgroup.WithContext(ctx)
	for i, w := range workers {
		if common.Worker.HTTPAddress != "" {
			go metrics.WatchFlows(ctx, codec.Client(temporal), w.Settings.Worker.TaskQueue, w.Flows, w.log)
		}
		run.Go(func() error { return w.run(ctx, temporal, temporalOptions.Namespace, codec, metrics.Calls(i)) })
	}
	err = run.Wait()
	logger.Info("stopped", zap.Error(err))
	return err
}

// companyWorker is the part of a worker that serves one company.
type companyWorker struct {
	Company
	robots activities.Robots
	ledger *kingdee.Client
	tokens *activities.TokenSource
	log    *zap.Logger
}

func newCompanyWorker(of Company, robots activities.Robots, logger *zap.Logger) (*companyWorker, error) {
	if of.Name != "" {
		logger = logger.With(zap.String("company", of.Name))
	}
	ledger, ledgerErr := KingdeeClient(of.Settings.Kingdee)
	tokens, tokensErr := newTokenSource(of.Settings.Jushuitan.Open)
	return &companyWorker{of, robots, ledger, tokens, logger}, errors.Join(ledgerErr, tokensErr)
}

// run polls until ctx is done, then drains.
func (w *companyWorker) run(ctx context.Context, temporal client.Client, namespace string, codec encryption.Codec, calls *observe.Calls) error {
	settings, k := w.Settings, w.Settings.Kingdee
	queue := settings.Worker.TaskQueue
	source, err := sourceClient(settings.Jushuitan, sharedTokens(codec.Client(temporal), settings))
	if err != nil {
		return err
	}
	for _, f := range w.Flows {
		w.log.Info("flow", zap.String("name", f.Name), zap.String("version", f.Version), zap.Bool("enabled", f.Enabled))
	}
	asking, stopAsking := context.WithCancel(ctx)
	var asked sync.WaitGroup
	tables := tenant.NewTables(w.ledger, func(read tenant.TableRead) { logTable(w.log, read) })
	defer tables.Close()
	asked.Go(func() {
		for _, f := range w.Flows {
			tables.Refresh(asking, f)
		}
		checkForms(asking, w.ledger, w.Flows, w.log)
	})
	defer asked.Wait()
	defer stopAsking()
	return Run(ctx, Options{
		Temporal:     temporal,
		Namespace:    namespace,
		Codec:        codec,
		TaskQueue:    queue,
		Accounts:     settings.Accounts(),
		DrainTimeout: settings.Worker.DrainTimeout,
		Activities: &activities.Activities{
			Flows:          w.Flows,
			Source:         calls.Source(shareCalls(source, settings.Jushuitan.CallsPerSecond, temporal, queue)),
			Ledger:         groupcommit.New(w.ledger, groupcommit.Options{Calls: k.Sessions, Bills: k.BatchBills, Wait: k.BatchWait, Observer: calls}),
			Robots:         w.robots,
			Temporal:       codec.Client(temporal),
			Parked:         activities.NewParkedOrders(temporal),
			Versions:       activities.NewFlowVersions(temporal, queue),
			Holds:          activities.NewHolds(codec.Client(temporal)),
			Proofs:         booking.NewProofs(),
			Turns:          booking.NewTurns(),
			Tables:         tables,
			Tokens:         w.tokens,
			SecondLook:     secondLook,
			CallsPerSecond: float64(settings.Jushuitan.CallsPerSecond),
			Sessions:       k.Sessions,
		},
		NotKept: func(f *flow.Flow, err error) {
			w.log.Warn("the flow's text is not kept", zap.String("name", f.Name), zap.String("version", f.Version), zap.Error(err))
		},
		Polls: func() {
			w.log.Info("polling", zap.String("task_queue", queue), zap.String("version", version.Version()),
				zap.String("deployment", settings.Worker.DeploymentName), zap.String("build_id", settings.Worker.BuildID))
		},
		Version: worker.WorkerDeploymentVersion{DeploymentName: settings.Worker.DeploymentName, BuildID: settings.Worker.BuildID},
	})
}
