package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
)

// nextSummary is when the next daily summary is due; false if the flow wants none. It passes
// while no worker runs, or while another message is being sent: the summary is sent then as
// soon as possible, once, however many were missed.
func (w *watchFlow) nextSummary() (time.Time, bool) {
	s := &w.state
	if s.Settings.DailyAt == nil {
		return time.Time{}, false
	}
	moment := midnight(s.SummaryAt).Add(*s.Settings.DailyAt)
	if !moment.After(s.SummaryAt) {
		moment = moment.AddDate(0, 0, 1)
	}
	if retry := s.SummaryFailedAt.Add(s.Settings.Interval); !s.SummaryFailedAt.IsZero() && retry.After(moment) {
		moment = retry
	}
	return moment, true
}

// midnight is when a day began in Beijing.
func midnight(t time.Time) time.Time {
	year, month, day := t.In(beijing.Zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, beijing.Zone)
}

// summarise sends the summary of yesterday, also when all is well. What ran is counted anew
// each time by the server's list, so that it is complete however often the watch was
// cancelled. Its results are as those of deliver.
func (w *watchFlow) summarise(ctx workflow.Context) (gone bool, err error) {
	now := workflow.Now(ctx)
	today := midnight(now)
	yesterday := today.AddDate(0, 0, -1)
	summary := alert.Summary{
		Day:             yesterday.Format(time.DateOnly),
		Reconciles:      w.state.Settings.Reconciles,
		Watermark:       w.state.Watermark,
		LagLimitSeconds: int(w.state.Settings.LagLimit / time.Second),
	}
	if last := w.state.LastReconciliation; last != nil {
		summary.Reconciliation = last.Reconciliation
	}
	counts, err := countDay(ctx, CountDayParams{Flow: w.flow, From: yesterday, To: today})
	switch {
	case err == nil:
		summary.Counts = &counts
	case ctx.Err() != nil:
		return false, ctx.Err()
	default:
		// Silence would be worse than a summary without counts.
		workflow.GetLogger(ctx).Warn("the runs of the day could not be counted", "error", err)
	}
	delivered, gone, err := w.deliver(ctx, alert.Notice{Flow: w.flow, Title: w.title, At: now, Summary: &summary})
	if err != nil {
		return false, err
	}
	if delivered {
		w.state.SummaryAt, w.state.SummaryFailedAt = now, time.Time{}
	} else {
		w.state.SummaryFailedAt = now
	}
	return gone, nil
}
