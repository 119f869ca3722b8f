package qimen

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

// disturbed returns a gateway on which each named fault always strikes.
func disturbed(t testing.TB, change func(*setup), names ...faults.Name) (*Gateway, *faults.Injector, string) {
	p := faults.Probabilities{}
	for _, name := range names {
		p[name] = 1
	}
	injector, err := faults.New(faults.Options{Seed: 1, Probabilities: p, HangTime: 20 * time.Millisecond})
	require.NoError(t, err)
	gateway, address := start(t, func(o *setup) {
		o.source.Faults = injector
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
			require.Equal(t, map[string]int{method: 1}, gateway.Calls())

			injector.Clear()
			require.Len(t, ids(list(t, address, valid())), 50, "the next call is served")
		})
	}
}

func TestCallLimitInEveryEnvelope(t *testing.T) {
	gateway, _, address := disturbed(t, nil, faults.SourceCallLimit)
	for range 40 {
		_, body, err := try(t, http.DefaultClient, address, valid())
		require.NoError(t, err)
		var reply map[string]map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &reply))
		fields := reply["error_response"]
		switch {
		case reply["response"] != nil:
			require.Equal(t, "199", reply["response"]["code"])
			require.Equal(t, "failure", reply["response"]["flag"])
		case fields["code"] == "ApiCallLimit":
			require.NotContains(t, fields, "sub_code")
		default:
			require.Contains(t, []any{7.0, 15.0}, fields["code"])
			require.Regexp(t, "limited", fields["sub_code"])
		}
	}
	refusals := gateway.Refusals()
	for _, code := range []string{"199", "7", "ApiCallLimit", "15"} {
		require.NotZero(t, refusals[code], code)
	}
}

// forms makes many calls under a fault and returns which of the patterns occurred in the
// replies.
func forms(t *testing.T, name faults.Name, change map[string]string, patterns ...string) map[string]bool {
	gateway, injector, address := disturbed(t, nil, name)
	met := map[string]bool{}
	for range 60 {
		params := valid()
		params["page_size"] = "20"
		maps.Copy(params, change)
		_, body, err := try(t, http.DefaultClient, address, params)
		require.NoError(t, err)
		for _, pattern := range patterns {
			met[pattern] = met[pattern] || regexp.MustCompile(pattern).MatchString(body)
		}
	}
	require.Equal(t, map[faults.Name]int{name: 60}, injector.Injected())
	require.Equal(t, 60, gateway.Calls()[method])
	return met
}

func TestOddReplies(t *testing.T) {
	one := map[string]string{"as_ids": orders[5].ID()}
	none := map[string]string{"as_ids": "1"}
	for _, c := range []struct {
		test     string
		fault    faults.Name
		params   map[string]string
		patterns []string
		never    string
	}{
		{"no page", faults.SourceNoPage, nil, []string{`"msg":"系统繁忙，请稍后再试","has_next":false`, `^\{"response":\{"has_next":false\}\}$`, `"success":false`}, `"as_id"`},
		{"counts", faults.SourceOddCounts, nil, []string{`"data_count":"","page_count":""`, `"data_count":null`, `"data_count":0`, `"page_index":"?1"?,"has_next"`}, `"data_count":"?[1-9]`},
		{"orders", faults.SourceOddList, nil, []string{`"datas":\{"data":\[\{`, `"datas":\[\[\{`, `"items":\{"asi_id"`, `"items":\{"data":`, `"items":\[\[\{`}, `"datas":\[\{|"items":\[[^\[]`},
		{"one order", faults.SourceOddList, one, []string{`"datas":\{"as_id"`, `"datas":\{"data":\{"as_id"`, `"datas":\{"data":\[\{"as_id"`}, `"datas":\[`},
		{"no order", faults.SourceOddList, none, []string{`"datas":""`, `"datas":\{\}`, `"datas":null`}, `"datas":\[`},
		{"GBK", faults.SourceNotUTF8, nil, []string{`"as_id"`}, `退货`},
		{"times", faults.SourceOddTimes, nil, []string{
			`"confirm_date":"2024/\d/\d+ \d+:\d\d:\d\d`, `"confirm_date":"2024-\d-\d+ \d+:\d\d:\d\d`, `"confirm_date":"2024-\d-\d+ \d+:\d\d"`,
			`_date":"0001/1/1`, `_date":"1900-01-01`, `_date":"0001-01-01`,
		}, `"modified":"[^"]* \d+:\d+"|"modified":"2024-`},
	} {
		t.Run(c.test, func(t *testing.T) {
			met := forms(t, c.fault, c.params, append(c.patterns, c.never)...)
			for _, pattern := range c.patterns {
				require.True(t, met[pattern], pattern)
			}
			require.False(t, met[c.never], c.never)
		})
	}
}

func TestEmptyPagesHaveNoOddCountsAndTimes(t *testing.T) {
	_, injector, address := disturbed(t, nil, faults.SourceOddCounts, faults.SourceOddTimes, faults.SourceNotUTF8)
	params := valid()
	params["as_ids"] = "1"
	require.Empty(t, ids(list(t, address, params)))
	require.Empty(t, injector.Injected())
}

// A clock that is fast refuses correct timestamps and accepts those that are as fast.
func TestClockOff(t *testing.T) {
	_, _, address := disturbed(t, nil, faults.SourceClockOff)
	params := valid()
	params["timestamp"] = now.Add(faults.DefaultClockError).Format(time.DateTime)
	require.Len(t, ids(list(t, address, params)), 50)
}

// A source whose clock is behind uses it for everything that it reports and checks, until
// the clock is set right.
func TestClockBehind(t *testing.T) {
	var changed merchant.Record
	var arrivals []time.Duration
	gateway, injector, address := disturbed(t, func(o *setup) {
		o.source.Changed = func(r merchant.Record) { changed = r }
		o.source.Arrive = func(_ time.Time, ahead time.Duration) []merchant.Record {
			arrivals = append(arrivals, ahead)
			return nil
		}
	}, faults.SourceClockBehind)
	call := func(timestamp time.Time) (date, body string) {
		values := url.Values{}
		params := valid()
		params["timestamp"] = timestamp.Format(time.DateTime)
		for name, value := range signed(params) {
			values.Set(name, value)
		}
		response, err := http.PostForm(address, values)
		require.NoError(t, err)
		raw, err := io.ReadAll(response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
		shown, err := http.ParseTime(response.Header.Get("Date"))
		require.NoError(t, err)
		return shown.In(merchant.Beijing).Format(time.DateTime), string(raw)
	}
	slow := now.Add(-faults.DefaultClockError)
	date, body := call(now)
	require.Equal(t, slow.Format(time.DateTime), date, "also of a refusal")
	require.Contains(t, body, "Invalid Timestamp")
	date, body = call(slow)
	require.Equal(t, slow.Format(time.DateTime), date)
	require.Contains(t, body, `"as_id"`)
	require.True(t, source.Change(gateway.source, orders[3].AsID, (*merchant.Order).ModifiedAt))
	require.True(t, slow.Equal(changed.When(0)))

	injector.Clear()
	date, body = call(now)
	require.Equal(t, now.Format(time.DateTime), date)
	require.Contains(t, body, `"as_id"`)
	require.True(t, source.Change(gateway.source, orders[3].AsID, (*merchant.Order).ModifiedAt))
	require.True(t, now.Equal(changed.When(0)))
	require.Equal(t, []time.Duration{-faults.DefaultClockError, 0}, arrivals)
}

// readPages reads all pages in sequence and returns how often each order occurred.
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

// Reading forward misses orders that never moved, as the vendor warns; reading backward
// misses none.
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
			gateway, injector, address := disturbed(t, func(o *setup) {
				o.source.Changed = func(r merchant.Record) { moved[r.Value("as_id")] = r.(*merchant.Order) }
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
			require.Equal(t, map[string]int{method: len(pages) + 1}, gateway.Calls())
		})
	}
}

// Callers ask for the past, so a change now is in no requested range.
func TestChangesAreLaterThanAnyRequest(t *testing.T) {
	var changed merchant.Record
	gateway, address := start(t, func(o *setup) { o.source.Changed = func(r merchant.Record) { changed = r } })
	params := valid()
	params["end_time"] = "2024-03-07 12:00:00"
	list(t, address, params)
	require.True(t, source.Change(gateway.source, orders[3].AsID, (*merchant.Order).ModifiedAt))
	require.Equal(t, "2024-03-07 12:00:01", changed.When(0).Format(time.DateTime))
	params = valid()
	params["start_time"], params["end_time"] = "2024-03-07 12:00:01", "2024-03-07 12:00:01"
	require.Equal(t, []string{orders[3].ID()}, ids(list(t, address, params)))
	require.True(t, source.Change(gateway.source, orders[4].AsID, (*merchant.Order).ModifiedAt))
	require.True(t, source.Change(gateway.source, orders[3].AsID, (*merchant.Order).ModifiedAt))
	require.Equal(t, "2024-03-07 12:00:03", changed.When(0).Format(time.DateTime))
	require.Empty(t, ids(list(t, address, params)))
	require.False(t, source.Change(gateway.source, 1, (*merchant.Order).ModifiedAt))
}

func TestOrdersDoNotMoveByOtherDates(t *testing.T) {
	_, injector, address := disturbed(t, nil, faults.SourceOrderMoves)
	params := valid()
	params["date_type"] = "1"
	params["start_time"], params["end_time"] = "2024-02-27 00:00:00", "2024-03-04 00:00:00"
	require.NotEmpty(t, ids(list(t, address, params)))
	require.Empty(t, injector.Injected())
}
