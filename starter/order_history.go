package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"refundsync/internal/beijing"
	"refundsync/internal/kingdee"
	"refundsync/internal/sighting"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

const (
	// mostListed bounds the runs that a story lists, and mostRead those whose histories it
	// reads.
	mostListed = 5000
	mostRead   = 12
	// mostParkings bounds the times that an order was parked which a story shows.
	mostParkings = 10
	// storyAnswer is how long a worker may take to answer: a story goes on without it.
	storyAnswer = 10 * time.Second
	// clocksApart is how far the clocks of Kingdee, the source and Temporal may be apart.
	clocksApart = 2 * time.Minute
)

// readParked reads each time that the order was parked.
func (r *storyReader) readParked(ctx context.Context) {
	if r.temporal == nil || r.story.OrderID == "" || r.parkedRead {
		return
	}
	r.parkedRead = true
	id := workflows.ParkedOrderID(r.flow.Name, r.story.OrderID)
	executions, err := r.parkings(ctx, id)
	if r.temporalFailed(text.New("the parked order"), err) {
		return
	}
	r.read(text.New("Temporal: the parked order %s", id))
	for _, execution := range executions {
		parked, err := r.readParking(ctx, execution)
		if r.temporalFailed(text.New("the parked order"), err) {
			return
		}
		r.story.Parked = append(r.story.Parked, parked)
	}
}

// parkings are the times that the order was parked, the newest first. The list lags by up to
// seconds, so the newest is asked for by itself.
func (r *storyReader) parkings(ctx context.Context, id string) ([]*workflowpb.WorkflowExecutionInfo, error) {
	described, err := r.temporal.DescribeWorkflow(ctx, id, "")
	var unknown *serviceerror.NotFound
	switch {
	case errors.As(err, &unknown):
		return nil, nil
	case err != nil:
		return nil, err
	}
	newest := described.RawResponse.GetWorkflowExecutionInfo()
	listed, err := r.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: visibility.All(visibility.Equal("WorkflowId", id), "ExecutionStatus != 'ContinuedAsNew'"), PageSize: mostParkings,
	})
	all := []*workflowpb.WorkflowExecutionInfo{newest}
	for _, execution := range listed.GetExecutions() {
		if execution.GetExecution().GetRunId() != newest.GetExecution().GetRunId() {
			all = append(all, execution)
		}
	}
	return all, err
}

func (r *storyReader) readParking(ctx context.Context, execution *workflowpb.WorkflowExecutionInfo) (parkedStory, error) {
	order, err := readParked(execution)
	if err != nil {
		return parkedStory{}, err
	}
	p := parkedStory{WorkflowID: order.WorkflowID, RunID: execution.GetExecution().GetRunId(), Since: order.Since, shownFailure: order.shownFailure}
	if closed := execution.GetCloseTime(); closed != nil {
		p.EndedAt = closed.AsTime().In(beijing.Zone).Truncate(time.Second)
	}
	switch execution.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		state, err := query[workflows.ParkedOrderState](ctx, r.temporal, p.WorkflowID, storyAnswer)
		if err != nil {
			r.unknown(text.New("attempts and next attempt of the parked order: no worker answers"))
			break
		}
		next := state.NextAttempt.In(beijing.Zone).Truncate(time.Second)
		p.Attempts, p.NextAttempt, p.order, p.shownFailure = &state.Attempts, &next, state.Version.Order, showFailure(state.Version.Failure)
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		var ended workflows.ParkedOrderResult
		if err := r.temporal.GetWorkflow(ctx, p.WorkflowID, p.RunID).Get(ctx, &ended); err != nil {
			return p, err
		}
		p.order = ended.Order
		switch {
		case ended.Discarded != nil:
			p.Ending, p.By, p.Note = stateDiscarded, ended.Discarded.By, ended.Discarded.Reason
		case ended.LeftOut != "":
			p.Ending, p.Note = "left_out", ended.LeftOut
		default:
			p.Ending = "saved"
		}
	default:
		p.Ending = unfinished(execution)
	}
	p.Seen, err = r.temporal.histories.Find(ctx, p.WorkflowID, p.RunID, r.story.OrderID)
	if err != nil && !errors.Is(err, sighting.ErrEnough) {
		return p, err
	}
	for _, seen := range p.Seen {
		if p.order.ID == "" && seen.Order != nil {
			p.order = *seen.Order // no worker has told
		}
	}
	return p, nil
}

// readRuns lists the runs whose range holds a change of the order, and reads the histories
// of some: of those under way when a bill was saved, then of the oldest and the newest.
func (r *storyReader) readRuns(ctx context.Context) {
	times := r.changeTimes()
	if r.temporal == nil || len(times) == 0 {
		if r.temporal != nil && r.story.OrderID != "" {
			r.unknown(text.New("which runs saw the order: it is unknown when it changed"))
		}
		return
	}
	listed, whole := 0, true
	since := times[0].Add(-clocksApart).UTC().Format(time.RFC3339)
	runs := []runStory{}
	err := listRuns(ctx, r.temporal, visibility.All(runsOf(r.flow.Name), "StartTime >= '"+since+"'"), func(run listedRun) bool {
		if listed++; listed > mostListed {
			whole = false
			return false
		}
		if told, covers := coveringRun(run, times); covers {
			runs = append(runs, told)
		}
		return true
	})
	if r.temporalFailed(text.New("the runs"), err) {
		return
	}
	slices.Reverse(runs) // the oldest first
	r.story.Runs = runs
	r.read(text.New("Temporal: the runs since %s", shownTime(times[0])))
	r.retention(ctx, times[0], whole)
	for _, i := range readFirst(runs, r.story.Bills) {
		if ctx.Err() != nil || r.temporal.histories.Events <= 0 {
			break
		}
		if err := r.readRun(ctx, &r.story.Runs[i], times); err != nil {
			r.temporalFailed(text.New("the history of run %s", runs[i].WorkflowID), err)
			return
		}
	}
	unread := 0
	for _, run := range r.story.Runs {
		if !run.HistoryRead {
			unread++
		}
	}
	if unread > 0 {
		r.unknown(text.New("what %d of the runs saw: a story reads the histories of %d runs, up to %d events", unread, mostRead, mostEvents))
	}
}

// coveringRun is a run, if its range holds one of the times or is unknown.
func coveringRun(run listedRun, times []time.Time) (told runStory, covers bool) {
	told = runStory{WorkflowID: run.WorkflowID, RunID: run.RunID, StartedAt: run.Begins, EndedAt: run.Ended, Outcome: run.Outcome}
	if run.Result == nil || run.Result.From.IsZero() {
		return told, run.Outcome == runRunning
	}
	told.From, told.To = run.Result.From.In(beijing.Zone), run.Result.To.In(beijing.Zone)
	span := workflows.Window{From: told.From, To: told.To}
	return told, slices.ContainsFunc(times, span.Holds)
}

// readFirst chooses the runs whose histories are read: those under way when a bill was
// created or changed, then the oldest and the newest by turns.
func readFirst(runs []runStory, bills []billStory) (chosen []int) {
	take := func(i int) {
		if len(chosen) < mostRead && !slices.Contains(chosen, i) {
			chosen = append(chosen, i)
		}
	}
	for i, run := range runs {
		ended := run.EndedAt
		if ended.IsZero() {
			ended = time.Now()
		}
		underWay := func(s kingdee.Signature) bool {
			return !s.At.IsZero() && !s.At.Before(run.StartedAt.Add(-clocksApart)) && !s.At.After(ended.Add(clocksApart))
		}
		if slices.ContainsFunc(bills, func(b billStory) bool { return underWay(b.Signed.Created) || underWay(b.Signed.Modified) }) {
			take(i)
		}
	}
	for i := range runs {
		if first, last := i/2, len(runs)-1-i/2; i%2 == 0 {
			take(first)
		} else {
			take(last)
		}
	}
	return chosen
}

// readRun reads the histories of a run's windows that hold the times.
func (r *storyReader) readRun(ctx context.Context, run *runStory, times []time.Time) error {
	parts, err := r.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: visibility.All(visibility.Equal("WorkflowId", run.WorkflowID), "ExecutionStatus = 'ContinuedAsNew'",
			"StartTime < '"+run.StartedAt.Add(time.Second).UTC().Format(time.RFC3339)+"'"),
		PageSize: 100,
	})
	if err != nil {
		return err
	}
	start, ids := partsOf(*run, parts.GetExecutions())
	run.StartedAt = start
	windows, err := r.windowsOf(ctx, ids, times)
	if err != nil {
		return err
	}
	for _, window := range windows {
		id, runID := window.GetExecution().GetWorkflowId(), window.GetExecution().GetRunId()
		what, err := r.temporal.histories.Window(ctx, id, runID)
		if err != nil {
			return err
		}
		run.Version = what.Plan.Version
		if !what.Window.From.IsZero() && !slices.ContainsFunc(times, what.Window.Holds) {
			continue
		}
		// The list lags: without a window, nothing is known.
		run.HistoryRead = true
		seen, err := r.temporal.histories.Find(ctx, id, runID, r.story.OrderID)
		run.Seen = append(run.Seen, seen...)
		if errors.Is(err, sighting.ErrEnough) {
			run.HistoryRead = false
			return nil
		}
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(run.Seen, func(a, b sighting.Sighting) int { return a.At.Compare(b.At) })
	return nil
}

// partsOf gives when a run began that may have continued as new, and the run ids of its
// parts. continued are those that did, of any run of its id, the newest first.
func partsOf(run runStory, continued []*workflowpb.WorkflowExecutionInfo) (start time.Time, ids []string) {
	start, ids = run.StartedAt, []string{run.RunID}
	for _, part := range continued {
		// One part begins as the other ends.
		if gap := start.Sub(part.GetCloseTime().AsTime()).Abs(); gap <= time.Second {
			start = part.GetStartTime().AsTime().In(beijing.Zone).Truncate(time.Second)
			ids = append(ids, part.GetExecution().GetRunId())
		}
	}
	return start, ids
}

// windowsOf lists the windows of a run, of which the run ids of its parts are given, that may
// hold one of the times: a window's id ends with its beginning, and the last that begins
// before a time holds it.
func (r *storyReader) windowsOf(ctx context.Context, runIDs []string, times []time.Time) ([]*workflowpb.WorkflowExecutionInfo, error) {
	listed, err := r.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query:    visibility.All(visibility.Equal("WorkflowType", workflows.SyncWindowName), visibility.OneOf("ParentRunId", runIDs...)),
		PageSize: 1000,
	})
	if err != nil {
		return nil, err
	}
	all := listed.GetExecutions()
	latest := map[int]time.Time{} // by time, the beginning of the window that holds it
	for _, window := range all {
		if from, ok := beginningIn(window.GetExecution().GetWorkflowId()); ok {
			for i, at := range times {
				if !from.After(at) && from.After(latest[i]) {
					latest[i] = from
				}
			}
		}
	}
	all = slices.DeleteFunc(all, func(window *workflowpb.WorkflowExecutionInfo) bool {
		from, ok := beginningIn(window.GetExecution().GetWorkflowId())
		for _, chosen := range latest {
			if chosen.Equal(from) {
				return false
			}
		}
		return ok
	})
	slices.Reverse(all)
	return all, nil
}

// beginningIn is the beginning of a window in its workflow id; false for a window of row
// versions or of given orders.
func beginningIn(workflowID string) (time.Time, bool) {
	last := workflowID[strings.LastIndex(workflowID, "/")+1:]
	from, err := time.ParseInLocation("20060102T150405", last, beijing.Zone)
	return from, err == nil
}

// retention says what the server no longer has.
func (r *storyReader) retention(ctx context.Context, since time.Time, whole bool) {
	if !whole {
		r.unknown(text.New("runs before the newest %d", mostListed))
	}
	kept, err := visibility.Retention(ctx, r.temporal, r.temporal.namespace)
	if err != nil {
		r.unknown(text.New("how long the server keeps runs: %v", err))
		return
	}
	oldest := r.story.ReadAt.Add(-kept)
	if kept > 0 && since.Before(oldest) {
		r.unknown(text.New("runs and parked orders that ended before %s: the server has deleted them (days kept: %d)", shownTime(oldest), int(kept/(24*time.Hour))))
	}
}
