package simulator

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// faultCall calls /_sim/faults and returns the status and the reply.
func (c *caller) faultCall(server *Server, method, body string) (int, faults.Probabilities) {
	c.t.Helper()
	request, err := http.NewRequest(method, server.URL()+"/_sim/faults", strings.NewReader(body))
	require.NoError(c.t, err)
	response, err := c.client.Do(request)
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, nil
	}
	var shown faults.Probabilities
	require.NoError(c.t, json.NewDecoder(response.Body).Decode(&shown))
	require.Len(c.t, shown, len(faults.Names()), "every fault is shown")
	maps.DeleteFunc(shown, func(_ faults.Name, probability float64) bool { return probability == 0 })
	return response.StatusCode, shown
}

func TestFaultsAtRunTime(t *testing.T) {
	s, server, c := start(t, Options{Orders: 10, Faults: faults.Probabilities{faults.SourceHang: 0.5}})
	steps := []struct {
		method, body string
		status       int
		set          faults.Probabilities
	}{
		{http.MethodGet, ``, 200, faults.Probabilities{faults.SourceHang: 0.5}},
		{http.MethodPost, `{"kingdee-hang":"0.25"}`, 200, faults.Probabilities{faults.SourceHang: 0.5, faults.KingdeeHang: 0.25}},
		{http.MethodPost, `{"source-hang":0}`, 200, faults.Probabilities{faults.KingdeeHang: 0.25}},
		{http.MethodPut, `{"kingdee-conflict":1}`, 200, faults.Probabilities{faults.KingdeeConflict: 1}},
		{http.MethodPut, `{"earthquake":1}`, 400, nil},
		{http.MethodPut, `{"kingdee-hang":1.5}`, 400, nil},
		{http.MethodPut, `kingdee-hang`, 400, nil},
		{http.MethodGet, ``, 200, faults.Probabilities{faults.KingdeeConflict: 1}},
		{http.MethodDelete, ``, 200, faults.Probabilities{}},
	}
	for i, step := range steps {
		status, set := c.faultCall(server, step.method, step.body)
		require.Equal(t, step.status, status, "step %d", i)
		require.Equal(t, step.set, set, "step %d", i)
	}

	c.logIn()
	require.NoError(t, s.SetFaults(faults.Probabilities{faults.KingdeeConflict: 1}))
	require.Contains(t, c.save(&merchant.Bill{}), "冲突，请稍候再使用")
	require.Error(t, s.SetFaults(faults.Probabilities{"earthquake": 1}))
	require.NoError(t, s.SetFaults(nil))
	require.NotContains(t, c.save(&merchant.Bill{}), "冲突，请稍候再使用")
	var state State
	require.NoError(t, json.Unmarshal(c.get("/_sim/state"), &state))
	require.Equal(t, map[faults.Name]int{faults.KingdeeConflict: 1}, state.Faults)
}

// An order that is modified meanwhile leaves the range. A run over its new time finds it,
// and its bill is the same.
func TestMovedOrdersAreFoundAtTheirNewTime(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 300, Faults: faults.Probabilities{faults.SourceOrderMoves: 1}})
	from, to := s.Range()
	before := s.Truth()
	for range 4 {
		c.refunds(from, to.Add(-time.Second))
	}
	require.NoError(t, s.SetFaults(nil))
	truth := s.Truth()
	stayed := truth.Between(from, to)
	require.Len(t, truth, len(before))
	require.Equal(t, len(before)-s.State().Faults[faults.SourceOrderMoves], len(stayed))
	ids, _ := c.refunds(from, to.Add(-time.Second))
	require.ElementsMatch(t, slices.Collect(maps.Keys(stayed)), ids)
	late, _ := c.refunds(to, truth.Latest())
	require.ElementsMatch(t, slices.Collect(maps.Keys(truth)), append(ids, late...))
	require.NotEmpty(t, late)
	for id, e := range truth {
		require.Equal(t, before[id].Bill, e.Bill, id)
		require.False(t, e.Changed)
	}

	var shown struct{ Totals merchant.Totals }
	require.NoError(t, json.Unmarshal(c.get("/_sim/truth"), &shown))
	require.Equal(t, truth.Totals(), shown.Totals, "orders behind the range are shown as well")
}

func TestOrdersThatChangeAfterTheyWereSaved(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 200, Faults: faults.Probabilities{faults.SourceOrderChanges: 0.2}})
	c.logIn()
	_, to := s.Range()
	served := s.Truth()
	for _, id := range slices.Sorted(maps.Keys(served)) {
		if bill := served[id].Bill; bill != nil {
			require.Contains(t, c.save(bill), `"IsSuccess":true`)
		}
	}
	truth, state := s.Truth(), s.State()
	require.Empty(t, CompareAnyVersion(truth, state))
	changed, later := map[string]bool{}, truth.Between(to, truth.Latest().Add(time.Second))
	for id, e := range truth {
		if !e.Changed {
			continue
		}
		changed[id] = true
		require.Equal(t, []*merchant.Bill{served[id].Bill}, e.Earlier)
		require.Contains(t, later, id)
	}
	different := map[string]bool{}
	for _, d := range Compare(truth, state) {
		require.Equal(t, Different, d.Kind)
		different[d.Number] = true
	}
	require.Equal(t, changed, different, "what changed is not saved as it is now")
	require.Len(t, later, state.Faults[faults.SourceOrderChanges])
	require.NotEmpty(t, changed)
	require.Less(t, len(changed), len(later), "some changes stand in no bill")
	ids, _ := c.refunds(to, truth.Latest())
	require.ElementsMatch(t, slices.Collect(maps.Keys(later)), ids)
}

// A withdrawn order needs no bill; the bill that it had may stay. The order that it was
// merged into needs its own.
func TestOrdersThatAreWithdrawnAfterTheyWereSaved(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 200, Faults: faults.Probabilities{faults.SourceOrderWithdrawn: 0.2}})
	c.logIn()
	served := s.Truth()
	for _, id := range slices.Sorted(maps.Keys(served)) {
		if bill := served[id].Bill; bill != nil {
			require.Contains(t, c.save(bill), `"IsSuccess":true`)
		}
	}
	require.NoError(t, s.SetFaults(nil))
	truth, withdrawn, merged := s.Truth(), map[string]bool{}, 0
	for id, e := range truth {
		if e.Withdrawn {
			withdrawn[id] = true
			require.Equal(t, []*merchant.Bill{served[id].Bill}, e.Earlier)
			require.Equal(t, merchant.Skipped, e.Outcome)
			require.Nil(t, e.Bill)
		}
		if _, was := served[id]; !was {
			require.Equal(t, merchant.Saved, e.Outcome)
			merged++
		}
	}
	require.Greater(t, len(withdrawn), 10)
	require.NotZero(t, merged)
	require.Len(t, withdrawn, s.State().Faults[faults.SourceOrderWithdrawn])
	missing := 0
	for _, difference := range Compare(truth, s.State()) {
		require.Equal(t, Missing, difference.Kind, difference)
		missing++
	}
	require.Equal(t, merged, missing, "bills of withdrawn orders may stay, and those of the merged are to come")
	late, _ := c.refunds(mustTo(s), truth.Latest())
	require.Len(t, late, len(withdrawn)+merged)
}

func mustTo(s *Simulator) time.Time {
	_, to := s.Range()
	return to
}

func TestAnyVersionIsNotAnyBill(t *testing.T) {
	truth := wanted()
	e := truth["1"]
	earlier := *e.Bill
	earlier.HeadNote = "earlier"
	e.Earlier, e.Changed = []*merchant.Bill{&earlier}, true
	truth["1"] = e
	kingdee := func(notes ...string) State {
		var state State
		for _, note := range notes {
			bill := stored()
			bill.Fields["FHeadNote"] = note + mark1
			state.Kingdee.Bills = append(state.Kingdee.Bills, bill)
		}
		return state
	}
	require.Empty(t, CompareAnyVersion(truth, kingdee("note")))
	require.Empty(t, CompareAnyVersion(truth, kingdee("earlier")))
	require.Len(t, Compare(truth, kingdee("earlier")), 1)
	require.Equal(t, []Difference{{Kind: Different, Form: merchant.ReturnForm, Number: "1", Field: "FHeadNote", Want: "note [mark]", Got: "other" + mark1}},
		CompareAnyVersion(truth, kingdee("other")))
	require.Equal(t, []Difference{{Kind: Missing, Form: merchant.ReturnForm, Number: "1"}}, CompareAnyVersion(truth, kingdee()))
	require.Equal(t, Double, CompareAnyVersion(truth, kingdee("note", "earlier"))[0].Kind)
}

// The test ends long before the hang time.
func TestHangEndsWithTheServer(t *testing.T) {
	s, err := New(Options{Orders: 10, Faults: faults.Probabilities{faults.SourceHang: 1}, HangTime: time.Hour})
	require.NoError(t, err)
	server, err := s.Start(context.Background(), "127.0.0.1:0")
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{}}
	done := make(chan error, 1)
	go func() {
		_, err := client.Post(server.URL()+"/router/qm", "application/x-www-form-urlencoded", strings.NewReader("method=jushuitan.refund.list.query"))
		done <- err
	}()
	require.Eventually(t, func() bool { return s.State().Source.Calls["jushuitan.refund.list.query"] == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, server.Close())
	require.Error(t, <-done)
	client.CloseIdleConnections()
	require.NoError(t, s.Close())
}

// The same calls in sequence change the same orders in the same way.
func TestSameSeedSameChanges(t *testing.T) {
	run := func(faultSeed uint64) merchant.Truth {
		s, _, c := start(t, Options{Seed: 1, FaultSeed: faultSeed, Orders: 100, Faults: faults.Probabilities{
			faults.SourceOrderMoves: 0.5, faults.SourceOrderChanges: 0.3,
		}})
		from, to := s.Range()
		truth := s.Truth()
		c.logIn()
		for range 5 {
			c.refunds(from, to)
		}
		for _, id := range slices.Sorted(maps.Keys(truth)) {
			if bill := truth[id].Bill; bill != nil {
				c.save(bill)
			}
		}
		return s.Truth()
	}
	require.Equal(t, run(7), run(7))
	require.Equal(t, run(0), run(1), "0 is the seed of the orders")
	require.NotEqual(t, run(7), run(8))
}
