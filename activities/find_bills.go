package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/booking"
	"refundsync/internal/groupcommit"
	"refundsync/workflows"
)

// FindBills asks Kingdee which of a page's bills exist, how far they have gone, and whether
// they were made from the current orders. It tells parked orders that need nothing more.
func (a *Activities) FindBills(ctx context.Context, params workflows.FindBillsParams) (workflows.FindBillsResult, error) {
	defer keepAlive(ctx)()
	result, err := a.Find(groupcommit.WithAttempt(ctx, int(activity.GetInfo(ctx).Attempt)), params)
	return result, toTemporal(err)
}

// Find is FindBills without Temporal.
func (a *Activities) Find(ctx context.Context, params workflows.FindBillsParams) (workflows.FindBillsResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.FindBillsResult{}, err
	}
	wanted := make([]booking.Wanted, len(params.Bills))
	for i, bill := range params.Bills {
		wanted[i] = booking.Wanted(bill)
	}
	found, err := a.book(f, "").Find(ctx, wanted)
	if err != nil {
		return workflows.FindBillsResult{}, err
	}
	result := workflows.FindBillsResult{Finished: found.Finished, Unfinished: found.Unfinished}
	return result, a.resolveParked(ctx, params.Flow, found.Resolved)
}
