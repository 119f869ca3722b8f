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
	"refundsync/internal/flow"
)

func newPreviewCommand() *cobra.Command {
	var flowName, orderFile string
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "显示一单会如何保存，不写入 show the exact BatchSave body of one order, writing nothing",
		Long: `读一个售后单（聚水潭回复 datas 中的一个对象），显示同步会发给金蝶的 BatchSave 请求正文。只有流程的对照表来自金蝶时，才会连接金蝶读取它们。
Reads one order (an object of datas in Jushuitan's reply) and prints the body of the BatchSave request that the sync would send. It connects to nothing, but for a flow with tables from Kingdee, which it reads.`,
		Example: `  starter preview --flow refund_to_return --order order.json
  cat order.json | starter preview --flow refund_to_return --order -`,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
	requireFlags(cmd, "flow", "order")
	return cmd
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
