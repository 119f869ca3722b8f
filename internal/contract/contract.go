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
	// GrainOrder saves each order by an activity of its own.
	GrainOrder = "order"
	// GrainPage reads and saves several pages by one activity; only orders that fail there
	// get an activity of their own.
	GrainPage = "page"
	// GrainAuto lets the run choose: GrainOrder for up to a few thousand orders, GrainPage
	// for more.
	GrainAuto = "auto"
)

// Grains are all grains; the first is the default.
var Grains = []string{GrainAuto, GrainOrder, GrainPage}

// ReasonClosedPeriod is the reason of the *fault.Error of a bill whose date lies in a
// period that finance has closed.
const ReasonClosedPeriod = "closed_period"
