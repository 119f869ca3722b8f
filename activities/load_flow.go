package activities

import (
	"context"
	"time"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

// LoadFlow tells a run what it needs to know of its flow.
func (a *Activities) LoadFlow(_ context.Context, params workflows.LoadFlowParams) (workflows.Plan, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.Plan{}, toTemporal(err)
	}
	var since *time.Time
	if !f.Source.Since.IsZero() {
		since = &f.Source.Since
	}
	return workflows.Plan{
		Flow:            f.Name,
		Title:           f.Title,
		Version:         f.Version,
		Enabled:         f.Enabled,
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
		TooManyFailures: f.TooManyFailures,
		Retry: workflows.Retry{
			Attempts: f.Retry.Attempts,
			First:    f.Retry.First,
			Factor:   f.Retry.Factor,
			Longest:  f.Retry.Longest,
		},
		Alerts: alertSettings(f),
	}, nil
}

func alertSettings(f *flow.Flow) *workflows.AlertSettings {
	if len(f.Alerts.Robots) == 0 {
		return nil
	}
	settings := &workflows.AlertSettings{
		Interval:         f.Alerts.Interval,
		NothingSyncedFor: f.Alerts.NothingSyncedFor,
		LagLimit:         f.LagLimit,
	}
	for _, robot := range f.Alerts.Robots {
		settings.Robots = append(settings.Robots, robot.URLFrom)
	}
	return settings
}
