package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/alert"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// CountDay adds up what a flow's runs and its parked orders did on a day, by the Temporal
// server's list, and says from when on that list is complete.
func (a *Activities) CountDay(ctx context.Context, params workflows.CountDayParams) (alert.Counts, error) {
	info := activity.GetInfo(ctx)
	counts, err := visibility.CountDay(ctx, a.Temporal, params.Flow, params.From, params.To)
	if err != nil {
		return alert.Counts{}, err
	}
	retention, err := visibility.Retention(ctx, a.Temporal, info.Namespace)
	if err != nil {
		return alert.Counts{}, err
	}
	if kept := info.StartedTime.Add(-retention); kept.After(params.From) {
		counts.KeptSince = &kept
	}
	return counts, nil
}
