package main

import (
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/reconcile"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// repair is what can be repaired of a report.
type repair struct {
	// ranges hold the times of the orders to sync, and orders is how many these are.
	ranges []workflows.Window
	orders int
	parked []chosenOrder
	// others counts the differences that a person must settle.
	others int
}

// planRepair finds out what can be repaired.
func planRepair(flowName string, rows iter.Seq2[reconcile.Row, error]) (repair, error) {
	var r repair
	var times []time.Time
	for row, err := range filtered(rows, shownRow) {
		if err != nil {
			return r, err
		}
		switch {
		case (row.Kind == reconcile.Missing || row.Kind == reconcile.Unmapped) && !row.At.IsZero():
			times = append(times, row.At)
		case row.Kind == reconcile.Parked:
			r.parked = append(r.parked, chosenOrder{row.OrderID, workflows.ParkedOrderID(flowName, row.OrderID)})
		default:
			r.others++
		}
	}
	r.orders, r.ranges = len(times), rangesAround(times)
	return r, nil
}

const (
	// mostRanges bounds the runs of a repair.
	mostRanges = 10
	// firstGap is how far apart the times of two orders are at least that get runs of their
	// own.
	firstGap = 10 * time.Minute
)

// rangesAround are the smallest ranges that hold the times, at most mostRanges.
func rangesAround(times []time.Time) []workflows.Window {
	slices.SortFunc(times, time.Time.Compare)
	for gap := firstGap; ; gap *= 2 {
		var ranges []workflows.Window
		for _, at := range times {
			at = at.Truncate(time.Second)
			if last := len(ranges) - 1; last >= 0 && at.Sub(ranges[last].To) <= gap {
				ranges[last].To = at
			} else {
				ranges = append(ranges, workflows.Window{From: at, To: at})
			}
		}
		if len(ranges) <= mostRanges {
			return ranges
		}
	}
}

// repairReport syncs what is missing and retries what is parked, after asking; false if
// there is nothing to repair.
func repairReport(cmd *cobra.Command, c client.Client, taskQueue string, flags reconcileFlags, report workflows.ReconcileResult) (bool, error) {
	plan, err := planRepair(flags.flow, rowsOf(cmd.Context(), c, report))
	if err != nil {
		return false, err
	}
	log := cmd.ErrOrStderr()
	if plan.orders == 0 && len(plan.parked) == 0 {
		say(log, text.Sprintf("Nothing can be repaired; %d differences are for a person to settle.", plan.others))
		return false, nil
	}
	say(log, text.Sprintf("Repair: sync %d orders that have no bill, in %d runs; retry %d parked orders. %d differences stay for a person to settle.",
		plan.orders, len(plan.ranges), len(plan.parked), plan.others))
	for _, span := range plan.ranges {
		say(log, "  "+span.String())
	}
	if !flags.yes {
		if err := askFirst(cmd, text.Sprintf("Repair?")); err != nil {
			return false, err
		}
	}
	for _, span := range plan.ranges {
		if err := syncRange(cmd, c, taskQueue, flags.flow, span); err != nil {
			return false, err
		}
	}
	return true, retryParked(cmd, c, plan.parked)
}

// syncRange runs a range by hand and waits for its end.
func syncRange(cmd *cobra.Command, c client.Client, taskQueue, flowName string, span workflows.Window) error {
	planned := rangeRun(workflows.SyncRefundsInput{Flow: flowName, Range: &span})
	planned.followed = true
	run, _, err := planned.start(cmd.Context(), c, cmd.ErrOrStderr(), taskQueue)
	if err != nil {
		return err
	}
	result, err := follow(cmd.Context(), c, run, newProgressView(cmd.ErrOrStderr()))
	if cmd.Context().Err() != nil {
		return text.Errorf("no longer waiting; the run goes on, follow it with: starter watch %s", run.GetID())
	}
	if err != nil {
		return text.Errorf("%s: %s", run.GetID(), runFailure(err))
	}
	say(cmd.ErrOrStderr(), text.Sprintf("%s: %s", run.GetID(), counts(result.Tally)))
	return nil
}

// retryParked retries parked orders and waits for the outcome of each.
func retryParked(cmd *cobra.Command, c client.Client, parked []chosenOrder) error {
	if len(parked) == 0 {
		return nil
	}
	var choice parkedChoice
	before, err := attemptsOf(cmd.Context(), c, parked)
	if err != nil {
		return err
	}
	retried, err := choice.signal(cmd.Context(), c, parked, workflows.RetrySignal, nil)
	if err != nil {
		return err
	}
	for _, order := range retried {
		outcome, err := waitForAttempt(cmd.Context(), c, order, before[order.workflowID])
		if err != nil {
			return err
		}
		say(cmd.ErrOrStderr(), text.Sprintf("%s: %s", order.bill, outcome))
	}
	return nil
}
