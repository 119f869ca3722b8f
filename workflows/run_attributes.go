package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/tally"
)

// The search attributes of a SyncFlow workflow, besides [FlowAttribute]. An SQL store has
// only three columns for numbers, so the other counts are only in the memo.
var (
	// WatermarkAttribute is set by completed runs that move the watermark.
	WatermarkAttribute = temporal.NewSearchAttributeKeyTime("RefundsyncWatermark")
	// OutcomeAttribute is one of the outcomes below.
	OutcomeAttribute = temporal.NewSearchAttributeKeyKeyword("RefundsyncOutcome")
	SavedAttribute   = temporal.NewSearchAttributeKeyInt64("RefundsyncSaved")
	ParkedAttribute  = temporal.NewSearchAttributeKeyInt64("RefundsyncParked")
)

// ResultMemo is the memo of a SyncFlow workflow that has ended by itself. It holds its
// [SyncFlowResult] without the lists of orders, so that a list of runs needs no look at each.
const ResultMemo = "result"

// ErrorMemo is the memo of a SyncFlow workflow that has failed. It holds the message of
// the failure, a [text.Text].
const ErrorMemo = "error"

// The outcomes of a run.
const (
	// RunDone: every order is saved or left out.
	RunDone = "done"
	// RunParked: done, but some orders are parked.
	RunParked = "parked"
	// RunOrdersFailed: done, but some orders could be neither saved nor parked.
	RunOrdersFailed = "orders_failed"
	// RunFailed: the run did not complete.
	RunFailed = "failed"
	// RunCancelled: the run was cancelled.
	RunCancelled = "cancelled"
	// RunHeld: the run did nothing because its flow was held or disabled.
	RunHeld = "held"
	// RunEndedEarly: the flow was disabled during the run.
	RunEndedEarly = "ended_early"
)

func outcomeOf(sum tally.Tally) string {
	switch {
	case sum.Failed > 0:
		return RunOrdersFailed
	case sum.Parked > 0:
		return RunParked
	default:
		return RunDone
	}
}

// listRun lists the run on the server under its flow's name.
func listRun(ctx workflow.Context, flowName string) error {
	return workflow.UpsertTypedSearchAttributes(ctx, FlowAttribute.ValueSet(flowName))
}

// listEnd counts the run and lists its outcome on the server. failure is nil unless the run
// failed or was cancelled.
func listEnd(ctx workflow.Context, flowName string, result SyncFlowResult, failure error, movesWatermark bool) error {
	outcome := outcomeOf(result.Tally)
	if failure != nil {
		outcome = RunFailed
	}
	if temporal.IsCanceledError(failure) {
		outcome = RunCancelled
	}
	switch {
	case result.DidNothing():
		outcome = RunHeld
	case result.EndedEarly():
		outcome = RunEndedEarly
	}
	counterOf(ctx, RunsMetric, flowName)(outcome, "")
	attributes := []temporal.SearchAttributeUpdate{
		OutcomeAttribute.ValueSet(outcome),
		SavedAttribute.ValueSet(int64(result.Saved)),
		ParkedAttribute.ValueSet(int64(result.Parked)),
	}
	if movesWatermark && result.Watermark != nil {
		attributes = append(attributes, WatermarkAttribute.ValueSet(*result.Watermark))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, attributes...); err != nil {
		return err
	}
	result.Failures, result.NotFound, result.Unfinished = nil, nil, nil
	memo := map[string]any{ResultMemo: result}
	if outcome == RunFailed {
		memo[ErrorMemo] = MessageOf(failure)
	}
	return workflow.UpsertMemo(ctx, memo)
}
