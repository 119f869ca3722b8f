package workflows

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

// version is an order with a content, changed at a time of day.
func version(id, changedAt, content string) flow.Order {
	order := flow.Order{ID: id, BillNumber: id, Fields: json.RawMessage(`"` + content + `"`)}
	if changedAt != "" {
		order.ChangedAt = at("2024-03-01 " + changedAt)
	}
	return order
}

// An order that the source shows again in a newer version is given out again,
// and counted once: under what became of the newer one.
func TestSyncWindowTakesTheNewerVersionOfAnOrder(t *testing.T) {
	const id = "70005"
	older, newer := version(id, "08:00:00", "old"), version(id, "08:00:01", "new")
	bad := func(content string) func(flow.Order) error {
		return func(order flow.Order) error {
			if string(order.Fields) == `"`+content+`"` {
				return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
			}
			return nil
		}
	}
	for _, c := range []struct {
		name         string
		first, later flow.Order
		prepare      func(*fakeWorld)
		change       func(*fakeWorld)
		contents     []string // those given to SaveOrder
		want         Tally
	}{
		{name: "the same again", first: older, later: older, contents: []string{"old"}, want: Tally{Saved: 6}},
		{name: "newer", first: older, later: newer, contents: []string{"old", "new"}, want: Tally{Saved: 6}},
		{name: "older", first: newer, later: older, contents: []string{"new"}, want: Tally{Saved: 6}},
		{name: "another content within the same second", first: older, later: version(id, "08:00:00", "new"), contents: []string{"old", "new"}, want: Tally{Saved: 6}},
		{name: "a time that became unreadable", first: older, later: version(id, "", "new"), contents: []string{"old", "new"}, want: Tally{Saved: 6}},
		{name: "modified, but nothing that the flow names", first: older, later: version(id, "08:00:01", "old"), contents: []string{"old"}, want: Tally{Saved: 6}},
		{
			name: "had its bill", first: older, later: newer, prepare: func(w *fakeWorld) { w.finished[id] = true },
			contents: []string{"new"}, want: Tally{Saved: 6},
		},
		{
			name: "was left out", first: older, later: newer,
			prepare:  func(w *fakeWorld) { w.skipped[id] = "仓库未收到货" },
			change:   func(w *fakeWorld) { delete(w.skipped, id) },
			contents: []string{"new"}, want: Tally{Saved: 6, Skipped: map[string]int{}},
		},
		{
			name: "is to be left out now, and keeps its bill", first: older, later: newer,
			change:   func(w *fakeWorld) { w.skipped[id] = "仓库未收到货" },
			contents: []string{"old"}, want: Tally{Saved: 6},
		},
		{
			name: "was another window's", first: older, later: newer,
			prepare:  func(w *fakeWorld) { w.outside[id] = true },
			change:   func(w *fakeWorld) { delete(w.outside, id) },
			contents: []string{"new"}, want: Tally{Saved: 6},
		},
		{
			name: "was parked", first: older, later: newer, prepare: func(w *fakeWorld) { w.saveErr = bad("old") },
			contents: []string{"old", "new"}, want: Tally{Saved: 6, FailedReasons: map[string]int{}, Failures: []Failure{}},
		},
		{
			name: "can't be saved any more", first: older, later: newer, prepare: func(w *fakeWorld) { w.saveErr = bad("new") },
			contents: []string{"old", "new"}, want: Tally{Saved: 5, Parked: 1, NewlyParked: map[string]int{"unknown_material": 1}, FailedReasons: map[string]int{"unknown_material": 1}, Failures: []Failure{
				{ID: id, BillNumber: id, Reason: "unknown_material", Message: "物料不存在"},
			}},
		},
	} {
		eachWay(t, c.name, func(t *testing.T, way string) {
			world := newFakeWorld(6)
			world.by(way)
			world.rows[5] = c.first
			if c.prepare != nil {
				c.prepare(world)
			}
			world.beforeFetch = func(w *fakeWorld, call int) {
				// Page 2 has been read, page 1 is still to be.
				if call == 3 {
					w.remove(5)
					w.rows = append([]flow.Order{c.later}, w.rows...)
					if c.change != nil {
						c.change(w)
					}
				}
			}
			_, tally, err := runWindow(world)
			require.NoError(t, err)
			var contents []string
			for _, params := range world.asked {
				if params.Order.ID == id && !params.Tried {
					newer := string(params.Order.Fields) != string(c.first.Fields) && c.name != "was another window's"
					if c.name == "was left out" && way == ways[2] {
						newer = false // SyncPage has looked: there is none
					}
					require.Equal(t, newer, params.Exists, "the bill of an earlier version is looked for first")
					var content string
					require.NoError(t, json.Unmarshal(params.Order.Fields, &content))
					contents = append(contents, content)
				}
			}
			require.Equal(t, c.contents, contents)
			c.want.Pages, c.want.Fetched = 2, 6
			require.Equal(t, c.want, tally)
		})
	}
}

// An order is counted once, under what became of its newest version, as this run
// has found it and left it.
func TestOrderIsCountedUnderItsNewestVersion(t *testing.T) {
	failure := Failure{ID: "1", Reason: "refused"}
	one := map[string]int{"refused": 1}
	for _, c := range []struct {
		name  string
		fates []fate
		want  Tally
	}{
		{"saved, then the same", []fate{fateSaved, fateAlreadySaved}, Tally{Saved: 1}},
		{"saved, then updated", []fate{fateSaved, fateUpdated}, Tally{Saved: 1}},
		{"updated, then the same", []fate{fateUpdated, fateAlreadySaved}, Tally{Updated: 1}},
		{"there before, then updated", []fate{fateAlreadySaved, fateUpdated}, Tally{Updated: 1}},
		{"parked by this run, then again", []fate{fateNewlyParked, fateParked}, Tally{Parked: 1, NewlyParked: one}},
		{"parked before, then again", []fate{fateParked, fateParked}, Tally{Parked: 1}},
		{"parked by this run, then saved", []fate{fateNewlyParked, fateSaved}, Tally{Saved: 1}},
		{"could not be parked", []fate{fateUnparked}, Tally{Failed: 1, Unparked: 1}},
		{"could not be parked, then saved", []fate{fateUnparked, fateSaved}, Tally{Saved: 1}},
		{"could not be parked, then parked", []fate{fateUnparked, fateNewlyParked}, Tally{Parked: 1, NewlyParked: one}},
		{"parked, then could not be parked", []fate{fateNewlyParked, fateUnparked}, Tally{Failed: 1, Unparked: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &syncWindow{
				measure: func(string, string) {},
				seen:    map[string]int{"1": 0}, given: map[string]int{}, settled: map[string]int{},
				state: WindowState{Seen: seenOrders{{ID: "1"}}},
			}
			w.state.Tally.Fetched = 1
			for _, now := range c.fates {
				w.settle("1", now, failure)
			}
			require.Zero(t, w.state.Tally.InFlight())
			got := w.state.Tally
			require.Equal(t, c.want, Tally{
				Saved: got.Saved, Updated: got.Updated, AlreadySaved: got.AlreadySaved, Parked: got.Parked,
				NewlyParked: noneIfEmpty(got.NewlyParked), Failed: got.Failed, Unparked: got.Unparked,
			})
		})
	}
}

func noneIfEmpty(counts map[string]int) map[string]int {
	if len(counts) == 0 {
		return nil
	}
	return counts
}

// What is counted without being given out, such as a bill that was there, must not
// stand for an earlier version that is still being saved.
func TestVersionsOfAnOrderWaitForEachOther(t *testing.T) {
	world := newFakeWorld(8)
	world.pageSize = 2
	id := world.rows[7].ID
	world.rows[7] = version(id, "08:00:00", "was there")
	world.finished[id] = true
	show := func(w *fakeWorld, from, to int, order flow.Order) {
		w.rows[from], w.rows[to] = w.rows[to], order
	}
	world.beforeFetch = func(w *fakeWorld, call int) {
		switch call { // page 4 is read with the second call, then 3, then 2
		case 3:
			show(w, 7, 4, version(id, "08:00:01", "newer"))
		case 4:
			show(w, 4, 2, version(id, "08:00:02", "newest"))
		}
	}
	busy := 2
	world.saveErr = func(order flow.Order) error {
		if string(order.Fields) == `"newer"` && busy > 0 {
			busy--
			return temporal.NewApplicationError("busy", "busy")
		}
		return nil
	}
	_, _, err := runWindow(world)
	require.NoError(t, err)
	var contents []string
	for _, params := range world.asked {
		if params.Order.ID == id {
			contents = append(contents, string(params.Order.Fields))
		}
	}
	require.Equal(t, []string{`"newer"`, `"newer"`, `"newer"`, `"newest"`}, contents)
}

func TestSyncWindowTakesTheNewestOfAPage(t *testing.T) {
	older, newer := version("1", "08:00:00", "old"), version("1", "08:00:01", "new")
	for _, c := range []struct {
		name     string
		orders   []flow.Order
		skipped  []SkippedOrder
		contents []string
		left     int
	}{
		{name: "the newer behind", orders: []flow.Order{older, newer}, contents: []string{`"new"`}},
		{name: "the newer before", orders: []flow.Order{newer, older}, contents: []string{`"new"`}},
		{name: "the same twice", orders: []flow.Order{newer, newer}, contents: []string{`"new"`}},
		{name: "three", orders: []flow.Order{older, newer, older}, contents: []string{`"new"`}},
		{name: "left out since", orders: []flow.Order{older}, skipped: []SkippedOrder{{ID: "1", Reason: "r", ChangedAt: newer.ChangedAt}}, left: 1},
		{name: "left out before", orders: []flow.Order{newer}, skipped: []SkippedOrder{{ID: "1", Reason: "r", ChangedAt: older.ChangedAt}}, contents: []string{`"new"`}},
		{name: "another beside them", orders: []flow.Order{older, version("2", "", "x"), newer}, contents: []string{`"x"`, `"new"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := FetchPageResult{Orders: slices.Clone(c.orders), Skipped: c.skipped}
			require.True(t, repeats(&page))
			dropRepeats(&page)
			var contents []string
			for _, order := range page.Orders {
				contents = append(contents, string(order.Fields))
			}
			require.Equal(t, c.contents, contents)
		})
	}
}

// Whatever versions of its orders a source shows when, no two versions of an
// order are saved at a time, none after a newer one, the newest last of all, and
// each order is counted once.
func TestSyncWindowSavesVersionsInTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := newFakeWorld(rapid.IntRange(1, 10).Draw(t, "orders"))
		world.by(rapid.SampledFrom(ways).Draw(t, "way"))
		world.pageSize = 3
		set := func(row, changed int) {
			id := world.rows[row].ID
			world.rows[row] = version(id, fmt.Sprintf("08:00:%02d", changed), fmt.Sprintf("%02d", changed))
		}
		for row := range world.rows {
			set(row, 0)
		}
		failing := rapid.IntRange(0, 9).Draw(t, "failing")
		shown, under := map[string]string{}, map[string]int{}
		world.beforeFetch = func(w *fakeWorld, call int) {
			if call < 8 && rapid.Bool().Draw(t, fmt.Sprintf("change before call %d", call)) {
				row := rapid.IntRange(0, len(w.rows)-1).Draw(t, "row")
				set(row, call)
				moved := w.rows[row]
				w.remove(row)
				w.rows = append([]flow.Order{moved}, w.rows...)
			}
			first := min((w.fetches[call-1]-1)*w.pageSize, len(w.rows))
			for _, row := range w.rows[first:min(first+w.pageSize, len(w.rows))] {
				shown[row.ID] = string(row.Fields)
			}
		}
		world.saveErr = func(order flow.Order) error {
			under[order.ID]++
			defer func() { under[order.ID]-- }()
			if under[order.ID] > 1 {
				return temporal.NewNonRetryableApplicationError("at the same time as another version", "race", nil)
			}
			if string(order.Fields) == fmt.Sprintf(`"%02d"`, failing) {
				return temporal.NewNonRetryableApplicationError("refused", "refused", nil)
			}
			return nil
		}
		world.plan.TooManyFailures = 0
		_, tally, err := runWindow(world)
		require.NoError(t, err)
		last := map[string]string{}
		for _, params := range world.asked {
			id, content := params.Order.ID, string(params.Order.Fields)
			if params.Tried {
				require.Equal(t, last[id], content, "as_id %s", id)
			} else {
				require.Less(t, last[id], content, "as_id %s", id)
			}
			last[id] = content
		}
		require.Equal(t, shown, last)
		refused := 0
		for _, content := range last {
			if content == fmt.Sprintf(`"%02d"`, failing) {
				refused++
			}
		}
		require.Equal(t, len(world.rows), tally.Fetched)
		require.Equal(t, refused, tally.Parked)
		require.Len(t, tally.Failures, refused)
		require.Equal(t, len(world.rows)-refused, tally.Saved)
		require.NotContains(t, tally.FailedReasons, "race")
	})
}

// Law: what a window remembers survives continue-as-new.
func TestSeenOrdersAreCarriedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		orders := rapid.SliceOf(rapid.Custom(func(t *rapid.T) seenOrder {
			return seenOrder{
				ID:        rapid.String().Draw(t, "id"),
				ChangedAt: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), 0).UTC(),
				Content:   rapid.StringN(0, 11, -1).Draw(t, "content"),
				Fate:      rapid.SampledFrom([]fate{fateOpen, fateOutside, fateSaved, fateSkipped, fateParked}).Draw(t, "fate"),
				Reason:    rapid.String().Draw(t, "reason"),
			}
		})).Draw(t, "orders")
		raw, err := json.Marshal(WindowState{Seen: orders})
		require.NoError(t, err)
		var back WindowState
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Len(t, back.Seen, len(orders))
		for i := range orders {
			require.True(t, orders[i].ChangedAt.Equal(back.Seen[i].ChangedAt))
			back.Seen[i].ChangedAt = orders[i].ChangedAt
			require.Equal(t, orders[i], back.Seen[i])
		}
	})
}

// A window that an older worker carried over goes on: what it saw stays seen.
func TestSeenOrdersOfAnOlderWorkerAreTaken(t *testing.T) {
	var state WindowState
	require.NoError(t, json.Unmarshal([]byte(`{"seen":["70000","70001"],"page":1,"pass":1}`), &state))
	require.Equal(t, seenOrders{{ID: "70000"}, {ID: "70001"}}, state.Seen)
	require.False(t, state.Seen[0].isNewer(seen(version("70000", "08:00:00", "new"))))
	require.NoError(t, json.Unmarshal([]byte(`{"seen":null}`), &state))
	require.Empty(t, state.Seen)
	for _, damaged := range []string{`{"seen":"aGVsbG8="}`, `{"seen":"%"}`, `{"seen":7}`} {
		require.Error(t, json.Unmarshal([]byte(damaged), &state), damaged)
	}
}

// The largest window fits into a payload.
func TestTheLargestWindowCanBeCarriedOver(t *testing.T) {
	state := WindowState{Tally: Tally{FailedReasons: map[string]int{}}}
	long := strings.Repeat("长", 5000)
	for i := range mostOrders {
		hash := sha256.Sum256([]byte(fmt.Sprint(i)))
		state.Seen = append(state.Seen, seenOrder{
			ID:        fmt.Sprint(700000000 + 1000*i + int(hash[0])),
			ChangedAt: testWindow.From.Add(time.Duration(int(hash[1])<<8|int(hash[2])) * time.Second),
			Content:   base64.RawStdEncoding.EncodeToString(hash[8:14]),
			Fate:      fateSaved,
		})
		state.Tally.fail(Failure{ID: fmt.Sprint(i), Reason: "refused", Message: long})
	}
	raw, err := json.Marshal(SyncWindowInput{Carried: &state})
	require.NoError(t, err)
	t.Logf("%d orders are carried in %d bytes", mostOrders, len(raw))
	require.Less(t, len(raw), 2<<20-100<<10)
}
