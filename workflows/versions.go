package workflows

import "go.temporal.io/sdk/workflow"

// Each change of what a workflow does goes by a name here, so that histories
// which were begun before it go on as they began.

// leavesBadSignals: a signal without usable content is left aside. In older
// histories one that can't be decoded kept the workflow waiting for the next of
// its kind, and one with a discard but no name or reason ended it.
func leavesBadSignals(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "leave-bad-signals", workflow.DefaultVersion, 1) >= 1
}

// keepsLateVersions: a version of a parked order that comes while an earlier one is
// being saved is tried in its turn. In older histories it was dropped if that was
// saved.
func keepsLateVersions(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "keep-late-versions", workflow.DefaultVersion, 1) >= 1
}

// endsWhenSettled: a parked order ends when a run tells that it needs nothing any
// more. Older histories take no notice.
func endsWhenSettled(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "end-when-settled", workflow.DefaultVersion, 1) >= 1
}

// takesNewerVersions: an order that a window shows again in a newer version is
// given out again. In older histories the version shown first was kept.
func takesNewerVersions(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "take-newer-versions", workflow.DefaultVersion, 1) >= 1
}

// boundsWindows: a window with too many orders, or whose source shows the same
// page over and over, fails. Older histories went on reading.
func boundsWindows(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "bound-windows", workflow.DefaultVersion, 1) >= 1
}

// looksUpInSavePage: in the grain of pages SavePage itself asks which bills exist.
// In older histories FindBills did, before each SavePage.
func looksUpInSavePage(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "look-up-in-save-page", workflow.DefaultVersion, 1) >= 1
}

// cutsWindows: a window with many orders ends before it has read them, and its run
// cuts it. In older histories it read them all.
func cutsWindows(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "cut-windows", workflow.DefaultVersion, 1) >= 1
}

// readsAhead: the next page is asked for before the orders of the last are given
// out. In older histories afterwards.
func readsAhead(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "read-ahead", workflow.DefaultVersion, 1) >= 1
}

// stopsRuns: a run whose orders mostly fail for one cause, over all its windows,
// begins no more of them. In older histories only a page of such orders stopped it.
func stopsRuns(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "stop-runs", workflow.DefaultVersion, 1) >= 1
}

// listsRuns reports whether a run sets search attributes and a memo of its own.
// Older ones have none and are found by their workflow id alone.
func listsRuns(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "list-runs", workflow.DefaultVersion, 1) >= 1
}

// reportsRuns reports whether a run tells the flow's watch how it ended. Older
// ones tell nobody.
func reportsRuns(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "report-runs", workflow.DefaultVersion, 1) >= 1
}
