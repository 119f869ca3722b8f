package workflows

// ReconcileName is the name of the Reconcile workflow on the Temporal server.
const ReconcileName = "Reconcile"

// ReconcileInput is a reconciliation of a flow.
type ReconcileInput struct {
	Flow string `json:"flow"`
	// Days is how many whole days up to yesterday are reconciled.
	Days int `json:"days,omitempty"`
}
