package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func newParkedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "parked",
		Short: text.Sprintf("List, show, retry or discard orders that are parked because they can't be saved"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newParkedListCommand(), newParkedShowCommand(), newParkedRetryCommand(), newParkedDiscardCommand())
	return cmd
}

// parkedOrder is a line of the list.
type parkedOrder struct {
	WorkflowID string `json:"workflow_id"`
	// Company is empty for a flow without one.
	Company string `json:"company,omitempty"`
	Flow    string `json:"flow"`
	Shop    string `json:"shop"`
	shownFailure
	// Since is when it was parked, in Beijing time.
	Since time.Time `json:"since"`
}

// listParked gives the parked orders that the filter selects. The list lags by up to
// seconds.
func listParked(ctx context.Context, c client.Client, filter parkedFilter) ([]parkedOrder, error) {
	orders := []parkedOrder{}
	// Wrong settings are no reason to list nothing.
	settings, _ := environmentOf(ctx).LoadWorker()
	for execution, err := range visibility.List(ctx, c, filter.query(scopeOf(ctx))) {
		if err != nil {
			return nil, text.Errorf("the parked orders can't be listed: %w", err)
		}
		order, err := readParked(execution)
		if err != nil {
			return nil, err
		}
		order.Company, _ = settings.CompanyOf(execution.GetTaskQueue())
		orders = append(orders, order)
	}
	return orders, nil
}

// parkedUnder gives the parked orders of a flow that wait under a bill number.
func parkedUnder(ctx context.Context, c client.Client, flowName, bill string) ([]parkedOrder, error) {
	orders, err := listParked(ctx, c, parkedFilter{flow: flowName})
	return slices.DeleteFunc(orders, func(order parkedOrder) bool { return order.BillNumber != bill }), err
}

func readParked(execution *workflow.WorkflowExecutionInfo) (parkedOrder, error) {
	order := parkedOrder{
		WorkflowID: execution.GetExecution().GetWorkflowId(),
		Since:      execution.GetStartTime().AsTime().In(beijing.Zone).Truncate(time.Second),
	}
	var failure tally.Failure
	err := cmp.Or(
		visibility.Attribute(execution, workflows.FlowAttribute.GetName(), &order.Flow),
		visibility.Attribute(execution, workflows.ShopAttribute.GetName(), &order.Shop),
		visibility.Memo(execution, workflows.FailureMemo, &failure),
	)
	order.shownFailure = showFailure(failure)
	return order, err
}

func newParkedListCommand() *cobra.Command {
	var filter parkedFilter
	var form string
	cmd := &cobra.Command{
		Use:   "list",
		Short: text.Sprintf("List parked orders"),
		Long: text.Sprintf("Lists the parked orders, all or those with a flow, a reason and a shop. " +
			"An unknown flow, or a reason with which no order was ever parked, is wrong usage. " +
			"A csv has the same columns in every language, and opens in Excel as it is."),
		Example: `  starter parked list --flow refund_to_return
  starter parked list --reason unknown_material -o csv > parked.csv`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := map[string]func(io.Writer, []parkedOrder) error{
				"table": printParkedTable, "csv": printParkedCSV,
				"json": func(w io.Writer, orders []parkedOrder) error { return writeJSON(w, orders) },
			}[form]
			if !ok {
				return usageError(cmd, text.Errorf("-o %q: expected json, table or csv", form))
			}
			return readTemporal(cmd, func(c client.Client) error {
				orders, err := listParked(cmd.Context(), c, filter)
				if err == nil && len(orders) == 0 {
					err = filter.refuseUnknown(cmd, c)
				}
				if err != nil {
					return err
				}
				return write(cmd.OutOrStdout(), orders)
			})
		},
	}
	filter.addFlags(cmd)
	cmd.Flags().StringVarP(&form, "output", "o", "table", text.Sprintf("form of the output: table, json or csv"))
	return cmd
}

// haveCompanies reports whether an order is of a company with a name.
func haveCompanies(orders []parkedOrder) bool {
	return slices.ContainsFunc(orders, func(order parkedOrder) bool { return order.Company != "" })
}

func printParkedTable(w io.Writer, orders []parkedOrder) error {
	t := newTable(w)
	header := table.Row{text.New("Order"), text.New("Reason"), text.New("Message"), text.New("Shop"), text.New("Parked since"), text.New("Bill")}
	companies := haveCompanies(orders)
	if companies {
		header = append(header, text.New("Company"))
	}
	t.AppendHeader(header)
	t.keepWhole(1, 5)
	t.mayDrop(6, 5, 4)
	t.holdSentences(3)
	otherBills := false
	for _, order := range orders {
		otherBills = otherBills || order.BillNumber != order.ID
		row := table.Row{order.ID, fault.ReasonText(order.Reason), order.Message, order.Shop, order.Since.Format(time.DateTime), order.BillNumber}
		if companies {
			row = append(row, order.Company)
		}
		t.AppendRow(row)
	}
	t.AppendFooter(table.Row{text.New("orders: %d", len(orders))})
	if !otherBills { // most flows number bills by the order
		t.natural[5], t.least[5] = 0, 0
	}
	t.Render()
	return nil
}

// printParkedCSV writes a CSV that Excel opens correctly: UTF-8 with a byte-order mark,
// ids as text, and no cell that it would take for a formula. The columns are named as in
// the JSON, whatever the language: scripts read them.
func printParkedCSV(w io.Writer, orders []parkedOrder) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	rows := [][]string{{"bill_number", "id", "shop", "since", "reason", "field", "message"}}
	companies := haveCompanies(orders)
	if companies {
		rows[0] = append(rows[0], "company")
	}
	for _, order := range orders {
		row := []string{
			literal.CSVText(order.BillNumber), literal.CSVText(order.ID),
			literal.CSV(order.Shop), order.Since.Format("2006-01-02 15:04:05"), literal.CSV(order.Reason), literal.CSV(order.Field), literal.CSV(order.Message),
		}
		if companies {
			row = append(row, order.Company)
		}
		rows = append(rows, row)
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

func newParkedShowCommand() *cobra.Command {
	var flowName string
	var o output
	cmd := &cobra.Command{
		Use:   "show BILL",
		Short: text.Sprintf("Show a parked order"),
		Long: text.Sprintf("Shows a parked order, or how its waiting ended. " +
			"BILL is the number of the order, or of the bill if only one order waits under it."),
		Example: `  starter parked show 700000691
  starter parked show 700000691 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return readTemporal(cmd, func(c client.Client) error {
				workflowID, err := findParked(cmd, c, flowOfOrder(cmd.Context(), flowName), args[0])
				if err != nil {
					return err
				}
				shown, err := showParked(cmd.Context(), c, workflowID)
				if err != nil {
					return parkedError(args[0], err)
				}
				if o == outputJSON {
					return writeJSON(cmd.OutOrStdout(), shown)
				}
				shown.print(cmd.OutOrStdout())
				return nil
			})
		},
	}
	addOutputFlag(cmd, &o)
	addOrderFlowFlag(cmd, &flowName)
	return cmd
}

// shownOrder is a parked order, or how its waiting ended.
type shownOrder struct {
	WorkflowID string `json:"workflow_id"`
	// Since is when it was parked, in Beijing time.
	Since time.Time `json:"since"`
	// Ended is nil while the order waits.
	Ended *workflows.ParkedOrderResult `json:"ended,omitempty"`
	workflows.ParkedOrderState
	Version shownVersion `json:"version"`
}

// shownVersion is the version of an order that waits.
type shownVersion struct {
	workflows.ParkedVersion
	Failure shownFailure `json:"failure"`
}

// print shows the order as a person reads it. The message says what is wrong and what to do.
func (s *shownOrder) print(w io.Writer) {
	order, failure := s.Version.Order, s.Version.Failure
	t := newTable(w)
	t.SetTitle("%s", s.WorkflowID)
	t.AppendRow(table.Row{text.New("order"), order.ID})
	t.AppendRow(table.Row{text.New("bill"), order.BillNumber})
	t.AppendRow(table.Row{text.New("parked since"), s.Since.Format(time.DateTime)})
	switch {
	case s.Ended == nil:
	case s.Ended.Discarded != nil:
		t.AppendRow(table.Row{text.New("ended"), text.New("discarded by %s: %s", s.Ended.Discarded.By, s.Ended.Discarded.Reason)})
	case s.Ended.LeftOut != "":
		t.AppendRow(table.Row{text.New("ended"), text.New("the flow leaves it out: %s", fault.ReasonText(s.Ended.LeftOut))})
	default:
		t.AppendRow(table.Row{text.New("ended"), text.New("it has its bill")})
	}
	t.AppendRow(table.Row{text.New("reason"), fault.ReasonText(failure.Reason)})
	t.AppendRow(table.Row{text.New("message"), failure.Message})
	t.AppendRow(table.Row{text.New("attempts"), s.Attempts})
	switch {
	case s.Ended != nil:
	case len(s.Held) > 0:
		t.AppendRow(table.Row{text.New("next attempt"), waitsText(workflows.Control{Held: s.Held})})
	default:
		t.AppendRow(table.Row{text.New("next attempt"), s.NextAttempt.In(beijing.Zone).Format(time.DateTime)})
	}
	t.Render()
}

func showParked(ctx context.Context, c client.Client, workflowID string) (shownOrder, error) {
	shown := shownOrder{WorkflowID: workflowID}
	described, err := c.DescribeWorkflow(ctx, workflowID, "")
	if err != nil {
		return shown, err
	}
	shown.Since = described.RawResponse.GetWorkflowExecutionInfo().GetStartTime().AsTime().In(beijing.Zone).Truncate(time.Second)
	if described.RawResponse.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		if err := c.GetWorkflow(ctx, workflowID, "").Get(ctx, &shown.Ended); err != nil {
			return shown, err
		}
	}
	shown.ParkedOrderState, err = query[workflows.ParkedOrderState](ctx, c, workflowID, answerTimeout)
	if isAway(err) {
		// The server has just answered, so it is a worker that does not.
		return shown, noWorker()
	}
	version := shown.ParkedOrderState.Version
	shown.Version = shownVersion{version, showFailure(version.Failure)}
	return shown, err
}

// findParked gives the workflow ID of a parked order by its number, by the workflow ID
// itself, or by the bill number if only one order waits under it.
func findParked(cmd *cobra.Command, c client.Client, flowName, bill string) (workflowID string, err error) {
	ctx := cmd.Context()
	workflowID = workflows.ParkedOrderID(flowName, bill)
	if strings.HasPrefix(bill, "parked/") {
		workflowID = bill
	}
	_, err = c.DescribeWorkflow(ctx, workflowID, "")
	var unknown *serviceerror.NotFound
	if err == nil || !errors.As(err, &unknown) {
		return workflowID, err
	}
	found, listErr := parkedUnder(ctx, c, flowName, bill)
	switch {
	case listErr != nil:
		return "", listErr
	case len(found) == 0:
		if unknownErr := (parkedFilter{flow: flowName}).refuseUnknown(cmd, c); unknownErr != nil {
			return "", unknownErr
		}
		return "", parkedError(bill, err)
	case len(found) > 1:
		return "", text.Errorf("several orders wait under bill number %s; give the number of one, such as %s", bill, found[0].ID)
	}
	return found[0].WorkflowID, nil
}

func parkedError(bill string, err error) error {
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return text.Errorf("there is no parked order %s; it may have been saved or discarded. See starter parked list", bill)
	}
	return fmt.Errorf("%s: %w", bill, err)
}
