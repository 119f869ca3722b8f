package qimen

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// disturbed is a gateway under which each named fault always strikes.
func disturbed(t testing.TB, change func(*Options), names ...faults.Name) (*Gateway, *faults.Injector, string) {
	p := faults.Probabilities{}
	for _, name := range names {
		p[name] = 1
	}
	injector, err := faults.New(faults.Options{Seed: 1, Probabilities: p, HangTime: 20 * time.Millisecond})
	require.NoError(t, err)
	gateway, address := start(t, func(o *Options) {
		o.Faults = injector
		if change != nil {
			change(o)
		}
	})
	return gateway, injector, address
}

// try makes a call that may fail in any way.
func try(t testing.TB, client *http.Client, address string, params map[string]string) (status int, body string, err error) {
	values := url.Values{}
	for name, value := range signed(params) {
		values.Set(name, value)
	}
	response, err := client.PostForm(address, values)
	if err != nil {
		return 0, "", err
	}
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), errors.Join(err, response.Body.Close())
}

func TestCallsThatFail(t *testing.T) {
	cases := []struct {
		name  faults.Name
		check func(t *testing.T, status int, body string, err error)
	}{
		{faults.SourceServerError, func(t *testing.T, status int, _ string, err error) {
			require.NoError(t, err)
			require.GreaterOrEqual(t, status, 500)
		}},
		{faults.SourceHang, func(t *testing.T, _ int, _ string, err error) { require.ErrorIs(t, err, io.EOF) }},
		{faults.SourceTruncatedBody, func(t *testing.T, _ int, _ string, err error) { require.ErrorIs(t, err, io.ErrUnexpectedEOF) }},
		{faults.SourceMalformedJSON, func(t *testing.T, status int, body string, err error) {
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.False(t, json.Valid([]byte(body)))
		}},
		{faults.SourceClockOff, func(t *testing.T, _ int, body string, err error) {
			require.NoError(t, err)
			require.Contains(t, body, `"code":31`)
			require.Contains(t, body, "Invalid Timestamp")
		}},
	}
	for _, c := range cases {
		t.Run(string(c.name), func(t *testing.T) {
			gateway, injector, address := disturbed(t, nil, c.name)
			status, body, err := try(t, http.DefaultClient, address, valid())
			c.check(t, status, body, err)
			require.Equal(t, map[faults.Name]int{c.name: 1}, injector.Injected())
			require.Equal(t, map[string]int{Method: 1}, gateway.Calls())

			injector.Clear()
			require.Len(t, ids(list(t, address, valid())), 50, "the next call is served")
		})
	}
}

func TestCallLimitInBothEnvelopes(t *testing.T) {
	gateway, _, address := disturbed(t, nil, faults.SourceCallLimit)
	envelopes := map[string]bool{}
	for range 20 {
		_, body, err := try(t, http.DefaultClient, address, valid())
		require.NoError(t, err)
		var reply map[string]map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &reply))
		for envelope, fields := range reply {
			envelopes[envelope] = true
			switch envelope {
			case "response":
				require.Equal(t, "199", fields["code"])
				require.Equal(t, "failure", fields["flag"])
			case "error_response":
				require.InDelta(t, 7, fields["code"], 0)
				require.Equal(t, "App Call Limited", fields["msg"])
				require.Equal(t, "isp.call-limited", fields["sub_code"])
			}
		}
	}
	require.Equal(t, map[string]bool{"response": true, "error_response": true}, envelopes)
	require.Equal(t, 20, gateway.Refusals()["199"]+gateway.Refusals()["7"])
}

// A clock that is fast refuses what is right and accepts what is as fast.
func TestClockOff(t *testing.T) {
	_, _, address := disturbed(t, nil, faults.SourceClockOff)
	params := valid()
	params["timestamp"] = now.Add(faults.DefaultClockError).Format(time.DateTime)
	require.Len(t, ids(list(t, address, params)), 50)
}

// readPages reads all pages in an order and gives how often each order came.
func readPages(t testing.TB, address string, pages []int) map[string]int {
	read := map[string]int{}
	for _, page := range pages {
		params := valid()
		params["page_index"] = strconv.Itoa(page)
		for _, id := range ids(list(t, address, params)) {
			read[id]++
		}
	}
	return read
}

// TestOrdersMoveOutOfTheRange: reading forward loses orders that never moved,
// as the vendor warns, and reading backward loses none.
func TestOrdersMoveOutOfTheRange(t *testing.T) {
	pages := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}
	backward := slices.Clone(pages)
	slices.Reverse(backward)
	for _, c := range []struct {
		name  string
		pages []int
		gaps  bool
	}{{"forward", pages, true}, {"backward", backward, false}} {
		t.Run(c.name, func(t *testing.T) {
			moved := map[string]*merchant.Order{}
			gateway, injector, address := disturbed(t, func(o *Options) {
				o.OrderChanged = func(o *merchant.Order) { moved[o.ID()] = o }
			}, faults.SourceOrderMoves)
			read := readPages(t, address, c.pages)
			lost := 0
			for _, o := range orders {
				if read[o.ID()] == 0 && moved[o.ID()] == nil {
					lost++
				}
			}
			require.Equal(t, c.gaps, lost > 0, "%d lost", lost)
			require.Len(t, moved, len(pages))
			require.Equal(t, map[faults.Name]int{faults.SourceOrderMoves: len(pages)}, injector.Injected())

			injector.Clear()
			end := march.AddDate(0, 0, 3)
			params := valid()
			params["start_time"] = end.Add(time.Second).Format(time.DateTime)
			params["end_time"] = end.Add(time.Hour).Format(time.DateTime)
			reply := list(t, address, params)
			for _, id := range ids(reply) {
				require.Contains(t, moved, id, "only what moved is modified after the range")
				require.True(t, moved[id].Modified.After(end))
			}
			require.Len(t, ids(reply), len(moved))
			require.Equal(t, map[string]int{Method: len(pages) + 1}, gateway.Calls())
		})
	}
}

// Callers ask for the past, so what changes now is in no range asked for.
func TestAChangeIsLaterThanAllThatWasAskedFor(t *testing.T) {
	var changed *merchant.Order
	gateway, address := start(t, func(o *Options) { o.OrderChanged = func(o *merchant.Order) { changed = o } })
	params := valid()
	params["end_time"] = "2024-03-07 12:00:00"
	list(t, address, params)
	require.True(t, gateway.Change(orders[3].AsID, (*merchant.Order).ModifiedAt))
	require.Equal(t, "2024-03-07 12:00:01", changed.Modified.Format(time.DateTime))
	params = valid()
	params["start_time"], params["end_time"] = "2024-03-07 12:00:01", "2024-03-07 12:00:01"
	require.Equal(t, []string{orders[3].ID()}, ids(list(t, address, params)))
	require.True(t, gateway.Change(orders[4].AsID, (*merchant.Order).ModifiedAt))
	require.True(t, gateway.Change(orders[3].AsID, (*merchant.Order).ModifiedAt))
	require.Equal(t, "2024-03-07 12:00:03", changed.Modified.Format(time.DateTime))
	require.Empty(t, ids(list(t, address, params)))
	require.False(t, gateway.Change(1, (*merchant.Order).ModifiedAt))
}

func TestOrdersDoNotMoveByOtherDates(t *testing.T) {
	_, injector, address := disturbed(t, nil, faults.SourceOrderMoves)
	params := valid()
	params["date_type"] = "1"
	params["start_time"], params["end_time"] = "2024-02-27 00:00:00", "2024-03-04 00:00:00"
	require.NotEmpty(t, ids(list(t, address, params)))
	require.Empty(t, injector.Injected())
}
