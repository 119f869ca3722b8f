package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
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
		return fmt.Errorf("应为 json 或 table。 Expected json or table")
	}
}

func addOutputFlag(cmd *cobra.Command, o *output) {
	*o = outputTable
	cmd.Flags().VarP(o, "output", "o", "输出格式；json 时 stdout 只有一个对象 form of the output; with json, stdout holds one object and nothing else")
}

// runResult is what `-o json` prints of a run.
type runResult struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	workflows.SyncRefundsResult
	// Error is why the run failed; the counts are then of what it did before.
	Error string `json:"error,omitempty"`
}

// fill makes empty what would be null in JSON.
func (r *runResult) fill() {
	if r.Skipped == nil {
		r.Skipped = map[string]int{}
	}
	if r.FailedReasons == nil {
		r.FailedReasons = map[string]int{}
	}
	if r.Failures == nil {
		r.Failures = []tally.Failure{}
	}
}

func (o output) print(w io.Writer, result runResult) error {
	if o == outputJSON {
		result.fill()
		return writeJSON(w, result)
	}
	printTable(w, result)
	return nil
}

// printStarted is for a run that is not waited for. One without a given range
// works its range out itself.
func (o output) printStarted(w io.Writer, run client.WorkflowRun, span workflows.Window, estimate *workflows.Estimate) error {
	if o == outputJSON {
		started := struct {
			WorkflowID string         `json:"workflow_id"`
			RunID      string         `json:"run_id"`
			From       time.Time      `json:"from,omitzero"`
			To         time.Time      `json:"to,omitzero"`
			Estimate   *shownEstimate `json:"estimate,omitempty"`
		}{WorkflowID: run.GetID(), RunID: run.GetRunID(), From: span.From, To: span.To}
		if e := estimate; e != nil {
			started.Estimate = &shownEstimate{e.Windows, e.Orders, e.Counted, int(e.Duration / time.Second)}
		}
		return writeJSON(w, started)
	}
	_, err := fmt.Fprintf(w, "已启动，查看进度 started; to follow it: starter watch %s\n", run.GetID())
	return err
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func printTable(w io.Writer, result runResult) {
	for _, differences := range result.Differences {
		fmt.Fprintf(w, "\n金蝶的值与发送的不同（本次第一张单据，其他单据多半也这样；属正常的写进流程的 expected_differences）Kingdee has other values than were sent (of the run's first bill, and most likely of the others; name in expected_differences of the flow what is right): %s\n", differences)
	}
	printFailures(w, result.Tally)
	t := newTable(w)
	t.SetTitle("%s\n%s", result.WorkflowID, workflows.Window{From: result.From, To: result.To})
	t.AppendHeader(table.Row{"结果 Outcome", "单数 Orders"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight}})
	t.AppendRow(table.Row{"保存 saved", result.Saved})
	t.AppendRow(table.Row{"更新 updated", result.Updated})
	t.AppendRow(table.Row{"此前已保存 already saved", result.AlreadySaved})
	for _, reason := range tally.Reasons(result.Skipped) {
		t.AppendRow(table.Row{"跳过 skipped: " + reason, result.Skipped[reason]})
	}
	if result.BillsDeleted > 0 {
		t.AppendRow(table.Row{"  其中单据已删除 of which bill deleted", result.BillsDeleted})
	}
	for _, reason := range tally.Reasons(result.NotBooked) {
		t.AppendRow(table.Row{"未入账 not booked: " + reason, result.NotBooked[reason]})
	}
	t.AppendRow(table.Row{"挂起 parked", result.Parked})
	t.AppendRow(table.Row{"失败 failed", result.Failed})
	for _, reason := range tally.Reasons(result.FailedReasons) {
		t.AppendRow(table.Row{"  其中 of which: " + reason, result.FailedReasons[reason]})
	}
	t.AppendFooter(table.Row{fmt.Sprintf("读取 fetched (%d 页 pages)", result.Pages), result.Fetched})
	t.Render()
	if result.Watermark != nil {
		fmt.Fprintf(w, "水位 watermark: %s\n", result.Watermark.In(beijing.Zone).Format("2006-01-02 15:04:05"))
	}
}

// idsShown bounds the orders that the table names for each reason.
const idsShown = 8

// printFailures shows the orders that were parked or failed by reason, with one
// message for each: the same cause mostly has the same cure.
func printFailures(w io.Writer, sum tally.Tally) {
	if len(sum.Failures) == 0 {
		return
	}
	byReason := map[string][]tally.Failure{}
	for _, failure := range sum.Failures {
		byReason[failure.Reason] = append(byReason[failure.Reason], failure)
	}
	t := newTable(w)
	t.SetTitle("挂起或失败的单 Orders parked or failed")
	t.AppendHeader(table.Row{"原因 Reason", "售后单 as_id", "例如 For example"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, WidthMax: 80, WidthMaxEnforcer: text.WrapText}})
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
		t.AppendRow(table.Row{reason, strings.Join(ids, "\n"), failures[0].Message})
		t.AppendSeparator()
	}
	t.Render()
}

// cellTable is a table whose cells, which may be an order's, are literal.
type cellTable struct{ table.Writer }

func (t cellTable) AppendRow(row table.Row, config ...table.RowConfig) {
	shown := make(table.Row, len(row))
	for i, value := range row {
		if text, ok := value.(string); ok {
			value = literal.Cell(text)
		}
		shown[i] = value
	}
	t.Writer.AppendRow(shown, config...)
}

func (t cellTable) SetTitle(format string, args ...any) {
	t.Writer.SetTitle("%s", literal.Cell(fmt.Sprintf(format, args...)))
}

func newTable(w io.Writer) table.Writer {
	t := cellTable{table.NewWriter()}
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Format.Footer = text.FormatDefault
	return t
}
