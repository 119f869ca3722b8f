package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/workflows"
)

func newWatchCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "watch [WORKFLOW_ID]",
		Short: "跟随一个运行，或全部在途的运行，直到结束 follow a run, or all that are under way, until they end",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTemporal(func(c client.Client) error {
				if len(args) == 0 {
					return watchAll(cmd, c, o)
				}
				return watchOne(cmd, c, args[0], o)
			})
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}

func watchOne(cmd *cobra.Command, c client.Client, workflowID string, o output) error {
	described, err := c.DescribeWorkflow(cmd.Context(), workflowID, "")
	if isNotFound(err) {
		return fmt.Errorf("没有工作流 %q；在 Web UI 中或用 starter run 的输出核对编号。 There is no such workflow; compare the id with the Web UI or with what starter run printed", workflowID)
	}
	if err != nil {
		return fmt.Errorf("查询工作流失败 the workflow can't be looked up: %w", err)
	}
	execution := described.RawResponse.GetWorkflowExecutionInfo()
	if name := execution.GetType().GetName(); name != workflows.SyncRefundsName {
		return fmt.Errorf("%q 是 %s，不是一次运行（%s）。 It is not a run", workflowID, name, workflows.SyncRefundsName)
	}
	run := c.GetWorkflow(cmd.Context(), workflowID, execution.GetExecution().GetRunId())
	return followAndPrint(cmd, c, run, workflows.Window{}, o)
}

// listInterval is how often the server's list is asked for runs that have begun.
const listInterval = 2 * time.Second

// watchAll follows the runs under way, and those that begin meanwhile, until
// none is left.
func watchAll(cmd *cobra.Command, c client.Client, o output) error {
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	followed, left := map[string]bool{}, 0
	ended := make(chan runResult)
	results := []runResult{}
	for {
		err := listRuns(ctx, c, allRunning, func(run listedRun) bool {
			if run.Outcome != runRunning || followed[run.WorkflowID+run.RunID] {
				return true
			}
			followed[run.WorkflowID+run.RunID] = true
			left++
			go func() {
				result := followListed(ctx, c, run, cmd.ErrOrStderr())
				select {
				case ended <- result:
				case <-ctx.Done():
				}
			}()
			return true
		})
		if err != nil {
			return err
		}
		if left == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return errors.New("不再等待；运行仍在继续。 No longer waiting; the runs go on")
		case result := <-ended:
			left--
			results = append(results, result)
		case <-time.After(listInterval):
		}
	}
	if len(results) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "没有在途的运行。 No run is under way")
	}
	return printAll(cmd.OutOrStdout(), results, o)
}

func followListed(ctx context.Context, c client.Client, run listedRun, w io.Writer) runResult {
	result, err := follow(ctx, c, c.GetWorkflow(ctx, run.WorkflowID, run.RunID), newLineView(w, run.WorkflowID+" · "))
	printed := runResult{WorkflowID: run.WorkflowID, RunID: run.RunID, SyncRefundsResult: result}
	if err != nil {
		printed.Error = runFailure(err)
	}
	return printed
}

// printAll prints the results of several runs, and ends as the worst of them.
func printAll(w io.Writer, results []runResult, o output) error {
	worst := 0
	for i := range results {
		results[i].fill()
		switch {
		case results[i].Error != "":
			worst = exitFailed
		case results[i].Parked+results[i].Failed > 0 && worst == 0:
			worst = exitWithFailures
		}
	}
	if o == outputJSON {
		if err := writeJSON(w, results); err != nil {
			return err
		}
	} else {
		for _, result := range results {
			printTable(w, result)
			if result.Error != "" {
				fmt.Fprintln(w, result.Error)
			}
		}
	}
	if worst != 0 {
		return &exitError{code: worst}
	}
	return nil
}
