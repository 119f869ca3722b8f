// Package workflows holds what is durable: how a run cuts its range into windows, reads their
// pages and ensures that every order becomes exactly one bill. What touches the outside world
// is in package activities; the contract between the two is in activities.go.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The names of the workflows on the Temporal server. They are in every history and must never
// change.
const (
	SyncFlowName    = "SyncFlow"
	SyncWindowName  = "SyncWindow"
	EstimateRunName = "EstimateRun"
	ParkedOrderName = "ParkedOrder"
	WatchFlowName   = "WatchFlow"
	AccountsName    = "Accounts"
	FlowVersionName = "FlowVersion"

	ReconcileName       = "Reconcile"
	ReconcileWindowName = "ReconcileWindow"
	ReconcileBillsName  = "ReconcileBills"
	HoldName            = "Hold"
	AccessTokenName     = "AccessToken"
)

// ProgressQuery is the query that SyncFlow answers with a [SyncFlowProgress], SyncWindow
// with a [SyncWindowProgress], ParkedOrder with a [ParkedOrderState], WatchFlow with a
// [WatchFlowState] and Reconcile with a [ReconcileProgress].
const ProgressQuery = "progress"

// Register registers every workflow under its stable name. The versioning behaviours matter
// only to workers with versions: a run and its windows end on the version on which they
// began, while workflows that wait for hours or for ever move to each new version, so that
// the workers of an old version are needed only until its runs have ended.
func Register(r worker.WorkflowRegistry) {
	pinned, moved := workflow.VersioningBehaviorPinned, workflow.VersioningBehaviorAutoUpgrade
	r.RegisterWorkflowWithOptions(SyncFlow, workflow.RegisterOptions{Name: SyncFlowName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(SyncWindow, workflow.RegisterOptions{Name: SyncWindowName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(EstimateRun, workflow.RegisterOptions{Name: EstimateRunName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(Reconcile, workflow.RegisterOptions{Name: ReconcileName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(ReconcileWindow, workflow.RegisterOptions{Name: ReconcileWindowName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(ReconcileBills, workflow.RegisterOptions{Name: ReconcileBillsName, VersioningBehavior: pinned})
	r.RegisterWorkflowWithOptions(ParkedOrder, workflow.RegisterOptions{Name: ParkedOrderName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(WatchFlow, workflow.RegisterOptions{Name: WatchFlowName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(Accounts, workflow.RegisterOptions{Name: AccountsName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(FlowVersion, workflow.RegisterOptions{Name: FlowVersionName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(AccessToken, workflow.RegisterOptions{Name: AccessTokenName, VersioningBehavior: moved})
	r.RegisterWorkflowWithOptions(Hold, workflow.RegisterOptions{Name: HoldName, VersioningBehavior: moved})
}

// SourceTaskQueue is the task queue of the calls to sources through a transport of the
// catalog. Each has its own because the server limits the calls per second, over all workers,
// by task queue.
func SourceTaskQueue(taskQueue, transport string) string { return taskQueue + "-" + transport }
