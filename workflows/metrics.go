package workflows

import "go.temporal.io/sdk/workflow"

// The counters of the workflows, which use the metrics handler of the worker's Temporal
// client. It counts nothing during a replay, and a workflow counts an order once, however
// often a page is read or an activity is retried. A workflow task that is retried, because
// its worker died or the server refused its completion, may count twice.
const (
	// OrdersMetric counts the orders of runs by the outcomes of a [tally.Tally]: saved,
	// updated, already_saved, skipped, parked and failed, the last three with their reason.
	// An order that changes while its window is read counts once per version.
	OrdersMetric = "refundsync_orders"
	// RunsMetric counts the runs that have ended by themselves, by [OutcomeAttribute].
	RunsMetric = "refundsync_runs"
	// ParkedEndedMetric counts the parked orders that no longer wait: saved, updated,
	// already_saved, left_out, bill_deleted or discarded.
	ParkedEndedMetric = "refundsync_parked_orders_ended"
)

// The labels of these counters.
const (
	FlowLabel    = "flow"
	OutcomeLabel = "outcome"
	// ReasonLabel is empty for an outcome without a reason.
	ReasonLabel = "reason"
)

// counterOf returns a counter of the flow.
func counterOf(ctx workflow.Context, metric, flowName string) func(outcome, reason string) {
	handler := workflow.GetMetricsHandler(ctx)
	return func(outcome, reason string) {
		handler.WithTags(map[string]string{FlowLabel: flowName, OutcomeLabel: outcome, ReasonLabel: reason}).Counter(metric).Inc(1)
	}
}
