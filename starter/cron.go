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

	"refundsync/internal/config"
	"refundsync/internal/text"
	"refundsync/workflows"
)

func newCronCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cron",
		Short: text.Sprintf("Run a flow by Temporal's cron, on servers without schedules"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCronStartCommand(), newCronStopCommand())
	return cmd
}

func newCronStartCommand() *cobra.Command {
	var flowName, spec, timeZone, since string
	cmd := &cobra.Command{
		Use:     "start",
		Short:   text.Sprintf("Start the cron of a flow"),
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
			return changeTemporal(cmd.Context(), func(c client.Client, _ config.Worker) error {
				// A server without schedules answers with an error.
				if _, err := c.ScheduleClient().GetHandle(cmd.Context(), scheduleID(f.Name)).Describe(cmd.Context()); err == nil {
					return text.Errorf("flow %[1]s has a schedule, and both would run; delete that first: starter schedule delete --flow %[1]s", f.Name)
				}
				in := workflows.SyncFlowInput{Flow: f.Name}
				if err := startAt(cmd.Context(), c, &in, since); err != nil {
					return err
				}
				run, err := c.ExecuteWorkflow(cmd.Context(), client.StartWorkflowOptions{
					ID:                                       cronWorkflowID(f.Name),
					TaskQueue:                                settings.TaskQueue,
					CronSchedule:                             schedule,
					WorkflowExecutionErrorWhenAlreadyStarted: true,
					WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
					StaticSummary:                            text.Sprintf("%s by cron %s", f.Name, times.Cron[0]),
					StaticDetails:                            f.Title + "\n\n" + runDetails(),
				}, workflows.SyncFlowName, in)
				var running *serviceerror.WorkflowExecutionAlreadyStarted
				if errors.As(err, &running) {
					return text.Errorf("the cron of flow %[1]s is running; stop it first: starter cron stop --flow %[1]s", f.Name)
				}
				if err != nil {
					return text.Errorf("the cron can't be started: %w", err)
				}
				say(cmd.OutOrStdout(), text.Sprintf("started: %s, %s, %s", run.GetID(), schedule, describeStart(in)))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&spec, "spec", "", text.Sprintf("cron line; by default the flow's"))
	cmd.Flags().StringVar(&timeZone, "time-zone", "", text.Sprintf("time zone, such as Asia/Shanghai; by default the flow's"))
	cmd.Flags().StringVar(&since, "since", "", sinceUsage())
	addFlowFlag(cmd, &flowName)
	return cmd
}

func newCronStopCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:     "stop",
		Short:   text.Sprintf("Stop the cron of a flow; a run under way finishes what is in flight"),
		Example: `  starter cron stop --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return changeWorkflow(cmd.Context(), cronWorkflowID(flowName), func(c client.Client) error {
				err := stopCron(cmd.Context(), c, cronWorkflowID(flowName))
				if isNotFound(err) {
					return text.Errorf("flow %s has no cron running", flowName)
				}
				if err != nil {
					return text.Errorf("the cron can't be stopped: %w", err)
				}
				say(cmd.OutOrStdout(), text.Sprintf("%s: stopped; with --since last, the next start goes on from the last watermark", flowName))
				return nil
			})
		},
	}
	addFlowFlag(cmd, &flowName)
	return cmd
}

// runningCron is the run of a flow's cron that is under way or waits for its time; nil for
// a flow without a cron.
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

// stopCronPatience is how long a cancelled run is watched, even on a busy machine: by then
// it has ended, or knows that it was cancelled.
const stopCronPatience = time.Minute

// stopCron ends a cron. A run under way is cancelled, which ends the cron as well. A run
// that waits for its time would learn of it only then, so it is terminated: nothing of it
// is in flight. A run may end before it learns of its cancellation, and the cron goes on;
// then the next run is stopped.
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
		// The server accepts a request to cancel a run that has ended.
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
		// What matters is not how it ended, but whether another follows.
		_ = c.GetWorkflow(watch, id, runID).GetWithOptions(watch, nil, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
		if watch.Err() != nil {
			return ctx.Err()
		}
	}
}
