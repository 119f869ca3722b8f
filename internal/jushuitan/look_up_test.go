package jushuitan

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/qimen"
	simulated "refundsync/internal/simulator/source"
)

// shelf is a source in memory. It honours the parameters that its filters name.
type shelf struct {
	orders  []map[string]any
	filters []string
	calls   []map[string]string
	// before may change the orders before a call.
	before func(call int)
}

var allFilters = []string{"as_ids", "so_ids", "o_ids", "status"}

func orderAt(id string, at time.Time, more ...string) map[string]any {
	record := map[string]any{"as_id": json.Number(id), "modified": at.In(beijing).Format(time.DateTime)}
	for i := 0; i < len(more); i += 2 {
		record[more[i]] = more[i+1]
	}
	return record
}

func (s *shelf) List(_ context.Context, source *catalog.Interface, params map[string]string) (Page, error) {
	s.calls = append(s.calls, params)
	if s.before != nil {
		s.before(len(s.calls))
	}
	start, err := time.ParseInLocation(time.DateTime, params["start_time"], beijing)
	if err != nil {
		return Page{}, err
	}
	end, err := time.ParseInLocation(time.DateTime, params["end_time"], beijing)
	if err != nil {
		return Page{}, err
	}
	if end.Sub(start) > source.Source.LongestSpan || params["date_type"] != "0" {
		return Page{}, fmt.Errorf("refused: %v", params)
	}
	var rows []map[string]any
	for _, order := range s.orders {
		at := LookUp{Interface: source}.modified(order)
		shown := at.After(start) && at.Before(end) // the less friendly of the two readings
		for parameter, field := range source.Source.Narrowing {
			if wanted := params[parameter]; wanted != "" && slices.Contains(s.filters, parameter) {
				shown = shown && slices.Contains(splitList(wanted), FieldText(order, field))
			}
		}
		if shown {
			rows = append(rows, order)
		}
	}
	index, _ := strconv.Atoi(params["page_index"])
	size, _ := strconv.Atoi(params["page_size"])
	begin := min((index-1)*size, len(rows))
	next := min(begin+size, len(rows))
	return Page{PageIndex: index, Datas: rows[begin:next], HasNext: next < len(rows)}, nil
}

func idsOf(orders []map[string]any) (ids []string) {
	for _, order := range orders {
		ids = append(ids, FieldText(order, "as_id"))
	}
	slices.Sort(ids)
	return ids
}

func TestLookUp(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	daysAgo := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	orders := []map[string]any{
		orderAt("1", daysAgo(1), "so_id", "A", "status", "Confirmed"),
		orderAt("2", daysAgo(20), "so_id", "A", "status", "Cancelled"),
		orderAt("3", daysAgo(60), "so_id", "B", "status", "Confirmed"),
		orderAt("4", daysAgo(200), "so_id", "C", "status", "Confirmed"),
	}
	for _, c := range []struct {
		name    string
		lookUp  LookUp
		filters []string
		found   []string
		missing []string
		calls   int // 0 for any number
		reason  string
	}{
		{name: "nothing to find", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{" ", ""}}},
		{name: "recent", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1"}}, found: []string{"1"}, calls: 1},
		{name: "each once", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"2", " 1", "2"}}, found: []string{"1", "2"}, calls: 3},
		{name: "beyond the horizon", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"4", "1"}}, found: []string{"1"}, missing: []string{"4"}},
		{name: "a further horizon", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"4"}, Horizon: 300 * 24 * time.Hour}, found: []string{"4"}},
		{name: "a nearer horizon", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"2"}, Horizon: 24 * time.Hour}, missing: []string{"2"}, calls: 2},
		{name: "known since when", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"4"}, ChangedAt: daysAgo(200)}, found: []string{"4"}, calls: 1},
		{name: "modified since", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"2"}, ChangedAt: daysAgo(30)}, found: []string{"2"}, calls: 2},
		{name: "not modified since", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"2"}, ChangedAt: daysAgo(10)}, missing: []string{"2"}, calls: 2},
		{name: "all orders of a shop's order", lookUp: LookUp{Interface: refunds, Field: "so_id", IDs: []string{"A"}}, found: []string{"1", "2"}},
		{name: "hidden by the flow", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1", "2"}, Parameters: map[string]string{"status": "Confirmed", "date_type": "2", "page_size": "1"}},
			found: []string{"1"}, missing: []string{"2"}},
		{name: "shown without what hides it", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1", "2"}, Parameters: Widening(refunds, map[string]string{"status": "Confirmed", "archive": "true"})},
			found: []string{"1", "2"}},
		{name: "the flow's own ids", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1", "2"}, Parameters: map[string]string{"as_ids": "2, 3"}}, found: []string{"2"}, missing: []string{"1"}},
		{name: "no filter by it", lookUp: LookUp{Interface: refunds, Field: "outer_as_id", IDs: []string{"1"}}, reason: "no_such_filter"},
		{name: "two ids in one", lookUp: LookUp{Interface: refunds, Field: "so_id", IDs: []string{"A,B"}}, reason: "no_such_filter"},
		{name: "the filter is ignored", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"9"}}, filters: []string{"status"}, missing: []string{"9"}, calls: 1, reason: "no_such_filter"},
		{name: "the filter is ignored, but the order is there", lookUp: LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1"}}, filters: []string{"status"}, found: []string{"1"}, calls: 1},
		{name: "the filter is ignored, so there may be more", lookUp: LookUp{Interface: refunds, Field: "so_id", IDs: []string{"B"}}, filters: []string{"status"}, missing: []string{"B"}, calls: 1, reason: "no_such_filter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shelf{orders: orders, filters: c.filters}
			if c.filters == nil {
				s.filters = allFilters
			}
			found, err := c.lookUp.Find(t.Context(), s)
			if c.reason == "" {
				require.NoError(t, err)
			} else {
				require.NotNil(t, fault.As(err))
				require.Equal(t, c.reason, fault.As(err).Reason)
				require.Equal(t, fault.Final, fault.As(err).Class)
			}
			require.Equal(t, c.found, idsOf(found.Orders))
			require.Equal(t, c.missing, found.Missing)
			if c.calls > 0 {
				require.Len(t, s.calls, c.calls)
			}
			if len(found.Missing) > 0 && err == nil && c.lookUp.ChangedAt.IsZero() && len(found.Orders) == 0 {
				horizon := c.lookUp.Horizon
				if horizon == 0 {
					horizon = DefaultHorizon
				}
				require.WithinRange(t, found.From, now.Add(-horizon), time.Now().Add(-horizon))
				require.True(t, found.To.After(now))
			}
		})
	}
}

func TestLookUpSaysWhatFailed(t *testing.T) {
	away := &fault.Error{Class: fault.Retry, Reason: "away", Err: fmt.Errorf("away")}
	calls := 0
	found, err := LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1", "2"}}.Find(t.Context(), sourceFunc(func(params map[string]string) (Page, error) {
		if calls++; calls > 1 {
			return Page{}, away
		}
		return Page{PageIndex: 1, Datas: []map[string]any{orderAt("1", time.Now())}}, nil
	}))
	require.ErrorIs(t, err, away)
	require.Equal(t, []string{"1"}, idsOf(found.Orders))
	require.Equal(t, []string{"2"}, found.Missing)
}

type sourceFunc func(params map[string]string) (Page, error)

func (f sourceFunc) List(_ context.Context, _ *catalog.Interface, params map[string]string) (Page, error) {
	return f(params)
}

// An order that is modified during the search moves from a span not yet read into the one
// read first.
func TestLookUpOfAnOrderThatIsModifiedMeanwhile(t *testing.T) {
	s := &shelf{orders: []map[string]any{orderAt("1", time.Now().AddDate(0, 0, -30))}, filters: allFilters}
	s.before = func(call int) {
		if call == 3 {
			s.orders[0] = orderAt("1", time.Now())
		}
	}
	found, err := LookUp{Interface: refunds, Field: "as_id", IDs: []string{"1"}}.Find(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, idsOf(found.Orders))
}

// Of several versions of an order, the latest counts.
func TestLookUpKeepsTheLatestVersion(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	older, newer := orderAt("1", now.Add(-time.Hour), "so_id", "A"), orderAt("1", now, "so_id", "A")
	for _, versions := range [][]map[string]any{{older, newer}, {newer, older}} {
		found, err := LookUp{Interface: refunds, Field: "so_id", IDs: []string{"A"}}.Find(t.Context(), &shelf{orders: versions, filters: allFilters})
		require.NoError(t, err)
		require.Equal(t, []map[string]any{newer}, found.Orders)
	}
}

// Law: whatever orders there are, exactly those asked for are found if they were modified
// within the horizon or since they were last seen, and all others are reported as missing.
func TestLawOfLookUps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now().Truncate(time.Second)
		span := time.Duration(rapid.IntRange(3600, 40*24*3600).Draw(t, "seconds back")) * time.Second
		s := &shelf{filters: allFilters}
		wanted := LookUp{Interface: refunds, Field: rapid.SampledFrom([]string{"as_id", "so_id"}).Draw(t, "field"), Horizon: span}
		if rapid.Bool().Draw(t, "known since when") {
			wanted.ChangedAt = now.Add(-span)
		}
		var found []string
		ids := map[string]bool{}
		asked := rapid.SliceOfDistinct(rapid.IntRange(0, 150), rapid.ID[int]).Draw(t, "asked")
		for _, id := range asked {
			wanted.IDs = append(wanted.IDs, strconv.Itoa(id))
		}
		for i := range rapid.IntRange(0, 250).Draw(t, "orders") {
			at := now.Add(-time.Duration(rapid.IntRange(0, 50*24*3600).Draw(t, "at")) * time.Second)
			// Close to the beginning, the clock decides.
			if at.Sub(now.Add(-span)).Abs() < time.Minute {
				continue
			}
			so := strconv.Itoa(rapid.IntRange(0, 150).Draw(t, "so_id"))
			order := orderAt(strconv.Itoa(i), at, "so_id", so)
			s.orders = append(s.orders, order)
			if id := FieldText(order, wanted.Field); slices.Contains(wanted.IDs, id) && at.After(now.Add(-span)) {
				found, ids[id] = append(found, strconv.Itoa(i)), true
			}
		}
		slices.Sort(found)
		got, err := wanted.Find(context.Background(), s)
		require.NoError(t, err)
		require.Equal(t, found, idsOf(got.Orders))
		var missing []string
		for _, id := range wanted.IDs {
			if !ids[id] {
				missing = append(missing, id)
			}
		}
		require.Equal(t, missing, got.Missing)
		for _, call := range s.calls {
			ids := refunds.Source.IDs[wanted.Field]
			require.LessOrEqual(t, strings.Count(call[ids.Parameter], ","), ids.Most-1)
		}
	})
}

func TestLookUpAtTheSimulator(t *testing.T) {
	from := time.Now().In(beijing).AddDate(0, 0, -10)
	orders := merchant.New(merchant.Options{Seed: 1, Orders: 300, From: from, Days: 8}).Orders()
	server := httptest.NewServer(qimen.New(qimen.Options{
		Credentials: qimen.Credentials{AppKey: "12345678", AppSecret: testSecret, TargetAppKey: "23060081", CustomerID: "c1"},
	}, simulated.New(simulated.Options{Records: simulated.Of(orders)})))
	defer server.Close()
	config := settings(server.URL)
	config.Now = time.Now
	client, err := New(config)
	require.NoError(t, err)
	var wanted []string
	for i := 0; i < len(orders); i += 3 {
		wanted = append(wanted, orders[i].ID())
	}
	found, err := LookUp{Interface: refunds, Field: "as_id", IDs: append([]string{"12"}, wanted...)}.Find(t.Context(), client)
	require.NoError(t, err)
	slices.Sort(wanted)
	require.Equal(t, wanted, idsOf(found.Orders))
	require.Equal(t, []string{"12"}, found.Missing)

	found, err = LookUp{Interface: refunds, Field: "so_id", IDs: []string{orders[7].SoID}}.Find(t.Context(), client)
	require.NoError(t, err)
	require.Contains(t, idsOf(found.Orders), orders[7].ID())
}

func TestMismatches(t *testing.T) {
	record := orderAt("1", time.Now(), "status", "WaitConfirm", "shop_id", "10001", "order_type", "补发订单")
	for _, c := range []struct {
		name       string
		parameters map[string]string
		want       []Mismatch
	}{
		{"none", map[string]string{"page_size": "50", "archive": "true"}, nil},
		{"met", map[string]string{"status": "WaitConfirm", "shop_id": "10001", "as_ids": "1,2"}, nil},
		{"not met", map[string]string{"status": "Confirmed", "order_types": "普通订单,换货订单"},
			[]Mismatch{{"order_types", "普通订单,换货订单", "补发订单"}, {"status", "Confirmed", "WaitConfirm"}}},
		{"nothing to compare", map[string]string{"good_status": "SELLER_RECEIVED", "owner_co_id": "7"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Mismatches(refunds, c.parameters, record)) })
	}
}

func TestWidening(t *testing.T) {
	for _, c := range []struct {
		name             string
		parameters, want map[string]string
	}{
		{"what narrows is dropped", map[string]string{"status": "Confirmed", "shop_id": "1", "as_ids": "1"}, map[string]string{}},
		{"archived orders", map[string]string{"archive": "true", "type": "换货"}, map[string]string{"archive": "true"}},
		{"offline shops", map[string]string{"is_offline_shop": "true", "shop_id": "0"}, map[string]string{"is_offline_shop": "true", "shop_id": "0"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Widening(refunds, c.parameters)) })
	}
}
