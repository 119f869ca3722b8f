// Package alert defines what a group chat is told about a flow: the causes of alerts,
// and the message for each. A message holds counts, reasons, times and the ids of
// runs, and who holds a flow and why, never an order or a customer.
package alert

import (
	"time"

	"refundsync/internal/contract"
)

// Cause is what can be wrong with a flow.
type Cause string

// The causes. They are in histories and in the bodies sent to plain webhooks.
const (
	// RunFailed: an incremental run failed.
	RunFailed Cause = "run_failed"
	// OrdersParked: orders could not be saved and wait.
	OrdersParked Cause = "orders_parked"
	// SweepFound: a sweep found orders that had been missed or had changed, or it did
	// not finish.
	SweepFound Cause = "sweep_found"
	// ReconcileDiffers: a daily reconciliation found differences, or did not finish.
	ReconcileDiffers Cause = "reconcile_differs"
	// NothingSynced: no bill has been saved for too long.
	NothingSynced Cause = "nothing_synced"
	// LagOverLimit: the watermark is too far behind now.
	LagOverLimit Cause = "lag_over_limit"
)

// Notice is one message about a flow.
type Notice struct {
	Flow string `json:"flow"`
	// Title is the flow's, for people.
	Title string `json:"title"`
	// Company is the flow's; "" for a flow without one.
	Company string `json:"company,omitempty"`
	// At is when the notice was made.
	At time.Time `json:"at"`
	// Firing are the causes that hold, Resolved those of earlier notices that are over.
	Firing   []Trouble `json:"firing,omitempty"`
	Resolved []Trouble `json:"resolved,omitempty"`
	// Summary is that of the day before, in the message that each day has; nil in others.
	Summary *Summary `json:"summary,omitempty"`
	// Holds are those that began, changed or ended since the last message.
	Holds []contract.Hold `json:"holds,omitempty"`
	// Held says that a hold is on.
	Held bool `json:"held,omitempty"`
	// Test marks a message that a person sends to test a robot.
	Test bool `json:"test,omitempty"`
}

// Trouble is one cause and its details. The fields of other causes are zero.
type Trouble struct {
	Cause Cause `json:"cause"`
	// Since is when the cause came up.
	Since time.Time `json:"since"`

	// FailedRuns is the number of runs that failed since the last message, for
	// RunFailed; Reason, WorkflowID and RunID are those of the last one.
	FailedRuns int    `json:"failed_runs,omitempty"`
	Reason     string `json:"reason,omitempty"`
	WorkflowID string `json:"workflow_id,omitempty"`
	RunID      string `json:"run_id,omitempty"`

	// Parked counts the orders parked since the last message by reason, for
	// OrdersParked; Waiting is the number of all parked orders of the flow.
	Parked  map[string]int `json:"parked,omitempty"`
	Waiting int            `json:"waiting,omitempty"`

	// Found is the number of orders that sweeps found since the last message, for
	// SweepFound. Reason, WorkflowID and RunID are those of the last sweep; Reason is ""
	// if it finished.
	Found int `json:"found,omitempty"`

	// Reconciliation is the last one, for ReconcileDiffers. Reason, WorkflowID and RunID are
	// of it too; Reason is "" if it finished.
	Reconciliation *Reconciliation `json:"reconciliation,omitempty"`

	// Last is the end of the last run that saved a bill, or the start of the watch, for
	// NothingSynced; for LagOverLimit it is the watermark.
	Last *time.Time `json:"last,omitempty"`
	// LimitSeconds is the time that the flow allows for these two.
	LimitSeconds int `json:"limit_seconds,omitempty"`
}
