package activities

import (
	"context"
	"slices"

	"go.temporal.io/sdk/temporal"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

// SyncPage does for a page what [Activities.FetchPage] and [Activities.SavePage] do,
// in one: what is saved need not travel. It asks first which bills exist, of the
// orders to leave out as well, saves the others, and gives back what wants more than
// that.
//
// It fails with a *temporal.ApplicationError of type [workflows.PageUntouched] where
// the page can't be read or the bills can't be looked up, and then has saved nothing.
// Once it has begun to save, it fails only if it is cancelled.
func (a *Activities) SyncPage(ctx context.Context, params workflows.SyncPageParams) (workflows.SyncPageResult, error) {
	defer keepAlive(ctx)()
	s, err := a.readForSync(ctx, params)
	if err != nil {
		err = toTemporal(err)
		return workflows.SyncPageResult{}, temporal.NewApplicationErrorWithCause(workflows.ShortMessage(
			"这一页没有动过，改为先读后存。 The page was left untouched; it is read, then saved, by activities of their own: "+err.Error()),
			workflows.PageUntouched, err)
	}
	return a.saveOfSync(ctx, s, params.Run)
}

// syncedPage is a page at work, with what became of its orders.
type syncedPage struct {
	flow *flow.Flow
	page workflows.FetchPageResult
	// unsaved have no bill, finished have theirs, and others wait for a SaveOrder.
	unsaved, finished, others []*flow.Opened
}

// readForSync reads the page and sees which of its orders have a bill.
func (a *Activities) readForSync(ctx context.Context, params workflows.SyncPageParams) (s syncedPage, err error) {
	if s.flow, err = a.flow(params.Flow); err != nil {
		return s, err
	}
	var picked []*flow.Opened
	if s.page, picked, err = a.readPage(ctx, s.flow, params.FetchPageParams); err != nil {
		return s, err
	}
	if params.MostOrders > 0 && s.page.DataCount > params.MostOrders {
		s.page = workflows.FetchPageResult{PickVersion: s.page.PickVersion, PageCount: s.page.PageCount, DataCount: s.page.DataCount}
		return s, nil
	}
	// Of an order that the page shows twice, the window knows which to take.
	apart := append(repeated(s.page, picked), params.LeaveAlone...)
	picked = s.withoutKnown(picked, params.Known, apart)
	found, err := a.findBills(ctx, workflows.FindBillsParams{Flow: params.Flow, Bills: billsOfPage(s.page, picked)})
	if err != nil {
		return s, err
	}
	var size pageSize
	for _, order := range picked {
		id := order.Order.ID
		left := slices.Contains(apart, id)
		if !left && slices.Contains(found.Finished, id) {
			s.finished = append(s.finished, order)
			continue
		}
		// One that is not saved after all has to travel, so what can't is not tried.
		if err := size.take(order.Order); err != nil {
			s.page.Failed = append(s.page.Failed, stayedBehind(order.Order, err))
		} else if left || slices.Contains(found.Unfinished, id) {
			s.others = append(s.others, order)
		} else {
			s.unsaved = append(s.unsaved, order)
		}
	}
	for i := range s.page.Skipped {
		if id := s.page.Skipped[i].ID; !slices.Contains(apart, id) && !slices.Contains(found.Unfinished, id) {
			s.page.Skipped[i].Order = nil
		}
	}
	return s, nil
}

// withoutKnown takes out what needs no look-up, because it is known as it is shown now.
func (s *syncedPage) withoutKnown(picked []*flow.Opened, known []workflows.SettledOrder, apart []string) []*flow.Opened {
	same := func(shown workflows.SettledOrder) bool {
		return !slices.Contains(apart, shown.ID) && slices.ContainsFunc(known, func(k workflows.SettledOrder) bool {
			return k.ID == shown.ID && k.Content == shown.Content && k.ChangedAt.Equal(shown.ChangedAt)
		})
	}
	for i := range s.page.Skipped {
		if skipped := &s.page.Skipped[i]; same(workflows.SettledOrder{ID: skipped.ID, ChangedAt: skipped.ChangedAt}) {
			skipped.Order = nil
		}
	}
	return slices.DeleteFunc(picked, func(order *flow.Opened) bool {
		if !same(workflows.Settled(order.Order, workflows.SaveOrderResult{})) {
			return false
		}
		s.finished = append(s.finished, order)
		return true
	})
}

// saveOfSync saves the orders without a bill. The error is that of ctx alone.
func (a *Activities) saveOfSync(ctx context.Context, s syncedPage, run string) (workflows.SyncPageResult, error) {
	done, notDone, err := a.saveTogether(ctx, s.flow, run, s.unsaved, false)
	if err != nil {
		return workflows.SyncPageResult{}, err
	}
	result := workflows.SyncPageResult{FetchPageResult: s.page, NotDone: notDone}
	for _, order := range s.finished {
		result.Settled = append(result.Settled, workflows.Settled(order.Order, workflows.SaveOrderResult{Outcome: workflows.AlreadySaved}))
	}
	others := s.others
	for _, order := range s.unsaved {
		if saved, ok := done[order.Order.ID]; ok {
			result.Settled = append(result.Settled, workflows.Settled(order.Order, saved))
		} else {
			others = append(others, order)
		}
	}
	var size pageSize
	for _, order := range others {
		size.add(&result.FetchPageResult, order.Order)
	}
	size.addLeftOut(&result.FetchPageResult)
	return result, nil
}

// billsOfPage are the bills of a page to look up.
func billsOfPage(page workflows.FetchPageResult, picked []*flow.Opened) []workflows.OrderBill {
	var leftOut []workflows.OrderBill
	for _, skipped := range page.Skipped {
		if skipped.Order != nil {
			leftOut = append(leftOut, workflows.BillOfLeftOut(*skipped.Order))
		}
	}
	orders := make([]flow.Order, len(picked))
	for i, order := range picked {
		orders[i] = order.Order
	}
	return billsOf(leftOut, orders)
}

// repeated are the ids that a page shows more than once.
func repeated(page workflows.FetchPageResult, picked []*flow.Opened) (ids []string) {
	shown := map[string]int{}
	for _, skipped := range page.Skipped {
		shown[skipped.ID]++
	}
	for _, order := range picked {
		shown[order.Order.ID]++
	}
	for id, times := range shown {
		if times > 1 {
			ids = append(ids, id)
		}
	}
	return ids
}
