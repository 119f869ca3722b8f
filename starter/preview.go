package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/booking"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

func newPreviewCommand() *cobra.Command {
	var flowName, orderFile, from, to string
	var instead []string
	var o output
	cmd := &cobra.Command{
		Use:   "preview",
		Short: text.Sprintf("Show how orders would be saved, without writing anything"),
		Long: text.Sprintf("With --order, reads one order (an object of datas in Jushuitan's reply) and prints the body of the BatchSave request that the sync would send. It connects to nothing, except to read tables that the flow has from Kingdee.\n" +
			"With --from and --to, reads a range from Jushuitan and counts what would be booked, skipped and parked. Each --instead uses another expression for a field, and says how many orders would be booked differently, and by how much. " +
			"Apart from tables from Kingdee it connects to Jushuitan only; its calls count against the allowance."),
		Example: `  starter preview --flow refund_to_return --order order.json
  cat order.json | starter preview --flow refund_to_return --order -
  starter preview --flow refund_to_return --from 2024-03-01 --to 2024-03-03 \
    --instead FTaxPrice=item.price`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (orderFile == "") == (from == "" && to == "") || len(instead) > 0 && orderFile != "" {
				return usageError(cmd, text.Errorf("give --order, or --from and --to, which --instead may go with"))
			}
			if orderFile == "" {
				return previewRange(cmd, flowName, from, to, instead, o)
			}
			_, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			record, err := readOrder(cmd.InOrStdin(), orderFile)
			if err != nil {
				return err
			}
			if err := readTables(cmd.Context(), f); err != nil {
				return err
			}
			return preview(cmd.OutOrStdout(), cmd.ErrOrStderr(), f, record)
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("name of the flow"))
	cmd.Flags().StringVar(&orderFile, "order", "", text.Sprintf("JSON file of the order; - is standard input"))
	cmd.Flags().StringVar(&from, "from", "", text.Sprintf("start of the range, inclusive"))
	cmd.Flags().StringVar(&to, "to", "", text.Sprintf("end of the range, inclusive"))
	cmd.Flags().StringArrayVar(&instead, "instead", nil, text.Sprintf("`FIELD=EXPRESSION` to use for a field, may be repeated"))
	addOutputFlag(cmd, &o)
	requireFlags(cmd, "flow")
	return cmd
}

func previewRange(cmd *cobra.Command, flowName, from, to string, instead []string, o output) error {
	span, err := parseRange(from, to)
	if err != nil {
		return usageError(cmd, err)
	}
	_, f, err := loadFlow(cmd, flowName)
	if err != nil {
		return err
	}
	choices, err := readChoices(f, instead)
	if err != nil {
		return usageError(cmd, err)
	}
	mapped := []*flow.Flow{f}
	for _, choice := range choices {
		mapped = append(mapped, choice.flow)
	}
	for _, f := range mapped {
		if err := readTables(cmd.Context(), f); err != nil {
			return err
		}
	}
	settings, err := config.FromProcess().Load()
	if err != nil {
		return err
	}
	source, _, err := syncworker.Clients(settings)
	if err != nil {
		return err
	}
	p := &rangePreview{From: span.From, To: span.To, Skipped: map[string]int{}, Parked: map[string]int{}, Choices: choices}
	err = sourceOrders(cmd.Context(), source, f, span, func(record map[string]any) error { return p.take(f, record) })
	if err != nil {
		return err
	}
	if o == outputJSON {
		return writeJSON(cmd.OutOrStdout(), p)
	}
	p.print(cmd.OutOrStdout())
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

// preview does what the activities do with an order, up to the call of Kingdee.
func preview(stdout, stderr io.Writer, f *flow.Flow, record map[string]any) error {
	picked, err := f.Pick(record)
	if err != nil {
		return err
	}
	reason, skip, err := picked.Skip()
	if err != nil {
		return err
	}
	if skip {
		say(stderr, text.Sprintf("Order %s would be skipped: %s", picked.Order.ID, reason))
		return nil
	}
	bill, err := picked.Bill()
	if err != nil {
		return err
	}
	open, err := f.InOpenPeriod(bill, time.Now())
	if err != nil {
		return text.Errorf("bill %s: %w", bill.Number, err)
	}
	if !bytes.Equal(open.Model, bill.Model) {
		say(stderr, text.Sprintf("The bill's date is in a closed period; it becomes the first open day, %s.",
			f.ClosedPeriods.LastDay(time.Now()).AddDate(0, 0, 1).Format(time.DateOnly)))
	}
	body, err := booking.Request(f, open.Model).Body()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", body)
	return err
}
