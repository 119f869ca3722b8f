// Package alert holds what a group chat is told about a flow: which causes there
// are, and how each is put into words. A message holds counts, reasons, times and
// the ids of runs, never an order or a person.
package alert

import "time"

// Cause is what can be wrong with a flow.
type Cause string

// The causes. They are in histories and in the bodies sent to plain webhooks.
const (
	// RunFailed is an incremental run that ended with an error.
	RunFailed Cause = "run_failed"
	// OrdersParked are orders that could not be saved and wait.
	OrdersParked Cause = "orders_parked"
	// SweepFound is a sweep that found orders which had been missed or have changed, or
	// that did not come to its end.
	SweepFound Cause = "sweep_found"
	// NothingSynced is a flow for which no bill was saved for too long.
	NothingSynced Cause = "nothing_synced"
	// LagOverLimit is a watermark too far behind now.
	LagOverLimit Cause = "lag_over_limit"
)

// Notice is one message about a flow.
type Notice struct {
	Flow string `json:"flow"`
	// Title is the flow's, for people.
	Title string `json:"title"`
	// At is when it was decided to tell.
	At time.Time `json:"at"`
	// Wrong are the causes to tell of, WellAgain those told before that are over.
	Wrong     []Trouble `json:"wrong,omitempty"`
	WellAgain []Trouble `json:"well_again,omitempty"`
	// Test marks a message that a person sends to try a robot.
	Test bool `json:"test,omitempty"`
}

// Trouble is one cause, with what is known of it. What belongs to another cause
// is zero.
type Trouble struct {
	Cause Cause `json:"cause"`
	// Since is when the cause came up.
	Since time.Time `json:"since"`

	// FailedRuns counts, for RunFailed, the runs that failed since the message
	// before; Reason, WorkflowID and RunID are the last one's.
	FailedRuns int    `json:"failed_runs,omitempty"`
	Reason     string `json:"reason,omitempty"`
	WorkflowID string `json:"workflow_id,omitempty"`
	RunID      string `json:"run_id,omitempty"`

	// Parked counts, for OrdersParked, the orders parked since the message
	// before, by reason; Waiting counts all of the flow that wait.
	Parked  map[string]int `json:"parked,omitempty"`
	Waiting int            `json:"waiting,omitempty"`

	// Found counts, for SweepFound, what sweeps found since the message before. Reason,
	// WorkflowID and RunID are the last one's; Reason is "" where it came to its end.
	Found int `json:"found,omitempty"`

	// Last is, for NothingSynced, when the last run that saved a bill ended, or
	// when the watch began; for LagOverLimit it is the watermark.
	Last *time.Time `json:"last,omitempty"`
	// LimitSeconds is, for these two, the time that the flow allows.
	LimitSeconds int `json:"limit_seconds,omitempty"`
}
