package workflows

import "go.temporal.io/sdk/workflow"

// The counters that the workflows keep, through the metrics handler of the
// worker's Temporal client. It counts nothing while a history is replayed, for a
// query among others, and a workflow is where an order is counted once, however
// often a page is read or an activity is tried. A workflow task that is done again,
// because its worker died or the server refused its end, may count what it counted
// again.
const (
	// OrdersMetric counts the orders of runs, under the outcomes of a [tally.Tally]:
	// saved, updated, already_saved, skipped, parked and failed, the last three
	// with their reason. One that changes while its window is read counts with
	// each of its versions.
	OrdersMetric = "refundsync_orders"
	// RunsMetric counts the runs that have ended by themselves, under their
	// [OutcomeAttribute].
	RunsMetric = "refundsync_runs"
	// ParkedEndedMetric counts the parked orders that wait no longer: saved,
	// updated, already_saved, left_out or discarded.
	ParkedEndedMetric = "refundsync_parked_orders_ended"
)

// The labels of these counters.
const (
	FlowLabel    = "flow"
	OutcomeLabel = "outcome"
	// ReasonLabel is empty where an outcome has no reason.
	ReasonLabel = "reason"
)

// discardedOutcome is that of a parked order that a person gave up.
const discardedOutcome = "discarded"

// counterOf gives a counter of the flow.
func counterOf(ctx workflow.Context, metric, flowName string) func(outcome, reason string) {
	handler := workflow.GetMetricsHandler(ctx)
	return func(outcome, reason string) {
		handler.WithTags(map[string]string{FlowLabel: flowName, OutcomeLabel: outcome, ReasonLabel: reason}).Counter(metric).Inc(1)
	}
}
