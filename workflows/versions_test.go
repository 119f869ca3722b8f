package workflows

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// version is an order with a content, changed at a time of day.
func version(id, changedAt, content string) contract.Order {
	order := contract.Order{ID: id, BillNumber: id, Fields: json.RawMessage(`"` + content + `"`)}
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
	bad := func(content string) func(contract.Order) error {
		return func(order contract.Order) error {
			if string(order.Fields) == `"`+content+`"` {
				return temporal.NewNonRetryableApplicationError("物料不存在", "unknown_material", nil)
			}
			return nil
		}
	}
	for _, c := range []struct {
		name         string
		first, later contract.Order
		prepare      func(*fakeWorld)
		change       func(*fakeWorld)
		contents     []string // those given to SaveOrder
		want         tally.Tally
	}{
		{name: "the same again", first: older, later: older, contents: []string{"old"}, want: tally.Tally{Saved: 6}},
		{name: "newer", first: older, later: newer, contents: []string{"old", "new"}, want: tally.Tally{Saved: 6}},
		{name: "older", first: newer, later: older, contents: []string{"new"}, want: tally.Tally{Saved: 6}},
		{name: "another content within the same second", first: older, later: version(id, "08:00:00", "new"), contents: []string{"old", "new"}, want: tally.Tally{Saved: 6}},
		{name: "a time that became unreadable", first: older, later: version(id, "", "new"), contents: []string{"old", "new"}, want: tally.Tally{Saved: 6}},
		{name: "modified, but nothing that the flow names", first: older, later: version(id, "08:00:01", "old"), contents: []string{"old"}, want: tally.Tally{Saved: 6}},
		{
			name: "had its bill", first: older, later: newer, prepare: func(w *fakeWorld) { w.finished[id] = true },
			contents: []string{"new"}, want: tally.Tally{Saved: 6},
		},
		{
			name: "was left out", first: older, later: newer,
			prepare:  func(w *fakeWorld) { w.skipped[id] = "仓库未收到货" },
			change:   func(w *fakeWorld) { delete(w.skipped, id) },
			contents: []string{"new"}, want: tally.Tally{Saved: 6, Skipped: map[string]int{}},
		},
		{
			name: "is to be left out now, and keeps its bill", first: older, later: newer,
			change:   func(w *fakeWorld) { w.skipped[id] = "仓库未收到货" },
			contents: []string{"old"}, want: tally.Tally{Saved: 6},
		},
		{
			name: "was another window's", first: older, later: newer,
			prepare:  func(w *fakeWorld) { w.outside[id] = true },
			change:   func(w *fakeWorld) { delete(w.outside, id) },
			contents: []string{"new"}, want: tally.Tally{Saved: 6},
		},
		{
			name: "was parked", first: older, later: newer, prepare: func(w *fakeWorld) { w.saveErr = bad("old") },
			contents: []string{"old", "new"}, want: tally.Tally{Saved: 6, FailedReasons: map[string]int{}, Failures: []tally.Failure{}},
		},
		{
			name: "can't be saved any more", first: older, later: newer, prepare: func(w *fakeWorld) { w.saveErr = bad("new") },
			contents: []string{"old", "new"}, want: tally.Tally{Saved: 5, Parked: 1, NewlyParked: map[string]int{"unknown_material": 1}, FailedReasons: map[string]int{"unknown_material": 1}, Failures: []tally.Failure{
				{ID: id, BillNumber: id, Reason: "unknown_material", Message: text.Literal("物料不存在")},
			}},
		},
	} {
		eachGrain(t, c.name, func(t *testing.T, grain string) {
			world := newFakeWorld(6)
			world.plan.Grain = grain
			world.rows[5] = c.first
			if c.prepare != nil {
				c.prepare(world)
			}
			world.beforeFetch = func(w *fakeWorld, call int) {
				// Page 2 has been read, page 1 is still to be.
				if call == 3 {
					w.remove(5)
					w.rows = append([]contract.Order{c.later}, w.rows...)
					if c.change != nil {
						c.change(w)
					}
				}
			}
			_, sum, err := runWindow(world)
			require.NoError(t, err)
			var contents []string
			for _, params := range world.asked {
				if params.Order.ID == id && !params.Attempted {
					newer := string(params.Order.Fields) != string(c.first.Fields) && c.name != "was another window's"
					require.Equal(t, newer, params.Exists, "the bill of an earlier version is looked for first")
					var content string
					require.NoError(t, json.Unmarshal(params.Order.Fields, &content))
					contents = append(contents, content)
				}
			}
			require.Equal(t, c.contents, contents)
			c.want.Pages, c.want.Fetched = 2, 6
			require.Equal(t, c.want, sum)
		})
	}
}

// What is counted without being given out, such as a bill that was there, must not
// stand for an earlier version that is still being saved.
func TestVersionsOfAnOrderWaitForEachOther(t *testing.T) {
	world := newFakeWorld(8)
	world.pageSize = 2
	id := world.rows[7].ID
	world.rows[7] = version(id, "08:00:00", "was there")
	world.finished[id] = true
	show := func(w *fakeWorld, from, to int, order contract.Order) {
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
	world.saveErr = func(order contract.Order) error {
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

// Whatever versions of its orders a source shows when, no two versions of an
// order are saved at a time, none after a newer one, the newest last of all, and
// each order is counted once.
func TestSyncWindowSavesVersionsInTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := newFakeWorld(rapid.IntRange(1, 10).Draw(t, "orders"))
		world.plan.Grain = rapid.SampledFrom([]string{contract.GrainOrder, contract.GrainPage}).Draw(t, "grain")
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
				w.rows = append([]contract.Order{moved}, w.rows...)
			}
			first := min((w.fetches[call-1]-1)*w.pageSize, len(w.rows))
			for _, row := range w.rows[first:min(first+w.pageSize, len(w.rows))] {
				shown[row.ID] = string(row.Fields)
			}
		}
		world.saveErr = func(order contract.Order) error {
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
		_, sum, err := runWindow(world)
		require.NoError(t, err)
		last := map[string]string{}
		for _, params := range world.asked {
			id, content := params.Order.ID, string(params.Order.Fields)
			if params.Attempted {
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
		require.Equal(t, len(world.rows), sum.Fetched)
		require.Equal(t, refused, sum.Parked)
		require.Len(t, sum.Failures, refused)
		require.Equal(t, len(world.rows)-refused, sum.Saved)
		require.NotContains(t, sum.FailedReasons, "race")
	})
}
