package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// output is a form of output: json or table.
type output string

const (
	outputTable output = "table"
	outputJSON  output = "json"
)

func (o *output) String() string { return string(*o) }

// Type names the values in the help.
func (o *output) Type() string { return "json|table" }

// Set takes one of the forms.
func (o *output) Set(value string) error {
	switch output(value) {
	case outputJSON, outputTable:
		*o = output(value)
		return nil
	default:
		return text.Errorf("expected json or table")
	}
}

func addOutputFlag(cmd *cobra.Command, o *output) {
	*o = outputTable
	cmd.Flags().VarP(o, "output", "o", text.Sprintf("form of the output; with json, stdout holds that alone"))
}

// runResult is what `-o json` prints of a run. One that is not waited for has its ids,
// outcome, range and estimate alone.
type runResult struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// Outcome is one of package workflows, or running or terminated.
	Outcome string `json:"outcome"`
	// From and To are absent if the run has yet to work its range out.
	From     time.Time      `json:"from,omitzero"`
	To       time.Time      `json:"to,omitzero"`
	Estimate *shownEstimate `json:"estimate,omitempty"`
	*workflows.SyncFlowResult
	Failures    []shownFailure `json:"failures,omitzero"`
	Differences []string       `json:"differences,omitempty"`
	// Error is why the run failed, or did nothing; the counts are then of what it did before.
	Error string `json:"error,omitempty"`
}

// shownFailure is a failure in JSON, in the language of this program.
type shownFailure struct {
	tally.Failure
	Message string `json:"message"`
}

func showFailure(failure tally.Failure) shownFailure {
	return shownFailure{failure, failure.Message.String()}
}

// newRunResult is what a run that has ended did, and err how it failed.
func newRunResult(workflowID, runID string, result workflows.SyncFlowResult, err error) runResult {
	// Empty counts are {} in JSON, not null.
	for _, counts := range []*map[string]int{&result.Skipped, &result.FailedReasons} {
		if *counts == nil {
			*counts = map[string]int{}
		}
	}
	r := runResult{
		WorkflowID: workflowID, RunID: runID, Outcome: endedAs(result.Tally, err),
		From: result.From, To: result.To, SyncFlowResult: &result, Failures: []shownFailure{},
	}
	for _, failure := range result.Failures {
		r.Failures = append(r.Failures, showFailure(failure))
	}
	for _, differences := range result.Differences {
		r.Differences = append(r.Differences, differences.String())
	}
	switch {
	case err != nil:
		r.Error = runFailure(err)
	case result.EndedEarly():
		r.Outcome = workflows.RunEndedEarly
		r.Error = text.Sprintf("The run ended early, and a later run does the rest: %s", heldError(result.Held))
	case result.DidNothing():
		r.Outcome = workflows.RunHeld
		r.Error = text.Sprintf("The run did nothing: %s", heldError(result.Held))
	}
	return r
}

func endedAs(sum tally.Tally, err error) string {
	switch {
	case errors.As(err, new(*temporal.CanceledError)):
		return workflows.RunCancelled
	case errors.As(err, new(*temporal.TerminatedError)):
		return runTerminated
	case err != nil:
		return workflows.RunFailed
	case sum.Failed > 0:
		return workflows.RunOrdersFailed
	case sum.Parked > 0:
		return workflows.RunParked
	}
	return workflows.RunDone
}

func (o output) print(w io.Writer, result runResult) error {
	if o == outputJSON {
		return writeJSON(w, result)
	}
	printTable(w, result)
	return nil
}

// startedResult is what is known of a run that is not waited for.
func startedResult(workflowID, runID string, span workflows.Window, estimate *workflows.Estimate) runResult {
	started := runResult{WorkflowID: workflowID, RunID: runID, Outcome: runRunning, From: span.From, To: span.To}
	if e := estimate; e != nil {
		started.Estimate = &shownEstimate{e.Windows, e.Orders, e.Counted, int(e.Duration / time.Second)}
	}
	return started
}

func (o output) printStarted(w io.Writer, started runResult) error {
	if o == outputJSON {
		return writeJSON(w, started)
	}
	say(w, text.Sprintf("started; follow it with: starter watch %s", started.WorkflowID))
	return nil
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// printTable prints nothing of a run that failed before it knew its range.
func printTable(w io.Writer, result runResult) {
	if result.From.IsZero() {
		return
	}
	for _, differences := range result.Differences {
		say(w, "\n"+text.Sprintf("Kingdee holds other values than were sent, in this run's first bill and most likely in the others (name those that are right in the flow's expected_differences): %s", differences))
	}
	printFailures(w, result.Tally)
	if len(result.NotFound) > idsShown {
		say(w, "\n"+text.Sprintf("Jushuitan does not show these orders (%d): %s", len(result.NotFound), strings.Join(result.NotFound, ", ")))
	}
	if len(result.Unfinished) > 0 {
		say(w, "\n"+text.Sprintf("These orders (%d) may not be done; a run over them repeats nothing: %s", len(result.Unfinished), strings.Join(result.Unfinished, ",")))
	}
	t := newTable(w)
	t.SetTitle("\n%s\n%s", result.WorkflowID, workflows.Window{From: result.From, To: result.To})
	t.AppendHeader(table.Row{text.New("Outcome"), text.New("Orders")})
	t.alignRight(2)
	t.AppendRow(table.Row{text.New("saved"), result.Saved})
	if !result.SavedAmount.IsZero() {
		t.AppendRow(table.Row{text.New("  amount of these bills, with tax"), result.SavedAmount.StringFixed(2)})
	}
	t.AppendRow(table.Row{text.New("updated"), result.Updated})
	if result.Unlinked > 0 {
		t.AppendRow(table.Row{text.New("  of these, goods without a link to a source bill"), result.Unlinked})
	}
	t.AppendRow(table.Row{text.New("already saved"), result.AlreadySaved})
	for _, reason := range tally.Reasons(result.Skipped) {
		t.AppendRow(table.Row{text.New("skipped: %s", fault.ReasonText(reason)), result.Skipped[reason]})
	}
	if result.BillsDeleted > 0 {
		t.AppendRow(table.Row{text.New("  of which the bill was deleted"), result.BillsDeleted})
	}
	for _, reason := range tally.Reasons(result.NotBooked) {
		money := result.NotBooked[reason]
		t.AppendRow(table.Row{text.New("not booked: %s", fault.ReasonText(reason)), text.New("%d orders, %s", money.Orders, money.Amount.StringFixed(2))})
	}
	t.AppendRow(table.Row{text.New("parked"), result.Parked})
	t.AppendRow(table.Row{text.New("failed"), result.Failed})
	for _, reason := range tally.Reasons(result.FailedReasons) {
		t.AppendRow(table.Row{text.New("  parked or failed: %s", fault.ReasonText(reason)), result.FailedReasons[reason]})
	}
	t.AppendFooter(table.Row{text.New("fetched (pages: %d)", result.Pages), result.Fetched})
	t.Render()
	if result.Watermark != nil {
		say(w, text.Sprintf("watermark: %s", result.Watermark.In(beijing.Zone).Format(time.DateTime)))
	}
}

// idsShown bounds the orders that the table names for each reason.
const idsShown = 8

// printFailures shows the orders that were parked or failed by reason, with one message
// for each: the same cause mostly has the same cure.
func printFailures(w io.Writer, sum tally.Tally) {
	if len(sum.Failures) == 0 {
		return
	}
	byReason := map[string][]tally.Failure{}
	for _, failure := range sum.Failures {
		byReason[failure.Reason] = append(byReason[failure.Reason], failure)
	}
	t := newTable(w)
	t.SetTitle("\n%s", text.New("Orders parked or failed"))
	t.AppendHeader(table.Row{text.New("Reason"), text.New("Order"), text.New("For example")})
	t.holdSentences(3)
	for _, reason := range tally.Reasons(sum.FailedReasons) {
		failures := byReason[reason]
		if len(failures) == 0 {
			continue
		}
		var ids []string
		for _, failure := range failures[:min(idsShown, len(failures))] {
			ids = append(ids, failure.ID)
		}
		if more := sum.FailedReasons[reason] - len(ids); more > 0 {
			ids = append(ids, fmt.Sprintf("… +%d", more))
		}
		t.AppendRow(table.Row{fault.ReasonText(reason), strings.Join(ids, "\n"), failures[0].Message})
		t.AppendSeparator()
	}
	t.Render()
}
