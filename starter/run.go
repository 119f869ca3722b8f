package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/workflows"
)

type runFlags struct {
	flow, from, to string
	wait           bool
	output         output
}

func newRunCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "同步一个时段 sync a range",
		Long: `同步一个时段的售后单。时间为北京时间，除非自带时区。同一时段已在运行时，加入该运行，不会再启动一个。
Sync the orders of a range. Times are Beijing time unless they carry a zone. If the same range is being synced already, this joins that run instead of starting another.`,
		Example: `  starter run --flow refund_to_return --from "2024-03-01 00:00:00" --to "2024-03-03 00:00:00" --wait
  starter run --flow refund_to_return --from 2024-03-01T00:00:00+08:00 --to 2024-03-03T00:00:00+08:00 --wait -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			span, err := parseRange(flags.from, flags.to)
			if err != nil {
				return usageError(cmd, err)
			}
			return runRange(cmd, flags, span)
		},
	}
	cmd.Flags().StringVar(&flags.flow, "flow", "", "流程名 name of the flow")
	cmd.Flags().StringVar(&flags.from, "from", "", "起，含 start, included")
	cmd.Flags().StringVar(&flags.to, "to", "", "止，含 end, included")
	cmd.Flags().BoolVar(&flags.wait, "wait", false, "等到结束并显示进度 wait for the end and show progress")
	addOutputFlag(cmd, &flags.output)
	requireFlags(cmd, "flow", "from", "to")
	return cmd
}

func runRange(cmd *cobra.Command, flags runFlags, span workflows.Window) error {
	ctx := cmd.Context()
	settings, err := config.LoadWorker()
	if err != nil {
		return err
	}
	temporal, err := dial()
	if err != nil {
		return err
	}
	defer temporal.Close()

	run, err := startRun(ctx, temporal, settings.TaskQueue, flags.flow, span)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "运行 run: %s (%s)\n", run.GetID(), run.GetRunID())
	if !flags.wait {
		return flags.output.printStarted(cmd.OutOrStdout(), run, span)
	}
	return followAndPrint(cmd, temporal, run, span, flags.output)
}

// startRun starts the run of a range, or joins it if it is under way.
func startRun(ctx context.Context, temporal client.Client, taskQueue, flowName string, span workflows.Window) (client.WorkflowRun, error) {
	run, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       rangeWorkflowID(flowName, span),
		TaskQueue:                taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            fmt.Sprintf("%s %s", flowName, span),
		StaticDetails: "聚水潭售后单 → 金蝶销售退货单，手工给定时段。每个窗口是一个子工作流，每张单据是其中一个 SaveOrder 活动。\n\n" +
			"A range given by hand. Each window is a child workflow, each bill a SaveOrder activity in it.",
	}, workflows.SyncRefundsName, workflows.SyncRefundsInput{Flow: flowName, Range: &span})
	if err != nil {
		return nil, fmt.Errorf("无法启动运行 the run can't be started: %w", err)
	}
	return run, nil
}

// rangeWorkflowID names a run by its range, so that the same range can't run
// twice at a time, and so that runs sort by flow and time.
func rangeWorkflowID(flowName string, span workflows.Window) string {
	const format = "20060102T150405"
	return flowName + "/" + span.From.In(catalog.Beijing).Format(format) + "-" + span.To.In(catalog.Beijing).Format(format)
}

// timeFormats are the ways to write a time at the command line; those without
// a zone are Beijing time.
var timeFormats = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05Z07:00"}

func parseTime(flag, text string) (time.Time, error) {
	for _, format := range timeFormats {
		if t, err := time.ParseInLocation(format, text, catalog.Beijing); err == nil {
			return t.In(catalog.Beijing).Truncate(time.Second), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q 不是时间，应为如 \"2024-03-01 00:00:00\"（北京时间）或 2024-03-01T00:00:00+08:00。 It is not a time; expected such a one", flag, text)
}

func parseRange(from, to string) (workflows.Window, error) {
	start, fromErr := parseTime("--from", from)
	end, toErr := parseTime("--to", to)
	if err := errors.Join(fromErr, toErr); err != nil {
		return workflows.Window{}, err
	}
	if end.Before(start) {
		return workflows.Window{}, fmt.Errorf("--to %s 早于 --from %s。 The range ends before it starts", to, from)
	}
	return workflows.Window{From: start, To: end}, nil
}
