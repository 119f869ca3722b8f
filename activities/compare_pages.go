package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"refundsync/internal/allowance"
	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/paging"
	"refundsync/internal/reconcile"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// mostCompared is after how many rows a ComparePages ends: they must fit into its result.
const mostCompared = 2000

// ComparePages reads pages of a window, as SyncPages does, and compares each order that was
// not shown before with its bills. It changes nothing. In a window outside the range, it
// compares the orders whose bills should be dated in the range; what other bills are dated
// there is for CompareBills.
//
// It ends when the window is read, after a while, when the worker stops, or when the rows
// are as many as fit into the result. Before that, it looks once more at the orders that
// differ: a page that fails does not undo those before it, but a second look that fails does.
func (a *Activities) ComparePages(ctx context.Context, params workflows.ComparePagesParams) (workflows.ComparePagesResult, error) {
	defer keepAlive(ctx)()
	result, err := a.comparePages(ctx, params)
	return result, toTemporal(err)
}

func (a *Activities) comparePages(ctx context.Context, params workflows.ComparePagesParams) (workflows.ComparePagesResult, error) {
	c, err := a.comparison(ctx, params.Comparison)
	if err != nil {
		return workflows.ComparePagesResult{}, err
	}
	p := &pagesComparison{comparison: c, params: params, reading: params.Reading}
	result := workflows.ComparePagesResult{Reader: p.reading.Reader}
	until := time.Now().Add(readFor)
	for pages := 0; p.reading.Next > 0 && len(c.rows)+len(c.doubtful) < mostCompared && (pages == 0 || goesOn(ctx, until)); pages++ {
		crowded, err := p.page(ctx)
		if crowded > 0 {
			return workflows.ComparePagesResult{Crowded: crowded}, nil
		}
		if err != nil && pages == 0 {
			return workflows.ComparePagesResult{}, err
		}
		if err != nil {
			break // it comes again if it lasts
		}
		result.Reader, result.Shown = p.reading.Reader, p.shown
	}
	if err := c.lookAgain(ctx); err != nil {
		return workflows.ComparePagesResult{}, err
	}
	result.ComparedRows = c.result()
	return result, nil
}

// goesOn reports whether an activity may begin more.
func goesOn(ctx context.Context, until time.Time) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return false
	case <-ctx.Done():
		return false
	default:
		return time.Now().Before(until)
	}
}

type pagesComparison struct {
	*comparison
	params  workflows.ComparePagesParams
	reading paging.Window
	shown   tally.List
}

// page reads the next page and compares its orders; crowded is the source's count if the
// window has too many orders. After an error, the reading is of no use.
func (p *pagesComparison) page(ctx context.Context) (crowded int, err error) {
	opens := p.reading.Orders.Len() == 0
	page, rows, err := p.a.readPage(allowance.Shared(ctx), p.flow,
		workflows.FetchPageParams{Flow: p.flow.Name, Window: p.params.Window, PageIndex: p.reading.Next}, p.knows)
	if err != nil {
		return 0, err
	}
	if opens && page.DataCount > p.params.MostOrders {
		return page.DataCount, nil
	}
	byVersion := map[shownAs]*row{}
	for _, row := range rows {
		if row.outside != "" {
			page.Outside = append(page.Outside, row.outside)
			continue
		}
		order, err := p.open(row)
		if err != nil {
			return 0, err
		}
		byVersion[asShown(order)] = row
		page.Orders = append(page.Orders, order)
	}
	var shown tally.List
	work, err := p.reading.Take(page, func(id string, outcome tally.Outcome, _ tally.Failure) {
		shown = append(shown, tally.Order{Version: tally.Version{ID: id}, Outcome: outcome})
	})
	if err != nil {
		return 0, err
	}
	var orders []seenOrder
	for _, order := range work.New {
		shown = append(shown, tally.Order{Version: paging.VersionOf(order)})
		mapped, err := p.mapped(ctx, byVersion[asShown(order)])
		if err != nil {
			return 0, err
		}
		if p.counts(mapped) {
			orders = append(orders, seenOrder{mapped, order.ChangedAt})
		}
	}
	for _, order := range work.Newer {
		shown = append(shown, tally.Order{Version: paging.VersionOf(order)})
	}
	if err := p.compare(ctx, orders); err != nil {
		return 0, err
	}
	p.shown = append(p.shown, shown...)
	return 0, nil
}

// knows reports whether an order was shown before in this version.
func (p *pagesComparison) knows(order contract.Order) bool {
	known, ok := p.reading.Orders.Order(order.ID)
	return ok && known.Outcome != tally.Outside && known.Content == order.Content() && known.ChangedAt.Equal(order.ChangedAt)
}

// open is the order of a row, which becomes one to be mapped even if the flow leaves it out.
func (p *pagesComparison) open(row *row) (contract.Order, error) {
	switch {
	case row.failed != nil:
		return contract.Order{ID: row.failed.ID}, nil
	case row.skipped != nil:
		opened, err := p.flow.Pick(row.record)
		if err != nil {
			return contract.Order{}, err
		}
		row.order = opened
	}
	return row.order.Order, nil
}

func (p *pagesComparison) mapped(ctx context.Context, row *row) (reconcile.Order, error) {
	if row.failed != nil {
		return reconcile.Order{ID: row.failed.ID, Unmapped: row.failed.Reason, Numbers: []string{""}, ChangedOn: beijing.Day(p.params.Window.From)}, nil
	}
	return p.order(ctx, row.order, row.record)
}

// counts reports whether an order of the window counts.
func (p *pagesComparison) counts(order reconcile.Order) bool {
	span := p.params.Range
	inside := span.Holds(p.params.Window.From) && span.Holds(p.params.Window.To)
	return inside || p.holds(order.Date)
}
