package workflows

import "go.temporal.io/sdk/workflow"

// Each function here is one change of what the workflows tell the server to do.
// A history that began before the change goes on as it began.

// listsRuns reports whether a run sets search attributes and a memo of its own.
// Older ones have none and are found by their workflow id alone.
func listsRuns(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "list-runs", workflow.DefaultVersion, 1) >= 1
}
