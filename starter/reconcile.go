package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/fault"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
	"refundsync/workflows"
)

type reconcileFlags struct {
	flow, from, to string
	tolerance      string
	by             string
	repair, yes    bool
	out            string
	output         output
}

func newReconcileCommand() *cobra.Command {
	var flags reconcileFlags
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: text.Sprintf("Compare the orders and the bills of a range line by line"),
		Long: text.Sprintf(`Compares the orders of a range, as the source shows them now and as the flow maps them now, with the bills in Kingdee: customer, date, and each material's quantity, price, warehouse and amount. It changes nothing.
Orders count that were changed in the range or whose bill is dated in it, and bills that are dated in it. Each is in exactly one row, so that the sums of both systems add up. Days are in Beijing time.
With --repair, it shows what can be repaired, asks, syncs what is missing, retries what is parked, and compares once more. It never touches what is only in Kingdee.`),
		Example: `  starter reconcile --flow refund_to_return --from 2024-03-01 --to 2024-03-01
  starter reconcile --flow refund_to_return --from 2024-03-01 --to 2024-03-31 \
    --out march.json
  starter reconcile --flow refund_to_return --from 2024-03-01 --to 2024-03-01 --repair`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := flags.input()
			if err == nil {
				err = checkReportFile(flags.out)
			}
			if err != nil {
				return usageError(cmd, err)
			}
			return runReconcile(cmd, flags, in)
		},
	}
	cmd.Flags().StringVar(&flags.flow, "flow", "", text.Sprintf("name of the flow"))
	cmd.Flags().StringVar(&flags.from, "from", "", text.Sprintf("begin of the range; a day begins at 00:00:00"))
	cmd.Flags().StringVar(&flags.to, "to", "", text.Sprintf("end of the range, included; a day ends at 23:59:59"))
	cmd.Flags().StringVar(&flags.tolerance, "tolerance", "0", text.Sprintf("how far two amounts may be apart"))
	cmd.Flags().StringVar(&flags.out, "out", "", text.Sprintf("write the report with all its rows to a file, in the form of its ending: %s", reportEndings()))
	cmd.Flags().StringVar(&flags.by, "by", "", text.Sprintf("who; by default the current user"))
	cmd.Flags().BoolVar(&flags.repair, "repair", false, text.Sprintf("sync what is missing and retry what is parked, after asking, and compare once more"))
	cmd.Flags().BoolVar(&flags.yes, "yes", false, text.Sprintf("do not ask"))
	addOutputFlag(cmd, &flags.output)
	requireFlags(cmd, "flow", "from", "to")
	alsoExits(cmd, exitDiffers, exitInterrupted)
	return cmd
}

func (f reconcileFlags) input() (workflows.ReconcileInput, error) {
	span, err := parseRange(f.from, f.to)
	if err != nil {
		return workflows.ReconcileInput{}, err
	}
	tolerance, err := decimal.NewFromString(f.tolerance)
	if err != nil || tolerance.IsNegative() {
		return workflows.ReconcileInput{}, text.Errorf("--tolerance %q: expected an amount such as 0.01", f.tolerance)
	}
	if f.yes && !f.repair {
		return workflows.ReconcileInput{}, text.Errorf("--yes goes with --repair")
	}
	who, err := whoElse(f.by)
	return workflows.ReconcileInput{Flow: f.flow, Range: span, Tolerance: tolerance, By: who}, err
}

// reconcileWorkflowID names a reconciliation by its range, like a run, and by its tolerance, so
// that nobody joins one with another.
func reconcileWorkflowID(in workflows.ReconcileInput) string {
	id := rangeWorkflowID(in.Flow+"/reconcile", in.Range)
	if !in.Tolerance.IsZero() {
		id += "-tolerance-" + in.Tolerance.String()
	}
	return id
}

func runReconcile(cmd *cobra.Command, flags reconcileFlags, in workflows.ReconcileInput) error {
	return changeTemporal(cmd.Context(), func(c client.Client, settings config.Worker) error {
		if _, err := requireFlow(cmd, c, settings, flags.flow); err != nil {
			return err
		}
		report, err := reconcileNow(cmd, c, settings.TaskQueue, in)
		if err != nil {
			return err
		}
		if flags.repair {
			repaired, err := repairReport(cmd, c, settings.TaskQueue, flags, report)
			if err != nil {
				return err
			}
			if repaired {
				if report, err = reconcileNow(cmd, c, settings.TaskQueue, in); err != nil {
					return err
				}
			}
		}
		if err := showReport(cmd, c, flags, report); err != nil {
			return err
		}
		if !report.Agree() {
			return &exitError{code: exitDiffers}
		}
		return nil
	})
}

// reconcileNow starts a reconciliation, or joins it, and follows it to its end.
func reconcileNow(cmd *cobra.Command, c client.Client, taskQueue string, in workflows.ReconcileInput) (workflows.ReconcileResult, error) {
	run, err := c.ExecuteWorkflow(cmd.Context(), client.StartWorkflowOptions{
		ID:                       reconcileWorkflowID(in),
		TaskQueue:                taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            text.Sprintf("%s reconciliation %s", in.Flow, in.Range),
		StaticDetails:            text.Sprintf("The orders of the range are compared with Kingdee's bills; nothing is changed. Each window is a child workflow, which keeps its rows and answers the query %s with them.", workflows.RowsQuery),
	}, workflows.ReconcileName, in)
	if err != nil {
		return workflows.ReconcileResult{}, text.Errorf("the reconciliation can't be started: %w", err)
	}
	say(cmd.ErrOrStderr(), text.Sprintf("reconciliation: %s (%s)", run.GetID(), run.GetRunID()))
	report, err := followReconcile(cmd.Context(), c, run, cmd.ErrOrStderr())
	if cmd.Context().Err() != nil {
		return report, text.Errorf("no longer waiting; the reconciliation goes on, and the same command joins it")
	}
	if err != nil {
		return report, fmt.Errorf("%s", runFailure(err))
	}
	return report, nil
}

// followReconcile shows the progress of a reconciliation until it ends.
func followReconcile(ctx context.Context, c client.Client, run client.WorkflowRun, w io.Writer) (report workflows.ReconcileResult, err error) {
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, &report) }()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	answered, next, last, silent := time.Now(), time.Now(), "", false
	for {
		select {
		case err := <-ended:
			return report, err
		case <-ticker.C:
			progress, err := query[workflows.ReconcileProgress](ctx, c, run.GetID(), progressTimeout)
			switch now := time.Now(); {
			case ctx.Err() != nil:
			case err == nil:
				answered, silent = now, false
				if line := reconcileLine(progress); line != last && now.After(next) {
					last, next = line, now.Add(lineInterval)
					say(w, line)
				}
			case !silent && nobodyAnswers(ctx, c, run.GetID(), answered):
				silent = true
				say(w, noWorker().Error())
			}
		}
	}
}

func reconcileLine(p workflows.ReconcileProgress) string {
	line := text.Join(" · ", text.New("windows %d/%d", p.WindowsDone, p.Windows),
		text.New("orders %d", p.Sums.Totals.Source.Count), text.New("bills %d", p.Sums.Totals.Kingdee.Count), text.New("differences %d", p.Sums.Differences))
	if p.Rest > 0 {
		line = text.Join(" · ", line, text.New("bills without an order in these %d/%d", p.RestDone, p.Rest))
	}
	return line.String()
}

// rowsOf reads the rows of a report, a page at a time. It fails if their workflows are no
// longer kept, or no worker answers.
func rowsOf(ctx context.Context, c client.Client, report workflows.ReconcileResult) iter.Seq2[reconcile.Row, error] {
	return func(yield func(reconcile.Row, error) bool) {
		for _, part := range report.Parts {
			for page, pages := 0, 1; page < pages; page++ {
				rows, of, err := rowsPage(ctx, c, part, page)
				if err != nil {
					yield(reconcile.Row{}, text.Errorf("the rows of %s can't be read: %w", part.WorkflowID, err))
					return
				}
				pages = of
				for _, row := range rows {
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	}
}

func rowsPage(ctx context.Context, c client.Client, part workflows.RowsPart, page int) (rows []reconcile.Row, pages int, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	value, err := c.QueryWorkflow(ctx, part.WorkflowID, part.RunID, workflows.RowsQuery, page)
	if err != nil {
		return nil, 0, err
	}
	var answer workflows.RowsPage
	if err := value.Get(&answer); err != nil {
		return nil, 0, err
	}
	rows, err = reconcile.UnpackRows(answer.Rows)
	return rows, answer.Pages, err
}

// shownRow is a row that a person must look at.
func shownRow(row reconcile.Row) bool { return row.Kind.Differs() || row.NotAudited }

// showReport writes the report to the file and to stdout.
func showReport(cmd *cobra.Command, c client.Client, flags reconcileFlags, report workflows.ReconcileResult) error {
	rows := rowsOf(cmd.Context(), c, report)
	if flags.out != "" {
		if err := writeReportFile(flags.out, report.Report, rows); err != nil {
			return err
		}
		say(cmd.ErrOrStderr(), text.Sprintf("report: %s", flags.out))
	}
	if flags.output == outputJSON {
		return writeReportJSON(cmd.OutOrStdout(), report.Report, filtered(rows, shownRow))
	}
	return printReport(cmd.OutOrStdout(), report.Report, rows)
}

func filtered(rows iter.Seq2[reconcile.Row, error], keep func(reconcile.Row) bool) iter.Seq2[reconcile.Row, error] {
	return func(yield func(reconcile.Row, error) bool) {
		for row, err := range rows {
			if (err != nil || keep(row)) && !yield(row, err) {
				return
			}
		}
	}
}

// rowsShown bounds the differences that the table names.
const rowsShown = 20

func printReport(w io.Writer, report reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	say(w, "\n"+report.Verdict().String())
	printKinds(w, report)
	printGroups(w, report, text.New("Day"), report.Days)
	printGroups(w, report, text.New("Shop"), report.Shops)
	if !report.Money {
		printGroups(w, report, text.New("Warehouse"), report.Warehouses)
	}
	if err := printDifferences(w, report, rows); err != nil {
		return err
	}
	if report.OlderFlow > 0 {
		say(w, text.Sprintf("Bills that an older version of the flow made: %d.", report.OlderFlow))
	}
	say(w, report.Verdict().String())
	return nil
}

func printKinds(w io.Writer, report reconcile.Report) {
	t := newTable(w)
	t.SetTitle("%s\n%s", report.WorkflowID, workflows.Window{From: report.From, To: report.To})
	t.AppendHeader(sidesHeader(report, text.New("Kind")))
	t.alignSides(report)
	for _, kind := range report.Kinds {
		t.AppendRow(sidesRow(report, text.Join(": ", kind.Kind.Label(), fault.ReasonText(kind.Reason)), kind.Sides))
	}
	t.AppendFooter(sidesRow(report, text.New("total"), report.Totals))
	t.Render()
}

func printGroups(w io.Writer, report reconcile.Report, heading text.Text, groups []reconcile.Group) {
	t := newTable(w)
	t.AppendHeader(append(sidesHeader(report, heading), text.New("Differences")))
	t.alignSides(report)
	t.alignRight(len(sidesHeader(report, heading)) + 1)
	for _, group := range groups {
		t.AppendRow(append(sidesRow(report, cmp.Or(group.Name, "–"), group.Sides), group.Differences))
	}
	t.Render()
}

// alignSides lays out the columns of [sidesHeader].
func (t *fittedTable) alignSides(report reconcile.Report) {
	if report.Money {
		t.alignRight(2, 3, 4, 5)
		return
	}
	t.alignRight(2, 3, 4, 5, 6, 7)
	t.mayDrop(6, 3)
}

func sidesHeader(report reconcile.Report, first text.Text) table.Row {
	if report.Money {
		return table.Row{first, text.New("Orders"), text.New("Amount"), text.New("Bills"), text.New("Amount")}
	}
	return table.Row{first, text.New("Orders"), text.New("Quantity"), text.New("Amount"), text.New("Bills"), text.New("Quantity"), text.New("Amount")}
}

func sidesRow(report reconcile.Report, first any, sides reconcile.Sides) table.Row {
	if report.Money {
		return table.Row{first, sides.Source.Count, sides.Source.Amount.StringFixed(2), sides.Kingdee.Count, sides.Kingdee.Amount.StringFixed(2)}
	}
	return table.Row{first,
		sides.Source.Count, sides.Source.Quantity, sides.Source.Amount.StringFixed(2),
		sides.Kingdee.Count, sides.Kingdee.Quantity, sides.Kingdee.Amount.StringFixed(2)}
}

// printDifferences shows some rows that differ, of each kind as evenly as it can.
func printDifferences(w io.Writer, report reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	all := report.Differences + report.NotAudited
	if all == 0 {
		return nil
	}
	var later lateOrders
	shown, err := someOfEachKind(filtered(rows, func(row reconcile.Row) bool {
		if report.ChangedLater(row) {
			later.add(row.At)
		}
		return shownRow(row)
	}), rowsShown)
	if err != nil {
		return err
	}
	t := newTable(w)
	t.AppendHeader(table.Row{text.New("Kind"), text.New("Order"), text.New("Bill"), text.New("Day"), text.New("Shop"), text.New("Differences (source → Kingdee)")})
	t.mayDrop(5)
	for _, row := range shown {
		kind := text.Join(": ", row.Kind.Label(), fault.ReasonText(row.Reason))
		if row.NotAudited {
			kind = text.Join(", ", kind, text.New("not audited"))
		}
		t.AppendRow(table.Row{kind, row.OrderID, row.BillNumber, row.Day, row.Shop, text.Join("\n", report.Remark(row), text.Literal(differencesOf(row)))})
	}
	t.Render()
	if all > len(shown) {
		say(w, text.Sprintf("Shown are %d of %d; for all: --out FILE, or -o json.", len(shown), all))
	}
	later.print(w, report)
	return nil
}

// lateOrders are the missing orders that changed only after the range of a reconciliation.
type lateOrders struct {
	count       int
	first, last time.Time
}

func (l *lateOrders) add(at time.Time) {
	if l.count++; l.first.IsZero() || at.Before(l.first) {
		l.first = at
	}
	if at.After(l.last) {
		l.last = at
	}
}

// print says how to sync them.
func (l *lateOrders) print(w io.Writer, report reconcile.Report) {
	if l.count == 0 {
		return
	}
	at := func(t time.Time) string { return t.In(beijing.Zone).Format(time.DateTime) }
	say(w, text.Sprintf("Missing orders that changed only after the range: %d. A run over the range alone does not read them. Sync them with --repair, or with: starter run --flow %s --from \"%s\" --to \"%s\" --wait",
		l.count, report.Flow, at(l.first), at(l.last)))
}

// someOfEachKind picks at most so many rows, as evenly from the kinds as it can, and gives
// them by kind. The many parked orders of a bad day then hide no bill that differs.
func someOfEachKind(rows iter.Seq2[reconcile.Row, error], most int) ([]reconcile.Row, error) {
	first := map[reconcile.Kind][]reconcile.Row{}
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		if len(first[row.Kind]) < most {
			first[row.Kind] = append(first[row.Kind], row)
		}
	}
	take := map[reconcile.Kind]int{}
	for taken, before := 0, -1; taken > before; {
		before = taken
		for _, kind := range reconcile.Kinds {
			if taken < most && take[kind] < len(first[kind]) {
				take[kind]++
				taken++
			}
		}
	}
	var some []reconcile.Row
	for _, kind := range reconcile.Kinds {
		some = append(some, first[kind][:take[kind]]...)
	}
	return some, nil
}

// differencesShown bounds the differences that the table names of a row.
const differencesShown = 4

func differencesOf(row reconcile.Row) string {
	var lines string
	for i, d := range row.Differences[:min(len(row.Differences), differencesShown)] {
		if i > 0 {
			lines += "\n"
		}
		lines += text.Join(" ", reconcile.FieldLabel(d.Field), d.Item, text.New("%s → %s", cmp.Or(d.Source, "–"), cmp.Or(d.Kingdee, "–"))).String()
	}
	if more := len(row.Differences) + row.MoreDifferences - differencesShown; more > 0 {
		lines += fmt.Sprintf("\n… +%d", more)
	}
	return lines
}
