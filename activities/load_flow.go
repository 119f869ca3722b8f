package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/version"
	"refundsync/workflows"
)

// LoadFlow gives a run what it needs to know about its flow, whether it is held, and the time
// at the source. It fails if it can't tell whether the flow is held.
func (a *Activities) LoadFlow(ctx context.Context, params workflows.LoadFlowParams) (workflows.LoadFlowResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.LoadFlowResult{}, toTemporal(err)
	}
	result := workflows.LoadFlowResult{Plan: a.planOf(f), OrderIDs: f.Keys(params.Orders), ProgramVersion: version.Version()}
	if result.Holds, err = a.holds(ctx, f.Name); err != nil || len(result.Holds) > 0 {
		return result, err
	}
	result.NotKept = a.keep(ctx, f)
	if clock := a.sourceClock(ctx, f); clock.Known() {
		result.SourceTime, result.SourceAhead = clock.Time(), clock.Ahead()
	}
	return result, nil
}

// clockWait bounds the wait for the source's time: it is FetchPage that waits for a source
// that does not answer.
const clockWait = 5 * time.Second

// longAgo is a second without orders, for a call of which only the reply's Date matters.
var longAgo = time.Date(2000, 1, 1, 0, 0, 0, 0, beijing.Zone)

// sourceClock asks for the source's clock. If it is unknown, a run goes by our own, and
// FetchPage checks whether the window is over at the source.
func (a *Activities) sourceClock(ctx context.Context, f *flow.Flow) jushuitan.Clock {
	log := activity.GetLogger(ctx)
	ctx, cancel := context.WithTimeout(ctx, clockWait)
	defer cancel()
	second := workflows.Window{From: longAgo, To: longAgo}
	page, err := a.Source.List(ctx, f.Source.Interface, requestParameters(f, workflows.FetchPageParams{Window: second, PageIndex: 1}))
	clock := page.Clock
	switch {
	case err != nil:
		log.Warn("the source did not answer with its time; the range goes by our own clock", "error", err)
	case !clock.Known():
		a.noDate.Do(func() {
			log.Warn("the source's replies have no readable Date (a proxy may drop it); ranges go by our own clock, so synchronise it with network time (NTP)")
		})
	case clock.Ahead() != 0:
		log.Warn("the clocks differ, and the range goes by the slower one; synchronise with network time (NTP)", "source", clock.Date, "worker", clock.Received)
	}
	return clock
}

func (a *Activities) planOf(f *flow.Flow) workflows.Plan {
	var since *time.Time
	if !f.Source.Since.IsZero() {
		since = &f.Source.Since
	}
	return workflows.Plan{
		Flow:            f.Name,
		Title:           f.Title,
		Version:         f.Version,
		Enabled:         f.Enabled,
		Transport:       f.Source.Interface.Transport,
		Money:           f.Form.Form.Money(),
		LongestWindow:   f.Source.Window,
		Overlap:         f.Source.Overlap,
		Lag:             f.Source.Lag,
		Since:           since,
		Cursor:          f.Source.Cursor,
		SinceRowVersion: f.Source.SinceTS,
		WindowsAtOnce:   f.Options.WindowsAtOnce,
		InFlight:        f.Options.InFlight,
		PageSize:        f.Source.PageSize,
		Grain:           f.Options.Grain,
		CallsPerSecond:  a.CallsPerSecond,
		Sessions:        a.Sessions,
		TooManyFailures: f.TooManyFailures,
		Retry:           f.Retry,
		Sweep:           sweepOf(f),
		Alerts:          alertSettings(f),
	}
}

func sweepOf(f *flow.Flow) *workflows.Sweep {
	if f.Sweep == nil {
		return nil
	}
	return &workflows.Sweep{Span: time.Duration(f.Sweep.Days) * 24 * time.Hour, Behind: f.LagLimit}
}

func alertSettings(f *flow.Flow) *workflows.AlertSettings {
	if len(f.Alerts.Robots) == 0 {
		return nil
	}
	settings := &workflows.AlertSettings{
		Interval:         f.Alerts.Interval,
		NothingSyncedFor: f.Alerts.NothingSyncedFor,
		LagLimit:         f.LagLimit,
		Reconciles:       f.Reconcile != nil,
	}
	if at := f.Alerts.DailyAt; at != nil {
		daily := time.Duration(*at) * time.Minute
		settings.DailyAt = &daily
	}
	for _, robot := range f.Alerts.Robots {
		settings.Robots = append(settings.Robots, robot.URLFrom)
	}
	return settings
}
