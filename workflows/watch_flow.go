package workflows

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/alert"
	"refundsync/internal/contract"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// The signals that a WatchFlow workflow takes.
const (
	// RunSignal carries a [RunReport].
	RunSignal = "run"
	// HeldSignal carries a [HoldReport].
	HeldSignal = "held"
)

// AlertSettings say whom to tell, and when. They come with each report, so that the watch
// follows the flow file.
type AlertSettings struct {
	// Robots are the names of the flow's robots.
	Robots []string `json:"robots"`
	// Interval is the least time between two messages about one cause.
	Interval time.Duration `json:"interval"`
	// NothingSyncedFor is how long no bill may be saved before an alert; 0 for ever.
	NothingSyncedFor time.Duration `json:"nothing_synced_for"`
	// LagLimit is how far the watermark may lag behind now before an alert.
	LagLimit time.Duration `json:"lag_limit"`
	// DailyAt is the time since midnight, Beijing time, at which the summary of the day
	// before is sent; nil for none.
	DailyAt *time.Duration `json:"daily_at,omitempty"`
	// Reconciles says that the flow reconciles daily.
	Reconciles bool `json:"reconciles,omitempty"`
}

// RunReport is how an incremental run, a sweep or a daily reconciliation ended.
type RunReport struct {
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	EndedAt    time.Time `json:"ended_at"`
	// Failed is the reason of a run that failed, "" for one that did not.
	Failed string `json:"failed,omitempty"`
	// Watermark is the flow's after the run; nil if there is none yet.
	Watermark *time.Time `json:"watermark,omitempty"`
	// Saved counts the bills that the run saved or found.
	Saved int `json:"saved"`
	// NewlyParked counts the orders that the run newly parked, by reason, and Waiting all
	// parked orders of the flow.
	NewlyParked map[string]int `json:"newly_parked,omitempty"`
	Waiting     int            `json:"waiting"`
	// Sweep means that the run was a sweep; Found is as in [SyncFlowResult].
	Sweep bool `json:"sweep,omitempty"`
	Found int  `json:"found,omitempty"`
	// Reconciliation is nil unless it was a reconciliation, which has no counts of a run.
	Reconciliation *alert.Reconciliation `json:"reconciliation,omitempty"`
	Settings       AlertSettings         `json:"settings"`
}

// HoldReport says that a hold of the flow began, changed or ended.
type HoldReport struct {
	// HoldID is the id of the Hold workflow.
	HoldID   string        `json:"hold_id"`
	Hold     contract.Hold `json:"hold"`
	Settings AlertSettings `json:"settings"`
}

// WatchFlowInput begins the watch over a flow.
type WatchFlowInput struct {
	Flow  string `json:"flow"`
	Title string `json:"title"`
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *WatchFlowState `json:"carried,omitempty"`
}

// WatchFlowState is what the watch knows, and the answer to [ProgressQuery].
type WatchFlowState struct {
	// LastRun is the last incremental run that was reported, nil before the first.
	LastRun *RunReport `json:"last_run,omitempty"`
	// LastSweep is the last sweep that was reported, nil before the first.
	LastSweep *RunReport `json:"last_sweep,omitempty"`
	// LastReconciliation is the last one that was reported, nil before the first.
	LastReconciliation *RunReport `json:"last_reconciliation,omitempty"`
	// Settings are those of the last report.
	Settings AlertSettings `json:"settings"`
	// Watermark is the latest that was reported.
	Watermark *time.Time `json:"watermark,omitempty"`
	// LastSynced is when the last run ended that saved a bill; before the first, when the
	// watch began.
	LastSynced time.Time                  `json:"last_synced"`
	Causes     map[alert.Cause]CauseState `json:"causes"`
	// SummaryAt is when a robot last received a daily summary; before the first, when the
	// flow was seen to want them.
	SummaryAt time.Time `json:"summary_at,omitzero"`
	// SummaryFailedAt is when no robot received one.
	SummaryFailedAt time.Time `json:"summary_failed_at,omitzero"`
	// Holds are the last ones, by the ids of their workflows.
	Holds map[string]contract.Hold `json:"holds,omitempty"`
	// ReleasedAt is when the last hold ended; zero if there was none.
	ReleasedAt time.Time `json:"released_at,omitzero"`
	// HoldNews are the holds that began, changed or ended since the last message.
	HoldNews []contract.Hold `json:"hold_news,omitempty"`
	// SendFailures say why robots did not receive the last message.
	SendFailures []text.Text `json:"send_failures,omitempty"`
}

// CauseState is one cause of alerts.
type CauseState struct {
	// Active is whether the cause holds now, and Trouble what a message says about it.
	Active  bool          `json:"active"`
	Trouble alert.Trouble `json:"trouble"`
	// Told is whether a robot was told of it since it began.
	Told bool `json:"told"`
	// News is whether there is something new since the last message.
	News bool `json:"news"`
	// SentAt is when the last message about it was sent, or failed to be.
	SentAt time.Time `json:"sent_at,omitzero"`
}

// causes are all causes, in the order in which a message tells of them.
var causes = []alert.Cause{alert.RunFailed, alert.OrdersParked, alert.SweepFound, alert.ReconcileDiffers, alert.NothingSynced, alert.LagOverLimit}

// WatchFlowID is the id of a flow's WatchFlow workflow.
func WatchFlowID(flowName string) string { return "watch/" + flowName }

// WatchFlow watches a flow and tells its robots what is wrong. Each incremental run, sweep and
// daily reconciliation reports to it how it ended; between the reports it watches the clock.
// It tells of a cause at most once per interval, of several causes in one message, and once
// more when a cause is over; and once a day, if the flow wants that, how the day before went.
// It tells when a hold begins and ends; what depends on the clock alone is not judged while
// one is on, and begins anew after it. It ends when the flow has none of its robots any more
// or is disabled; a person may cancel it, and the next run starts it anew.
func WatchFlow(ctx workflow.Context, in WatchFlowInput) error {
	w, err := newWatchFlow(ctx, in)
	if err != nil {
		return err
	}
	for {
		w.judge(workflow.Now(ctx))
		if notice, ok := w.due(); ok {
			gone, err := w.send(ctx, notice)
			if gone || err != nil {
				return err
			}
		}
		if moment, ok := w.nextSummary(); ok && !moment.After(workflow.Now(ctx)) {
			gone, err := w.summarise(ctx)
			if gone || err != nil {
				return err
			}
		}
		w.show(ctx)
		if err := w.receive(ctx); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && w.reports.Len()+w.holds.Len() == 0 {
			in.Carried = &w.state
			return workflow.NewContinueAsNewError(ctx, WatchFlowName, in)
		}
	}
}

type watchFlow struct {
	flow, title string
	state       WatchFlowState
	// judgedAt is when the causes were last judged.
	judgedAt time.Time
	// reports are of runs, holds of holds.
	reports, holds workflow.ReceiveChannel
}

func newWatchFlow(ctx workflow.Context, in WatchFlowInput) (*watchFlow, error) {
	w := &watchFlow{
		flow: in.Flow, title: in.Title,
		state:   WatchFlowState{LastSynced: workflow.Now(ctx), Causes: map[alert.Cause]CauseState{}},
		reports: workflow.GetSignalChannel(ctx, RunSignal),
		holds:   workflow.GetSignalChannel(ctx, HeldSignal),
	}
	if in.Carried != nil {
		w.state = *in.Carried
	}
	return w, workflow.SetQueryHandler(ctx, ProgressQuery, func() (WatchFlowState, error) { return w.state, nil })
}

// receive waits for the next report, but only until something is due. Its error is the
// workflow's cancellation.
func (w *watchFlow) receive(ctx workflow.Context) error {
	timerCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	selector.AddReceive(w.reports, func(c workflow.ReceiveChannel, _ bool) {
		var report RunReport
		c.Receive(ctx, &report)
		w.take(report)
	})
	selector.AddReceive(w.holds, func(c workflow.ReceiveChannel, _ bool) {
		var report HoldReport
		c.Receive(ctx, &report)
		w.takeHold(report, workflow.Now(ctx))
	})
	if moment, ok := w.nextMoment(); ok && w.reports.Len()+w.holds.Len() == 0 {
		wait := max(moment.Sub(workflow.Now(ctx)), time.Second)
		timer := workflow.NewTimerWithOptions(timerCtx, wait, workflow.TimerOptions{Summary: text.Sprintf("judge the flow")})
		selector.AddFuture(timer, func(workflow.Future) {})
	}
	selector.Select(ctx)
	return ctx.Err()
}

// follow follows the settings of a report.
func (w *watchFlow) follow(settings AlertSettings, at time.Time) {
	if w.state.Settings.DailyAt == nil && settings.DailyAt != nil {
		w.state.SummaryAt = at
	}
	w.state.Settings = settings
}

// takeHold takes in that a hold began, changed or ended. A report can come twice, and a late
// one of a hold that has ended since.
func (w *watchFlow) takeHold(report HoldReport, now time.Time) {
	s := &w.state
	w.follow(report.Settings, now)
	known, told := s.Holds[report.HoldID]
	on, hold := told && known.Released == nil, report.Hold
	switch {
	case hold.Released != nil && !on, on && known.Same(hold) && hold.Released == nil,
		told && !on && hold.Since.Before(known.Released.At):
		return
	case hold.Released != nil:
		known.Released = hold.Released
		hold, s.ReleasedAt = known, hold.Released.At
	}
	if s.Holds == nil {
		s.Holds = map[string]contract.Hold{}
	}
	s.Holds[report.HoldID] = hold
	s.HoldNews = append(s.HoldNews, hold)
}

// holdIDs are the ids of holds, sorted.
//
//workflowcheck:ignore
func holdIDs(holds map[string]contract.Hold) []string { return slices.Sorted(maps.Keys(holds)) }

// held reports whether a hold is on.
func (s *WatchFlowState) held() bool {
	for _, id := range holdIDs(s.Holds) {
		if s.Holds[id].Released == nil {
			return true
		}
	}
	return false
}

// take takes in the report of a run. A report can come twice, if the reply to its signal was
// lost.
func (w *watchFlow) take(report RunReport) {
	s := &w.state
	w.follow(report.Settings, report.EndedAt)
	switch {
	case report.Reconciliation != nil:
		w.takeReconciliation(report)
		return
	case report.Sweep:
		w.takeSweep(report)
		return
	}
	if s.LastRun != nil && s.LastRun.RunID == report.RunID {
		return
	}
	s.LastRun = &report
	if report.Watermark != nil && (s.Watermark == nil || report.Watermark.After(*s.Watermark)) {
		s.Watermark = report.Watermark
	}
	if report.Saved > 0 && report.EndedAt.After(s.LastSynced) {
		s.LastSynced = report.EndedAt
	}

	failed := s.Causes[alert.RunFailed]
	failed.hold(alert.RunFailed, report.Failed != "", report.EndedAt)
	if failed.Active {
		failed.News = true
		failed.Trouble.FailedRuns++
		failed.Trouble.Reason, failed.Trouble.WorkflowID, failed.Trouble.RunID = report.Failed, report.WorkflowID, report.RunID
	}
	s.Causes[alert.RunFailed] = failed
	w.takeParked(report)
}

// takeSweep takes in the report of a sweep. The cause ends with the next sweep that finds
// nothing.
func (w *watchFlow) takeSweep(report RunReport) {
	s := &w.state
	if s.LastSweep != nil && s.LastSweep.RunID == report.RunID {
		return
	}
	s.LastSweep = &report
	found := s.Causes[alert.SweepFound]
	found.hold(alert.SweepFound, report.Found > 0 || report.Failed != "", report.EndedAt)
	if found.Active {
		found.News = true
		found.Trouble.Found += report.Found
		found.Trouble.Reason, found.Trouble.WorkflowID, found.Trouble.RunID = report.Failed, report.WorkflowID, report.RunID
	}
	s.Causes[alert.SweepFound] = found
	w.takeParked(report)
}

// takeReconciliation takes in the report of a reconciliation. The cause ends with the next one
// that agrees.
func (w *watchFlow) takeReconciliation(report RunReport) {
	s := &w.state
	if s.LastReconciliation != nil && s.LastReconciliation.RunID == report.RunID {
		return
	}
	s.LastReconciliation = &report
	differs := s.Causes[alert.ReconcileDiffers]
	differs.hold(alert.ReconcileDiffers, !report.Reconciliation.Agrees(), report.EndedAt)
	differs.News = differs.Active
	differs.Trouble.Reconciliation = report.Reconciliation
	differs.Trouble.Reason, differs.Trouble.WorkflowID, differs.Trouble.RunID = report.Reconciliation.Failed, report.WorkflowID, report.RunID
	s.Causes[alert.ReconcileDiffers] = differs
}

// takeParked takes in which orders a run newly parked.
func (w *watchFlow) takeParked(report RunReport) {
	s := &w.state
	parked := s.Causes[alert.OrdersParked]
	// The count of parked orders lags behind what a run has just parked.
	waiting := max(report.Waiting, tally.Total(report.NewlyParked))
	parked.hold(alert.OrdersParked, waiting > 0 && (parked.Active || len(report.NewlyParked) > 0), report.EndedAt)
	if parked.Active {
		parked.News = parked.News || len(report.NewlyParked) > 0
		tally.AddCounts(&parked.Trouble.Parked, report.NewlyParked)
		parked.Trouble.Waiting = waiting
	}
	s.Causes[alert.OrdersParked] = parked
}

// lasts reports whether a cause is news as long as it holds, so that a flow that stands still
// is not forgotten.
func lasts(cause alert.Cause) bool {
	return cause == alert.NothingSynced || cause == alert.LagOverLimit
}

// judge judges the causes that depend on the clock alone.
func (w *watchFlow) judge(now time.Time) {
	w.judgedAt = now
	for _, c := range []struct {
		cause alert.Cause
		last  *time.Time
		limit time.Duration
	}{
		{alert.NothingSynced, &w.state.LastSynced, w.state.Settings.NothingSyncedFor},
		{alert.LagOverLimit, w.state.Watermark, w.state.Settings.LagLimit},
	} {
		state := w.state.Causes[c.cause]
		if w.state.held() {
			// It is not over, and no news: somebody wants it so.
			state.News = false
			w.state.Causes[c.cause] = state
			continue
		}
		over := func(last time.Time) bool { return now.Sub(last) >= c.limit }
		state.hold(c.cause, c.last != nil && c.limit > 0 && over(*c.last) && (state.Active || over(w.state.ReleasedAt)), now)
		if state.Active {
			last := *c.last
			state.News = true
			state.Trouble.Last, state.Trouble.LimitSeconds = &last, int(c.limit/time.Second)
		}
		w.state.Causes[c.cause] = state
	}
}

// hold notes whether a cause holds. A cause that nobody was told of is forgotten when it is
// over.
func (c *CauseState) hold(cause alert.Cause, holds bool, now time.Time) {
	switch {
	case holds && !c.Active:
		c.Trouble = alert.Trouble{Cause: cause, Since: now}
		c.Active, c.Told, c.News = true, false, false
	case !holds:
		c.Active, c.News = false, false
	}
}

// due is the message to be sent now, if any.
func (w *watchFlow) due() (alert.Notice, bool) {
	notice := alert.Notice{Flow: w.flow, Title: w.title, At: w.judgedAt, Holds: w.state.HoldNews, Held: w.state.held()}
	for _, cause := range causes {
		c := w.state.Causes[cause]
		switch {
		case c.Active && c.News && !w.judgedAt.Before(c.SentAt.Add(w.state.Settings.Interval)):
			notice.Firing = append(notice.Firing, c.Trouble)
		case !c.Active && c.Told:
			notice.Resolved = append(notice.Resolved, c.Trouble)
		}
	}
	return notice, len(notice.Firing)+len(notice.Resolved)+len(notice.Holds) > 0
}

// nextMoment is when something may be due without a report. It may have passed while a
// message was being sent.
func (w *watchFlow) nextMoment() (time.Time, bool) {
	var moments []time.Time
	after := func(last time.Time, limit time.Duration) {
		if limit > 0 && !w.state.held() {
			moments = append(moments, last.Add(limit), w.state.ReleasedAt.Add(limit))
		}
	}
	after(w.state.LastSynced, w.state.Settings.NothingSyncedFor)
	if w.state.Watermark != nil {
		after(*w.state.Watermark, w.state.Settings.LagLimit)
	}
	if moment, ok := w.nextSummary(); ok {
		moments = append(moments, moment)
	}
	for _, cause := range causes {
		if c := w.state.Causes[cause]; c.Active && c.News {
			moments = append(moments, c.SentAt.Add(w.state.Settings.Interval))
		}
	}
	// The others have been judged already.
	moments = slices.DeleteFunc(moments, func(moment time.Time) bool { return !moment.After(w.judgedAt) })
	if len(moments) == 0 {
		return time.Time{}, false
	}
	return slices.MinFunc(moments, time.Time.Compare), true
}

// send sends a message about causes. Its results are as those of deliver.
func (w *watchFlow) send(ctx workflow.Context, notice alert.Notice) (gone bool, err error) {
	delivered, gone, err := w.deliver(ctx, notice)
	if err == nil {
		w.told(notice, delivered)
	}
	return gone, err
}

// deliver sends a message to every robot, and says whether any received it; gone says that
// the flow has none of them any more, or is disabled. Its error is the workflow's
// cancellation.
func (w *watchFlow) deliver(ctx workflow.Context, notice alert.Notice) (delivered, gone bool, err error) {
	robots := w.state.Settings.Robots
	var sent []workflow.Future
	for _, robot := range robots {
		sent = append(sent, sendAlert(ctx, SendAlertParams{Robot: robot, Notice: notice}))
	}
	unknown := 0
	w.state.SendFailures = nil
	for i, robot := range robots {
		err := sent[i].Get(ctx, nil)
		var application *temporal.ApplicationError
		switch {
		case err == nil:
			delivered = true
			continue
		case ctx.Err() != nil:
			return false, false, ctx.Err()
		case errors.As(err, &application) && (application.Type() == UnknownRobot || application.Type() == FlowDisabled):
			unknown++
		}
		w.state.SendFailures = append(w.state.SendFailures, text.Join(": ", robot, MessageOf(err)))
	}
	return delivered, unknown == len(robots), nil
}

// told notes that a message was sent, and whether any robot received it. If none did, what is
// wrong is sent once more after the interval, but not what is over, nor a hold.
func (w *watchFlow) told(notice alert.Notice, delivered bool) {
	w.state.HoldNews = nil
	for _, trouble := range notice.Firing {
		c := w.state.Causes[trouble.Cause]
		c.SentAt = notice.At
		if delivered {
			c.Told, c.News = true, lasts(trouble.Cause)
			c.Trouble.FailedRuns, c.Trouble.Parked, c.Trouble.Found = 0, nil, 0
		}
		w.state.Causes[trouble.Cause] = c
	}
	for _, trouble := range notice.Resolved {
		c := w.state.Causes[trouble.Cause]
		c.Told = false
		w.state.Causes[trouble.Cause] = c
	}
}

func (w *watchFlow) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, watchDetails(w.state))
}

// watchDetails renders the state of a watch for the Web UI.
func watchDetails(state WatchFlowState) string {
	var d details
	for _, id := range holdIDs(state.Holds) {
		if state.Holds[id].Released == nil {
			d.hold(state.Holds[id])
		}
	}
	d.entry(text.New("Robots"), literal.Markdown(strings.Join(state.Settings.Robots, ", ")))
	d.row(text.New("Cause"), text.New("Now"), text.New("Since"), text.New("Last message"))
	d.WriteString("|---|---|---|---|\n")
	for _, cause := range causes {
		c := state.Causes[cause]
		now, since, sent := "✓", "", ""
		if c.Active {
			now, since = "✗", shownTime(c.Trouble.Since)
		}
		if !c.SentAt.IsZero() {
			sent = shownTime(c.SentAt)
		}
		d.row(cause, now, since, sent)
	}
	d.WriteString("\n")
	if state.Watermark != nil {
		d.entry(text.New("Watermark"), shownTime(*state.Watermark))
	}
	d.entry(text.New("Last bill saved"), shownTime(state.LastSynced))
	if last := state.LastRun; last != nil {
		d.entry(text.New("Last run"), literal.Markdown(last.WorkflowID)+" · "+shownTime(last.EndedAt))
	}
	for _, failure := range state.SendFailures {
		text.Fprintf(&d, "- not delivered: %s\n", literal.Markdown(failure.String()))
	}
	return d.String()
}
