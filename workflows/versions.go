package workflows

import "go.temporal.io/sdk/workflow"

// Each function here is one change of what the workflows tell the server to do.
// A history that began before the change goes on as it began.

// reportsRuns reports whether a run tells the flow's watch how it ended. Older
// ones tell nobody.
func reportsRuns(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "report-runs", workflow.DefaultVersion, 1) >= 1
}
