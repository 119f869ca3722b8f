package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// pagedSource shows rows in pages.
type pagedSource struct {
	mu       sync.Mutex
	rows     []map[string]any
	pageSize int
	reads    []int
	// passBegan is the call with which the last pass through the pages began.
	passBegan int
	// before runs before a call, and may change the rows or fail the call.
	before func(s *pagedSource, call int) error
}

func (s *pagedSource) List(ctx context.Context, _ *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	index, err := strconv.Atoi(params["page_index"])
	if err != nil {
		return jushuitan.Page{}, err
	}
	s.reads = append(s.reads, index)
	if s.before != nil {
		if err := s.before(s, len(s.reads)); err != nil {
			return jushuitan.Page{}, err
		}
	}
	if ctx.Err() != nil {
		return jushuitan.Page{}, ctx.Err()
	}
	begin := min((index-1)*s.pageSize, len(s.rows))
	pages := (len(s.rows) + s.pageSize - 1) / s.pageSize
	if last := len(s.reads) - 2; index >= pages && (pages == 1 || last < 0 || s.reads[last] != index) {
		s.passBegan = len(s.reads)
	}
	return jushuitan.Page{
		PageIndex: index, DataCount: len(s.rows), PageCount: pages, Datas: slices.Clone(s.rows[begin:min(begin+s.pageSize, len(s.rows))]),
	}, nil
}

// hookedLedger runs hooks before its calls, beside each other. An error of theirs fails
// the call.
type hookedLedger struct {
	*fakeLedger
	beforeLook func(numbers []string) error
	beforeSave func(number string) error
}

func (l *hookedLedger) FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	if l.beforeLook != nil {
		if err := l.beforeLook(numbers); err != nil {
			return nil, err
		}
	}
	return l.fakeLedger.FindBills(ctx, form, numbers)
}

func (l *hookedLedger) BatchSave(ctx context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	if l.beforeSave != nil {
		var model struct{ FBillNo string }
		if err := json.Unmarshal(request.Model[0], &model); err != nil {
			return nil, err
		}
		if err := l.beforeSave(model.FBillNo); err != nil {
			return nil, err
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return l.fakeLedger.BatchSave(ctx, request)
}

// order is a record with an id, changed at a second past eight, with a content of its own.
func order(id, second int, more ...map[string]any) map[string]any {
	fields := map[string]any{
		"as_id": json.Number(fmt.Sprint(id)), "modified": fmt.Sprintf("2024-03-01 08:00:%02d", second), "so_id": fmt.Sprint("version ", second),
		"items": []any{map[string]any{
			"asi_id": json.Number("1"), "sku_id": "SKU-1", "type": "退货", "qty": json.Number("1"), "r_qty": json.Number("1"), "price": fmt.Sprint(10 + second), "name": "T恤",
		}},
	}
	for _, m := range more {
		maps.Copy(fields, m)
	}
	return record(fields)
}

func orders(count int) (rows []map[string]any) {
	for i := range count {
		rows = append(rows, order(1+i, 0))
	}
	return rows
}

// pages is a window of a source and a ledger.
type pages struct {
	*Activities
	flow   *flow.Flow
	source *pagedSource
	ledger *hookedLedger
	params workflows.SyncPagesParams
	// mostBytes bounds what is left, where it is not 0.
	mostBytes int
}

func newPages(t *testing.T, pageSize int, rows ...map[string]any) *pages {
	t.Helper()
	p := &pages{
		flow: loadFlow(t), source: &pagedSource{rows: rows, pageSize: pageSize}, ledger: &hookedLedger{fakeLedger: newFakeLedger()},
		params: workflows.SyncPagesParams{
			Flow: testFlow, Window: testWindow, Reading: paging.Window{Reader: paging.New(nil)}, MostOrders: 5000, InFlight: 100,
		},
	}
	p.Activities = &Activities{Flows: flow.Flows{testFlow: p.flow}, Source: p.source, Ledger: p.ledger}
	return p
}

// sync runs SyncPages as a worker would.
func (p *pages) sync() (result workflows.SyncPagesResult, err error) {
	value, err := environment(p.Activities).ExecuteActivity(workflows.SyncPagesName, p.params)
	if err != nil {
		return result, err
	}
	return result, value.Get(&result)
}

// work is a SyncPages without Temporal around it.
func (p *pages) work(t require.TestingT, ctx context.Context, retried bool) *PagesSync {
	raw, err := json.Marshal(p.params)
	require.NoError(t, err)
	var params workflows.SyncPagesParams
	require.NoError(t, json.Unmarshal(raw, &params))
	s := NewPagesSync(context.WithoutCancel(ctx), p.Activities, p.flow, params, retried)
	s.mostBytes = cmp.Or(p.mostBytes, s.mostBytes)
	return s
}

func (p *pages) run(t *testing.T, retried bool) workflows.SyncPagesResult {
	t.Helper()
	result, err := p.work(t, t.Context(), retried).Run(t.Context())
	require.NoError(t, err)
	return result
}

// take has the next SyncPages go on where the last one ended.
func (p *pages) take(result workflows.SyncPagesResult) {
	orders := &p.params.Reading.Orders
	for _, order := range result.Outcomes {
		orders.Show(order.Version)
		orders.Record(order.ID, order.Outcome, tally.Failure{Reason: order.Reason})
	}
	for _, pending := range result.Pending {
		orders.Show(paging.VersionOf(pending.Order))
	}
	p.params.Reading.Reader = result.Reader
}

func outcomesOf(settled tally.List) map[string]tally.Outcome {
	outcomes := map[string]tally.Outcome{}
	for _, order := range settled {
		outcomes[order.ID] = order.Outcome
	}
	return outcomes
}

func leftOf(result workflows.SyncPagesResult) (ids []string) {
	for _, pending := range result.Pending {
		ids = append(ids, pending.Order.ID)
	}
	return ids
}

// mark is that of an order's bill.
func (p *pages) mark(record map[string]any) string {
	return p.flow.Mark(picked(p.flow, record)).String()
}

func TestSyncPagesReadsAWindowAndSavesItsOrders(t *testing.T) {
	p := newPages(t, 4, orders(10)...)
	result, err := p.sync()
	require.NoError(t, err)
	require.Equal(t, []int{1, 3, 2, 1, 3, 2, 1}, p.source.reads)
	require.Zero(t, result.Reader.Next)
	require.Equal(t, 3, result.Reader.Pages)
	require.Len(t, result.Outcomes, 10)
	require.Empty(t, result.Pending)
	require.Len(t, p.ledger.bills, 10)
	looks := 0
	for _, call := range p.ledger.calls {
		if call != "save" {
			looks++
		}
	}
	require.Equal(t, 3, looks, "one a page, and none for a page that shows nothing new")
	require.Equal(t, p.flow.PickVersion, result.PickVersion)
	for _, bills := range p.ledger.bills {
		require.Len(t, bills, 1)
	}
}

// What is saved does not travel; what wants more than a look does, whole.
func TestSyncPagesSavesWhatHasNoBillAndLeavesTheRest(t *testing.T) {
	leftOut := map[string]any{"type": "仅退款", "items": []any{}}
	finished := order(2, 0)
	p := newPages(t, 50,
		order(1, 0),
		finished,
		order(3, 0), // has a bill of an earlier version
		order(4, 0), // Kingdee does not answer
		order(5, 0, map[string]any{"items": []any{map[string]any{"asi_id": "1", "sku_id": "S", "type": "退货", "r_qty": "3件", "price": "1"}}}),
		order(6, 0, leftOut),
		order(7, 0, leftOut), // has a bill
		order(8, 0, map[string]any{"modified": "2024-03-01 05:59:59"}),
		order(9, 0), // is being saved in an earlier version
		order(10, 1), order(10, 0),
		record(map[string]any{"as_id": nil}),
		order(11, 0), // somebody else saves it meanwhile
	)
	p.ledger.with("3", "A").with("7", "A").marked("前一版")
	p.ledger.with("2", "A")
	p.ledger.bills["2"][0].Text = p.mark(finished)
	p.ledger.replies = map[string]func() error{
		"4": func() error { return failure(fault.Retry, "connection") },
		"11": func() error {
			p.ledger.bills["11"] = p.ledger.bills["11"][:1]
			return failure(fault.Final, kingdee.ReasonNumberUsed)
		},
	}
	p.params.Reading.Orders.Show(tally.Version{ID: "9", Content: "earlier"})

	result, err := p.sync()
	require.NoError(t, err)
	failed := result.Failed[0].ID
	require.Equal(t, map[string]tally.Outcome{
		"1": tally.Saved, "2": tally.AlreadySaved, "6": tally.LeftOut, "8": tally.Outside, "10": tally.Saved, "11": tally.AlreadySaved, failed: tally.Failed,
	}, outcomesOf(result.Outcomes))
	require.Len(t, result.Failed, 1)
	require.Contains(t, failed, "sha256:")
	require.ElementsMatch(t, []string{"3", "7", "9", "4", "5"}, leftOf(result))
	for _, pending := range result.Pending {
		require.NotEmpty(t, pending.Order.Fields, pending.Order.ID)
		require.Equal(t, pending.Order.ID == "4" || pending.Order.ID == "5", pending.Attempted, pending.Order.ID)
	}
	require.Equal(t, "look 1,2,3,4,5,10,11,6,7", p.ledger.calls[0])

	travelled, err := json.Marshal(result.Outcomes)
	require.NoError(t, err)
	require.NotContains(t, string(travelled), "T恤")
}

// A page may show an order twice; the newer version is the one to save, wherever it is.
func TestSyncPagesSavesTheNewestOfAPage(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []map[string]any
	}{
		{"behind", []map[string]any{order(1, 0), order(1, 1)}},
		{"before", []map[string]any{order(1, 1), order(1, 0)}},
		{"between", []map[string]any{order(1, 0), order(1, 1), order(1, 0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, 50, c.rows...)
			result, err := p.sync()
			require.NoError(t, err)
			require.Equal(t, map[string]tally.Outcome{"1": tally.Saved}, outcomesOf(result.Outcomes))
			require.Len(t, p.ledger.bills["1"], 1)
			require.Contains(t, p.ledger.bills["1"][0].Text, p.mark(order(1, 1)))
		})
	}
}

// Of an order that could not be saved, its own attempts wait as long as the longest asks.
func TestSyncPagesSaysHowLongToWait(t *testing.T) {
	busy := func(delay time.Duration) error {
		return &fault.Error{Class: fault.RateLimited, Reason: "call_limit", Message: "调用过多", Delay: delay}
	}
	for _, c := range []struct {
		name   string
		errs   map[string]error
		panics bool
		want   time.Duration
	}{
		{"nothing failed", nil, false, 0},
		{"refused for good", map[string]error{"1": failure(fault.Final, "unknown_material")}, false, 0},
		{"connection lost", map[string]error{"1": failure(fault.Retry, "connection")}, false, 3 * time.Second},
		{"asked to wait", map[string]error{"1": busy(7 * time.Second), "2": busy(9 * time.Second), "3": busy(8 * time.Second)}, false, 9 * time.Second},
		{"refused for good, and connection lost", map[string]error{"1": failure(fault.Final, "unknown_material"), "2": failure(fault.Retry, "connection")}, false, 3 * time.Second},
		{"a bug", nil, true, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, 50, orders(4)...)
			p.flow.Retry.First = 3 * time.Second
			p.ledger.beforeSave = func(number string) error {
				if c.panics && number == "1" {
					panic("a bug")
				}
				return c.errs[number]
			}
			result := p.run(t, false)
			require.Equal(t, c.want, result.Wait)
			tried := len(c.errs)
			if c.panics {
				tried = 1
			}
			require.Len(t, result.Pending, tried)
			require.Len(t, result.Outcomes, 4-tried)
			for _, pending := range result.Pending {
				require.True(t, pending.Attempted)
			}
		})
	}
}

// A window that will be cut has none of its orders saved.
func TestSyncPagesSavesNothingOfACrowdedWindow(t *testing.T) {
	for _, c := range []struct {
		name    string
		most    int
		shown   bool // something was, before
		crowded int
	}{
		{"not over", 10, false, 0},
		{"over", 9, false, 10},
		{"over, but not when its first orders were saved", 9, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, 4, orders(10)...)
			p.params.MostOrders = c.most
			if c.shown {
				p.params.Reading.Orders.Show(tally.Version{ID: "99", Content: "c"})
			}
			result, err := p.sync()
			require.NoError(t, err)
			require.Equal(t, c.crowded, result.Crowded)
			require.Equal(t, c.crowded == 0, len(p.ledger.bills) == 10)
			if c.crowded > 0 {
				require.Empty(t, p.ledger.calls)
				require.Empty(t, result.Outcomes)
				require.Equal(t, []int{1}, p.source.reads)
			}
		})
	}
}

// An order that could not be left to a SaveOrder is not tried: nobody would look for its
// bill any more.
func TestSyncPagesTriesNothingThatCouldNotTravel(t *testing.T) {
	p := newPages(t, 50, order(1, 0, map[string]any{"items": lines(1000, 600)}), order(2, 0))
	result, err := p.sync()
	require.NoError(t, err)
	require.Equal(t, map[string]tally.Outcome{"1": tally.Failed, "2": tally.Saved}, outcomesOf(result.Outcomes))
	require.NotContains(t, p.ledger.bills, "1")
	require.Len(t, result.Failed, 1)
	require.Equal(t, reasonOrderTooLarge, result.Failed[0].Reason)
}

func TestSyncPagesFailsOnlyWhereNothingWasDone(t *testing.T) {
	lost := failure(fault.Retry, "connection")
	for _, c := range []struct {
		name   string
		change func(*pages)
		reason string
		says   string
		final  bool
	}{
		{"the source does not answer", func(p *pages) { p.source.before = func(*pagedSource, int) error { return lost } }, "connection", "reading page 1 of", false},
		{"the bills can't be looked up", func(p *pages) { p.ledger.beforeLook = func([]string) error { return lost } }, "connection", "looking up existing bills failed", false},
		{"no such flow", func(p *pages) { p.params.Flow = "refund" }, "unknown_flow", "has no flow", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, 4, orders(10)...)
			c.change(p)
			_, err := p.sync()
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
			require.Equal(t, c.final, application.NonRetryable())
			require.Contains(t, application.Message(), c.says)
			require.Empty(t, p.ledger.bills)
		})
	}
}

// What fails on a later page does not throw away what was done before. The next SyncPages
// begins with that page, and fails if it still can't be done.
func TestSyncPagesKeepsWhatWasDoneBeforeAFailure(t *testing.T) {
	lost := failure(fault.Retry, "connection")
	for _, c := range []struct {
		name   string
		change func(p *pages, broken *bool)
		saved  int
	}{
		{"the third page can't be read", func(p *pages, broken *bool) {
			p.source.before = func(s *pagedSource, _ int) error {
				if s.reads[len(s.reads)-1] == 2 && *broken {
					return lost
				}
				return nil
			}
		}, 6},
		{"the bills of the third page can't be looked up", func(p *pages, broken *bool) {
			p.ledger.beforeLook = func(numbers []string) error {
				if numbers[0] == "5" && *broken {
					return lost
				}
				return nil
			}
		}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, 4, orders(10)...)
			broken := true
			c.change(p, &broken)
			result := p.run(t, false)
			require.Len(t, result.Outcomes, c.saved)
			require.Equal(t, 2, result.Reader.Next)
			require.Len(t, p.ledger.bills, c.saved)

			p.take(result)
			_, err := p.work(t, t.Context(), false).Run(t.Context())
			require.ErrorIs(t, err, lost)

			broken = false
			p.take(p.run(t, false))
			require.Zero(t, p.params.Reading.Next)
			require.Equal(t, tally.Tally{Fetched: 10, Saved: 10}, p.params.Reading.Orders.Tally)
			for number, bills := range p.ledger.bills {
				require.Len(t, bills, 1, number)
			}
		})
	}
}

// What ends the reading of a window does not keep what it has shown from being saved.
func TestSyncPagesSavesWhatAWindowHasShownThatCanNotBeReadToItsEnd(t *testing.T) {
	p := newPages(t, 4, orders(10)...)
	p.source.before = func(s *pagedSource, call int) error {
		s.rows = append(s.rows, order(100+call, 0))
		return nil
	}
	for range 100 {
		result, err := p.work(t, t.Context(), false).Run(t.Context())
		if err != nil {
			require.Equal(t, "source_unsettled", fault.As(err).Reason)
			break
		}
		require.NotZero(t, result.Reader.Next)
		p.take(result)
		// The last page is read again, and shows nothing new any more.
		p.source.before = nil
		p.source.rows = p.source.rows[:len(p.source.rows)-1]
	}
	sum := p.params.Reading.Orders.Tally
	require.Equal(t, len(p.ledger.bills), sum.Saved)
	require.Zero(t, sum.InFlight())
}

// A worker that died may have saved any of the orders: they are looked for before each
// save. What is found counts as saved where that worker had begun to save.
func TestSyncPagesThatIsTriedAgainLooksFirst(t *testing.T) {
	t.Run("had begun", func(t *testing.T) { syncPagesTriedAgain(t, true, tally.Saved) })
	t.Run("had not", func(t *testing.T) { syncPagesTriedAgain(t, false, tally.AlreadySaved) })
}

func syncPagesTriedAgain(t *testing.T, savedBefore bool, found tally.Outcome) {
	rows := orders(6)
	p := newPages(t, 3, rows...)
	p.ledger.with("4", "A").with("5", "A").marked(p.mark(rows[3]))
	p.ledger.bills["5"][0].Text = p.mark(rows[4])
	late := true
	p.ledger.beforeLook = func(numbers []string) error {
		// What the dead worker sent lands between the look of the page and that of the order.
		p.ledger.mu.Lock()
		defer p.ledger.mu.Unlock()
		if len(numbers) == 1 && numbers[0] == "6" && late {
			late = false
			p.ledger.with("6", "A")
			p.ledger.bills["6"][0].Text = p.mark(rows[5])
		}
		return nil
	}
	again := p.work(t, t.Context(), true)
	again.After(PagesProgress{Saved: savedBefore})
	result, err := again.Run(t.Context())
	require.NoError(t, err)
	require.Len(t, result.Outcomes, 6)
	require.False(t, late, "an order is looked for before it is saved")
	var amount decimal.Decimal
	for _, order := range result.Outcomes {
		want := tally.Saved
		if order.ID == "4" || order.ID == "5" {
			want = found
		}
		require.Equal(t, want, order.Outcome, order.ID)
		if want == tally.Saved {
			amount = amount.Add(decimal.NewFromInt(10))
		}
	}
	require.Equal(t, amount.String(), result.SavedAmount.String())
	for number, bills := range p.ledger.bills {
		require.Len(t, bills, 1, number)
	}
}

// An order that is shown in a newer version while its older one is being saved is left
// in the newer one, whatever becomes of the older, and neither is taken for the other.
func TestSyncPagesKeepsTheVersionsOfAnOrderApart(t *testing.T) {
	lost := failure(fault.Retry, "connection")
	for _, c := range []struct {
		name string
		// reply is to the save of the older version, which comes back after the newer one
		// was shown, or before.
		reply error
		later bool
		// lookFails is the look-up of the page that shows the newer one.
		lookFails bool
		settled   bool // in the older version
		left      string
		tried     bool
	}{
		{"saved before", nil, false, false, true, "version 1", false},
		{"saved after", nil, true, false, true, "version 1", false},
		{"lost before", lost, false, false, false, "version 1", true},
		{"lost after", lost, true, false, false, "version 1", true},
		{"saved after, and the page of the newer one is not done", nil, true, true, true, "", false},
		{"lost after, and the page of the newer one is not done", lost, true, true, false, "version 0", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p := newPages(t, 2, orders(6)...) // page 3 holds 5 and 6, page 2 holds 3 and 4
				p.source.before = func(s *pagedSource, call int) error {
					if call == 3 { // page 2
						s.rows[3], s.rows[5] = order(6, 1), s.rows[3]
						time.Sleep(time.Minute) // what does not wait is saved by now
					}
					return nil
				}
				p.ledger.beforeSave = func(number string) error {
					if number != "6" {
						return nil
					}
					if c.later {
						time.Sleep(time.Hour)
					}
					return c.reply
				}
				p.ledger.beforeLook = func(numbers []string) error {
					if numbers[0] == "3" && c.lookFails {
						return lost
					}
					return nil
				}
				result := p.run(t, false)
				older, newer := paging.VersionOf(picked(p.flow, order(6, 0))), paging.VersionOf(picked(p.flow, order(6, 1)))
				var settled []tally.Version
				for _, order := range result.Outcomes {
					if order.ID == "6" {
						settled = append(settled, order.Version)
					}
				}
				if c.settled {
					require.Equal(t, []tally.Version{older}, settled)
				} else {
					require.Empty(t, settled)
				}
				if c.left == "" {
					require.Empty(t, result.Pending)
				} else {
					require.Len(t, result.Pending, 1)
					require.Contains(t, string(result.Pending[0].Order.Fields), c.left)
					require.Equal(t, c.tried, result.Pending[0].Attempted)
				}
				// The next SyncPages leaves it in the newer version, unless that is known.
				p.take(result)
				p.ledger.beforeLook, p.ledger.beforeSave = nil, nil
				p.take(p.run(t, false))
				known, _ := p.params.Reading.Orders.Order("6")
				require.Equal(t, newer, known.Version)
			})
		})
	}
}

// Orders of a page share calls, so all that may are saved at once, and never more.
func TestSyncPagesBoundsWhatIsInFlight(t *testing.T) {
	for _, inFlight := range []int{1, 3, 7, 20} {
		t.Run(fmt.Sprint(inFlight), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p := newPages(t, 10, orders(20)...)
				p.params.InFlight = inFlight
				var mu sync.Mutex
				now, most := 0, 0
				p.ledger.beforeSave = func(string) error {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					now--
					mu.Unlock()
					return nil
				}
				result := p.run(t, false)
				require.Len(t, result.Outcomes, 20)
				require.Equal(t, inFlight, most)
			})
		})
	}
}

// The next page is read while the last is being saved.
func TestSyncPagesReadsAhead(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p := newPages(t, 4, orders(10)...)
		begun := time.Now()
		p.source.before = func(*pagedSource, int) error {
			time.Sleep(time.Second)
			return nil
		}
		p.ledger.beforeSave = func(string) error {
			time.Sleep(time.Second)
			return nil
		}
		p.run(t, false)
		require.Equal(t, 7*time.Second, time.Since(begun), "seven reads, and all saves beside them")
	})
}

// A SyncPages that is cancelled, or whose worker is to stop, or that has had its time,
// begins no further page, finishes what it is saving, and gives what was done.
func TestSyncPagesThatIsToEndFinishesWhatItHasBegun(t *testing.T) {
	for _, c := range []struct {
		name string
		// after is when it is to end, while each read takes 1.3 seconds and each save three.
		cancelled, stopped time.Duration
		reads              int
	}{
		{"it has had its time", 0, 0, 16},
		{"it is cancelled", 4500 * time.Millisecond, 0, 4},
		{"the worker is to stop", 0, 4500 * time.Millisecond, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p := newPages(t, 2, orders(100)...)
				p.source.before = func(*pagedSource, int) error {
					time.Sleep(1300 * time.Millisecond)
					return nil
				}
				p.ledger.beforeSave = func(string) error {
					time.Sleep(3 * time.Second)
					return nil
				}
				env := environment(p.Activities)
				stop := make(chan struct{})
				env.SetWorkerStopChannel(stop)
				if c.stopped > 0 {
					time.AfterFunc(c.stopped, func() { close(stop) })
				}
				ctx := context.Background()
				if c.cancelled > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					defer cancel()
					time.AfterFunc(c.cancelled, cancel)
				}
				env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
				value, err := env.ExecuteActivity(workflows.SyncPagesName, p.params)
				require.NoError(t, err)
				var result workflows.SyncPagesResult
				require.NoError(t, value.Get(&result))
				require.Len(t, p.source.reads, c.reads)
				require.Len(t, result.Outcomes, len(p.ledger.bills))
				require.NotEmpty(t, result.Outcomes)
				require.Empty(t, result.Pending)

				p.source.before, p.ledger.beforeSave = nil, nil
				p.take(result)
				p.take(p.run(t, false))
				require.Zero(t, p.params.Reading.Next)
				require.Equal(t, tally.Tally{Fetched: 100, Saved: 100}, p.params.Reading.Orders.Tally)
				for number, bills := range p.ledger.bills {
					require.Len(t, bills, 1, number)
				}
			})
		})
	}
}

// What is left travels, and so must what is being saved, if that fails. Where there is no
// room for more, the next SyncPages goes on.
func TestSyncPagesEndsWhenWhatItHasLeftWouldHardlyTravel(t *testing.T) {
	for _, c := range []struct {
		name string
		// fails are the orders that can't be saved; exist have a bill of an earlier version.
		fails, exist func(number int) bool
	}{
		{"all fail", func(int) bool { return true }, func(int) bool { return false }},
		{"all have a bill", func(int) bool { return false }, func(int) bool { return true }},
		{"some fail", func(n int) bool { return n%3 == 0 }, func(int) bool { return false }},
		{"some of both", func(n int) bool { return n%3 == 0 }, func(n int) bool { return n%4 == 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := orders(30)
			p := newPages(t, 10, rows...)
			size := sizeOf(picked(p.flow, rows[0]))
			p.mostBytes = 4*size + size/2
			for i := range rows {
				if number := fmt.Sprint(i + 1); c.exist(i + 1) {
					p.ledger.with(number, "A")
				}
			}
			p.ledger.beforeSave = func(number string) error {
				if n, _ := strconv.Atoi(number); c.fails(n) {
					return failure(fault.Retry, "connection")
				}
				return nil
			}
			given := map[string]int{}
			for calls := 0; p.params.Reading.Next > 0; calls++ {
				require.Less(t, calls, 50)
				result := p.run(t, false)
				bytes := 0
				for _, pending := range result.Pending {
					bytes += sizeOf(pending.Order)
					given[pending.Order.ID]++
				}
				require.LessOrEqual(t, bytes, p.mostBytes)
				for _, order := range result.Outcomes {
					given[order.ID]++
				}
				p.take(result)
			}
			require.Len(t, given, 30)
			for id, times := range given {
				require.Equal(t, 1, times, "as_id %s", id)
			}
		})
	}
}

// fate tells by chance what a call comes to, the same for the same call.
type fate struct{ seed uint64 }

func (f fate) of(what string, most int) int {
	hash := fnv.New64a()
	fmt.Fprint(hash, f.seed, " ", what)
	return int(hash.Sum64() % uint64(most))
}

// Law: whatever fails, lasts, moves, changes and dies, each version that is newer than
// those before is settled or left once, and each order comes to have one bill, of its
// newest version.
func TestSyncPagesLoseNothingAndSaveNothingTwice(t *testing.T) {
	const most = 14
	virtual(t, func(t *testing.T) {
		p := newPages(t, 3)
		// rapid would ask t for its deadline, which is none of virtual time.
		rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) {
			count := rapid.IntRange(1, most).Draw(t, "orders")
			f := fate{rapid.Uint64().Draw(t, "fate")}
			p.source = &pagedSource{rows: orders(count), pageSize: rapid.IntRange(1, 5).Draw(t, "page size")}
			p.ledger = &hookedLedger{fakeLedger: newFakeLedger()}
			p.Source, p.Ledger = p.source, p.ledger
			p.params.Reading = paging.Window{Reader: paging.New(nil)}
			p.params.InFlight = rapid.IntRange(1, 6).Draw(t, "in flight")
			size := sizeOf(picked(p.flow, order(1, 0)))
			p.mostBytes = rapid.IntRange(2, 10).Draw(t, "orders that travel") * size
			failing := rapid.IntRange(0, 50).Draw(t, "failing calls in percent")
			dying := rapid.IntRange(0, 30).Draw(t, "dying workers in percent")
			changes := rapid.IntRange(0, 12).Draw(t, "reads before which rows change")

			fails := func(what string) error {
				if f.of(what, 100) < failing {
					return failure(fault.Retry, "connection")
				}
				return nil
			}
			version := 0
			p.source.before = func(s *pagedSource, call int) error {
				time.Sleep(time.Duration(f.of(fmt.Sprint("read lasts ", call), 3)) * time.Second)
				if err := fails(fmt.Sprint("read ", call)); err != nil {
					return err
				}
				if call <= changes {
					a, b := f.of(fmt.Sprint("row ", call), count), f.of(fmt.Sprint("other row ", call), count)
					s.rows[a], s.rows[b] = s.rows[b], s.rows[a]
					if f.of(fmt.Sprint("changes ", call), 2) == 0 {
						version++
						id, _ := strconv.Atoi(string(s.rows[a]["as_id"].(json.Number)))
						s.rows[a] = order(id, version)
					}
				}
				return nil
			}
			// The hooks are called beside each other.
			var calls atomic.Int64
			p.ledger.beforeLook = func(numbers []string) error {
				what := fmt.Sprint("look ", calls.Add(1))
				time.Sleep(time.Duration(f.of(what+" lasts", 3)) * time.Second)
				return fails(what)
			}
			p.ledger.replies = map[string]func() error{}
			p.ledger.beforeSave = func(number string) error {
				what := fmt.Sprint("save ", number, calls.Add(1))
				time.Sleep(time.Duration(f.of(what+" lasts", 20)) * time.Second)
				return fails(what)
			}
			for id := 1; id <= count; id++ {
				p.ledger.replies[fmt.Sprint(id)] = func() error { return fails(fmt.Sprint("reply ", id)) } // the bill is saved
			}
			// given is the newest version of each order that was settled or left.
			given := map[string]time.Time{}
			give := func(v tally.Version) {
				last, ok := given[v.ID]
				require.True(t, !ok || last.Before(v.ChangedAt), "as_id %s: %s after %s", v.ID, v.ChangedAt, last)
				given[v.ID] = v.ChangedAt
			}
			retried := false
			for n := 0; p.params.Reading.Next > 0; n++ {
				if n > 300 {
					t.Fatal("it does not end")
				}
				if n > 60 {
					failing, dying = 0, 0
				}
				work := p.work(t, context.Background(), retried)
				if f.of(fmt.Sprint("stopped ", n), 3) == 0 {
					timer := time.AfterFunc(time.Duration(f.of(fmt.Sprint("stopped at ", n), 10))*time.Second, work.Stop)
					defer timer.Stop()
				}
				result, err := work.Run(context.Background())
				if err != nil {
					if reason := fault.As(err).Reason; reason == "source_unsettled" {
						return // too much has moved
					}
					continue
				}
				if f.of(fmt.Sprint("dies ", n), 100) < dying {
					retried = true // nobody hears of what was done
					continue
				}
				retried = false
				for _, order := range result.Outcomes {
					give(order.Version)
				}
				for _, pending := range result.Pending {
					give(paging.VersionOf(pending.Order))
					// SaveOrder looks, and saves or changes.
					number, mark := pending.Order.BillNumber, p.flow.Mark(pending.Order).String()
					if bills := p.ledger.bills[number]; len(bills) > 0 {
						bills[0].Text = mark
					} else {
						p.ledger.bills[number] = []kingdee.Bill{{ID: "1", Number: number, DocumentStatus: "A", Text: mark}}
					}
				}
				p.take(result)
			}
			for id, version := range given {
				require.Len(t, p.ledger.bills[id], 1, "as_id %s", id)
				require.Contains(t, p.ledger.bills[id][0].Text, "["+id+"@"+version.Format("20060102150405"))
			}
			for _, row := range p.source.rows {
				// What changes while the last pass is under way may have been passed already.
				if now := picked(p.flow, row); changes < p.source.passBegan {
					require.True(t, now.ChangedAt.Equal(given[now.ID]), "as_id %s is given as of %s, and not of %s", now.ID, given[now.ID], now.ChangedAt)
				}
			}
			require.Len(t, given, count)
			require.Equal(t, count, p.params.Reading.Orders.Len())
		})
	})
}

func picked(f *flow.Flow, record map[string]any) contract.Order {
	picked, err := f.Pick(record)
	if err != nil {
		panic(err)
	}
	return picked.Order
}

// virtual runs a test in virtual time, when its window is over.
func virtual(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(testWindow.To.Add(time.Hour)))
		test(t)
	})
}

func TestSyncPagesLeavesOutDiscardedOrders(t *testing.T) {
	for _, c := range []struct {
		name string
		asOf time.Time
		want map[string]tally.Outcome
	}{
		{"as of its beginning", time.Now(), map[string]tally.Outcome{"1": tally.LeftOut, "2": tally.Saved, "3": tally.Saved}},
		{"not asked", time.Time{}, map[string]tally.Outcome{"1": tally.Saved, "2": tally.Saved, "3": tally.Saved}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, 10, order(1, 0), order(2, 1), order(3, 0))
			discarded := []contract.Order{picked(p.flow, order(1, 0)), picked(p.flow, order(2, 0))} // 2 has changed since
			p.Parked, p.params.DiscardsAsOf = &fakeParked{discarded: discarded}, c.asOf
			result, err := p.sync()
			require.NoError(t, err)
			require.Equal(t, c.want, outcomesOf(result.Outcomes))
			require.Empty(t, result.Pending)
			require.Equal(t, c.asOf.IsZero(), len(p.ledger.bills["1"]) == 1)
			for _, order := range result.Outcomes {
				require.Equal(t, order.Outcome == tally.LeftOut, order.Reason == contract.ReasonDiscarded)
			}
		})
	}
	// What can't be told is retried by a SaveOrder.
	p := newPages(t, 10, order(1, 0))
	p.Parked, p.params.DiscardsAsOf = &fakeParked{listErr: errors.New("unavailable")}, time.Now()
	result, err := p.sync()
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, leftOf(result))
	require.True(t, result.Pending[0].Attempted)
	require.Empty(t, p.ledger.bills)
}
