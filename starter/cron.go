package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"refundsync/workflows"
)

func newCronCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cron",
		Short: "用 Temporal cron 自动运行（不支持 Schedules 的服务器）run a flow by Temporal's cron, for servers without schedules",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCronStartCommand(), newCronStopCommand())
	for _, command := range cmd.Commands() {
		command.Args = usageArgs(command.Args)
	}
	return cmd
}

func newCronStartCommand() *cobra.Command {
	var flowName, spec, timeZone, since string
	cmd := &cobra.Command{
		Use:     "start",
		Short:   "启动 start it",
		Example: `  starter cron start --flow refund_to_return --spec "*/10 * * * *" --since last`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSince(since); err != nil {
				return usageError(cmd, err)
			}
			settings, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			flags := timesFlags{timeZone: timeZone}
			of := *f
			if spec != "" {
				flags.cron, of.Schedule.NotBetween = []string{spec}, nil
			}
			times, err := flags.times(&of)
			if err != nil {
				return usageError(cmd, err)
			}
			schedule, err := cronSchedule(times)
			if err != nil {
				return usageError(cmd, err)
			}
			return changeTemporal(cmd.Context(), func(c client.Client) error {
				// A server without schedules can't say that there is one.
				if _, err := c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(f.Name)).Describe(cmd.Context()); err == nil {
					return fmt.Errorf("流程 %[1]s 已有定时，两者会各自运行：先 starter schedule delete --flow %[1]s。 The flow has a schedule, and each would run by itself: delete that first", f.Name)
				}
				in := workflows.SyncRefundsInput{Flow: f.Name}
				if err := startAt(cmd.Context(), c, &in, since); err != nil {
					return err
				}
				run, err := c.ExecuteWorkflow(cmd.Context(), client.StartWorkflowOptions{
					ID:                                       cronWorkflowID(f.Name),
					TaskQueue:                                settings.TaskQueue,
					CronSchedule:                             schedule,
					WorkflowExecutionErrorWhenAlreadyStarted: true,
					WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
					StaticSummary:                            f.Name + " cron " + times.Cron[0],
					StaticDetails:                            f.Title + "\n\n" + runDetails,
				}, workflows.SyncRefundsName, in)
				var running *serviceerror.WorkflowExecutionAlreadyStarted
				if errors.As(err, &running) {
					return fmt.Errorf("流程 %[1]s 的 cron 已在运行：先 starter cron stop --flow %[1]s。 The cron of the flow is running: stop it first", f.Name)
				}
				if err != nil {
					return fmt.Errorf("无法启动 the cron can't be started: %w", err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "已启动 started: %s, %s, %s\n", run.GetID(), schedule, describeStart(in))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&spec, "spec", "", "cron 行；省略时按流程文件 cron line; the flow's if left out")
	cmd.Flags().StringVar(&timeZone, "time-zone", "", "时区，如 Asia/Shanghai its time zone")
	cmd.Flags().StringVar(&since, "since", "", sinceUsage)
	addFlowFlag(cmd, &flowName)
	return cmd
}

func newCronStopCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "停止；在途的单会处理完 stop it; what is in flight is finished",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return changeTemporal(cmd.Context(), func(c client.Client) error {
				err := stopCron(cmd.Context(), c, cronWorkflowID(flowName))
				if isNotFound(err) {
					return fmt.Errorf("流程 %s 没有运行中的 cron。 The flow has no cron running", flowName)
				}
				if err != nil {
					return fmt.Errorf("无法停止 the cron can't be stopped: %w", err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: 已停止；重新启动时用 --since last 从上次水位继续。 Stopped; started again with --since last it goes on from the last watermark\n", flowName)
				return err
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

// runningCron is the run of a flow's cron that is under way or waits for its time; nil
// if the flow has no cron.
func runningCron(ctx context.Context, c client.Client, flowName string) (*workflowpb.WorkflowExecutionInfo, error) {
	described, err := c.DescribeWorkflow(ctx, cronWorkflowID(flowName), "")
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cronWorkflowID(flowName), err)
	}
	if execution := described.RawResponse.GetWorkflowExecutionInfo(); execution.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return execution, nil
	}
	return nil, nil
}

// stopCronPatience is how long a cancelled run is watched, on a busy machine too: one
// that was about to end by itself has ended by then, and any other has heard of it.
const stopCronPatience = time.Minute

// stopCron ends a cron: a run under way is cancelled, which ends the cron as
// well; one that waits for its time would only hear of it then, so it is
// terminated, with nothing in flight. A run may end by itself before it hears of
// it, and the cron goes on: then the next one is stopped.
func stopCron(ctx context.Context, c client.Client, id string) error {
	watch, cancel := context.WithTimeout(ctx, stopCronPatience)
	defer cancel()
	for stopped := false; ; stopped = true {
		described, err := c.DescribeWorkflow(ctx, id, "")
		if err != nil {
			return err
		}
		execution := described.RawResponse.GetWorkflowExecutionInfo()
		runID := execution.GetExecution().GetRunId()
		// The server takes a request to cancel a run that has ended.
		if execution.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			if stopped {
				return nil
			}
			return serviceerror.NewNotFound("the cron has ended")
		}
		if execution.GetExecutionTime().AsTime().After(time.Now()) {
			return c.TerminateWorkflow(ctx, id, runID, "starter cron stop")
		}
		if err := c.CancelWorkflow(ctx, id, runID); err != nil && !isNotFound(err) {
			return err
		}
		// How it ended does not matter, but whether another one follows.
		_ = c.GetWorkflow(watch, id, runID).GetWithOptions(watch, nil, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
		if watch.Err() != nil {
			return ctx.Err()
		}
	}
}
