package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
)

// workerFlows are the flows of the workers that poll, which may be others than those
// of the files that the starter sees.
type workerFlows struct {
	workers []syncworker.FlowVersions
	// all says that every worker tells its flows.
	all bool
}

func readWorkerFlows(ctx context.Context, c client.Client, taskQueue string) (workerFlows, error) {
	workers, all, err := syncworker.WorkerFlows(ctx, c, taskQueue)
	if err != nil {
		return workerFlows{}, fmt.Errorf("看不到 worker 有哪些流程。 It can't be seen which flows the workers have: %w", err)
	}
	return workerFlows{workers, all}, nil
}

// versions are those in which the workers have a flow.
func (w workerFlows) versions(flowName string) []string {
	found := map[string]bool{}
	for _, flows := range w.workers {
		if version, ok := flows[flowName]; ok {
			found[version] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// lacks says that no worker has a flow. Where there is no worker, or one does not tell,
// nothing is known of it.
func (w workerFlows) lacks(flowName string) error {
	if len(w.workers) == 0 || !w.all || len(w.versions(flowName)) > 0 {
		return nil
	}
	names := map[string]bool{}
	for _, flows := range w.workers {
		for name := range flows {
			names[name] = true
		}
	}
	return fmt.Errorf("没有 worker 有流程 %[1]q，它们只有 %[2]s。核对 --flow；流程文件是新加的，就重启 worker。"+
		" No worker has a flow %[1]q; they have %[2]s. Check --flow; if its file is new, restart the workers", flowName, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
}

// differs says that a worker has a flow in another version than the file, or that none
// has it.
func (w workerFlows) differs(of *flow.Flow) error {
	if err := w.lacks(of.Name); err != nil {
		return err
	}
	others := slices.DeleteFunc(w.versions(of.Name), func(version string) bool { return version == of.Version })
	if len(others) == 0 {
		return nil
	}
	return fmt.Errorf("worker 用的是版本 %[1]s，这里的文件是 %[2]s：文件改过后请重启 worker（停下的 worker 约两分钟后才不算），并核对两边的 REFUNDSYNC_FLOWS 是同一份。"+
		" A worker runs version %[1]s, the file here is %[2]s: restart the workers after a change (one that has stopped counts for another two minutes), and see that REFUNDSYNC_FLOWS is the same on both sides", strings.Join(others, ", "), of.Version)
}
