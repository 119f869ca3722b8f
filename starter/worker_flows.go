package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

// workerFlows are the flows of the workers that poll. They may differ from the flow files
// that the starter sees.
type workerFlows struct {
	workers []syncworker.FlowVersions
	// all reports whether every worker names its flows.
	all bool
}

func readWorkerFlows(ctx context.Context, c client.Client, taskQueue string) (workerFlows, error) {
	workers, all, err := syncworker.WorkerFlows(ctx, c, taskQueue)
	if err != nil {
		return workerFlows{}, text.Errorf("the workers' flows can't be read: %w", err)
	}
	return workerFlows{workers, all}, nil
}

// readAllWorkerFlows reads those of the workers of all companies of the flows.
func readAllWorkerFlows(ctx context.Context, c client.Client, settings config.Worker, flows flow.Flows) (workerFlows, error) {
	read := workerFlows{all: true}
	for taskQueue := range companiesOf(settings, flows) {
		one, err := readWorkerFlows(ctx, c, taskQueue)
		if err != nil {
			return workerFlows{}, err
		}
		read.workers, read.all = append(read.workers, one.workers...), read.all && one.all
	}
	return read, nil
}

// versions are the versions of a flow that workers have.
func (w workerFlows) versions(flowName string) []string {
	found := map[string]bool{}
	for _, flows := range w.workers {
		if version, ok := flows[flowName]; ok {
			found[version] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// lacks returns an error if no worker has the flow. If there is no worker, or one does not
// name its flows, it is not known and nil.
func (w workerFlows) lacks(flowName string) error {
	if len(w.workers) == 0 || !w.all || len(w.versions(flowName)) > 0 {
		return nil
	}
	return text.Errorf("no worker has a flow %q; they have: %s. Check --flow; if the flow file is new, restart the workers", flowName, strings.Join(w.names(), ", "))
}

// names are the flows that workers have.
func (w workerFlows) names() []string {
	names := map[string]bool{}
	for _, flows := range w.workers {
		for name := range flows {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// differs returns an error if a worker has another version of the flow than the file, or
// no worker has it.
func (w workerFlows) differs(of *flow.Flow) error {
	if err := w.lacks(of.Name); err != nil {
		return err
	}
	others := slices.DeleteFunc(w.versions(of.Name), func(version string) bool { return version == of.Version })
	if len(others) == 0 {
		return nil
	}
	return text.Errorf("a worker has version %s, the file here is version %s; restart the workers after a change (a stopped worker counts for another two minutes), and make sure that REFUNDSYNC_FLOWS is the same for both", strings.Join(others, ", "), of.Version)
}
