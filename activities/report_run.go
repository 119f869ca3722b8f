package activities

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// ReportRun counts the flow's orders that wait, and tells the flow's WatchFlow
// workflow how a run ended; it begins the watch where there is none.
//
// It is an activity because a workflow can't start another one and signal it in
// one step.
func (a *Activities) ReportRun(ctx context.Context, params workflows.ReportRunParams) error {
	c := activity.GetClient(ctx)
	waiting, err := visibility.CountParked(ctx, c, params.Flow)
	if err != nil {
		return err
	}
	params.Report.Waiting = waiting
	_, err = c.SignalWithStartWorkflow(ctx, workflows.WatchFlowID(params.Flow), workflows.RunSignal, params.Report, client.StartWorkflowOptions{
		TaskQueue:             activity.GetInfo(ctx).TaskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.FlowAttribute.ValueSet(params.Flow)),
		StaticSummary:         "告警 alerts of " + params.Flow,
		StaticDetails: "自动运行结束后向这里报告；出问题时通知流程文件 alerts 里的机器人，每种情况每个间隔至多一条，恢复后再通知一次。取消它即停止通知，下次自动运行会重新开始。\n\n" +
			"Each incremental run reports here when it ends; the robots of the flow's alerts are told what is wrong, of each cause once an interval at most, and once more when it is well again. Cancel it to stop the messages; the next incremental run begins it anew.",
	}, workflows.WatchFlowName, workflows.WatchFlowInput{Flow: params.Flow, Title: params.Title})
	if err != nil {
		return fmt.Errorf("无法向 %[1]s 报告运行。 The run can't be reported to %[1]s: %[2]w", workflows.WatchFlowID(params.Flow), err)
	}
	return nil
}
