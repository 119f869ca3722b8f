package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// FetchPage reads one page of a window from the source and keeps those fields of each
// order that the flow names. An order that is left out, unreadable or too large for a
// result is listed as such and never fails its page. What does not fit into one result is
// read by the next call: the rows at the beginning of the page, or with row versions those
// after the last.
func (a *Activities) FetchPage(ctx context.Context, params workflows.FetchPageParams) (paging.Page, error) {
	defer keepAlive(ctx)()
	page, err := a.Fetch(ctx, params)
	return page, toTemporal(err)
}

// Fetch is FetchPage without Temporal.
func (a *Activities) Fetch(ctx context.Context, params workflows.FetchPageParams) (paging.Page, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return paging.Page{}, err
	}
	page, rows, err := a.readPage(ctx, f, params, nothingKnown)
	if err != nil {
		return paging.Page{}, err
	}
	if params.StartTS != nil {
		if fits := fitting(rows); fits < len(rows) {
			rows, page.More = rows[:fits], true
			if err := readVersions(f, params, rows, &page); err != nil {
				return paging.Page{}, err
			}
		}
	} else {
		slices.Reverse(rows)
		page.Rest = len(rows) - fitting(rows)
		rows = rows[:len(rows)-page.Rest]
		slices.Reverse(rows)
	}
	for _, row := range rows {
		row.addTo(&page)
	}
	return page, nil
}

// fitting is how many of the rows, from the first on, fit into one result. Rows that never
// fit become failures.
func fitting(rows []*row) (count int) {
	room := longestPage
	for _, row := range rows {
		size := row.size()
		if size > longestOrder {
			row.tooLarge(size)
			size = 0
		}
		if room -= size; room < 0 {
			break
		}
		count++
	}
	return count
}

// CountOrders asks the source how many orders a window has.
func (a *Activities) CountOrders(ctx context.Context, params workflows.FetchPageParams) (int, error) {
	defer keepAlive(ctx)()
	f, err := a.flow(params.Flow)
	if err != nil {
		return 0, toTemporal(err)
	}
	page, _, err := a.readPage(ctx, f, params, nothingKnown)
	return page.DataCount, toTemporal(err)
}

// nothingKnown is for callers that do not know what the source has shown before.
func nothingKnown(contract.Order) bool { return false }

// readPage reads a page from the source, or the rows at its beginning. The rows are not
// added to the page yet. Orders that are already known in this version stay unopened.
func (a *Activities) readPage(ctx context.Context, f *flow.Flow, params workflows.FetchPageParams, known func(contract.Order) bool) (page paging.Page, rows []*row, err error) {
	if len(params.OrderIDs) > 0 {
		return a.readOrders(ctx, f, params)
	}
	reply, err := a.Source.List(ctx, f.Source.Interface, requestParameters(f, params))
	if err != nil {
		return page, nil, text.Errorf("reading page %d of %s failed: %w", params.PageIndex, params.Window, err)
	}
	if err := checkOver(params.Window, reply.Clock); err != nil {
		return page, nil, err
	}
	page.PickVersion = f.PickVersion
	a.refreshTables(ctx, f)
	records := reply.Datas
	if params.Rows > 0 {
		records = records[:min(params.Rows, len(records))]
	}
	for _, record := range records {
		row := sort(f, params, record, known)
		row.record = record
		rows = append(rows, row)
	}
	if params.StartTS != nil {
		page.More = reply.HasNext || len(rows) >= f.Source.PageSize
		return page, rows, readVersions(f, params, rows, &page)
	}
	page.PageCount, page.DataCount, err = counts(f, params, reply)
	return page, rows, err
}

// row is one classified row of a reply: besides its record, exactly one field is set.
type row struct {
	record  map[string]any
	order   *flow.Opened // should have a bill
	skipped *paging.Skipped
	failed  *tally.Failure
	outside string // the id of an order of a neighbouring window
}

// travels is the order that is part of the row's result; nil for none.
func (r *row) travels() *contract.Order {
	switch {
	case r.order != nil:
		return &r.order.Order
	case r.skipped != nil:
		return r.skipped.Order
	}
	return nil
}

// size is the approximate size of the row in the result, in bytes.
func (r *row) size() int {
	order := r.travels()
	if order == nil {
		return 0
	}
	return sizeOf(*order)
}

// tooLarge turns the row into the failure of an order that is too large for a result. An
// order that is left out only loses its fields, so that its bills are not looked up.
func (r *row) tooLarge(size int) {
	order := *r.travels()
	if r.skipped != nil {
		r.skipped.Order = nil
		return
	}
	*r = row{record: r.record, failed: &tally.Failure{ID: order.ID, BillNumber: order.BillNumber, Reason: reasonOrderTooLarge, Message: text.Of(orderTooLarge(order.ID, size)).Short(tally.LongestMessage)}}
}

// addTo adds the row to a page.
func (r *row) addTo(page *paging.Page) {
	switch {
	case r.order != nil:
		page.Orders = append(page.Orders, r.order.Order)
	case r.skipped != nil:
		page.Skipped = append(page.Skipped, *r.skipped)
	case r.failed != nil:
		page.Failed = append(page.Failed, *r.failed)
	default:
		page.Outside = append(page.Outside, r.outside)
	}
}

// clocksApart is how much the clocks of the worker and of Temporal's server may differ if
// the source's clock is unknown.
const clocksApart = time.Minute

// checkOver refuses a window that was not over at the source when it was read: what changes
// in it later would be missing for good.
func checkOver(window workflows.Window, source jushuitan.Clock) error {
	if source.Known() {
		if wait := window.To.Sub(source.Time()); wait > 0 {
			return windowNotOver(window, wait, source)
		}
		return nil
	}
	if wait := time.Until(window.To); wait > clocksApart {
		return clockAhead(window, wait)
	}
	return nil
}

// windowNotOver is retried when the window is over by the source's clock.
func windowNotOver(window workflows.Window, wait time.Duration, source jushuitan.Clock) error {
	return &fault.Error{
		Class:  fault.Retry,
		Reason: "clock_ahead",
		Err:    text.Errorf("by Jushuitan's clock, the window %s ends only in %s and is read then (%s)", window, wait.Round(time.Second), source.Text()),
		Advice: text.New("Retried automatically; synchronise the worker and Temporal's server with network time (NTP)"),
		Delay:  wait + time.Second, // the next reply's Date is cut to the second
	}
}

func clockAhead(window workflows.Window, ahead time.Duration) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: "clock_ahead",
		Err: text.Errorf("by the worker's clock, the window %s ends only in %s and was not read: the clock of Temporal's server is fast, or the worker's is slow",
			window, ahead.Round(time.Second)),
		Advice: text.New("Synchronise both machines with network time (NTP), then run the same range again"),
	}
}

// requestParameters are the flow's parameters and those of the run.
func requestParameters(f *flow.Flow, params workflows.FetchPageParams) map[string]string {
	if params.StartTS != nil {
		return f.Source.From(*params.StartTS)
	}
	start, end := params.Window.Asked()
	return f.Source.Page(start, end, params.PageIndex)
}

// counts are the source's numbers of pages and orders. If a source counts fewer than it
// shows, the higher number is taken; if it counts none, it can't be read from its last
// page, and so not without gaps.
func counts(f *flow.Flow, params workflows.FetchPageParams, reply jushuitan.Page) (pages, orders int, err error) {
	pages, orders = reply.PageCount, reply.DataCount
	if pages == 0 && reply.HasNext {
		return 0, 0, &fault.Error{
			Class:  fault.Retry,
			Reason: "no_page_count",
			System: text.New("Jushuitan"),
			Call:   f.Source.Method,
			Err:    text.Errorf("more orders follow this page, but the reply has no credible page_count and data_count, so the last page is unknown"),
			Advice: text.New("Retried automatically; if it lasts, shorten window in the flow file so that a window is less than a page, and ask Jushuitan's support"),
		}
	}
	if len(reply.Datas) > 0 {
		pages = max(pages, params.PageIndex)
	}
	if reply.HasNext {
		pages = max(pages, params.PageIndex+1)
	}
	return pages, orders, nil
}

// sort classifies one record of the reply.
func sort(f *flow.Flow, params workflows.FetchPageParams, record map[string]any, known func(contract.Order) bool) *row {
	picked, err := f.PickUnless(known, record)
	if err != nil {
		failure := unreadable(record, err)
		return &row{failed: &failure}
	}
	order := picked.Order
	// An order whose time is unreadable, not precise to the second, or far outside the
	// window, is taken by every window that shows it: saving it twice is safe, missing it
	// is not.
	if params.StartTS == nil && len(params.OrderIDs) == 0 && params.Window.Neighbours(f.CountedAt(record)) && catalog.ToTheSecond(record[f.Source.ChangedField()]) {
		return &row{outside: order.ID}
	}
	if known(order) {
		return &row{order: picked}
	}
	// An order on which a condition fails goes on to be saved: it fails with the same
	// reason there, where it is visible and retried.
	if reason, skip, err := picked.Skip(); err == nil && skip {
		skipped := &paging.Skipped{ID: order.ID, Reason: reason, ChangedAt: order.ChangedAt, NotBooked: order.NotBooked}
		if order.BillNumber != "" {
			skipped.Order = &order
		}
		return &row{skipped: skipped}
	}
	return &row{order: picked}
}

// unreadable is the failure of a record without a key. Its id is a hash of its content, so
// that it is counted once however often it is read.
func unreadable(record map[string]any, err error) tally.Failure {
	failure := tally.Failure{Reason: "unreadable_order", Message: text.Of(err).Short(tally.LongestMessage)}
	if f := fault.As(err); f != nil {
		failure.Reason = f.Reason
	}
	// What came from JSON can be marshalled.
	content, _ := json.Marshal(record)
	hash := sha256.Sum256(content)
	failure.ID = tally.UnkeyedPrefix + hex.EncodeToString(hash[:8])
	return failure
}
