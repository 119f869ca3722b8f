package qimen

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
	"refundsync/internal/testkit/nettest"
)

const method = "jushuitan.refund.list.query"

var (
	march       = time.Date(2024, time.March, 1, 0, 0, 0, 0, merchant.Beijing)
	now         = time.Date(2024, time.March, 9, 12, 0, 0, 0, merchant.Beijing)
	credentials = Credentials{AppKey: "key", AppSecret: "secret", TargetAppKey: "23060081", CustomerID: "c1"}
	orders      = merchant.New(merchant.Options{Seed: 1, Orders: 400, From: march, Days: 3}).Orders()
)

// setup is a gateway and its source.
type setup struct {
	gateway Options
	source  source.Options
}

func start(t testing.TB, change func(*setup)) (*Gateway, string) {
	o := setup{
		Options{Credentials: credentials},
		source.Options{Seed: 1, Now: func() time.Time { return now }, Records: source.Of(orders)},
	}
	if change != nil {
		change(&o)
	}
	gateway := New(o.gateway, source.New(o.source))
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	return gateway, server.URL
}

// valid returns the parameters of a valid call, before signing.
func valid() map[string]string {
	return map[string]string{
		"method": method, "app_key": "key", "target_app_key": "23060081", "customer_id": "c1",
		"timestamp": now.Format(time.DateTime), "format": "json", "v": "2.0", "sign_method": "hmac-sha256",
		"start_time": "2024-03-01 00:00:00", "end_time": "2024-03-04 00:00:00",
		"page_index": "1", "page_size": "50",
	}
}

// signed adds the signature.
func signed(params map[string]string) map[string]string {
	params["sign"], _ = sign(params["sign_method"], credentials.AppSecret, params)
	return params
}

func post(t require.TestingT, address string, query, body map[string]string) map[string]any {
	values := func(params map[string]string) url.Values {
		v := url.Values{}
		for name, value := range params {
			v.Set(name, value)
		}
		return v
	}
	response, err := http.PostForm(address+"?"+values(query).Encode(), values(body))
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	raw = regexp.MustCompile(`[\x00-\x08\x0b-\x0c\x0e-\x1f]`).ReplaceAll(raw, nil)
	var reply struct {
		Response map[string]any `json:"response"`
	}
	require.NoError(t, json.Unmarshal(raw, &reply), "%s", raw)
	return reply.Response
}

// list makes a call that must succeed.
func list(t require.TestingT, address string, params map[string]string) map[string]any {
	reply := post(t, address, nil, signed(params))
	require.NotContains(t, reply, "flag", "%v", reply)
	return reply
}

func ids(reply map[string]any) []string {
	var ids []string
	for _, row := range reply["datas"].([]any) {
		switch id := row.(map[string]any)["as_id"].(type) {
		case string:
			ids = append(ids, id)
		default:
			ids = append(ids, strconv.FormatFloat(id.(float64), 'f', 0, 64))
		}
	}
	return ids
}

// hasNextPage reads the flag in each of its forms.
func hasNextPage(reply map[string]any) bool {
	return slices.Contains([]string{"true", "1"}, fmt.Sprint(reply["has_next"]))
}

func TestSignature(t *testing.T) {
	params := map[string]string{
		"method": "taobao.item.seller.get", "app_key": "12345678", "session": "test", "timestamp": "2016-01-01 12:00:00",
		"format": "json", "v": "2.0", "fields": "num_iid,title,nick,price,num", "num_iid": "11223344",
		"sign": "is not signed", "empty": "", "blank": "  ",
	}
	for method, want := range map[string]string{
		"md5":         "66987CB115214E59E6EC978214934FB8",
		"hmac-sha256": "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
	} {
		params["sign_method"] = method
		got, ok := sign(method, "helloworld", params)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	_, ok := sign("sha1", "helloworld", params)
	require.False(t, ok)
}

func TestHMACSignatureIsHMACOfMD5(t *testing.T) {
	// RFC 2202, test case 2.
	got, ok := sign("hmac", "Jefe", map[string]string{"what do ya want ": "for nothing?"})
	require.True(t, ok)
	require.Equal(t, "750C783E6AB0B503EAA86E310A5DB738", got)
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name   string
		change func(p map[string]string)
		code   string
	}{
		{"no method", func(p map[string]string) { delete(p, "method") }, "21"},
		{"another method", func(p map[string]string) { p["method"] = "jushuitan.order.list.query" }, "22"},
		{"format left to its default", func(p map[string]string) { delete(p, "format") }, "23"},
		{"no app_key", func(p map[string]string) { delete(p, "app_key") }, "28"},
		{"wrong app_key", func(p map[string]string) { p["app_key"] = "other" }, "29"},
		{"no timestamp", func(p map[string]string) { delete(p, "timestamp") }, "30"},
		{"malformed timestamp", func(p map[string]string) { p["timestamp"] = "2024-03-09T12:00:00" }, "31"},
		{"clock 11 minutes slow", func(p map[string]string) { p["timestamp"] = "2024-03-09 11:49:00" }, "31"},
		{"clock 11 minutes fast", func(p map[string]string) { p["timestamp"] = "2024-03-09 12:11:00" }, "31"},
		{"time of another zone", func(p map[string]string) { p["timestamp"] = "2024-03-09 04:00:00" }, "31"},
		{"no version", func(p map[string]string) { delete(p, "v") }, "32"},
		{"wrong version", func(p map[string]string) { p["v"] = "1.0" }, "33"},
		{"no sign_method", func(p map[string]string) { delete(p, "sign_method") }, "40"},
		{"unknown sign_method", func(p map[string]string) { p["sign_method"] = "sha1" }, "41"},
		{"no target_app_key", func(p map[string]string) { delete(p, "target_app_key") }, "40"},
		{"wrong target_app_key", func(p map[string]string) { p["target_app_key"] = "1" }, "41"},
		{"no customer_id", func(p map[string]string) { delete(p, "customer_id") }, "40"},
		{"another customer_id", func(p map[string]string) { p["customer_id"] = "c2" }, "41"},
		{"no start_time", func(p map[string]string) { delete(p, "start_time") }, "40"},
		{"blank end_time", func(p map[string]string) { p["end_time"] = " " }, "40"},
		{"date for a time", func(p map[string]string) { p["start_time"] = "2024-03-01" }, "41"},
		{"time with a fraction", func(p map[string]string) { p["start_time"] = "2024-03-01 00:00:00.5" }, "41"},
		{"end before start", func(p map[string]string) { p["end_time"] = "2024-02-29 23:59:59" }, "41"},
		{"over 7 days", func(p map[string]string) { p["end_time"] = "2024-03-08 00:00:01" }, "41"},
		{"page_index 0", func(p map[string]string) { p["page_index"] = "0" }, "41"},
		{"page_index no number", func(p map[string]string) { p["page_index"] = "{page_index}" }, "41"},
		{"page_size 101", func(p map[string]string) { p["page_size"] = "101" }, "41"},
		{"page_size 0", func(p map[string]string) { p["page_size"] = "0" }, "41"},
		{"date_type 3", func(p map[string]string) { p["date_type"] = "3" }, "41"},
		{"unknown status", func(p map[string]string) { p["status"] = "confirmed" }, "41"},
		{"unknown good_status", func(p map[string]string) { p["good_status"] = "RECEIVED" }, "41"},
		{"unknown type", func(p map[string]string) { p["type"] = "退货" }, "41"},
		{"archive neither true nor false", func(p map[string]string) { p["archive"] = "1" }, "41"},
		{"is_get_total no bool", func(p map[string]string) { p["is_get_total"] = "yes" }, "41"},
		{"owner_co_id no number", func(p map[string]string) { p["owner_co_id"] = "me" }, "41"},
		{"shop_id no number", func(p map[string]string) { p["shop_id"] = "10001,x" }, "41"},
	}
	gateway, address := start(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			params := valid()
			c.change(params)
			before := gateway.Refusals()[c.code]
			reply := post(t, address, nil, signed(params))
			require.Equal(t, "failure", reply["flag"])
			require.Equal(t, c.code, fmt.Sprint(reply["code"]), reply["message"])
			require.NotEmpty(t, reply["request_id"])
			require.Equal(t, before+1, gateway.Refusals()[c.code])
		})
	}
}

func TestSignatureIsChecked(t *testing.T) {
	_, address := start(t, nil)
	for _, method := range []string{"md5", "hmac", "hmac-sha256"} {
		t.Run(method, func(t *testing.T) {
			params := valid()
			params["sign_method"] = method
			list(t, address, params)

			for name, spoil := range map[string]func(){
				"parameter changed": func() { params["page_index"] = "2" },
				"parameter added":   func() { params["shop_id"] = "10001" },
				"lower case":        func() { params["sign"] = strings.ToLower(params["sign"]) },
			} {
				signed(params)
				spoil()
				reply := post(t, address, nil, params)
				require.Equal(t, "25", fmt.Sprint(reply["code"]), name)
				require.Equal(t, "Invalid signature", reply["message"])
				delete(params, "shop_id")
			}
			delete(params, "sign")
			require.Equal(t, "24", fmt.Sprint(post(t, address, nil, params)["code"]))
		})
	}
}

func TestParametersInURLAndBody(t *testing.T) {
	_, address := start(t, nil)
	all := signed(valid())
	system, business := map[string]string{}, map[string]string{}
	for name, value := range all {
		if slices.Contains([]string{"start_time", "end_time", "page_index", "page_size"}, name) {
			business[name] = value
		} else {
			system[name] = value
		}
	}
	inBody := post(t, address, nil, all)
	require.Len(t, ids(inBody), 50)
	require.Equal(t, inBody, post(t, address, system, business))
	require.Equal(t, inBody, post(t, address, all, nil))
}

func TestOptionalParametersHaveDefaults(t *testing.T) {
	_, address := start(t, nil)
	params := valid()
	delete(params, "page_index")
	delete(params, "page_size")
	explicit := valid()
	explicit["date_type"] = "0"
	require.Equal(t, ids(list(t, address, explicit)), ids(list(t, address, params)))
}

func TestBounds(t *testing.T) {
	at := func(o *merchant.Order) string { return o.Modified.Format(time.DateTime) }
	o := orders[len(orders)/2]
	others := 0
	for _, other := range orders {
		if other != o && other.Modified.Equal(o.Modified) {
			others++
		}
	}
	cases := []struct {
		name                         string
		exclusiveStart, exclusiveEnd bool
		want                         int
	}{
		{"both inclusive", false, false, 1 + others},
		{"start exclusive", true, false, 0},
		{"end exclusive", false, true, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, address := start(t, func(options *setup) {
				options.source.ExclusiveStart, options.source.ExclusiveEnd = c.exclusiveStart, c.exclusiveEnd
			})
			params := valid()
			params["start_time"], params["end_time"] = at(o), at(o)
			require.Len(t, ids(list(t, address, params)), c.want)
		})
	}
}

func TestTotalsCanBeOmitted(t *testing.T) {
	_, address := start(t, nil)
	with := list(t, address, valid())
	require.Equal(t, fmt.Sprint(len(orders)), fmt.Sprint(with["data_count"]))
	require.Equal(t, fmt.Sprint((len(orders)+49)/50), fmt.Sprint(with["page_count"]))
	params := valid()
	params["is_get_total"] = "false"
	without := list(t, address, params)
	require.NotContains(t, without, "data_count")
	require.NotContains(t, without, "page_count")
	require.True(t, hasNextPage(without))
	require.Equal(t, ids(with), ids(without))
}

func TestPageAfterTheLastIsEmpty(t *testing.T) {
	_, address := start(t, nil)
	params := valid()
	params["page_index"] = "1000"
	reply := list(t, address, params)
	require.Empty(t, ids(reply))
	require.False(t, hasNextPage(reply))
}

func TestLimits(t *testing.T) {
	clock := now
	gateway, address := start(t, func(options *setup) {
		options.gateway.CallsPerSecond, options.gateway.CallsPerMinute = 5, 8
		options.source.Now = func() time.Time { return clock }
	})
	code := func() string {
		params := valid()
		params["timestamp"] = clock.Format(time.DateTime)
		reply := post(t, address, nil, signed(params))
		if reply["code"] == nil {
			return ""
		}
		return reply["code"].(string) // Jushuitan's own codes are strings
	}
	for range 5 {
		require.Empty(t, code())
	}
	require.Equal(t, "199", code())
	clock = clock.Add(999 * time.Millisecond)
	require.Equal(t, "199", code())
	clock = clock.Add(time.Millisecond)
	for range 3 {
		require.Empty(t, code())
	}
	clock = clock.Add(time.Second)
	require.Equal(t, "200", code())
	clock = clock.Add(58 * time.Second)
	require.Empty(t, code())
	require.Equal(t, map[string]int{method: 12}, gateway.Calls())
	require.Equal(t, map[string]int{"199": 2, "200": 1}, gateway.Refusals())
}

func TestOddFormsOfPages(t *testing.T) {
	_, address := start(t, nil)
	forms := map[string]bool{}
	for page := 1; page <= 40; page++ {
		params := valid()
		params["page_index"], params["page_size"] = strconv.Itoa(page), "10"
		reply := list(t, address, params)
		forms[fmt.Sprintf("has_next %T", reply["has_next"])] = true
		forms[fmt.Sprintf("data_count %T", reply["data_count"])] = true
	}
	for _, form := range []string{"has_next bool", "has_next string", "has_next float64", "data_count string", "data_count float64"} {
		require.True(t, forms[form], form)
	}
}

// Whatever the request, its pages in sequence are the orders that meet the conditions,
// each once, by time.
func TestPagesAddUp(t *testing.T) {
	_, address := start(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		params := valid()
		first := march.Add(time.Duration(rapid.IntRange(-90, 70).Draw(t, "start hour")) * time.Hour)
		last := first.Add(time.Duration(rapid.IntRange(0, 167).Draw(t, "hours")) * time.Hour)
		params["start_time"], params["end_time"] = first.Format(time.DateTime), last.Format(time.DateTime)
		params["page_size"] = strconv.Itoa(rapid.IntRange(7, 100).Draw(t, "page_size"))
		dates := rapid.IntRange(0, 2).Draw(t, "date_type")
		params["date_type"] = strconv.Itoa(dates)
		maybe := func(name string, values ...string) string {
			params[name] = rapid.SampledFrom(append(values, "")).Draw(t, name)
			return params[name]
		}
		status := maybe("status", merchant.Statuses...)
		goodStatus := maybe("good_status", merchant.GoodStatuses...)
		kind := maybe("type", merchant.TypeReturn, merchant.TypeExchange)
		shop := maybe("shop_id", "10001", "10005,10003")
		warehouse := maybe("wms_co_id", "20001")
		some := maybe("as_ids", orders[3].ID()+","+orders[5].ID())
		orderTypes := maybe("order_types", merchant.OrderType, "天猫供销,"+merchant.OrderType, "天猫供销")
		offline := maybe("is_offline_shop", "true", "false")
		maybe("archive", "true", "false")
		maybe("owner_co_id", "30001")
		maybe("is_get_promotion", "true", "false")
		shopOrder := maybe("so_ids", orders[3].SoID, orders[7].SoID+","+orders[5].SoID)

		in := func(list, value string) bool { return list == "" || slices.Contains(strings.Split(list, ","), value) }
		var want []string
		for _, o := range orders {
			moment := []time.Time{o.Modified, o.Created, o.ConfirmDate}[dates]
			if !moment.IsZero() && !moment.Before(first) && !moment.After(last) && in(status, o.Status) && in(goodStatus, o.GoodStatus) &&
				in(kind, o.Type) && in(shop, fmt.Sprint(o.Shop.ID)) && in(warehouse, fmt.Sprint(o.Warehouse.ID)) && in(some, o.ID()) && in(shopOrder, o.SoID) &&
				in(orderTypes, merchant.OrderType) && offline != "true" {
				want = append(want, moment.Format(time.DateTime)+" "+o.ID())
			}
		}
		slices.Sort(want)
		for i := range want {
			want[i] = want[i][len(time.DateTime)+1:]
		}

		var got []string
		for page := 1; ; page++ {
			params["page_index"] = strconv.Itoa(page)
			delete(params, "sign")
			reply := list(t, address, params)
			got = append(got, ids(reply)...)
			if !hasNextPage(reply) {
				break
			}
		}
		require.Equal(t, want, got)
	})
}

// The test's bubble can't end while a call is running.
func TestCallEndsWhenItsCallerHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := New(Options{Credentials: credentials}, source.New(source.Options{
			Now: func() time.Time { return now }, PageLatency: time.Hour, Records: source.Of(orders),
		}))
		server := nettest.Serve(t, gateway)
		client := &http.Client{Transport: &http.Transport{DialContext: server.Dial}, Timeout: time.Minute}
		_, _, err := try(t, client, nettest.URL, valid())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, gateway.Calls()[method])
	})
}

// A repeated request is answered as things are by then: it includes an order that has
// arrived, and not one that has changed and so left the range.
func TestRepeatedRequestSeesChanges(t *testing.T) {
	var arrived []merchant.Record
	gateway, address := start(t, func(o *setup) {
		o.source.Arrive = func(time.Time, time.Duration) []merchant.Record {
			now := arrived
			arrived = nil
			return now
		}
	})
	count := func() string { return fmt.Sprint(list(t, address, valid())["data_count"]) }
	require.Equal(t, strconv.Itoa(len(orders)), count())

	newcomer := *orders[0]
	newcomer.AsID = 999_999_999
	arrived = append(arrived, &newcomer)
	require.Equal(t, strconv.Itoa(len(orders)+1), count())

	require.True(t, source.Change(gateway.source, newcomer.AsID, (*merchant.Order).Remarked))
	require.Equal(t, strconv.Itoa(len(orders)), count())
}

// Outbound orders are shown by the same rules, with their money as text.
func TestOutboundOrders(t *testing.T) {
	m := merchant.New(merchant.Options{Seed: 1, Orders: 200, From: march, Days: 3})
	_, address := start(t, func(o *setup) { o.source.Records = m.Records })
	call := func(change map[string]string) map[string]any {
		params := valid()
		params["method"] = "jushuitan.saleout.list.query"
		for name, value := range change {
			if params[name] = value; value == "" {
				delete(params, name)
			}
		}
		return post(t, address, nil, signed(params))
	}
	reply := call(map[string]string{"archive": "true"})
	require.Equal(t, fmt.Sprint(len(m.Records(merchant.Outbounds))), fmt.Sprint(reply["data_count"]))
	out := reply["datas"].([]any)[0].(map[string]any)
	require.IsType(t, "", out["pay_amount"])
	require.IsType(t, "", out["items"].([]any)[0].(map[string]any)["sale_amount"])
	require.NotContains(t, out, "receiver_name")

	shipped := 0
	for _, r := range m.Records(merchant.Outbounds) {
		if r.Value("status") == merchant.StatusArchived {
			shipped++
		}
	}
	require.Equal(t, fmt.Sprint(shipped), fmt.Sprint(call(map[string]string{"status": "Archive", "archive": "true"})["data_count"]))
	require.Equal(t, fmt.Sprint(len(m.Records(merchant.Outbounds))-shipped), fmt.Sprint(call(nil)["data_count"]))
	byID := call(map[string]string{"io_ids": m.Records(merchant.Outbounds)[0].Value("io_id"), "archive": "true", "start_time": "", "end_time": ""})
	require.Len(t, byID["datas"], 1)
	require.Len(t, call(map[string]string{"archive": "true", "date_type": "2", "start_time": "2024-02-20 00:00:00", "end_time": "2024-02-25 00:00:00", "page_size": "100"})["datas"], 100)
	for name, value := range map[string]string{"status": "Sent", "date_type": "1"} {
		require.Equal(t, "41", fmt.Sprint(call(map[string]string{name: value})["code"]), name)
	}
}

func TestHiddenShops(t *testing.T) {
	_, address := start(t, func(o *setup) { o.gateway.HiddenShops = merchant.OnlyOpen })
	params := valid()
	params["shop_id"] = "10003"
	require.Empty(t, ids(list(t, address, params)))
	params = valid()
	params["shop_id"] = "10001"
	require.NotEmpty(t, ids(list(t, address, params)))
}
