// Package contract holds what flow files, activities and workflows share. It imports
// nothing that reads or runs a flow file, so that a workflow depends on little.
package contract

// Ways to find what is new, for a flow's cursor.
const (
	// CursorTime reads windows of the time that date_type names.
	CursorTime = "time"
	// CursorRowVersion reads rows in the order of their versions, ts.
	CursorRowVersion = "row_version"
)

// What one activity saves, for a flow's grain.
const (
	// GrainOrder has each order saved by an activity of its own.
	GrainOrder = "order"
	// GrainPage has one activity read and save several pages, and gives those orders
	// that do not succeed there an activity of their own.
	GrainPage = "page"
	// GrainAuto leaves it to the run: GrainOrder for up to a few thousand orders,
	// GrainPage for more.
	GrainAuto = "auto"
)

// Grains are all there are; the first is the default.
var Grains = []string{GrainAuto, GrainOrder, GrainPage}

// ReasonClosedPeriod is the reason of the *fault.Error of a bill whose date lies in a
// period that finance has closed.
const ReasonClosedPeriod = "closed_period"
