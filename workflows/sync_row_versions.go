package workflows

import (
	"cmp"
	"fmt"
	"net/url"
	"time"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/text"
)

// Reading by row versions: an incremental run of a flow whose source.cursor is row_version
// requests the rows from the highest version seen, over and over, until nothing newer comes.
// Rows that change while they are read reappear at the end, so that none can slip from page
// to page. Nobody is known to have tried it on this method of the source.

// beginRowVersions works out from which row version on the run reads, if it reads by row
// versions; a range given by hand is one of time.
func (r *syncFlow) beginRowVersions(ctx workflow.Context, in *SyncFlowInput, now time.Time) error {
	plan := r.state.Plan
	if plan.Cursor != contract.CursorRowVersion || in.Range != nil {
		return nil
	}
	start, err := firstRowVersion(ctx, plan, *in)
	if err != nil {
		return err
	}
	if start == nil {
		return newFailure(WatermarkUnknown, text.New("there is no row version of an earlier run, and no source.since_ts in the flow file: set it to the row version from which the first run reads"),
			nil, FailureDetails{})
	}
	r.state.RowVersions, r.state.RowVersion = &paging.Versions{Reached: *start, Stable: *start}, start
	if r.state.Watermark == nil && in.Since == nil {
		since := now.Add(-plan.Lag)
		in.Since = &since
	}
	return nil
}

// firstRowVersion is that of the run before, or else of the input or the flow; nil if none of
// them has one.
func firstRowVersion(ctx workflow.Context, plan Plan, in SyncFlowInput) (*int64, error) {
	if workflow.HasLastCompletionResult(ctx) {
		var last SyncFlowResult
		if err := workflow.GetLastCompletionResult(ctx, &last); err != nil || last.RowVersion != nil {
			return last.RowVersion, err
		}
	}
	return cmp.Or(in.RowVersion, plan.SinceRowVersion), nil
}

// readRowVersions reads everything new, one window after another.
func (r *syncFlow) readRowVersions(ctx workflow.Context) {
	span := r.state.Range
	for r.failure == nil && !r.state.RowVersions.Complete && !span.To.Before(span.From) {
		r.state.Next = span.From
		if err := r.beginWindow(ctx); err != nil {
			r.failure = err
		}
		r.drain(ctx)
	}
	r.state.Next = span.To.Add(time.Second)
}

// longestWindow is the longest span of a window: rows read by their versions are not ordered
// by time.
func (r *syncFlow) longestWindow() time.Duration {
	if r.state.RowVersions != nil {
		return r.state.Range.To.Sub(r.state.Range.From) + time.Second
	}
	return r.state.Plan.LongestWindow
}

// windowName is the last part of a window's workflow id.
func (r *syncFlow) windowName(running RunningWindow) string {
	switch {
	case r.orders:
		return "orders-" + url.PathEscape(running.orderIDs[0])
	case r.state.RowVersions != nil:
		return fmt.Sprintf("ts%d", r.state.RowVersions.Reached)
	}
	return running.Window.From.In(beijing.Zone).Format("20060102T150405")
}

// windowSummary says for the Web UI what a window reads.
func (r *syncFlow) windowSummary(running RunningWindow) string {
	switch {
	case r.orders:
		return SummaryOfOrders(running.orderIDs)
	case r.state.RowVersions != nil:
		return text.Sprintf("row versions from %d", r.state.RowVersions.Reached)
	}
	return running.Window.String()
}

// rowVersion is the row version up to which a completed run has missed nothing; nil for a
// run by time.
func (s RunState) rowVersion() *int64 {
	if s.RowVersions == nil {
		return nil
	}
	return &s.RowVersions.Stable
}
