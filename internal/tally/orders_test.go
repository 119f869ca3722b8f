package tally

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pgregory.net/rapid"
	"refundsync/internal/text"
)

func second(s int) time.Time { return time.Unix(1_709_251_200+int64(s), 0).UTC() }

func TestSight(t *testing.T) {
	shown := Version{ID: "1", ChangedAt: second(10), Content: "a"}
	leftOut, unreadable := Version{ID: "1", ChangedAt: second(10)}, Version{ID: "1"}
	for _, c := range []struct {
		name   string
		before []Version
		record Outcome
		now    Version
		want   Sight
	}{
		{"never shown", nil, Open, shown, New},
		{"the same again", []Version{shown}, Open, shown, Repeat},
		{"later, with another content", []Version{shown}, Open, Version{ID: "1", ChangedAt: second(11), Content: "b"}, Newer},
		{"later, with the same content", []Version{shown}, Open, Version{ID: "1", ChangedAt: second(11), Content: "a"}, Repeat},
		{"earlier", []Version{shown}, Open, Version{ID: "1", ChangedAt: second(9), Content: "b"}, Repeat},
		{"another content in the same second", []Version{shown}, Open, Version{ID: "1", ChangedAt: second(10), Content: "b"}, Newer},
		{"its time became unreadable", []Version{shown}, Open, Version{ID: "1", Content: "b"}, Newer},
		{"its time became readable", []Version{{ID: "1", Content: "a"}}, Open, Version{ID: "1", ChangedAt: second(1), Content: "b"}, Newer},
		{"to be left out now", []Version{shown}, Saved, Version{ID: "1", ChangedAt: second(11)}, Repeat},
		{"no longer left out", []Version{leftOut}, LeftOut, Version{ID: "1", ChangedAt: second(11), Content: "b"}, Newer},
		{"could not be read, and can", []Version{unreadable}, Failed, shown, Newer},
		{"can't be read any more", []Version{shown}, Saved, unreadable, Repeat},
		{"was another window's", []Version{{ID: "1"}}, Outside, shown, New},
		{"was another window's, and is left out", []Version{{ID: "1"}}, Outside, leftOut, New},
		{"the version before the last", []Version{shown, {ID: "1", ChangedAt: second(12), Content: "b"}}, Open, shown, Repeat},
		{"another order", []Version{shown}, Open, Version{ID: "2", ChangedAt: second(10), Content: "a"}, New},
	} {
		t.Run(c.name, func(t *testing.T) {
			var orders Orders
			for _, v := range c.before {
				orders.Show(v)
				if c.record != Open {
					orders.Record(v.ID, c.record, Failure{})
				}
			}
			require.Equal(t, c.want, orders.Sight(c.now))
		})
	}
}

// An order is counted once, under the outcome of its newest version in this run.
func TestOrderIsCountedUnderItsNewestVersion(t *testing.T) {
	one := map[string]int{"refused": 1}
	for _, c := range []struct {
		name     string
		outcomes []Outcome
		want     Tally
		changed  bool // by the last
	}{
		{"saved, then the same", []Outcome{Saved, AlreadySaved}, Tally{Saved: 1}, false},
		{"saved, then updated", []Outcome{Saved, Updated}, Tally{Saved: 1}, false},
		{"updated, then the same", []Outcome{Updated, AlreadySaved}, Tally{Updated: 1}, false},
		{"there before, then updated", []Outcome{AlreadySaved, Updated}, Tally{Updated: 1}, true},
		{"left out, then saved", []Outcome{LeftOut, Saved}, Tally{Saved: 1}, true},
		{"saved, then left out", []Outcome{Saved, LeftOut}, Tally{Skipped: one}, true},
		{"bill deleted", []Outcome{BillDeleted}, Tally{Skipped: one, BillsDeleted: 1}, true},
		{"bill deleted, then left out", []Outcome{BillDeleted, LeftOut}, Tally{Skipped: one, BillsDeleted: 1}, true},
		{"bill deleted, then saved", []Outcome{BillDeleted, Saved}, Tally{Saved: 1}, true},
		{"parked by this run, then again", []Outcome{NewlyParked, Parked}, Tally{Parked: 1, NewlyParked: one}, true},
		{"parked before, then again", []Outcome{Parked, Parked}, Tally{Parked: 1}, true},
		{"parked by this run, then saved", []Outcome{NewlyParked, Saved}, Tally{Saved: 1}, true},
		{"saved, then parked", []Outcome{Saved, NewlyParked}, Tally{Parked: 1, NewlyParked: one}, true},
		{"could not be parked", []Outcome{Unparked}, Tally{Failed: 1, Unparked: 1}, true},
		{"could not be parked, then saved", []Outcome{Unparked, Saved}, Tally{Saved: 1}, true},
		{"could not be parked, then parked", []Outcome{Unparked, NewlyParked}, Tally{Parked: 1, NewlyParked: one}, true},
		{"parked, then could not be parked", []Outcome{NewlyParked, Unparked}, Tally{Failed: 1, Unparked: 1}, true},
		{"failed, then saved", []Outcome{Failed, Saved}, Tally{Saved: 1}, true},
		{"another window's, then saved", []Outcome{Outside, Saved}, Tally{Saved: 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var orders Orders
			var outcome Outcome
			var changed bool
			for i, now := range c.outcomes {
				orders.Show(Version{ID: "1", ChangedAt: second(i), Content: fmt.Sprint(i)})
				outcome, changed = orders.Record("1", now, Failure{Reason: "refused", Message: text.Literal(now.Label())})
			}
			require.Equal(t, c.changed, changed)
			got := orders.Tally
			require.Zero(t, got.InFlight())
			c.want.Fetched = 1
			require.Equal(t, c.want, Tally{
				Fetched: got.Fetched, Saved: got.Saved, Updated: got.Updated, AlreadySaved: got.AlreadySaved, Skipped: noneIfEmpty(got.Skipped),
				BillsDeleted: got.BillsDeleted, Parked: got.Parked, NewlyParked: noneIfEmpty(got.NewlyParked), Failed: got.Failed, Unparked: got.Unparked,
			})
			known, ok := orders.Order("1")
			require.True(t, ok)
			require.Equal(t, outcome, known.Outcome)
			if outcome.HasFailed() {
				require.Equal(t, one, got.FailedReasons)
				require.Equal(t, []Failure{{ID: "1", Reason: "refused", Message: text.Literal(outcome.Label())}}, got.Failures)
			} else {
				require.Empty(t, got.FailedReasons)
				require.Empty(t, got.Failures)
			}
		})
	}
}

func noneIfEmpty(counts map[string]int) map[string]int {
	if len(counts) == 0 {
		return nil
	}
	return counts
}

// An order is fetched once, however often it is shown, and one of a neighbouring window
// not at all.
func TestOrdersAreFetchedOnce(t *testing.T) {
	var orders Orders
	orders.Show(Version{ID: "1", Content: "a"})
	require.Zero(t, orders.Tally.Fetched, "it may be dropped before anything becomes of it")
	orders.Fetch("1")
	require.Equal(t, 1, orders.Tally.InFlight())
	orders.Show(Version{ID: "1", Content: "b"})
	orders.Fetch("1")
	orders.Record("1", Saved, Failure{})
	require.Equal(t, Tally{Fetched: 1, Saved: 1}, orders.Tally)

	orders.Show(Version{ID: "2"})
	orders.Record("2", Outside, Failure{})
	require.Equal(t, 1, orders.Tally.Fetched)
	orders.Show(Version{ID: "2", Content: "a"})
	known, _ := orders.Order("2")
	require.Equal(t, Open, known.Outcome, "it is this window's by now")
	orders.Record("2", Saved, Failure{})
	require.Equal(t, Tally{Fetched: 2, Saved: 2}, orders.Tally)
	require.Equal(t, 2, orders.Len())
}

// Law: in whatever order versions are shown, fetched and recorded, the tally is the sum of
// the outcomes of the orders.
func TestEachOrderIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var orders Orders
		for step := range rapid.IntRange(0, 60).Draw(t, "steps") {
			id := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "order"))
			known, ok := orders.Order(id)
			if !ok || rapid.Bool().Draw(t, "shown again") {
				orders.Show(Version{ID: id, Content: fmt.Sprint(step)})
				continue
			}
			switch outcome := rapid.SampledFrom(outcomes).Draw(t, "outcome"); {
			case outcome == Open:
				orders.Fetch(id)
			case outcome != Outside || !known.Fetched: // what was fetched is this window's
				orders.Record(id, outcome, Failure{Reason: "r"})
			}
		}
		var want Tally
		for _, order := range orders.shown {
			if order.Fetched {
				want.Fetched++
			}
			want.count(order.Outcome, Failure{ID: order.ID, Reason: "r"}, 1)
		}
		got := orders.Tally
		require.ElementsMatch(t, want.Failures, got.Failures)
		for _, tally := range []*Tally{&want, &got} {
			tally.Failures = nil
			tally.Skipped, tally.NewlyParked, tally.FailedReasons = noneIfEmpty(tally.Skipped), noneIfEmpty(tally.NewlyParked), noneIfEmpty(tally.FailedReasons)
		}
		require.Equal(t, want, got)
		require.GreaterOrEqual(t, got.InFlight(), 0)
	})
}

// Law: what is remembered of the orders survives continue-as-new.
func TestOrdersAreCarriedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var orders Orders
		for range rapid.IntRange(0, 30).Draw(t, "orders") {
			id := rapid.String().Draw(t, "id")
			orders.Show(Version{
				ID:        id,
				ChangedAt: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), 0).UTC(),
				Content:   rapid.StringN(0, 11, -1).Draw(t, "content"),
			})
			if outcome := rapid.SampledFrom(outcomes).Draw(t, "outcome"); outcome != Open {
				orders.Record(id, outcome, Failure{Reason: rapid.String().Draw(t, "reason")})
			}
		}
		raw, err := json.Marshal(orders)
		require.NoError(t, err)
		var back Orders
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Equal(t, orders.Len(), back.Len())
		for _, order := range orders.shown {
			known, ok := back.Order(order.ID)
			require.True(t, ok)
			require.Equal(t, order, known)
			require.Equal(t, orders.Sight(order.Version), back.Sight(order.Version))
		}
		want, err := json.Marshal(orders.Tally)
		require.NoError(t, err)
		got, err := json.Marshal(back.Tally)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
	})
}

func TestOrdersThatAreDamagedAreNotTaken(t *testing.T) {
	for _, damaged := range []string{`{"shown":"aGVsbG8="}`, `{"shown":"%"}`, `{"shown":7}`, `[]`} {
		require.Error(t, json.Unmarshal([]byte(damaged), new(Orders)), damaged)
	}
}

// The orders of the largest window, 60,000, fit into a payload, which Temporal refuses
// over 2 MiB.
func TestTheLargestWindowCanBeCarriedOver(t *testing.T) {
	const most = 60_000
	var orders Orders
	// The dearest that travels as a text of its own.
	dearest := text.New("order %s: %s", "1", strings.Repeat("长", 640))
	raw, err := json.Marshal(dearest.Short(LongestMessage))
	require.NoError(t, err)
	require.Greater(t, len(raw), 4*LongestMessage*95/100)
	for i := range most {
		hash := sha256.Sum256([]byte(fmt.Sprint(i)))
		id := fmt.Sprint(700000000 + 1000*i + int(hash[0]))
		orders.Show(Version{
			ID:        id,
			ChangedAt: second(int(hash[1])<<8 | int(hash[2])),
			Content:   base64.RawStdEncoding.EncodeToString(hash[8:14]),
		})
		outcome := Saved
		if i%200 == 0 {
			outcome = NewlyParked
		}
		orders.Record(id, outcome, Failure{Reason: "refused", Message: dearest})
	}
	raw, err = json.Marshal(orders)
	require.NoError(t, err)
	t.Logf("%d orders are carried in %d bytes", most, len(raw))
	require.Less(t, len(raw), 2<<20-100<<10)
}
