package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/workflows"
)

type runFlags struct {
	flow, from, to, since string
	grain                 string
	rate                  workflows.Rate
	moveWatermark, wait   bool
	output                output
}

// addFlags adds the flags that are of every run by hand.
func (f *runFlags) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.flow, "flow", "", "流程名 name of the flow")
	cmd.Flags().StringVar(&f.from, "from", "", "起，含 start, included")
	cmd.Flags().StringVar(&f.to, "to", "", "止，含 end, included")
	cmd.Flags().StringVar(&f.grain, "grain", "",
		"auto、order 或 page：order 每单一个活动，page 若干页一个，auto 单少时 order、多时 page；省略则按流程文件 auto, order or page; order: an activity an order, page: one for several pages, auto: order for few orders, page for many; if left out as the flow file says")
	addRateFlags(cmd, &f.rate)
	cmd.Flags().BoolVar(&f.wait, "wait", false, "等到结束并显示进度 wait for the end and show progress")
	addOutputFlag(cmd, &f.output)
}

// check says what is wrong with the flags that addFlags added.
func (f *runFlags) check() error {
	if f.rate == (workflows.Rate{}) {
		return workflows.CheckGrain(f.grain)
	}
	return errors.Join(workflows.CheckGrain(f.grain), f.rate.Validate())
}

func newRunCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "同步一个时段，或自上次水位起 sync a range, or from the last watermark on",
		Long: `同步一个时段的售后单；不给时段则从上次水位（减去重叠）到现在（减去滞后）。时间为北京时间，除非自带时区。同一时段已在运行时，加入该运行，不会再启动一个；否则先说明有多少窗口、多少单、大约多久。
手工运行从不移动水位。由其他调度程序（如操作系统的 cron）调用时加 --move-watermark，它就算作自动运行。
Sync the orders of a range, or without one from the last watermark, less the overlap, to now, less the lag. Times are Beijing time unless they carry a zone. If the same range is being synced already, this joins that run instead of starting another; otherwise it says before how many windows and orders there are and how long it takes.
A run by hand never moves the watermark. Where another scheduler calls this, such as the operating system's cron, add --move-watermark: it counts as an automatic run then.`,
		Example: `  starter run --flow refund_to_return --from "2024-03-01 00:00:00" --to "2024-03-03 00:00:00" --wait
  starter run --flow refund_to_return --from 2024-03-01T00:00:00+08:00 --to 2024-03-03T00:00:00+08:00 --wait -o json
  starter run --flow refund_to_return --from 2024-11-11 --to 2024-11-13 --grain order --wait
  starter run --flow refund_to_return --wait
  starter run --flow refund_to_return --since last --move-watermark --wait`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return usageError(cmd, err)
			}
			if flags.from == "" && flags.to == "" {
				if err := checkSince(flags.since); err != nil {
					return usageError(cmd, err)
				}
				return runIncremental(cmd, flags)
			}
			if flags.since != "" || flags.moveWatermark {
				return usageError(cmd, errors.New("--since 和 --move-watermark 不能与时段同用。 --since and --move-watermark don't go with a range"))
			}
			span, err := parseRange(flags.from, flags.to)
			if err != nil {
				return usageError(cmd, err)
			}
			return runRange(cmd, flags, span)
		},
	}
	flags.addFlags(cmd)
	cmd.Flags().StringVar(&flags.since, "since", "", sinceUsage)
	cmd.Flags().BoolVar(&flags.moveWatermark, "move-watermark", false, "算作自动运行，移动水位 count as an automatic run and move the watermark")
	requireFlags(cmd, "flow")
	return cmd
}

// plannedRun is a run to start, or to join if it is under way.
type plannedRun struct {
	workflowID string
	// what it does, for a person.
	what string
	in   workflows.SyncRefundsInput
}

func rangeRun(in workflows.SyncRefundsInput) plannedRun {
	return plannedRun{rangeWorkflowID(in.Flow, *in.Range), in.Range.String(), in}
}

func runRange(cmd *cobra.Command, flags runFlags, span workflows.Window) error {
	in := workflows.SyncRefundsInput{Flow: flags.flow, Range: &span, Grain: flags.grain, Rate: flags.rate}
	return startAndFollow(cmd, flags, span, func(client.Client) (plannedRun, error) { return rangeRun(in), nil })
}

// runIncremental starts a run from the last watermark on. Two of a flow by hand,
// or by another scheduler, never run at a time: the second joins the first.
func runIncremental(cmd *cobra.Command, flags runFlags) error {
	in := workflows.SyncRefundsInput{Flow: flags.flow, ByHand: !flags.moveWatermark, Grain: flags.grain, Rate: flags.rate}
	id := handWorkflowID(flags.flow)
	if flags.moveWatermark {
		id = autoWorkflowID(flags.flow)
	}
	return startAndFollow(cmd, flags, workflows.Window{}, func(c client.Client) (plannedRun, error) {
		err := startAt(cmd.Context(), c, &in, flags.since)
		return plannedRun{id, describeStart(in), in}, err
	})
}

// startAndFollow starts a run of a flow that a worker has, and follows it if that is
// wished for.
func startAndFollow(cmd *cobra.Command, flags runFlags, span workflows.Window, plan func(client.Client) (plannedRun, error)) error {
	settings, err := config.FromProcess().LoadWorker()
	if err != nil {
		return err
	}
	return changeTemporal(cmd.Context(), func(c client.Client) error {
		atWorkers, err := readWorkerFlows(cmd.Context(), c, settings.TaskQueue)
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
		}
		if err := atWorkers.lacks(flags.flow); err != nil {
			return err
		}
		planned, err := plan(c)
		if err != nil {
			return err
		}
		run, estimate, err := planned.start(cmd.Context(), c, cmd.ErrOrStderr(), settings.TaskQueue)
		if err != nil {
			return err
		}
		if !flags.wait {
			if len(atWorkers.workers) == 0 && atWorkers.all {
				fmt.Fprintln(cmd.ErrOrStderr(), noWorker)
			}
			return flags.output.printStarted(cmd.OutOrStdout(), run, span, estimate)
		}
		return followAndPrint(cmd, c, run, span, flags.output)
	})
}

// start starts the run, or joins it. Of one that is about to begin it says on log what
// is expected of it, which is nil where that is not known.
func (p plannedRun) start(ctx context.Context, c client.Client, log io.Writer, taskQueue string) (client.WorkflowRun, *workflows.Estimate, error) {
	running, err := isRunning(ctx, c, p.workflowID)
	if err != nil {
		return nil, nil, err
	}
	var estimate *workflows.Estimate
	if !running {
		if estimate = sayEstimate(ctx, c, log, taskQueue, p.in); estimate != nil {
			p.in.Orders = &estimate.Orders
		}
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       p.workflowID,
		TaskQueue:                taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            p.in.Flow + " " + p.what,
		StaticDetails:            runDetails,
	}, workflows.SyncRefundsName, p.in)
	if err != nil {
		return nil, nil, fmt.Errorf("无法启动运行 the run can't be started: %w", err)
	}
	fmt.Fprintf(log, "运行 run: %s (%s)\n", run.GetID(), run.GetRunID())
	return run, estimate, nil
}

// runDetails explain a run in the Web UI.
const runDetails = "聚水潭售后单 → 金蝶销售退货单。每个窗口是一个子工作流。粒度 order：每张单据是其中一个 SaveOrder 活动；page：一个 SyncPages 活动读取并保存若干页，其中没成功的单据再各有一个 SaveOrder；auto：单少时 order，多时 page。\n\n" +
	"Jushuitan's after-sales orders become Kingdee's return bills. Each window is a child workflow. In the grain order each bill is a SaveOrder activity in it; in the grain page a SyncPages activity reads and saves several pages, and each order that does not succeed there has a SaveOrder; auto is order for few orders and page for many."

// The workflow ids of the runs without a given range. They begin with the flow's
// name, so that they sort by it.
func handWorkflowID(flowName string) string { return flowName + "/hand" }
func autoWorkflowID(flowName string) string { return flowName + "/auto" }
func cronWorkflowID(flowName string) string { return flowName + "/cron" }

// rangeWorkflowID names a run by its range, so that the same range can't run
// twice at a time, and so that runs sort by flow and time.
func rangeWorkflowID(flowName string, span workflows.Window) string {
	const format = "20060102T150405"
	return flowName + "/" + span.From.In(beijing.Zone).Format(format) + "-" + span.To.In(beijing.Zone).Format(format)
}

// timeFormats are the ways to write a time at the command line; those without
// a zone are Beijing time.
var timeFormats = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05Z07:00"}

func parseTime(flag, text string) (time.Time, error) {
	for _, format := range timeFormats {
		if t, err := time.ParseInLocation(format, text, beijing.Zone); err == nil {
			return t.In(beijing.Zone).Truncate(time.Second), nil
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
