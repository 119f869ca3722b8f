package main

import (
	"context"
	"encoding/json"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/syncworker"
)

// profileFile is the environment variable with the file for a part's CPU profile.
const profileFile = "BENCH_PROFILE"

// newPartCommands makes the parts of a measurement. Each is its own process, so that
// its time and memory can be measured. They run until they are interrupted.
func newPartCommands() []*cobra.Command {
	var options simulator.Options
	simulators := part("simulators", func(ctx context.Context) error { return runSimulators(ctx, options) })
	simulators.Flags().IntVar(&options.Orders, "orders", 0, "")
	simulators.Flags().IntVar(&options.Days, "days", 1, "")
	simulators.Flags().DurationVar(&options.PageLatency, "page-latency", 0, "")
	simulators.Flags().DurationVar(&options.CallLatency, "call-latency", 0, "")
	simulators.Flags().DurationVar(&options.BillLatency, "bill-latency", 0, "")
	return []*cobra.Command{simulators, part("worker", runWorker), part("no-op-worker", runNoOpWorker), part("loop", runLoop)}
}

func part(name string, run func(context.Context) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return profiled(cmd.Context(), run) },
	}
}

// profiled runs a part and writes a CPU profile if profileFile is set.
func profiled(ctx context.Context, run func(context.Context) error) error {
	name := os.Getenv(profileFile)
	if name == "" {
		return run(ctx)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run(ctx)
}

// atAddress is what the simulators print as JSON.
type atAddress struct {
	URL string
	Env map[string]string
}

// runSimulators runs both systems and prints their addresses.
func runSimulators(ctx context.Context, options simulator.Options) error {
	options.Seed = 1
	// Skipped orders would make the sync look faster, and parked ones slower.
	options.Kinds = []merchant.Kind{merchant.Returned}
	sim, err := simulator.New(options)
	if err != nil {
		return err
	}
	server, err := sim.Start(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(atAddress{URL: server.URL(), Env: server.Environment().Map()}); err != nil {
		return err
	}
	return server.Wait()
}

// runWorker runs the worker as the worker command does, to profile it.
func runWorker(ctx context.Context) error {
	return syncworker.RunProcess(ctx, config.FromProcess(), os.Stderr)
}

func dial(ctx context.Context) (client.Client, error) {
	options, err := config.FromProcess().TemporalOptions()
	if err != nil {
		return nil, err
	}
	return config.DialTemporal(ctx, options)
}
