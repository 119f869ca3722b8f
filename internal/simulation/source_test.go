package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/jushuitan"
)

// source is Jushuitan in memory. Queries return the confirmed orders.
type source struct {
	*life
	ids  []string
	rows map[string]*row // as queries return them
	// versions are all versions of each order.
	versions map[string][]*row
	// ahead is how far its clock is ahead.
	ahead time.Duration
}

// row is a version of an order. It is immutable.
type row struct {
	id        string
	confirmed bool
	// modified has second precision.
	modified   time.Time
	refundOnly bool
	// quantities are those of the lines, whose materials are M1, M2 and so on.
	quantities []int
	record     map[string]any // as received
	order      contract.Order // as the flow maps it
}

func (s *source) now() time.Time { return time.Now().Add(s.ahead).In(beijing.Zone) }

// put replaces an order's version. The new one becomes visible a while after its own
// modification time; until then the previous one is.
func (s *source) put(r row, shown time.Duration) {
	r.modified = s.now().Truncate(time.Second)
	items := []any{}
	for i, quantity := range r.quantities {
		items = append(items, map[string]any{"asi_id": fmt.Sprint(i + 1), "sku_id": fmt.Sprintf("M%d", i+1), "r_qty": json.Number(fmt.Sprint(quantity))})
	}
	kind := "普通退货"
	if r.refundOnly {
		kind = "仅退款"
	}
	r.record = map[string]any{
		"as_id": r.id, "type": kind, "modified": r.modified.Format(time.DateTime), "as_date": "1999-12-20 00:00:00", "items": items,
	}
	picked, err := s.settings.flow.Pick(r.record)
	if err != nil {
		panic(err)
	}
	r.order = picked.Order
	s.versions[r.id] = append(s.versions[r.id], &r)
	s.note("source: %s is %v, modified %s, confirmed %v, refund only %v, shown after %s", r.id, r.quantities, r.modified.Format(time.TimeOnly), r.confirmed, r.refundOnly, shown)
	s.after(shown, func() {
		if held, ok := s.rows[r.id]; !ok || !held.modified.After(r.modified) {
			s.rows[r.id] = &r
		}
	})
}

// create adds a new order.
func (s *source) create() {
	id := fmt.Sprint(70001 + len(s.ids))
	s.ids = append(s.ids, id)
	s.put(row{id: id, confirmed: true, refundOnly: s.chance(8), quantities: []int{1 + s.rand.IntN(3)}}, s.delay())
}

// delay is how long a version stays invisible: sometimes longer than a run lags behind,
// but never longer than the next run reads back, whatever the clocks show.
func (s *source) delay() time.Duration {
	if s.chance(s.settings.lateRows) {
		s.strike("a row is shown late")
		return s.between(0, s.settings.flow.Source.Lag+s.settings.flow.Source.Overlap-5*time.Minute)
	}
	return 0
}

// change changes an order whose previous version is visible.
func (s *source) change() {
	if len(s.ids) == 0 {
		return
	}
	held := s.rows[s.ids[s.rand.IntN(len(s.ids))]]
	if held == nil {
		return
	}
	r := *held
	r.quantities = slices.Clone(held.quantities)
	switch what := s.rand.IntN(8); {
	case what < 4:
		s.strike("an order is changed")
		r.confirmed, r.quantities[0] = true, 1+s.rand.IntN(3)
	case what == 4:
		s.strike("an order is touched")
	case what == 5:
		s.strike("an order is left out, or no longer")
		r.refundOnly = !r.refundOnly
	case what == 6:
		s.strike("an order is cancelled, or confirmed again")
		r.confirmed = !r.confirmed
	default:
		other := s.rows[s.ids[s.rand.IntN(len(s.ids))]]
		if other == nil || other.id == r.id || !other.confirmed || !r.confirmed || len(r.quantities) > 2 {
			return
		}
		s.strike("an order is merged into another")
		merged := *other
		merged.confirmed = false
		s.put(merged, 0)
		r.quantities = append(r.quantities, other.quantities[0])
	}
	s.put(r, s.delay())
}

// list returns a page of the rows modified within a span.
func (s *source) list(from, to time.Time, index int) jushuitan.Page {
	if s.without.narrow {
		from, to = from.Add(time.Second), to.Add(-time.Second)
	}
	var rows []*row
	for _, r := range s.rows {
		in := !r.modified.Before(from) && !r.modified.After(to)
		if s.settings.endsOut {
			in = r.modified.After(from) && r.modified.Before(to)
		}
		if r.confirmed && in {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int {
		order := cmp.Or(a.modified.Compare(b.modified), cmp.Compare(a.id, b.id))
		if s.settings.newestFirst {
			return -order
		}
		return order
	})
	size := s.settings.pageSize
	p := jushuitan.Page{PageIndex: index, PageSize: size, DataCount: len(rows), PageCount: (len(rows) + size - 1) / size}
	p.HasNext = index < p.PageCount
	first := min((index-1)*size, len(rows))
	for _, r := range rows[first:min(first+size, len(rows))] {
		p.Datas = append(p.Datas, r.record)
	}
	p.Clock.Date = s.now().Truncate(time.Second)
	return p
}

// sourceClient is a worker's client of the source.
type sourceClient struct{ w *worker }

func (c sourceClient) List(ctx context.Context, _ *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	var span [2]time.Time
	for i, name := range []string{"start_time", "end_time"} {
		at, err := time.ParseInLocation(time.DateTime, params[name], beijing.Zone)
		if err != nil {
			return jushuitan.Page{}, err
		}
		span[i] = at
	}
	index, err := strconv.Atoi(params["page_index"])
	if err != nil {
		return jushuitan.Page{}, err
	}
	sent := time.Now()
	p, err := ask(ctx, c.w, "list", params["page_index"], func(time.Time) (jushuitan.Page, error) { return c.w.source.list(span[0], span[1], index), nil })
	p.Clock.Sent, p.Clock.Received = sent, time.Now()
	return p, err
}
