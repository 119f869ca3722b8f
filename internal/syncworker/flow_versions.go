package syncworker

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// FlowVersions are the versions of a worker's flows by their names.
type FlowVersions map[string]string

// A worker publishes its flows in its identity on the sources' task queues, where the
// server's list of pollers shows it. It does so only there, because an identity is in
// every event that its worker causes: on that task queue two per page, on the other one
// several per order.
const (
	flowsInIdentity = " flows "
	// longestIdentity is what the server takes, in bytes.
	longestIdentity = 1000
	// andMore is at the end if not all flows fit.
	andMore = "…"
)

// processIdentity names this process.
func processIdentity() string {
	host, _ := os.Hostname() // as in the SDK: empty if unknown
	return fmt.Sprintf("%d@%s", os.Getpid(), host)
}

// identity names this process, and its flows with their versions.
func identity(flows flow.Flows) string {
	text := processIdentity() + flowsInIdentity
	for i, name := range slices.Sorted(maps.Keys(flows)) {
		entry := name + "@" + flows[name].Version
		if i > 0 {
			entry = "," + entry
		}
		if len(text)+len(entry)+len(","+andMore) > longestIdentity {
			return text + "," + andMore
		}
		text += entry
	}
	return text
}

// flowVersions reads what identity wrote; false for the identity of another program, or
// of a worker with more flows than fit.
func flowVersions(identity string) (FlowVersions, bool) {
	_, list, ok := strings.Cut(identity, flowsInIdentity)
	if !ok {
		return nil, false
	}
	versions := FlowVersions{}
	for entry := range strings.SplitSeq(list, ",") {
		name, version, ok := strings.Cut(entry, "@")
		if !ok {
			return nil, false
		}
		versions[name] = version
	}
	return versions, true
}

// pollInterval is how often a live worker polls: the server answers a poll that finds
// nothing after a minute.
const pollInterval = 70 * time.Second

// WorkerFlows asks the server which flows the workers of a task queue have: none if there
// is no worker. all is false if a worker does not publish all its flows.
func WorkerFlows(ctx context.Context, c client.Client, taskQueue string) (workers []FlowVersions, all bool, err error) {
	// Every worker polls all of them.
	described, err := c.DescribeTaskQueue(ctx, workflows.SourceTaskQueue(taskQueue, catalog.Qimen), enumspb.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return nil, false, err
	}
	workers, all = flowsOfPollers(described.GetPollers())
	return workers, all, nil
}

func flowsOfPollers(pollers []*taskqueuepb.PollerInfo) (workers []FlowVersions, all bool) {
	all = true
	for _, poller := range recent(pollers) {
		versions, ok := flowVersions(poller.GetIdentity())
		if !ok {
			all = false
			continue
		}
		workers = append(workers, versions)
	}
	return workers, all
}

// recent drops pollers that stopped polling before the latest poll: the server lists a
// worker for five minutes after its end.
func recent(pollers []*taskqueuepb.PollerInfo) []*taskqueuepb.PollerInfo {
	last := time.Time{}
	for _, poller := range pollers {
		if at := poller.GetLastAccessTime().AsTime(); at.After(last) {
			last = at
		}
	}
	return slices.DeleteFunc(slices.Clone(pollers), func(poller *taskqueuepb.PollerInfo) bool {
		return poller.GetLastAccessTime().AsTime().Before(last.Add(-pollInterval))
	})
}
