package activities

import (
	"context"

	"refundsync/workflows"
)

// LoadFlow tells a run what it needs to know of its flow.
func (a *Activities) LoadFlow(_ context.Context, params workflows.LoadFlowParams) (workflows.Plan, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.Plan{}, toTemporal(err)
	}
	return workflows.Plan{
		Flow:            f.Name,
		Title:           f.Title,
		Version:         f.Version,
		Enabled:         f.Enabled,
		LongestWindow:   f.Source.Window,
		Overlap:         f.Source.Overlap,
		Lag:             f.Source.Lag,
		Cursor:          f.Source.Cursor,
		SinceRowVersion: f.Source.SinceTS,
		WindowsAtOnce:   f.Options.WindowsAtOnce,
		InFlight:        f.Options.InFlight,
		TooManyFailures: f.TooManyFailures,
		Retry: workflows.Retry{
			Attempts: f.Retry.Attempts,
			First:    f.Retry.First,
			Factor:   f.Retry.Factor,
			Longest:  f.Retry.Longest,
		},
	}, nil
}
