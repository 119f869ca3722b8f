package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func newParkedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "parked",
		Short: "挂起的单：列出、查看、重试、放弃 orders that wait because they can't be saved: list, show, retry, discard",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newParkedListCommand(), newParkedShowCommand(), newParkedRetryCommand(), newParkedDiscardCommand())
	for _, command := range cmd.Commands() {
		command.Args = usageArgs(command.Args)
	}
	return cmd
}

// parkedFilter chooses parked orders.
type parkedFilter struct {
	flow, reason, shop string
}

func (f *parkedFilter) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.flow, "flow", "", "只要这个流程的 of this flow alone")
	cmd.Flags().StringVar(&f.reason, "reason", "", "只要这个原因的，如 unknown_material of this reason alone")
	cmd.Flags().StringVar(&f.shop, "shop", "", "只要这个店铺的 of this shop alone")
}

// query is the filter in Temporal's list language.
func (f parkedFilter) query() string {
	conditions := []string{visibility.Equal("WorkflowType", workflows.ParkedOrderName), visibility.Running}
	for _, c := range []struct{ attribute, value string }{
		{workflows.FlowAttribute.GetName(), f.flow},
		{workflows.ReasonAttribute.GetName(), f.reason},
		{workflows.ShopAttribute.GetName(), f.shop},
	} {
		if c.value != "" {
			conditions = append(conditions, visibility.Equal(c.attribute, c.value))
		}
	}
	return visibility.All(conditions...)
}

// parkedOrder is a line of the list.
type parkedOrder struct {
	WorkflowID string `json:"workflow_id"`
	Flow       string `json:"flow"`
	Shop       string `json:"shop"`
	tally.Failure
	// Since is when it was parked, in Beijing time.
	Since time.Time `json:"since"`
}

// listParked gives every parked order that the filter chooses, one after the
// other. The list lags behind the truth by up to seconds.
func listParked(ctx context.Context, c client.Client, filter parkedFilter, each func(parkedOrder) error) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: filter.query()}
	for {
		reply, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("无法列出挂起的单 parked orders can't be listed: %w", err)
		}
		for _, execution := range reply.GetExecutions() {
			order, err := readParked(execution)
			if err != nil {
				return err
			}
			if err := each(order); err != nil {
				return err
			}
		}
		if len(reply.GetNextPageToken()) == 0 {
			return nil
		}
		request.NextPageToken = reply.GetNextPageToken()
	}
}

func readParked(execution *workflow.WorkflowExecutionInfo) (parkedOrder, error) {
	order := parkedOrder{
		WorkflowID: execution.GetExecution().GetWorkflowId(),
		Since:      execution.GetStartTime().AsTime().In(beijing.Zone).Truncate(time.Second),
	}
	decoder := converter.GetDefaultDataConverter()
	fields := execution.GetSearchAttributes().GetIndexedFields()
	for name, value := range map[string]*string{
		workflows.FlowAttribute.GetName(): &order.Flow,
		workflows.ShopAttribute.GetName(): &order.Shop,
	} {
		if payload, ok := fields[name]; ok {
			if err := decoder.FromPayload(payload, value); err != nil {
				return order, fmt.Errorf("%s: %s: %w", order.WorkflowID, name, err)
			}
		}
	}
	if err := decoder.FromPayload(execution.GetMemo().GetFields()[workflows.FailureMemo], &order.Failure); err != nil {
		return order, fmt.Errorf("%s: %s: %w", order.WorkflowID, workflows.FailureMemo, err)
	}
	return order, nil
}

func newParkedListCommand() *cobra.Command {
	var filter parkedFilter
	var form string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "列出挂起的单 list parked orders",
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := map[string]func(io.Writer, []parkedOrder) error{
				"table": printParkedTable, "csv": printParkedCSV,
				"json": func(w io.Writer, orders []parkedOrder) error { return writeJSON(w, orders) },
			}[form]
			if !ok {
				return usageError(cmd, fmt.Errorf("-o %q 应为 json、table 或 csv。 Expected one of these", form))
			}
			return readTemporal(cmd, func(c client.Client) error {
				orders := []parkedOrder{}
				err := listParked(cmd.Context(), c, filter, func(order parkedOrder) error {
					orders = append(orders, order)
					return nil
				})
				if err != nil {
					return err
				}
				return write(cmd.OutOrStdout(), orders)
			})
		},
	}
	filter.addFlags(cmd)
	cmd.Flags().StringVarP(&form, "output", "o", "table", "json, table, csv")
	return cmd
}

func printParkedTable(w io.Writer, orders []parkedOrder) error {
	t := newTable(w)
	t.AppendHeader(table.Row{"单据 FBillNo", "售后单 as_id", "店铺 Shop", "自 Since", "原因 Reason", "说明 Message"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 6, WidthMax: 60, WidthMaxEnforcer: text.WrapText}})
	for _, order := range orders {
		t.AppendRow(table.Row{order.BillNumber, order.ID, order.Shop, order.Since.Format("01-02 15:04"), order.Reason, order.Message})
	}
	t.AppendFooter(table.Row{fmt.Sprintf("%d 单 orders", len(orders))})
	t.Render()
	return nil
}

// printParkedCSV writes what Excel opens right: UTF-8 with a byte-order mark,
// ids as text, and no cell that it would take for a formula.
func printParkedCSV(w io.Writer, orders []parkedOrder) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	rows := [][]string{{"FBillNo", "as_id", "shop", "since", "reason", "field", "message"}}
	for _, order := range orders {
		rows = append(rows, []string{
			literal.CSVText(order.BillNumber), literal.CSVText(order.ID),
			literal.CSV(order.Shop), order.Since.Format("2006-01-02 15:04:05"), literal.CSV(order.Reason), literal.CSV(order.Field), literal.CSV(order.Message.String()),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

func newParkedShowCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:   "show BILL",
		Short: "显示一张挂起的单 show a parked order",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return readTemporal(cmd, func(c client.Client) error {
				workflowID, err := findParked(cmd.Context(), c, flowName, args[0])
				if err != nil {
					return err
				}
				shown, err := showParked(cmd.Context(), c, workflowID)
				if err != nil {
					return parkedError(args[0], err)
				}
				return writeJSON(cmd.OutOrStdout(), shown)
			})
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", builtInFlow, "流程名 name of the flow")
	return cmd
}

// shownOrder is a parked order, or how its waiting ended.
type shownOrder struct {
	WorkflowID string `json:"workflow_id"`
	// Ended is nil while the order waits.
	Ended *workflows.ParkedOrderResult `json:"ended,omitempty"`
	workflows.ParkedOrderState
}

func showParked(ctx context.Context, c client.Client, workflowID string) (shownOrder, error) {
	shown := shownOrder{WorkflowID: workflowID}
	described, err := c.DescribeWorkflow(ctx, workflowID, "")
	if err != nil {
		return shown, err
	}
	if described.RawResponse.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		if err := c.GetWorkflow(ctx, workflowID, "").Get(ctx, &shown.Ended); err != nil {
			return shown, err
		}
	}
	shown.ParkedOrderState, err = query[workflows.ParkedOrderState](ctx, c, workflowID, answerTimeout)
	if isAway(err) {
		// The server has just answered: what does not is a worker.
		return shown, errors.New(noWorker)
	}
	return shown, err
}

// findParked gives the workflow of a parked order, which goes by its as_id. A flow
// may number bills otherwise: then the bill number does as well, where only one
// order waits under it. The id of the workflow itself is taken, too.
func findParked(ctx context.Context, c client.Client, flowName, bill string) (workflowID string, err error) {
	workflowID = workflows.ParkedOrderID(flowName, bill)
	if strings.HasPrefix(bill, "parked/") {
		workflowID = bill
	}
	_, err = c.DescribeWorkflow(ctx, workflowID, "")
	var unknown *serviceerror.NotFound
	if err == nil || !errors.As(err, &unknown) {
		return workflowID, err
	}
	var found []parkedOrder
	listErr := listParked(ctx, c, parkedFilter{flow: flowName}, func(order parkedOrder) error {
		if order.BillNumber == bill {
			found = append(found, order)
		}
		return nil
	})
	switch {
	case listErr != nil:
		return "", listErr
	case len(found) == 0:
		return "", parkedError(bill, err)
	case len(found) > 1:
		return "", fmt.Errorf("单据编号 %s 下挂起了几单，请给出售后单号，如 %s。 Several orders wait under this bill number: give the as_id of one", bill, found[0].ID)
	}
	return found[0].WorkflowID, nil
}

func parkedError(bill string, err error) error {
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return fmt.Errorf("没有挂起的单 %s：可能已保存或已放弃；见 starter parked list。 There is no such parked order: it may have been saved or discarded", bill)
	}
	return fmt.Errorf("%s: %w", bill, err)
}
