package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/workflows"
)

const (
	// progressInterval is how often a run is asked for its progress.
	progressInterval = 500 * time.Millisecond
	// progressTimeout is how long a worker may take to say how far it is, before the
	// progress view says that none answers.
	progressTimeout = 5 * time.Second
	// answerTimeout is how long a worker may take to answer, on a busy machine too,
	// where nothing else can be shown.
	answerTimeout = 30 * time.Second
)

// followAndPrint shows the progress of a run until it ends, and its result. A
// run that fails before it knows its range has the one that was asked for.
func followAndPrint(cmd *cobra.Command, c client.Client, run client.WorkflowRun, asked workflows.Window, o output) error {
	result, err := follow(cmd.Context(), c, run, newProgressView(cmd.ErrOrStderr()))
	if cmd.Context().Err() != nil {
		return fmt.Errorf("不再等待；运行仍在继续，查看 no longer waiting; the run goes on, follow it with: starter watch %s", run.GetID())
	}
	if result.From.IsZero() {
		result.From, result.To = asked.From, asked.To
	}
	printed := runResult{WorkflowID: run.GetID(), RunID: run.GetRunID(), SyncRefundsResult: result}
	if err != nil {
		printed.Error = runFailure(err)
	}
	if printErr := o.print(cmd.OutOrStdout(), printed); printErr != nil {
		return printErr
	}
	switch {
	case err != nil:
		return &exitError{code: exitFailed, err: errors.New(printed.Error)}
	case result.Parked+result.Failed > 0:
		return &exitError{code: exitWithFailures}
	}
	return nil
}

// follow shows the progress of a run until it ends. With an error, the result
// is what the run did before it failed or was cancelled.
func follow(ctx context.Context, c client.Client, run client.WorkflowRun, view progressView) (workflows.SyncRefundsResult, error) {
	type ending struct {
		result workflows.SyncRefundsResult
		err    error
	}
	ended := make(chan ending, 1)
	go func() {
		var e ending
		// A run by cron is followed by the next; each is a run of its own.
		options := client.WorkflowRunGetOptions{DisableFollowingRuns: strings.HasSuffix(run.GetID(), cronWorkflowID(""))}
		var followed *workflow.ContinueAsNewError
		if e.err = run.GetWithOptions(ctx, &e.result, options); errors.As(e.err, &followed) {
			e.result, e.err = endOf(ctx, c, run.GetID(), run.GetRunID())
		} else if e.err != nil {
			e.result, _ = workflows.ResultOf(e.err)
		}
		ended <- e
	}()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	answered := time.Now()
	for {
		select {
		case e := <-ended:
			if ctx.Err() == nil {
				view.end(e.result)
			}
			return e.result, e.err
		case <-ticker.C:
			if p, err := askProgress(ctx, c, run.GetID()); err == nil {
				answered = time.Now()
				view.show(p)
			} else if time.Since(answered) > progressTimeout && ctx.Err() == nil {
				view.silent()
			}
		}
	}
}

// askProgress asks a run, and each window that it has under way.
func askProgress(ctx context.Context, c client.Client, workflowID string) (progress, error) {
	run, err := query[workflows.SyncRefundsProgress](ctx, c, workflowID, progressTimeout)
	if err != nil {
		return progress{}, err
	}
	var windows []workflows.SyncWindowProgress
	for _, running := range run.Running {
		window, err := query[workflows.SyncWindowProgress](ctx, c, running.WorkflowID, progressTimeout)
		if err == nil {
			windows = append(windows, window)
		}
		// Otherwise it has not begun, or has just ended; the next look shows it.
	}
	return newProgress(run, windows), nil
}

func query[T any](ctx context.Context, c client.Client, workflowID string, timeout time.Duration) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var answer T
	value, err := c.QueryWorkflow(ctx, workflowID, "", workflows.ProgressQuery)
	if err != nil {
		return answer, err
	}
	return answer, value.Get(&answer)
}

// runFailure says why a run failed.
func runFailure(err error) string {
	var canceled *temporal.CanceledError
	var terminated *temporal.TerminatedError
	switch {
	case errors.As(err, &canceled):
		return "运行被取消；已在途的单已处理完，重跑同一时段即可继续。 The run was cancelled; what was in flight was finished, run the range again to go on"
	case errors.As(err, &terminated):
		return "运行被终止；重跑同一时段即可继续，不漏不重。 The run was terminated; run the range again to go on, nothing is lost or repeated"
	default:
		return workflows.MessageOf(err).String()
	}
}
