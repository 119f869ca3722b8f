package activities

import (
	"context"
	"slices"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/booking"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
	"refundsync/workflows"
)

const (
	// billsAPage is how many ids one query lists: the limit of older servers.
	billsAPage = 2000
	// mostListed is after how many ids a ListBills ends.
	mostListed = 20_000
)

// ListBills lists the ids of the bills that are dated in a range and have the flow's bill
// type and organisation, where these are constants. It ends after a while, and fails
// only if it has listed none.
func (a *Activities) ListBills(ctx context.Context, params workflows.ListBillsParams) (workflows.ListBillsResult, error) {
	defer keepAlive(ctx)()
	result, err := a.listBills(ctx, params)
	return result, toTemporal(err)
}

func (a *Activities) listBills(ctx context.Context, params workflows.ListBillsParams) (workflows.ListBillsResult, error) {
	result := workflows.ListBillsResult{Last: params.After}
	f, err := a.flow(params.Flow)
	if err != nil {
		return result, err
	}
	which := kingdee.DatedBills{
		Form: booking.FormOf(f), From: beijing.Day(params.Range.From), To: beijing.Day(params.Range.To),
		BillTypes: f.ValuesOf(f.Form.Form.BillType), Organisations: f.ValuesOf(f.Form.Form.Organisation),
	}
	var all []int64
	for until := time.Now().Add(readFor); !result.Complete && len(all) < mostListed && (len(all) == 0 || goesOn(ctx, until)); {
		ids, err := kingdee.BillIDs(ctx, a.Ledger, which, result.Last, billsAPage)
		if err != nil && len(all) == 0 {
			return result, text.Errorf("listing the bills dated %s to %s failed: %w", which.From, which.To, err)
		}
		if err != nil {
			break // it comes again if it lasts
		}
		all = append(all, ids...)
		// A server may give shorter pages than it is asked for.
		result.Complete = len(ids) == 0
		if len(ids) > 0 {
			result.Last = ids[len(ids)-1]
		}
	}
	result.Bills = reconcile.PackIDs(all)
	return result, nil
}

// usesCustomer reports whether the flow can give a bill that customer.
func usesCustomer(f *flow.Flow, customer string) bool {
	known := f.ValuesOf(f.Form.Form.Customer)
	return len(known) == 0 || slices.Contains(known, customer)
}
