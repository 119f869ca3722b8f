// Package contract holds what flow files, activities and workflows share. It imports
// nothing that reads or runs a flow file, so that a workflow depends on little.
package contract

import "time"

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

// ReasonDiscarded is the reason under which an order is left out that a person has discarded.
const ReasonDiscarded = "discarded"

// Retry says how often and when an order, or a call, is retried.
type Retry struct {
	// Attempts is the number of attempts, the first included, 1 to 100. Default: 8.
	Attempts int `json:"attempts"`
	// First is the wait before the second attempt. Default: 2 seconds.
	First time.Duration `json:"first"`
	// Factor multiplies each wait to give the next, 1 to 10. Default: 2.
	Factor int `json:"factor"`
	// Longest is the longest wait. Default: 5 minutes.
	Longest time.Duration `json:"longest"`
}
