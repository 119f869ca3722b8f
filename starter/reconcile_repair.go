package main

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/reconcile"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// repair is what can be repaired of a report.
type repair struct {
	// orders have no bill. since is before the last change of each; zero if unknown.
	orders []string
	since  time.Time
	parked []chosenOrder
	// others counts the differences that a person must settle.
	others int
}

// planRepair finds out what can be repaired.
func planRepair(flowName string, rows iter.Seq2[reconcile.Row, error]) (repair, error) {
	var r repair
	known := true
	for row, err := range filtered(rows, shownRow) {
		if err != nil {
			return r, err
		}
		switch {
		case strings.HasPrefix(row.OrderID, tally.UnkeyedPrefix):
			r.others++ // it can't be looked up
		case row.Kind == reconcile.Missing, row.Kind == reconcile.Unmapped:
			r.orders = append(r.orders, row.OrderID)
			if known = known && !row.At.IsZero(); r.since.IsZero() || row.At.Before(r.since) {
				r.since = row.At
			}
		case row.Kind == reconcile.Parked:
			r.parked = append(r.parked, chosenOrder{row.OrderID, workflows.ParkedOrderID(flowName, row.OrderID)})
		default:
			r.others++
		}
	}
	if !known {
		r.since = time.Time{}
	}
	return r, nil
}

// repairReport syncs what is missing and retries what is parked, after asking; false if
// there is nothing to repair.
func repairReport(cmd *cobra.Command, c client.Client, taskQueue string, flags reconcileFlags, report workflows.ReconcileResult) (bool, error) {
	plan, err := planRepair(flags.flow, rowsOf(cmd.Context(), c, report))
	if err != nil {
		return false, err
	}
	log := cmd.ErrOrStderr()
	if len(plan.orders) == 0 && len(plan.parked) == 0 {
		say(log, text.Sprintf("Nothing can be repaired; %d differences are for a person to settle.", plan.others))
		return false, nil
	}
	if err := refuseHeld(cmd.Context(), c, taskQueue, flags.flow); err != nil {
		return false, err
	}
	say(log, text.Sprintf("Repair: sync %d orders that have no bill, and retry %d parked orders. %d differences stay for a person to settle.",
		len(plan.orders), len(plan.parked), plan.others))
	if !flags.yes {
		if err := askFirst(cmd, text.Sprintf("Repair?")); err != nil {
			return false, err
		}
	}
	for ids := range slices.Chunk(plan.orders, workflows.MostOrders) {
		if err := syncOrders(cmd, c, taskQueue, flags.flow, ids, plan.since); err != nil {
			return false, err
		}
	}
	return true, retryParked(cmd, c, plan.parked)
}

// syncOrders runs given orders alone and waits for the end.
func syncOrders(cmd *cobra.Command, c client.Client, taskQueue, flowName string, ids []string, since time.Time) error {
	in := workflows.SyncFlowInput{Flow: flowName, OrderIDs: ids}
	if !since.IsZero() {
		in.Range = &workflows.Window{From: since, To: time.Now().In(beijing.Zone).Truncate(time.Second)}
	}
	planned := plannedRun{workflowID: ordersWorkflowID(flowName, ids), what: workflows.SummaryOfOrders(ids), in: in, followed: true}
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
