package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/text"
	"refundsync/workflows"
)

const (
	// progressInterval is how often a run is asked for its progress.
	progressInterval = 500 * time.Millisecond
	// progressTimeout is how long a worker may take to report its progress before the
	// view says that none answers, if the server lists none.
	progressTimeout = 5 * time.Second
	// answerTimeout is how long a worker may take on a busy machine.
	answerTimeout = 30 * time.Second
)

// followAndPrint shows the progress of a run until it ends, and its result. A run that
// fails before it knows its range has the range that was asked for.
func followAndPrint(cmd *cobra.Command, c client.Client, run client.WorkflowRun, asked workflows.Window, o output) error {
	result, err := follow(cmd.Context(), c, run, newProgressView(cmd.ErrOrStderr()))
	if cmd.Context().Err() != nil {
		return text.Errorf("no longer waiting; the run goes on, follow it with: starter watch %s", run.GetID())
	}
	if result.From.IsZero() {
		result.From, result.To = asked.From, asked.To
	}
	printed := newRunResult(run.GetID(), run.GetRunID(), result, err)
	if printErr := o.print(cmd.OutOrStdout(), printed); printErr != nil {
		return printErr
	}
	switch {
	case printed.Error != "":
		return &exitError{code: exitFailed, err: errors.New(printed.Error)}
	case result.Parked+result.Failed > 0:
		return &exitError{code: exitWithFailures}
	}
	return nil
}

// follow shows the progress of a run until it ends. With an error, the result is what the
// run did before it failed or was cancelled.
func follow(ctx context.Context, c client.Client, run client.WorkflowRun, view progressView) (workflows.SyncFlowResult, error) {
	type ending struct {
		result workflows.SyncFlowResult
		err    error
	}
	ended := make(chan ending, 1)
	go func() {
		var e ending
		// A cron's next run follows; each is a run of its own.
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
			} else {
				view.stop()
			}
			return e.result, e.err
		case <-ticker.C:
			p, err := askProgress(ctx, c, run.GetID())
			switch {
			case ctx.Err() != nil:
			case err == nil:
				answered = time.Now()
				view.show(p)
			case nobodyAnswers(ctx, c, run.GetID(), answered):
				view.silent()
			}
		}
	}
}

// nobodyAnswers reports whether no worker seems to be there for a workflow that last answered
// at some time. While workers are listed that have polled its task queue within minutes, it
// waits longer: they may be busy.
func nobodyAnswers(ctx context.Context, c client.Client, workflowID string, answered time.Time) bool {
	silence := time.Since(answered)
	return silence > answerTimeout || silence > progressTimeout && !polled(ctx, c, workflowID)
}

// polled reports whether the server lists workers that poll the task queue of a workflow, or
// does not say.
func polled(ctx context.Context, c client.Client, workflowID string) bool {
	ctx, cancel := context.WithTimeout(ctx, progressTimeout)
	defer cancel()
	described, err := c.DescribeWorkflow(ctx, workflowID, "")
	if err != nil {
		return true
	}
	queue, err := c.DescribeTaskQueue(ctx, described.RawResponse.GetExecutionConfig().GetTaskQueue().GetName(), enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	return err != nil || len(queue.GetPollers()) > 0
}

// askProgress queries a run, and each of its windows under way.
func askProgress(ctx context.Context, c client.Client, workflowID string) (progress, error) {
	run, err := query[workflows.SyncFlowProgress](ctx, c, workflowID, progressTimeout)
	if err != nil {
		return progress{}, err
	}
	var windows []workflows.SyncWindowProgress
	for _, running := range run.Running {
		window, err := query[workflows.SyncWindowProgress](ctx, c, running.WorkflowID, progressTimeout)
		if err == nil {
			windows = append(windows, window)
		} else if ctx.Err() != nil {
			return progress{}, ctx.Err()
		}
		// Otherwise it has not begun, or has just ended: the next query shows it.
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
		return text.Sprintf("The run was cancelled. It finished what was in flight; run the range once more to go on.")
	case errors.As(err, &terminated):
		return text.Sprintf("The run was terminated. Run the range once more to go on; nothing is lost or booked twice.")
	default:
		return workflows.MessageOf(err).String()
	}
}
