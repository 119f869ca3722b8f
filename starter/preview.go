package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/booking"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
)

func newPreviewCommand() *cobra.Command {
	var flowName, orderFile, from, to string
	var instead []string
	var o output
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "显示会如何保存，不写入 show how orders would be saved, writing nothing",
		Long: `--order：读一个售后单（聚水潭回复 datas 中的一个对象），显示同步会发给金蝶的 BatchSave 请求正文。只有流程的对照表来自金蝶时，才会连接金蝶读取它们。
--from 与 --to：从聚水潭读一个时段，合计会入账、跳过和挂起的单；每个 --instead 换一个字段的表达式，说明多少单会记得不同、差多少钱。除来自金蝶的对照表外只连接聚水潭，占用它的调用额度。
With --order, reads one order (an object of datas in Jushuitan's reply) and prints the body of the BatchSave request that the sync would send. It connects to nothing, but for a flow with tables from Kingdee, which it reads.
With --from and --to, reads a range from Jushuitan and counts what would be booked, skipped and parked; each --instead puts another expression in place of a field's, and says how many orders would be booked otherwise, and by how much. Tables from Kingdee aside it connects to Jushuitan alone, and its calls count against the allowance.`,
		Example: `  starter preview --flow refund_to_return --order order.json
  cat order.json | starter preview --flow refund_to_return --order -
  starter preview --flow refund_to_return --from 2024-03-01 --to 2024-03-03 --instead FTaxPrice=item.price`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (orderFile == "") == (from == "" && to == "") || len(instead) > 0 && orderFile != "" {
				return usageError(cmd, errors.New("给出 --order，或 --from 与 --to（可加 --instead）。 Give --order, or --from and --to, with --instead if you like"))
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
	cmd.Flags().StringVar(&flowName, "flow", "", "流程名 name of the flow")
	cmd.Flags().StringVar(&orderFile, "order", "", "售后单的 JSON 文件，- 为标准输入 JSON file of the order, - for stdin")
	cmd.Flags().StringVar(&from, "from", "", "起，含 start, included")
	cmd.Flags().StringVar(&to, "to", "", "止，含 end, included")
	cmd.Flags().StringArrayVar(&instead, "instead", nil, "字段=表达式，可重复 FIELD=EXPRESSION; may be repeated")
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
	if err := p.read(cmd.Context(), source, f); err != nil {
		return err
	}
	if o == outputJSON {
		return writeJSON(cmd.OutOrStdout(), p)
	}
	p.print(cmd.OutOrStdout())
	return nil
}

// readOrder reads one order with its numbers as they are written.
func readOrder(stdin io.Reader, path string) (map[string]any, error) {
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("无法读取售后单 the order can't be read: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var record map[string]any
	if err := decoder.Decode(&record); err != nil {
		return nil, fmt.Errorf("%s 不是一个售后单的 JSON 对象。 It is not the JSON object of an order: %w", path, err)
	}
	return record, nil
}

// preview takes the way of an order through the activities, up to the call.
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
		_, err := fmt.Fprintf(stderr, "售后单 %s 会被跳过 would be skipped: %s\n", picked.Order.ID, reason)
		return err
	}
	bill, err := picked.Bill()
	if err != nil {
		return err
	}
	open, err := f.InOpenPeriod(bill, time.Now())
	if err != nil {
		return fmt.Errorf("单据 bill %s: %w", bill.Number, err)
	}
	if !bytes.Equal(open.Model, bill.Model) {
		if _, err := fmt.Fprintf(stderr, "单据日期在已结账的期间，已改为第一个未结账日。 The bill's date is in a closed period; it is dated to the first open day: %s\n",
			f.ClosedPeriods.LastDay(time.Now()).AddDate(0, 0, 1).Format(time.DateOnly)); err != nil {
			return err
		}
	}
	body, err := booking.Request(f, open.Model).Body()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", body)
	return err
}
