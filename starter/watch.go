package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/text"
	"refundsync/workflows"
)

func newWatchCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "watch [WORKFLOW_ID]",
		Short: text.Sprintf("Follow a run, or all that are under way, until they end"),
		Example: `  starter watch refund_to_return/20240301T000000-20240301T235959
  starter watch -o json`,
		Args: cobra.MaximumNArgs(1),
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
	alsoExits(cmd, exitWithFailures, exitInterrupted)
	return cmd
}

func watchOne(cmd *cobra.Command, c client.Client, workflowID string, o output) error {
	execution, err := describeWorkflow(cmd.Context(), c, workflowID)
	if err != nil {
		return err
	}
	if name := execution.GetType().GetName(); name != workflows.SyncFlowName {
		return text.Errorf("%q is a %s, not a run (%s)", workflowID, name, workflows.SyncFlowName)
	}
	run := c.GetWorkflow(cmd.Context(), workflowID, execution.GetExecution().GetRunId())
	return followAndPrint(cmd, c, run, workflows.Window{}, o)
}

// listInterval is how often the server is asked for runs that have begun.
const listInterval = 2 * time.Second

// watchAll follows the runs under way, and those that begin meanwhile, until all have
// ended.
func watchAll(cmd *cobra.Command, c client.Client, o output) error {
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	followed, running := map[string]bool{}, 0
	ended := make(chan runResult)
	results := []runResult{}
	for {
		err := listRuns(ctx, c, allRunning, func(run listedRun) bool {
			if run.Outcome != runRunning || followed[run.WorkflowID+run.RunID] {
				return true
			}
			followed[run.WorkflowID+run.RunID] = true
			running++
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
		if running == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return text.Errorf("no longer waiting; the runs go on")
		case result := <-ended:
			running--
			results = append(results, result)
		case <-time.After(listInterval):
		}
	}
	if len(results) == 0 {
		say(cmd.ErrOrStderr(), text.Sprintf("No run is under way."))
	}
	return printAll(cmd.OutOrStdout(), results, o)
}

func followListed(ctx context.Context, c client.Client, listed listedRun, w io.Writer) runResult {
	result, err := follow(ctx, c, c.GetWorkflow(ctx, listed.WorkflowID, listed.RunID), newLineView(w, listed.WorkflowID+" · "))
	return newRunResult(listed.WorkflowID, listed.RunID, result, err)
}

// printAll prints the results of several runs. Its error is that of the worst.
func printAll(w io.Writer, results []runResult, o output) error {
	worst := 0
	for _, result := range results {
		switch {
		case result.Error != "":
			worst = exitFailed
		case result.Parked+result.Failed > 0 && worst == 0:
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
				say(w, fmt.Sprintf("%s: %s", result.WorkflowID, result.Error))
			}
		}
	}
	if worst != 0 {
		return &exitError{code: worst}
	}
	return nil
}
