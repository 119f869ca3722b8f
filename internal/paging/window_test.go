package paging

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/tally"
)

func second(s int) time.Time { return time.Unix(1_709_251_200+int64(s), 0).UTC() }

// version is an order with a content, changed at a second; before the first, it is not
// known when.
func version(id string, changed int, content string) contract.Order {
	order := contract.Order{ID: id, BillNumber: id, Fields: json.RawMessage(`"` + content + `"`)}
	if changed > 0 {
		order.ChangedAt = second(changed)
	}
	return order
}

func skipped(id string, changed int, order bool) Skipped {
	s := Skipped{ID: id, Reason: "r", ChangedAt: second(changed)}
	if order {
		o := version(id, changed, "left out")
		s.Order = &o
	}
	return s
}

func contents(orders []contract.Order) (contents []string) {
	for _, order := range orders {
		var content string
		if err := json.Unmarshal(order.Fields, &content); err != nil {
			panic(err)
		}
		contents = append(contents, order.ID+content)
	}
	return contents
}

func TestTakeGivesWhatIsToBeDone(t *testing.T) {
	type step struct {
		page     Page
		new      []string // id and content
		newer    []string
		leftOut  []string // ids
		recorded []string // id and outcome
	}
	show := func(orders ...contract.Order) Page { return Page{Orders: orders} }
	for _, c := range []struct {
		name  string
		steps []step
		want  tally.Tally
	}{
		{"two orders", []step{
			{page: show(version("1", 1, "a"), version("2", 1, "a")), new: []string{"1a", "2a"}},
		}, tally.Tally{}},
		{"as it was", []step{
			{page: show(version("1", 1, "a")), new: []string{"1a"}},
			{page: show(version("1", 1, "a"))},
		}, tally.Tally{}},
		{"a newer version, and then the older one again", []step{
			{page: show(version("1", 1, "a")), new: []string{"1a"}},
			{page: show(version("1", 2, "b")), newer: []string{"1b"}},
			{page: show(version("1", 1, "a"))},
		}, tally.Tally{}},
		{"the newer of a page, behind", []step{{page: show(version("1", 1, "a"), version("1", 2, "b")), new: []string{"1b"}}}, tally.Tally{}},
		{"the newer of a page, before", []step{{page: show(version("1", 2, "b"), version("1", 1, "a")), new: []string{"1b"}}}, tally.Tally{}},
		{"twice the same on a page", []step{{page: show(version("1", 1, "a"), version("1", 1, "a")), new: []string{"1a"}}}, tally.Tally{}},
		{"three times on a page", []step{{page: show(version("1", 1, "a"), version("1", 3, "c"), version("1", 2, "b")), new: []string{"1c"}}}, tally.Tally{}},
		{"another beside them", []step{{page: show(version("1", 1, "a"), version("2", 0, "x"), version("1", 2, "b")), new: []string{"1b", "2x"}}}, tally.Tally{}},
		{"left out", []step{
			{page: Page{Skipped: []Skipped{skipped("1", 1, false)}}, recorded: []string{"1 left_out"}},
			{page: Page{Skipped: []Skipped{skipped("1", 1, false)}}},
			{page: Page{Skipped: []Skipped{skipped("1", 2, true)}}},
		}, tally.Tally{Fetched: 1, Skipped: map[string]int{"r": 1}}},
		{"left out, and may have a bill", []step{
			{page: Page{Skipped: []Skipped{skipped("1", 1, true)}}, leftOut: []string{"1"}},
			{page: Page{Skipped: []Skipped{skipped("1", 1, true)}}},
		}, tally.Tally{}},
		{"left out since, on one page", []step{
			{page: Page{Orders: []contract.Order{version("1", 1, "a")}, Skipped: []Skipped{skipped("1", 2, true)}}, leftOut: []string{"1"}},
		}, tally.Tally{}},
		{"left out before, on one page", []step{
			{page: Page{Orders: []contract.Order{version("1", 2, "a")}, Skipped: []Skipped{skipped("1", 1, true)}}, new: []string{"1a"}},
		}, tally.Tally{}},
		{"no longer left out", []step{
			{page: Page{Skipped: []Skipped{skipped("1", 1, false)}}, recorded: []string{"1 left_out"}},
			{page: show(version("1", 2, "a")), newer: []string{"1a"}},
		}, tally.Tally{Fetched: 1, Skipped: map[string]int{"r": 1}}},
		{"to be left out now: it keeps its bill", []step{
			{page: show(version("1", 1, "a")), new: []string{"1a"}},
			{page: Page{Skipped: []Skipped{skipped("1", 2, true)}}},
		}, tally.Tally{}},
		{"can't be read", []step{
			{page: Page{Failed: []tally.Failure{{ID: "1", Reason: "unreadable"}}}, recorded: []string{"1 failed"}},
			{page: Page{Failed: []tally.Failure{{ID: "1", Reason: "unreadable"}}}},
		}, tally.Tally{
			Fetched: 1, Failed: 1, FailedReasons: map[string]int{"unreadable": 1}, Failures: []tally.Failure{{ID: "1", Reason: "unreadable"}},
		}},
		{"was too large, and is not any more", []step{
			{page: Page{Failed: []tally.Failure{{ID: "1", Reason: "order_too_large"}}}, recorded: []string{"1 failed"}},
			{page: show(version("1", 2, "a")), newer: []string{"1a"}},
		}, tally.Tally{
			Fetched: 1, Failed: 1, FailedReasons: map[string]int{"order_too_large": 1}, Failures: []tally.Failure{{ID: "1", Reason: "order_too_large"}},
		}},
		{"another window's, then this one's", []step{
			{page: Page{Outside: []string{"1"}}, recorded: []string{"1 outside"}},
			{page: Page{Outside: []string{"1"}}},
			{page: show(version("1", 1, "a")), new: []string{"1a"}},
			{page: Page{Outside: []string{"1"}}},
			{page: show(version("1", 1, "a"))},
		}, tally.Tally{}},
		{"another window's, then left out", []step{
			{page: Page{Outside: []string{"1"}}, recorded: []string{"1 outside"}},
			{page: Page{Skipped: []Skipped{skipped("1", 1, false)}}, recorded: []string{"1 left_out"}},
		}, tally.Tally{Fetched: 1, Skipped: map[string]int{"r": 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := Window{Reader: New(nil)}
			for i, step := range c.steps {
				step.page.PageCount, step.page.DataCount = 9, 9 // nobody asks here when it ends
				var recorded, leftOut []string
				work, err := w.Take(step.page, func(id string, now tally.Outcome, failure tally.Failure) {
					recorded = append(recorded, id+" "+string(now))
				})
				require.NoError(t, err)
				for _, s := range work.LeftOut {
					leftOut = append(leftOut, s.ID)
				}
				require.Equal(t, step.new, contents(work.New), "step %d", i)
				require.Equal(t, step.newer, contents(work.Newer), "step %d", i)
				require.Equal(t, step.leftOut, leftOut, "step %d", i)
				require.Equal(t, step.recorded, recorded, "step %d", i)
				require.Equal(t, len(step.new)+len(step.newer)+len(step.leftOut), work.Count(), "step %d", i)
			}
			c.want.Pages = w.Pages
			require.Equal(t, c.want, w.Orders.Tally)
		})
	}
}

// Law: whatever versions are shown when, each that is newer than all before is given out
// once, the newest last, also where the window is carried over to another run.
func TestTakeGivesOutEachNewerVersionOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Window{Reader: New(nil)}
		newest, given := map[string]int{}, map[string][]int{}
		for range rapid.IntRange(1, 12).Draw(t, "pages") {
			page := Page{PageCount: 9, DataCount: 9}
			rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int {
				return [2]int{rapid.IntRange(0, 4).Draw(t, "order"), rapid.IntRange(1, 9).Draw(t, "changed")}
			}), 0, 6).Draw(t, "rows")
			want := map[string]int{} // of this page
			for _, row := range rows {
				id, changed := fmt.Sprint(row[0]), row[1]
				page.Orders = append(page.Orders, version(id, changed, fmt.Sprint(changed)))
				want[id] = max(want[id], changed)
			}
			work, _ := w.Take(page, func(string, tally.Outcome, tally.Failure) { t.Fatal("nothing is recorded") })
			for kind, orders := range [][]contract.Order{work.New, work.Newer} {
				for _, order := range orders {
					changed := int(order.ChangedAt.Sub(second(0)) / time.Second)
					require.Equal(t, want[order.ID], changed)
					require.Greater(t, changed, newest[order.ID])
					require.Equal(t, newest[order.ID] > 0, kind == 1)
					newest[order.ID] = changed
					given[order.ID] = append(given[order.ID], changed)
				}
			}
			for id, changed := range want {
				require.GreaterOrEqual(t, newest[id], changed, "as_id %s", id)
			}
			if rapid.Bool().Draw(t, "carried over") {
				raw, err := json.Marshal(w)
				require.NoError(t, err)
				w = Window{}
				require.NoError(t, json.Unmarshal(raw, &w))
			}
		}
		for id, changes := range given {
			require.True(t, slices.IsSorted(changes))
			known, ok := w.Orders.Order(id)
			require.True(t, ok)
			require.True(t, known.ChangedAt.Equal(second(newest[id])))
		}
		require.Equal(t, len(given), w.Orders.Len())
	})
}

// The rows of a page that have no room together come in parts, from its end to its
// beginning, and the page is gone through again: rows move between two calls.
func TestPagesThatComeInParts(t *testing.T) {
	type call struct{ page, rest int }
	for _, c := range []struct {
		name                 string
		rows, pageSize, most int
		before               func(*source, int)
		want                 []call
	}{
		{"one page in two parts", 3, 3, 2, nil, []call{{1, 0}, {1, 1}, {1, 0}, {1, 1}}},
		{"one page in three parts", 3, 3, 1, nil, []call{{1, 0}, {1, 2}, {1, 1}, {1, 0}, {1, 2}, {1, 1}}},
		{"two pages", 4, 3, 2, nil, []call{{1, 0}, {1, 1}, {2, 0}, {1, 0}, {1, 1}, {2, 0}, {1, 0}, {1, 1}}},
		{"a row leaves between two parts", 3, 3, 2, func(s *source, call int) {
			if call == 2 {
				s.rows = slices.Delete(s.rows, 0, 1)
			}
		}, []call{{1, 0}, {1, 1}, {1, 0}}},
		{"a row enters between two parts of the last pass", 3, 4, 2, func(s *source, call int) {
			if call == 4 {
				s.rows = append([]int{99}, s.rows...)
			}
		}, []call{{1, 0}, {1, 1}, {1, 0}, {1, 1}, {1, 0}, {1, 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSource(c.rows, c.pageSize)
			s.most, s.before = c.most, c.before
			var calls []call
			r := New(nil)
			for r.Next > 0 {
				require.Less(t, len(calls), 50)
				calls = append(calls, call{r.Next, r.Rest})
				page, fresh := s.reply(r.Next, r.Rest)
				require.NoError(t, r.read(page, fresh, len(s.seen)))
			}
			require.Equal(t, c.want, calls)
			for _, row := range s.rows {
				require.True(t, s.seen[row], "row %d", row)
			}
		})
	}
}

// What a page has shown is given out although the window can't be read any further.
func TestTakeGivesOutWhatTheLastPageHasShown(t *testing.T) {
	w := Window{Reader: New(nil)}
	work, err := w.Take(Page{PageCount: 1, DataCount: mostOrders + 1, Orders: []contract.Order{version("1", 1, "a")}}, nil)
	require.Equal(t, "window_too_large", fault.As(err).Reason)
	require.Equal(t, []string{"1a"}, contents(work.New))
}
