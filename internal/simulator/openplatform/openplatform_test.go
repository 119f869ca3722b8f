package openplatform

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

const (
	refunds   = "/open/refund/single/query"
	receipts  = "/open/aftersale/received/query"
	outbounds = "/open/orders/out/simple/query"
)

var march = time.Date(2024, time.March, 1, 0, 0, 0, 0, merchant.Beijing)

// Both vectors are published with the documentation, docId=70; their secret is the demo's.
func TestSignatureOfTheDocumentation(t *testing.T) {
	const secret = "e9c5ca33fecb404b8e6cdbd0ef4a6d25"
	form := map[string]string{"app_key": "5b53060f23d84ddf9703056e84fa5a2d", "charset": "utf-8", "timestamp": "1639128407", "sign": "x"}
	form["code"], form["grant_type"] = "123456", "authorization_code"
	require.Equal(t, "05e3a51e19e0883afd1882ccd309e0b9", sign(secret, form))
	form["code"], form["grant_type"] = "", ""
	form["access_token"], form["version"] = "d7b01bf0842a4742a9450e21ffd95f60", "2"
	form["biz"] = `{"page_index":"1","page_size":"100","nicks":["老板"]}`
	require.Equal(t, "395f5a78b446be465ac03a02491296c7", sign(secret, form))
}

// world is a platform with a clock, and its caller.
type world struct {
	*Platform
	t        *testing.T
	merchant *merchant.Merchant
	injector *faults.Injector
	now      time.Time
	url      string
	token    string
}

func start(t *testing.T, change func(*Options)) *world {
	injector, err := faults.New(faults.Options{Seed: 1, HangTime: 20 * time.Millisecond})
	require.NoError(t, err)
	w := &world{t: t, now: march.AddDate(0, 0, 9), injector: injector,
		merchant: merchant.New(merchant.Options{Seed: 1, Orders: 400, From: march, Days: 3})}
	options := Options{AppKey: "key", AppSecret: "secret", HiddenShops: merchant.OnlyQimen}
	if change != nil {
		change(&options)
	}
	w.Platform = New(options, source.New(source.Options{
		Seed: 1, Now: func() time.Time { return w.now }, Faults: injector, Records: w.merchant.Records, Changed: w.merchant.Replace,
	}))
	server := httptest.NewServer(w.Platform)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// reply is what a caller reads of a reply.
type reply struct {
	Code int
	Msg  string
	Data struct {
		DataCount    *int   `json:"data_count"`
		HasNext      bool   `json:"has_next"`
		ExpiresIn    int64  `json:"expires_in"`
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		Datas        []map[string]any
	}
}

func (w *world) post(path string, form map[string]string) (*http.Response, error) {
	for name, value := range map[string]string{"app_key": "key", "charset": "utf-8", "timestamp": strconv.FormatInt(w.now.Unix(), 10)} {
		if _, given := form[name]; !given {
			form[name] = value
		}
	}
	if _, given := form["sign"]; !given {
		form["sign"] = sign("secret", form)
	}
	values := url.Values{}
	for name, value := range form {
		values.Set(name, value)
	}
	return http.PostForm(w.url+path, values)
}

func (w *world) call(path string, form map[string]string) reply {
	w.t.Helper()
	response, err := w.post(path, form)
	require.NoError(w.t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	require.Equal(w.t, http.StatusOK, response.StatusCode)
	var r reply
	require.NoError(w.t, json.Unmarshal(regexp.MustCompile(`[\x00-\x08\x0b-\x0c\x0e-\x1f]`).ReplaceAll(raw, nil), &r), "%s", raw)
	return r
}

func (w *world) grant() reply {
	w.t.Helper()
	r := w.call("/openWeb/auth/getInitToken", map[string]string{"grant_type": "authorization_code", "code": "a1B2c3"})
	w.token = r.Data.AccessToken
	return r
}

func (w *world) refresh(refreshToken string) reply {
	w.t.Helper()
	return w.call("/openWeb/auth/refreshToken", map[string]string{"grant_type": "refresh_token", "refresh_token": refreshToken, "scope": "all"})
}

func (w *world) query(path string, biz any) reply {
	w.t.Helper()
	raw, err := json.Marshal(biz)
	require.NoError(w.t, err)
	return w.call(path, map[string]string{"access_token": w.token, "version": "2", "biz": string(raw)})
}

// all are the parameters of a query for everything.
func all(page int) map[string]any {
	return map[string]any{
		"page_index": page, "page_size": 50, "modified_begin": "2024-03-01 00:00:00", "modified_end": "2024-03-04 00:00:00",
	}
}

func TestEveryInterfaceShowsItsRecords(t *testing.T) {
	for path, c := range map[string]struct {
		document merchant.Document
		key      string
		hidden   []int64
	}{
		refunds:   {merchant.Refunds, "as_id", merchant.OnlyQimen},
		receipts:  {merchant.Receipts, "io_id", nil},
		outbounds: {merchant.Outbounds, "io_id", nil},
	} {
		t.Run(path, func(t *testing.T) {
			w := start(t, nil)
			w.grant()
			want, got := map[string]bool{}, map[string]bool{}
			for _, r := range w.merchant.Records(c.document) {
				if len(c.hidden) == 0 || r.Value("shop_id") != strconv.FormatInt(c.hidden[0], 10) {
					want[strconv.FormatInt(r.Key(), 10)] = true
				}
			}
			for page := 1; ; page++ {
				r := w.query(path, all(page))
				require.Zero(t, r.Code, r.Msg)
				require.Equal(t, len(want), *r.Data.DataCount)
				for _, row := range r.Data.Datas {
					require.IsType(t, 0.0, row[c.key], "a number")
					got[strconv.FormatFloat(row[c.key].(float64), 'f', 0, 64)] = true
				}
				if !r.Data.HasNext {
					break
				}
			}
			require.Equal(t, want, got)
		})
	}
}

func TestRefusals(t *testing.T) {
	w := start(t, nil)
	w.grant()
	with := func(name string, value any) map[string]any {
		biz := all(1)
		biz[name] = value
		if value == nil {
			delete(biz, name)
		}
		return biz
	}
	ids := func(n int) (list []string) {
		for i := range n {
			list = append(list, strconv.Itoa(i))
		}
		return list
	}
	for _, c := range []struct {
		name, path string
		biz        map[string]any
		code       int
	}{
		{"page_size as text", refunds, with("page_size", "50"), 0},
		{"page_size 51", refunds, with("page_size", 51), 130},
		{"page_index no number", refunds, with("page_index", "{x}"), 130},
		{"no begin", refunds, with("modified_begin", nil), 130},
		{"over 7 days", refunds, with("modified_end", "2024-03-08 00:00:01"), 130},
		{"unknown status", refunds, with("status", "confirmed"), 130},
		{"50 ids", refunds, with("as_ids", ids(50)), 0},
		{"51 ids", receipts, with("io_ids", ids(51)), 130},
		{"ids as text", refunds, with("as_ids", "1,2"), 130},
		{"a list for a text", refunds, with("status", []string{"Confirmed"}), 130},
		{"ids without a range", receipts, map[string]any{"io_ids": ids(1)}, 0},
		{"ids of outbound orders without a range", outbounds, map[string]any{"so_ids": ids(1)}, 130},
		{"neither ids nor a range", receipts, map[string]any{"page_index": 1}, 130},
		{"row versions without a range", outbounds, map[string]any{"start_ts": 0}, 0},
		{"date_type 3", receipts, with("date_type", 3), 130},
		{"a path that there is not", "/open/orders/single/query", all(1), 190},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := w.query(c.path, c.biz)
			require.Equal(t, c.code, r.Code, r.Msg)
		})
	}
	for _, c := range []struct {
		name string
		form map[string]string
		code int
	}{
		{"wrong sign", map[string]string{"sign": "0"}, 10},
		{"another application", map[string]string{"app_key": "other"}, 10},
		{"no charset", map[string]string{"charset": ""}, 10015},
		{"a slow clock", map[string]string{"timestamp": strconv.FormatInt(w.now.Add(-11*time.Minute).Unix(), 10)}, 140},
		{"milliseconds", map[string]string{"timestamp": strconv.FormatInt(w.now.UnixMilli(), 10)}, 140},
		{"no token", map[string]string{"access_token": ""}, 100},
		{"another token", map[string]string{"access_token": "other"}, 100},
		{"no version", map[string]string{"version": ""}, 10015},
		{"no biz", map[string]string{"biz": ""}, 130},
		{"biz no object", map[string]string{"biz": "[]"}, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := map[string]string{"access_token": w.token, "version": "2", "biz": `{"start_ts":0}`}
			for name, value := range c.form {
				form[name] = value
			}
			require.Equal(t, c.code, w.call(refunds, form).Code)
			require.NotZero(t, w.Refusals()[strconv.Itoa(c.code)])
		})
	}
}

func TestPagesOfHundred(t *testing.T) {
	w := start(t, func(o *Options) { o.LargestPage = 100 })
	w.grant()
	biz := all(1)
	biz["page_size"] = 100
	require.Len(t, w.query(receipts, biz).Data.Datas, 100)
	delete(biz, "page_size")
	require.Len(t, w.query(receipts, biz).Data.Datas, 30, "the documented default")
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		name          string
		options       TokenOptions
		same, oldDies bool
	}{
		{"the value stays", TokenOptions{}, true, false},
		{"a new value", TokenOptions{NewValues: true}, false, true},
		{"a new value beside the old", TokenOptions{NewValues: true, OldLive: true}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, func(o *Options) { o.Tokens = c.options })
			first := w.grant().Data
			require.Equal(t, int64(30*24*60*60), first.ExpiresIn)
			require.Zero(t, w.query(refunds, all(1)).Code)
			require.Equal(t, 150, w.refresh(first.RefreshToken).Code, "too early")
			w.now = w.now.AddDate(0, 0, 29)
			next := w.refresh(first.RefreshToken)
			require.Zero(t, next.Code)
			require.Equal(t, c.same, next.Data.AccessToken == first.AccessToken)
			require.Equal(t, c.oldDies, w.query(refunds, all(1)).Code == 100)
			w.now = w.now.AddDate(0, 0, 2)
			w.token = next.Data.AccessToken
			require.Zero(t, w.query(refunds, all(1)).Code, "its life is longer")
			w.now = w.now.AddDate(0, 0, 29)
			require.Equal(t, 100, w.query(refunds, all(1)).Code)
			require.Equal(t, 100, w.refresh(next.Data.RefreshToken).Code)
			former := w.token
			require.NotEqual(t, former, w.grant().Data.AccessToken)
			require.Zero(t, w.query(refunds, all(1)).Code)
			require.NotZero(t, w.EndTokens())
			require.Equal(t, 100, w.query(refunds, all(1)).Code)
		})
	}
}

func TestTokensOfAServiceProvider(t *testing.T) {
	w := start(t, func(o *Options) { o.Tokens.ServiceProvider = true })
	require.Equal(t, 21024, w.grant().Code)
	ask := func(code string) reply {
		return w.call("/openWeb/auth/accessToken", map[string]string{"grant_type": "authorization_code", "code": code})
	}
	require.Equal(t, 130, ask("a1B2c3").Code)
	r := ask(AuthorizationCode)
	w.token = r.Data.AccessToken
	require.Zero(t, w.query(refunds, all(1)).Code)
	require.Equal(t, 150, w.refresh(r.Data.RefreshToken).Code)
}

func TestLimitsAreOfTheApplication(t *testing.T) {
	w := start(t, func(o *Options) { o.CallsPerSecond, o.CallsPerMinute = 5, 8 })
	w.grant()
	for _, path := range []string{refunds, receipts, outbounds} {
		require.Zero(t, w.query(path, all(1)).Code)
	}
	require.Zero(t, w.query("/open/shops/query", struct{}{}).Code)
	require.Equal(t, 199, w.query(refunds, all(1)).Code)
	w.now = w.now.Add(time.Second)
	for range 3 {
		require.Zero(t, w.query(refunds, all(1)).Code)
	}
	require.Equal(t, 200, w.query(refunds, all(1)).Code)
	require.Equal(t, map[string]int{"199": 1, "200": 1}, w.Refusals())
}

func TestShopsAndWarehouses(t *testing.T) {
	w := start(t, nil)
	w.grant()
	r := w.query("/open/shops/query", map[string]any{"shop_ids": []int64{10001, 10003}})
	require.Len(t, r.Data.Datas, 2)
	require.Nil(t, r.Data.DataCount)
	r = w.query("/open/wms/partner/query", map[string]any{"page_size": 2})
	require.Len(t, r.Data.Datas, 2)
	require.True(t, r.Data.HasNext)
	require.Equal(t, len(merchant.Warehouses())+1, *r.Data.DataCount)
	require.Equal(t, r.Data.Datas[0]["co_id"], r.Data.Datas[0]["wms_co_id"], "the main warehouse")
	require.Equal(t, 130, w.query("/open/shops/query", map[string]any{"page_size": 101}).Code)
}

// A call that fails is followed by one that is served.
func TestFaults(t *testing.T) {
	for name, check := range map[faults.Name]func(t *testing.T, status int, body string, err error){
		faults.SourceServerError:   func(t *testing.T, status int, _ string, _ error) { require.GreaterOrEqual(t, status, 500) },
		faults.SourceHang:          func(t *testing.T, _ int, _ string, err error) { require.Error(t, err) },
		faults.SourceTruncatedBody: func(t *testing.T, _ int, _ string, err error) { require.ErrorIs(t, err, io.ErrUnexpectedEOF) },
		faults.SourceMalformedJSON: func(t *testing.T, _ int, body string, _ error) { require.False(t, json.Valid([]byte(body))) },
		faults.SourceNoPage:        func(t *testing.T, _ int, body string, _ error) { require.NotContains(t, body, "as_id") },
		faults.SourceCallLimit:     func(t *testing.T, _ int, body string, _ error) { require.Regexp(t, `^{"code":(199|200),`, body) },
		faults.SourceTokenLost:     func(t *testing.T, _ int, body string, _ error) { require.Regexp(t, `^{"code":100,`, body) },
		faults.SourceClockOff:      func(t *testing.T, _ int, body string, _ error) { require.Regexp(t, `^{"code":140,`, body) },
		faults.SourceOddCounts:     func(t *testing.T, _ int, body string, _ error) { require.NotRegexp(t, `"data_count":[1-9]`, body) },
		faults.SourceOddList:       func(t *testing.T, _ int, body string, _ error) { require.NotRegexp(t, `"datas":\[{`, body) },
		faults.SourceOddTimes:      func(t *testing.T, _ int, body string, _ error) { require.NotContains(t, body, `"modified":"2024-03`) },
		faults.SourceNotUTF8:       func(t *testing.T, _ int, body string, _ error) { require.NotContains(t, body, "退货") },
	} {
		t.Run(string(name), func(t *testing.T) {
			w := start(t, nil)
			w.grant()
			require.NoError(t, w.injector.Set(faults.Probabilities{name: 1}))
			response, err := w.post(refunds, map[string]string{"access_token": w.token, "version": "2", "biz": `{"start_ts":0}`})
			status, body := 0, []byte(nil)
			if err == nil {
				status = response.StatusCode
				body, err = io.ReadAll(response.Body)
				require.NoError(t, response.Body.Close())
			}
			check(t, status, string(body), err)
			require.Equal(t, map[faults.Name]int{name: 1}, w.injector.Injected())
			require.Equal(t, 1, w.Calls()[refunds])
			w.injector.Clear()
			w.grant()
			require.NotEmpty(t, w.query(refunds, map[string]any{"start_ts": 0}).Data.Datas)
		})
	}
}

// A page moves on while it is read, and what changes is shown with its new time.
func TestRecordsMoveAndChange(t *testing.T) {
	w := start(t, nil)
	w.grant()
	require.NoError(t, w.injector.Set(faults.Probabilities{faults.SourceOrderMoves: 1}))
	before := *w.query(receipts, all(1)).Data.DataCount
	require.Equal(t, before-1, *w.query(receipts, all(1)).Data.DataCount)
	w.injector.Clear()
	changed := w.merchant.Records(merchant.Receipts)[7]
	require.True(t, source.Change(w.source, changed.Key(), (*merchant.Movement).MoreReceived))
	r := w.query(receipts, map[string]any{"io_ids": []int64{changed.Key()}})
	require.Len(t, r.Data.Datas, 1)
	require.Contains(t, fmt.Sprint(r.Data.Datas[0]["modified"]), w.merchant.Records(merchant.Receipts)[7].When(0).Format(time.DateTime))
	require.False(t, source.Change(w.source, changed.Key(), (*merchant.Order).Remarked), "it is no order")
}
