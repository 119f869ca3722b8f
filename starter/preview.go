package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/preview"
	"refundsync/internal/reconcile"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// previewOutput is a form of output of a preview: json, table or request.
type previewOutput string

const outputRequest previewOutput = "request"

func (o *previewOutput) String() string { return string(*o) }

// Type names the values in the help.
func (o *previewOutput) Type() string { return "json|table|request" }

// Set takes one of the forms.
func (o *previewOutput) Set(value string) error {
	switch previewOutput(value) {
	case previewOutput(outputJSON), previewOutput(outputTable), outputRequest:
		*o = previewOutput(value)
		return nil
	}
	return text.Errorf("expected json, table or request")
}

type previewFlags struct {
	flow, file, from, to string
	orders               orderNames
	instead              []string
	table                string
	output               previewOutput
}

// mostPreviewed is how many orders a preview can be given.
const mostPreviewed = 100

func newPreviewCommand() *cobra.Command {
	flags := previewFlags{output: previewOutput(outputTable)}
	cmd := &cobra.Command{
		Use:   "preview",
		Short: text.Sprintf("Show how orders would be saved, without writing anything"),
		Long: text.Sprintf("With --order or --orders, reads orders from Jushuitan, %d at most, and shows for each what would become of it, and its bill field by field beside the one that Kingdee has. An order is looked for among those that were modified in the last 90 days, or since --from, or since its bill was made. "+
			"With --file, does so with one order from a file (an object of datas in Jushuitan's reply), as if Kingdee had no bill of it, and connects to nothing, except to read tables that the flow has from Kingdee. -o request prints the body of the BatchSave request instead.\n"+
			"With --from and --to, reads a range from Jushuitan and counts what would be booked, skipped and parked, which codes tables have no row for, and how many orders take a table's default; --table lists these orders. Each --instead uses another expression for a field, and says how many orders would be booked differently, and by how much. "+
			"Apart from tables from Kingdee a range connects to Jushuitan only; its calls count against the allowance.", mostPreviewed),
		Example: `  starter preview --flow refund_to_return --order 700000691,700001740
  starter preview --flow refund_to_return --file order.json -o request
  starter preview --flow refund_to_return --from 2024-03-01 --to 2024-03-03 --table warehouses
  starter preview --flow refund_to_return --from 2024-03-01 --to 2024-03-03 \
    --instead FTaxPrice=item.price`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			live, ranged := flags.orders.given(), flags.to != "" || len(flags.instead) > 0 || flags.table != ""
			switch {
			case live && (flags.file != "" || ranged), flags.file != "" && (ranged || flags.from != ""), !live && flags.file == "" && flags.from == "" && !ranged:
				return usageError(cmd, text.Errorf("give --order, --orders, --file, or --from and --to, which --instead and --table may go with"))
			case live:
				return previewOrders(cmd, flags)
			case flags.file != "":
				return previewFile(cmd, flags)
			case flags.output == outputRequest:
				return usageError(cmd, text.Errorf("-o request is for orders, not for a range"))
			}
			return previewRange(cmd, flags)
		},
	}
	cmd.Flags().StringVar(&flags.flow, "flow", "", text.Sprintf("name of the flow"))
	flags.orders.addFlags(cmd)
	cmd.Flags().StringVar(&flags.file, "file", "", text.Sprintf("JSON file of an order; - is standard input"))
	cmd.Flags().StringVar(&flags.from, "from", "", text.Sprintf("start of the range, inclusive; of orders, how far back to look"))
	cmd.Flags().StringVar(&flags.to, "to", "", text.Sprintf("end of the range, inclusive"))
	cmd.Flags().StringArrayVar(&flags.instead, "instead", nil, text.Sprintf("`FIELD=EXPRESSION` to use for a field, may be repeated"))
	cmd.Flags().StringVar(&flags.table, "table", "", text.Sprintf("list the orders with a code for which this table has no row"))
	cmd.Flags().VarP(&flags.output, "output", "o", text.Sprintf("form of the output; request is the body that would be sent"))
	requireFlags(cmd, "flow")
	alsoExits(cmd, exitWithFailures)
	return cmd
}

// previewFile previews one order from a file, as if it had no bill.
func previewFile(cmd *cobra.Command, flags previewFlags) error {
	_, f, err := loadFlow(cmd, flags.flow)
	if err != nil {
		return err
	}
	record, err := readOrder(cmd.InOrStdin(), flags.file)
	if err != nil {
		return err
	}
	if err := readTables(cmd.Context(), f); err != nil {
		return err
	}
	order, err := (&preview.Preview{Flow: f}).Order(cmd.Context(), record)
	if err != nil {
		return err
	}
	return flags.print(cmd, []preview.Order{order})
}

// previewOrders previews orders as Jushuitan shows them now.
func previewOrders(cmd *cobra.Command, flags previewFlags) error {
	names, err := flags.orders.read(cmd)
	if err != nil {
		return err
	}
	if len(names) > mostPreviewed {
		return usageError(cmd, text.Errorf("these are %d orders, and a preview takes %d at most; preview the range in which they were modified", len(names), mostPreviewed))
	}
	_, f, err := loadFlow(cmd, flags.flow)
	if err != nil {
		return err
	}
	look := orderLookUp{flow: f, ids: f.Keys(names)}
	if flags.from != "" {
		if look.since, err = parseTime("--from", flags.from); err != nil {
			return usageError(cmd, err)
		}
	}
	source, ledger, closeClients, err := vendors(f)
	if err != nil {
		return err
	}
	defer closeClients()
	if err := readTables(cmd.Context(), f); err != nil {
		return err
	}
	records, err := look.find(cmd.Context(), source, ledger)
	if err != nil {
		return err
	}
	orders, err := previewAll(cmd.Context(), f, ledger, look.ids, records)
	if err != nil {
		return err
	}
	return flags.print(cmd, orders)
}

// previewAll previews the orders that were found, and names the others.
func previewAll(ctx context.Context, f *flow.Flow, ledger preview.Kingdee, ids []string, records map[string][]map[string]any) (orders []preview.Order, err error) {
	p := &preview.Preview{Flow: f, Kingdee: ledger}
	for _, id := range ids {
		if len(records[id]) == 0 {
			orders = append(orders, preview.Order{ID: id, Outcome: preview.NotFound})
		}
		for _, record := range records[id] {
			order, err := p.Order(ctx, record)
			if err != nil {
				return nil, text.Errorf("order %s: %w", id, err)
			}
			orders = append(orders, order)
		}
	}
	return orders, nil
}

// print prints the orders. It fails if one of them would be parked, or was not found.
func (f previewFlags) print(cmd *cobra.Command, orders []preview.Order) error {
	out := cmd.OutOrStdout()
	switch f.output {
	case previewOutput(outputJSON):
		if err := writeJSON(out, orders); err != nil {
			return err
		}
	case outputRequest:
		for _, order := range orders {
			if order.Outcome != string(tally.Saved) || order.Message != "" {
				say(cmd.ErrOrStderr(), previewTitle(order))
			}
			if len(order.Request) > 0 {
				fmt.Fprintf(out, "%s\n", order.Request)
			}
		}
	default:
		for _, order := range orders {
			printPreview(out, order)
		}
	}
	if slices.ContainsFunc(orders, func(o preview.Order) bool { return o.Outcome == string(tally.Parked) || o.Outcome == preview.NotFound }) {
		return &exitError{code: exitWithFailures}
	}
	return nil
}

// readOrder reads one order, with numbers as json.Number.
func readOrder(stdin io.Reader, path string) (map[string]any, error) {
	var raw []byte
	var err error
	if path == "-" {
		raw, err = io.ReadAll(stdin)
	} else {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, text.Errorf("the order can't be read: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var record map[string]any
	if err := decoder.Decode(&record); err != nil {
		return nil, text.Errorf("%s is not the JSON object of an order: %w", path, err)
	}
	return record, nil
}

// outcomesOfPreview are outcomes as people read them.
var outcomesOfPreview = map[string]text.Text{
	string(tally.Saved):        text.New("would be saved"),
	string(tally.Updated):      text.New("its bill would be updated"),
	string(tally.AlreadySaved): text.New("already saved"),
	tally.LeftOut.Label():      text.New("would be skipped"),
	string(tally.BillDeleted):  text.New("its bill would be deleted"),
	string(tally.Parked):       text.New("would be parked"),
	preview.NotRead:            text.New("not read by a run"),
	preview.NotFound:           text.New("Jushuitan shows no such order changed in the last 90 days, or since --from"),
}

// previewTitle says what would become of an order.
func previewTitle(o preview.Order) string {
	name := text.New("order %s", o.ID)
	if o.BillNumber != "" {
		name = text.New("order %s · bill %s", o.ID, o.BillNumber)
	}
	name = text.Join(" · ", name, o.Shop)
	lines := []string{text.Join(": ", name, outcomesOfPreview[o.Outcome], fault.ReasonText(o.Reason)).String()}
	if !o.Amount.IsZero() {
		lines[0] += text.Sprintf(", %s with tax", o.Amount.StringFixed(2))
	}
	if o.Message != "" {
		lines = append(lines, o.Message)
	}
	for _, m := range o.Mismatches {
		lines = append(lines, text.Sprintf("the flow's parameter %s is %s, and the order has %s", m.Parameter, m.Wanted, m.Has))
	}
	if c := o.Condition; c != nil {
		lines = append(lines, text.Sprintf("condition: %s", c.Expression))
		for _, read := range c.Reads {
			values := strings.Join(read.Values, ", ")
			if read.Hidden {
				values = text.Sprintf("(not shown)")
			}
			lines = append(lines, fmt.Sprintf("  %s（%s） = %s", read.Name, read.Label, values))
		}
	}
	for _, bill := range o.Bills {
		line := text.Sprintf("Kingdee has bill %s (FID %s), %s, dated %s", bill.Number, bill.ID, reconcile.StatusLabel(bill.Status), bill.Date)
		if bill.Void {
			line = text.Sprintf("Kingdee has bill %s (FID %s), void", bill.Number, bill.ID)
		}
		lines = append(lines, strings.TrimSpace(line+" "+bill.Mark))
	}
	return strings.Join(lines, "\n")
}
