// Command worker is the process that does the work: it polls Temporal for the
// tasks of the sync, and does them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	temporalworker "go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/observe"
	"refundsync/internal/syncworker"
	"refundsync/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal drains; the second finds nobody who catches it, and ends.
	context.AfterFunc(ctx, stop)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "worker",
		Short:         "执行同步的进程，设置来自环境变量 the process that does the sync; its settings are environment variables",
		Version:       version.Long(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context()) },
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\n\n设置 settings（名称 name，默认 default，含义 meaning）:\n\n", cmd.Short)
		if err := config.Usage(out); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
		}
		fmt.Fprint(out, "\n保密的设置可以放进文件，用 名称_FILE 给出路径。 A secret may be in a file: NAME_FILE is its path.\n")
		fmt.Fprint(out, "\n与 Temporal 的连接 the connection to Temporal: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY(_FILE), TEMPORAL_TLS_…\n")
	})
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.AddCommand(newHealthcheckCommand())
	return cmd
}

func run(ctx context.Context) (err error) {
	// All that is wrong is said at once, before anything is polled.
	settings, settingsErr := config.Load()
	var flows flow.Flows
	var flowsErr error
	if settings.Worker.Flows != "" {
		flows, flowsErr = flow.LoadFolder(settings.Worker.Flows)
	}
	robots, robotsErr := syncworker.Robots(flows)
	temporalOptions, temporalErr := config.TemporalOptions()
	if err := errors.Join(settingsErr, settings.Worker.CheckBuildID(), flowsErr, robotsErr, temporalErr); err != nil {
		return err
	}
	source, ledger, err := syncworker.Clients(settings)
	if err != nil {
		return err
	}
	codec, err := encryption.NewCodec(settings.Encryption)
	if err != nil {
		return err
	}
	logger, err := observe.NewLogger(settings.Log.Level, settings.Log.Format)
	if err != nil {
		return err
	}
	// Syncing a terminal fails on some systems, and nothing is left to be done.
	defer func() { _ = logger.Sync() }()

	metrics, err := observe.NewMetrics(observe.MetricsOptions{Flows: flows, Sessions: settings.Kingdee.Sessions, SessionsInUse: ledger.SessionsInUse})
	if err != nil {
		return err
	}
	tracing, stopTracing, err := observe.Traces(ctx, logger)
	if err != nil {
		return err
	}
	defer func() {
		sent, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := stopTracing(sent); err != nil {
			logger.Warn("traces were lost", zap.Error(err))
		}
	}()

	temporalOptions.Logger = observe.ForTemporal(logger)
	temporalOptions.MetricsHandler = metrics.ForTemporal()
	temporalOptions.Interceptors = append(temporalOptions.Interceptors, tracing...)
	temporalOptions.ConnectionOptions.DialOptions = append(temporalOptions.ConnectionOptions.DialOptions, metrics.WatchPolls(), syncworker.ReplayQueries())
	codec.ConfigureWorker(&temporalOptions)
	temporal, err := client.DialContext(ctx, temporalOptions)
	if err != nil {
		return config.TemporalUnreachable(temporalOptions, err)
	}
	defer temporal.Close()

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
		go metrics.WatchFlows(ctx, codec.Client(temporal), logger)
	}
	for _, f := range flows {
		logger.Info("flow", zap.String("name", f.Name), zap.String("version", f.Version), zap.Bool("enabled", f.Enabled))
	}
	logger.Info("encryption", zap.Bool("enabled", codec.Enabled()), zap.Stringer("keys", codec))
	logger.Info("polling", zap.String("task_queue", settings.Worker.TaskQueue), zap.String("version", version.Version()),
		zap.String("deployment", settings.Worker.DeploymentName), zap.String("build_id", settings.Worker.BuildID))
	context.AfterFunc(ctx, func() { logger.Info("draining", zap.Duration("for_at_most", settings.Worker.DrainTimeout)) })
	err = syncworker.Run(ctx, syncworker.Options{
		Temporal:             temporal,
		Namespace:            temporalOptions.Namespace,
		Codec:                codec,
		TaskQueue:            settings.Worker.TaskQueue,
		Flows:                flows,
		Source:               metrics.Source(source),
		Ledger:               syncworker.Ledger(ledger, settings.Kingdee, metrics),
		Robots:               robots,
		SourceCallsPerSecond: settings.Jushuitan.CallsPerSecond,
		Tuning:               settings.Worker.Tuning,
		DrainTimeout:         settings.Worker.DrainTimeout,
		Version:              temporalworker.WorkerDeploymentVersion{DeploymentName: settings.Worker.DeploymentName, BuildID: settings.Worker.BuildID},
	})
	logger.Info("stopped", zap.Error(err))
	return err
}
