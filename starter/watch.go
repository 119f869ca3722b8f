package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"

	"refundsync/workflows"
)

func newWatchCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "watch WORKFLOW_ID",
		Short: "跟随一个运行直到结束 follow a run until it ends",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			temporal, err := dial()
			if err != nil {
				return err
			}
			defer temporal.Close()
			described, err := temporal.DescribeWorkflowExecution(cmd.Context(), args[0], "")
			var notFound *serviceerror.NotFound
			if errors.As(err, &notFound) {
				return fmt.Errorf("没有工作流 %q；在 Web UI 中或用 starter run 的输出核对编号。 There is no such workflow; compare the id with the Web UI or with what starter run printed", args[0])
			}
			if err != nil {
				return fmt.Errorf("查询工作流失败 the workflow can't be looked up: %w", err)
			}
			execution := described.GetWorkflowExecutionInfo()
			if name := execution.GetType().GetName(); name != workflows.SyncRefundsName {
				return fmt.Errorf("%q 是 %s，不是一次运行（%s）。 It is not a run", args[0], name, workflows.SyncRefundsName)
			}
			run := temporal.GetWorkflow(cmd.Context(), args[0], execution.GetExecution().GetRunId())
			return followAndPrint(cmd, temporal, run, workflows.Window{}, o)
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}
