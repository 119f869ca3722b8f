package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"refundsync/internal/beijing"
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

// FetchPage reads one page of a window from the source and keeps of each order
// what the flow names. An order that is left out, that can't be read or that is
// too large to travel says so in the result and never fails its page. What has no room
// in one result is read by the next call: the rows at the beginning of the page, or with
// row versions those behind the last.
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

// fitting is how many of the rows, from the first on, have room in one result. Those
// that never would become failures.
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

// nothingKnown is for who remembers nothing of what the source has shown.
func nothingKnown(contract.Order) bool { return false }

// readPage reads a page from the source, or the rows at its beginning. These, which the
// page does not hold yet, come in their order; orders that are known as they are, unopened.
func (a *Activities) readPage(ctx context.Context, f *flow.Flow, params workflows.FetchPageParams, known func(contract.Order) bool) (page paging.Page, rows []*row, err error) {
	reply, err := a.Source.RefundList(ctx, requestParameters(f, params))
	if err != nil {
		return page, nil, fmt.Errorf("读取售后单 %s 第 %d 页失败 reading page %d failed: %w", params.Window, params.PageIndex, params.PageIndex, err)
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

// row is one row of a reply, put where it belongs: beside the record that it came as,
// exactly one is set.
type row struct {
	record  map[string]any
	order   *flow.Opened // is to become a bill
	skipped *paging.Skipped
	failed  *tally.Failure
	outside string // the id of an order of a neighbouring window
}

// travels is the order that travels with the row; nil for none.
func (r *row) travels() *contract.Order {
	switch {
	case r.order != nil:
		return &r.order.Order
	case r.skipped != nil:
		return r.skipped.Order
	}
	return nil
}

// size is about what travels of the row, in bytes.
func (r *row) size() int {
	order := r.travels()
	if order == nil {
		return 0
	}
	return sizeOf(*order)
}

// tooLarge turns the row into the failure of an order that is too large to travel. One
// that is left out goes without its fields, so that no bill of it is looked for.
func (r *row) tooLarge(size int) {
	order := *r.travels()
	if r.skipped != nil {
		r.skipped.Order = nil
		return
	}
	*r = row{record: r.record, failed: &tally.Failure{ID: order.ID, BillNumber: order.BillNumber, Reason: reasonOrderTooLarge, Message: text.Of(orderTooLarge(order.ID, size)).Short(tally.LongestMessage)}}
}

// addTo adds the row to a page that travels.
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

// clocksApart is by how much the clocks of the worker and of Temporal's server may
// differ where the source's is not known.
const clocksApart = time.Minute

// checkOver keeps a window from being taken for read that was not over at the source
// when it was asked: what changes in it later would be left out for good.
func checkOver(window workflows.Window, source jushuitan.Clock) error {
	if source.Known() {
		if left := window.To.Sub(source.Time()); left > 0 {
			return windowNotOver(window, left, source)
		}
		return nil
	}
	if left := time.Until(window.To); left > clocksApart {
		return clockAhead(window, left)
	}
	return nil
}

// windowNotOver passes by itself, when the source's clock is there.
func windowNotOver(window workflows.Window, left time.Duration, source jushuitan.Clock) error {
	return &fault.Error{
		Class:  fault.Retry,
		Reason: "clock_ahead",
		Message: fmt.Sprintf("窗口 %[1]s 按聚水潭的时钟还有 %[2]s 才结束，到时再读。 By Jushuitan's clock the window %[1]s ends only in %[2]s, and is read then. %[3]s",
			window, left.Round(time.Second), source),
		Advice: text.Literal("会自动重试；请让 worker 和 Temporal 服务器与网络时间（NTP）同步。 Tried again by itself; synchronise the worker and Temporal's server with network time (NTP)"),
		Delay:  left + time.Second, // the next reply's Date leaves out up to a second
	}
}

func clockAhead(window workflows.Window, ahead time.Duration) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: "clock_ahead",
		Message: fmt.Sprintf("窗口 %[1]s 按 worker 的时钟还有 %[2]s 才结束：Temporal 服务器的时钟快了，或 worker 的慢了，没有读取。 By the worker's clock the window %[1]s ends only in %[2]s: the clock of Temporal's server is ahead, or the worker's behind, so it was not read",
			window, ahead.Round(time.Second)),
		Advice: text.Literal("请让两台机器与网络时间（NTP）同步，再重跑同一时段。 Synchronise both machines with network time (NTP), then run the range again"),
	}
}

// requestParameters are the flow's own parameters and those that the run fills
// in.
func requestParameters(f *flow.Flow, params workflows.FetchPageParams) map[string]string {
	start, end := params.Window.Asked()
	request := maps.Clone(f.Source.Parameters)
	request["page_index"] = strconv.Itoa(params.PageIndex)
	if params.StartTS != nil {
		request["start_ts"] = strconv.FormatInt(*params.StartTS, 10)
		request["is_get_total"] = "false" // which is faster; nobody counts by row versions
		return request
	}
	request["is_get_total"] = "true" // what it is by default is not documented
	request["start_time"] = start.In(beijing.Zone).Format("2006-01-02 15:04:05")
	request["end_time"] = end.In(beijing.Zone).Format("2006-01-02 15:04:05")
	return request
}

// counts are the source's numbers of pages and orders. A source that gives
// fewer than it shows is not believed; one that gives none can't be read from
// its last page, and so not without gaps.
func counts(f *flow.Flow, params workflows.FetchPageParams, reply jushuitan.Page) (pages, orders int, err error) {
	pages, orders = reply.PageCount, reply.DataCount
	if pages == 0 && reply.HasNext {
		return 0, 0, &fault.Error{
			Class:   fault.Retry,
			Reason:  "no_page_count",
			System:  text.Literal("聚水潭 Jushuitan"),
			Call:    f.Source.Method,
			Message: "这一页之后还有售后单，回复却没有可信的 page_count 和 data_count，无法从最后一页读起。 More orders follow this page, yet the reply has no page_count or data_count to be believed, so that its last page is unknown",
			Advice:  text.Literal("会自动重试；一直如此时，请把流程文件的 window 调小，使一个窗口不满一页，并联系聚水潭。 Tried again by itself; if it lasts, shorten window in the flow file so that a window is less than a page, and ask Jushuitan"),
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

// sort puts one record of the reply where it belongs.
func sort(f *flow.Flow, params workflows.FetchPageParams, record map[string]any, known func(contract.Order) bool) *row {
	picked, err := f.PickUnless(known, record)
	if err != nil {
		failure := unreadable(record, err)
		return &row{failed: &failure}
	}
	order := picked.Order
	// An order without a readable time, or with one that is not told to the second or
	// that the source was not asked for, is taken by every window that shows it: saving
	// it is safe to repeat, leaving it out is not.
	if params.StartTS == nil && params.Window.Neighbours(f.CountedAt(record)) && catalog.ToTheSecond(record[f.Source.ChangedField()]) {
		return &row{outside: order.ID}
	}
	if known(order) {
		return &row{order: picked}
	}
	// An order on which a precondition fails is tried all the same: it fails with the
	// same reason where it can be seen and retried.
	if reason, skip, err := picked.Skip(); err == nil && skip {
		skipped := &paging.Skipped{ID: order.ID, Reason: reason, ChangedAt: order.ChangedAt, NotBooked: order.NotBooked}
		if order.BillNumber != "" {
			skipped.Order = &order
		}
		return &row{skipped: skipped}
	}
	return &row{order: picked}
}

// unreadable is the failure of a record without a key. It goes by a hash of
// its content, so that it is counted once however often it is read.
func unreadable(record map[string]any, err error) tally.Failure {
	failure := tally.Failure{Reason: "unreadable_order", Message: text.Of(err).Short(tally.LongestMessage)}
	if f := fault.As(err); f != nil {
		failure.Reason = f.Reason
	}
	// What came from JSON can be written as JSON.
	content, _ := json.Marshal(record)
	hash := sha256.Sum256(content)
	failure.ID = "sha256:" + hex.EncodeToString(hash[:8])
	return failure
}
