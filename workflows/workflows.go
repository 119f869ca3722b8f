// Package workflows holds what is durable: how a run cuts its range into
// windows, reads their pages and sees to it that every order becomes exactly
// one bill. What touches the outside world is in package activities; the
// contract between the two is in activities.go.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The names under which the workflows are known to the Temporal server. They
// are in every history and must never change.
const (
	SyncRefundsName = "SyncRefunds"
	SyncWindowName  = "SyncWindow"
	EstimateRunName = "EstimateRun"
	ParkedOrderName = "ParkedOrder"
	WatchFlowName   = "WatchFlow"
	AccountsName    = "Accounts"
)

// ProgressQuery is the query that SyncRefunds answers with a
// [SyncRefundsProgress], SyncWindow with a [SyncWindowProgress], ParkedOrder
// with a [ParkedOrderState] and WatchFlow with a [WatchFlowState].
const ProgressQuery = "progress"

// Register makes every workflow known to the worker, under its stable name. The
// behaviours count only for workers with versions: a run and its windows end on
// the version on which they began, while what waits for hours or for ever moves to
// each new version, so that an old one needs its workers no longer than its runs
// last.
func Register(r worker.WorkflowRegistry) {
	pinned, moved := workflow.VersioningBehaviorPinned, workflow.VersioningBehaviorAutoUpgrade
	r.RegisterWorkflowWithOptions(SyncRefunds, workflow.RegisterOptions{Name: SyncRefundsName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(SyncWindow, workflow.RegisterOptions{Name: SyncWindowName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(EstimateRun, workflow.RegisterOptions{Name: EstimateRunName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(ParkedOrder, workflow.RegisterOptions{Name: ParkedOrderName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(WatchFlow, workflow.RegisterOptions{Name: WatchFlowName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(Accounts, workflow.RegisterOptions{Name: AccountsName, VersioningBehavior: moved})
}

// SourceTaskQueue is the task queue of the calls to the source. It is one of
// its own because the server's limit of calls a second, which holds over all
// workers, is a task queue's.
func SourceTaskQueue(taskQueue string) string { return taskQueue + "-jushuitan" }
