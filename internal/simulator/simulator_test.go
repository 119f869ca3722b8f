package simulator

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

// TestMain checks that no goroutine leaks. It allows more time than goleak's half a
// second, for a busy machine.
func TestMain(m *testing.M) {
	code := m.Run()
	for begun := time.Now(); goleak.Find() != nil && time.Since(begun) < time.Minute; {
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// caller is a client that knows nothing but the environment.
type caller struct {
	t           testing.TB
	environment map[string]string
	client      *http.Client
}

func start(t testing.TB, options Options) (*Simulator, *Server, *caller) {
	t.Helper()
	s, err := New(options)
	require.NoError(t, err)
	server, err := s.Start(context.Background(), "127.0.0.1:0")
	require.NoError(t, err)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &caller{t: t, environment: server.Environment().Map(), client: &http.Client{Jar: jar, Transport: &http.Transport{}}}
	t.Cleanup(func() {
		c.client.CloseIdleConnections()
		require.NoError(t, server.Close())
		require.NoError(t, s.Close())
	})
	return s, server, c
}

func (c *caller) read(response *http.Response, err error) []byte {
	c.t.Helper()
	require.NoError(c.t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	require.Equal(c.t, http.StatusOK, response.StatusCode, "%s", body)
	return body
}

func (c *caller) get(path string) []byte {
	c.t.Helper()
	return c.read(c.client.Get(strings.TrimSuffix(c.environment["KINGDEE_URL"], "/k3cloud/") + path))
}

func (c *caller) post(path, body string) []byte {
	c.t.Helper()
	return c.read(c.client.Post(strings.TrimSuffix(c.environment["KINGDEE_URL"], "/k3cloud/")+path, "application/json", strings.NewReader(body)))
}

// refunds reads all orders, in the order in which they came.
func (c *caller) refunds(from, to time.Time) (ids []string, wire string) {
	c.t.Helper()
	for page := 1; ; page++ {
		params := map[string]string{
			"method": "jushuitan.refund.list.query", "app_key": c.environment["JUSHUITAN_APP_KEY"],
			"customer_id": c.environment["JUSHUITAN_CUSTOMER_ID"], "target_app_key": "23060081",
			"timestamp": time.Now().In(merchant.Beijing).Format(time.DateTime), "format": "json", "v": "2.0", "sign_method": "md5",
			"start_time": from.Format(time.DateTime), "end_time": to.Format(time.DateTime), "date_type": "0",
			"page_size": "100", "page_index": fmt.Sprint(page),
		}
		text, values, secret := "", url.Values{}, c.environment["JUSHUITAN_APP_SECRET"]
		for _, name := range slices.Sorted(maps.Keys(params)) {
			text += name + params[name]
			values.Set(name, params[name])
		}
		values.Set("sign", fmt.Sprintf("%X", md5.Sum([]byte(secret+text+secret))))
		body := c.read(c.client.PostForm(c.environment["JUSHUITAN_URL"], values))
		wire += string(body)
		body = regexp.MustCompile(`[\x00-\x08\x0b-\x0c\x0e-\x1f]`).ReplaceAll(body, nil)
		var reply struct {
			Response struct {
				HasNext any               `json:"has_next"`
				Datas   []json.RawMessage `json:"datas"`
			} `json:"response"`
		}
		require.NoError(c.t, json.Unmarshal(body, &reply), "%s", body)
		for _, row := range reply.Response.Datas {
			var order struct {
				AsID any `json:"as_id"`
			}
			decoder := json.NewDecoder(bytes.NewReader(row))
			decoder.UseNumber()
			require.NoError(c.t, decoder.Decode(&order))
			ids = append(ids, fmt.Sprint(order.AsID))
		}
		if !slices.Contains([]string{"true", "1"}, fmt.Sprint(reply.Response.HasNext)) {
			return ids, wire
		}
	}
}

func (c *caller) logIn() {
	c.t.Helper()
	e := c.environment
	body := c.post("/k3cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService.ValidateUser.common.kdsvc",
		fmt.Sprintf(`{"parameters":[%q,%q,%q,%s]}`, e["KINGDEE_ACCT_ID"], e["KINGDEE_USERNAME"], e["KINGDEE_PASSWORD"], e["KINGDEE_LCID"]))
	require.Contains(c.t, string(body), `"LoginResultType":1`)
}

// modelOf is the bill that the truth asks for, as it is sent.
func modelOf(b *merchant.Bill) map[string]any {
	number := func(n string) map[string]string { return map[string]string{"FNumber": n} }
	var lines []map[string]any
	for _, l := range b.Lines {
		lines = append(lines, map[string]any{
			"FMaterialId": number(l.Material), "FUnitID": number(l.Unit), "FRealQty": l.Quantity, "FEntryTaxRate": l.TaxRate, "FStockstatusId": number(l.StockState), "FTaxPrice": l.Price, "FIsFree": l.Free,
			"FReturnType": number(l.ReturnType), "FOwnerTypeId": l.OwnerType, "FOwnerId": number(l.Owner),
			"FStockId": number(l.Stock), "FNote": "行 " + l.Note,
		})
	}
	return map[string]any{
		"FBillTypeID": number(b.BillType), "FBillNo": b.Number, "FDate": b.Date, "FSaleOrgId": number(b.Organisation),
		"FStockOrgId": number(b.StockOrg), "FRetcustId": number(b.Customer), "FHeadNote": b.HeadNote + " [" + b.Number + "@20240301120000#0123456789ab.012345]",
		"SubHeadEntity": map[string]any{
			"FSettleOrgId": number(b.SettleOrg), "FSettleCurrId": number(b.Currency), "FThirdBillNo": b.ThirdBillNo,
		},
		"FEntity": lines,
	}
}

// save saves the bill that the truth asks for and returns the reply.
func (c *caller) save(b *merchant.Bill) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"formid": "SAL_RETURNSTOCK", "data": map[string]any{
		"IsVerifyBaseDataField": true,
		"Model":                 []any{modelOf(b)},
	}})
	require.NoError(c.t, err)
	return string(c.post("/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc", string(body)))
}

// A sync that reads the source over HTTP and saves over HTTP what the truth asks for has
// no difference. No fault strikes unless it is switched on.
func TestCorrectSyncHasNoDifferences(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 300, Days: 2})
	from, to := s.Range()
	ids, wire := c.refunds(from, to)
	truth := s.Truth()
	require.ElementsMatch(t, slices.Collect(maps.Keys(truth)), ids)
	require.Contains(t, wire, merchant.PersonalData)

	c.logIn()
	for _, id := range ids {
		if bill := truth[id].Bill; bill != nil {
			require.Contains(t, c.save(bill), `"IsSuccess":true`)
		}
	}
	state := s.State()
	require.Empty(t, Compare(truth, state))
	require.Equal(t, truth, s.Truth())
	require.Empty(t, state.Faults)
	require.Zero(t, state.Kingdee.LateSaves)
	require.Len(t, state.Kingdee.Bills, truth.Totals().Saved)
	require.Equal(t, map[string]int{"A": truth.Totals().Saved}, state.Kingdee.ByStatus)
	require.Empty(t, state.Kingdee.UnknownFields)
	require.Empty(t, state.Kingdee.Violations)
	require.Equal(t, 300, state.Source.Customary)
	require.Equal(t, 325, state.Source.Orders)
	require.Equal(t, map[string]int{"jushuitan.refund.list.query": 4}, state.Source.Calls)
	require.NotContains(t, string(c.get("/_sim/state")), merchant.PersonalData)
}

func TestControlAddresses(t *testing.T) {
	s, server, c := start(t, Options{Seed: 1, Orders: 200})
	c.logIn()

	var state State
	require.NoError(t, json.Unmarshal(c.get("/_sim/state?bills=false"), &state))
	require.Nil(t, state.Kingdee.Bills)
	require.Equal(t, 1, state.Kingdee.Sessions)

	require.JSONEq(t, `{"expired":1}`, string(c.post("/_sim/sessions/expire", "")))
	lost := c.save(&merchant.Bill{})
	require.Contains(t, lost, "会话信息已丢失，请重新登录")

	var truth struct {
		Totals merchant.Totals
		Orders merchant.Truth
	}
	require.NoError(t, json.Unmarshal(c.get("/_sim/truth"), &truth))
	require.Equal(t, s.Truth().Totals(), truth.Totals)
	require.Len(t, truth.Orders, 216)
	var firstDay struct{ Totals merchant.Totals }
	require.NoError(t, json.Unmarshal(c.get("/_sim/truth?to=2024-03-02+00:00:00"), &firstDay))
	from, _ := s.Range()
	require.Equal(t, s.Truth().Between(from, from.AddDate(0, 0, 1)).Totals(), firstDay.Totals)

	require.NotZero(t, truth.Totals.Failed[merchant.ReasonUnknownMaterial])
	for _, number := range []string{"NEW-2401", "NEW-2402", "NEW-2403"} {
		c.post("/_sim/materials", `{"number":"`+number+`"}`)
	}
	require.Zero(t, s.Truth().Totals().Failed[merchant.ReasonUnknownMaterial])

	response, err := c.client.Post(server.URL()+"/_sim/materials", "", strings.NewReader(`{}`))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	response, err = c.client.Get(server.URL() + "/_sim/truth?from=yesterday")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
}

func TestEnvironment(t *testing.T) {
	_, server, c := start(t, Options{Orders: 10, Auth: AuthPassword})
	var names []string
	for _, v := range server.Environment() {
		names = append(names, v.Name)
		require.NotEmpty(t, v.Value, v.Name)
	}
	require.Equal(t, []string{
		"JUSHUITAN_URL", "JUSHUITAN_APP_KEY", "JUSHUITAN_APP_SECRET", "JUSHUITAN_CUSTOMER_ID",
		"JUSHUITAN_OPEN_URL", "JUSHUITAN_OPEN_APP_KEY", "JUSHUITAN_OPEN_APP_SECRET",
		"KINGDEE_URL", "KINGDEE_AUTH", "KINGDEE_ACCT_ID", "KINGDEE_USERNAME", "KINGDEE_PASSWORD",
		"KINGDEE_APP_ID", "KINGDEE_APP_SECRET", "KINGDEE_LCID", "KINGDEE_ORG_NUMBER",
		"WECOM_ROBOT_URL", "DINGTALK_ROBOT_URL", "DINGTALK_ROBOT_SECRET", "FEISHU_ROBOT_URL", "FEISHU_ROBOT_SECRET", "WEBHOOK_URL",
	}, names)
	require.Equal(t, "password", c.environment["KINGDEE_AUTH"])
	require.Equal(t, server.URL()+"/k3cloud/", c.environment["KINGDEE_URL"])
	require.Regexp(t, `^\d+_[A-Za-z0-9+/]{32}$`, c.environment["KINGDEE_APP_ID"])
	file, err := Environment{{"A", "it's"}, {"B", ""}}.File()
	require.NoError(t, err)
	require.Equal(t, "A=\"it's\"\nB=\n", file)
	_, err = Environment{{"A", "two\nlines"}}.File()
	require.ErrorContains(t, err, "A_FILE")
}

func TestPathsIgnoreCase(t *testing.T) {
	_, _, c := start(t, Options{Orders: 10})
	body := c.post("/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.executeBillQuery.common.kdsvc", `{"data":{}}`)
	require.Contains(t, string(body), `"MsgCode":1}`)
}

func TestInvalidOptions(t *testing.T) {
	for name, options := range map[string]Options{
		"negative orders":  {Orders: -1},
		"negative days":    {Days: -1},
		"unknown auth":     {Auth: "magic"},
		"data is a folder": {Data: t.TempDir()},
		"unknown fault":    {Faults: faults.Probabilities{"earthquake": 1}},
	} {
		_, err := New(options)
		require.Error(t, err, name)
	}
	s, server, _ := start(t, Options{Orders: 10})
	_, err := s.Start(context.Background(), strings.TrimPrefix(server.URL(), "http://"))
	require.Error(t, err, "the address is taken")
}

func TestServerEndsWithItsContext(t *testing.T) {
	s, err := New(Options{Orders: 10})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	server, err := s.Start(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	cancel()
	require.NoError(t, server.Wait())
	require.NoError(t, server.Close())
	require.NoError(t, s.Close())
}

func TestBillsOutliveARestart(t *testing.T) {
	options := Options{Seed: 1, Orders: 200, Data: filepath.Join(t.TempDir(), "bills.jsonl")}
	first, err := New(options)
	require.NoError(t, err)
	require.NoError(t, first.AddMaterial("NEW-2401"))
	truth := first.Truth()
	require.NoError(t, first.Close())

	again, err := New(options)
	require.NoError(t, err)
	require.Equal(t, truth, again.Truth())
	require.NoError(t, again.Close())
}

// Orders that arrive are served, and the truth includes them; one that changes then is
// modified at that time.
func TestOrdersArrive(t *testing.T) {
	var ahead atomic.Int64
	begun := time.Now()
	clock := func() time.Time { return begun.Add(time.Duration(ahead.Load())) }
	s, _, c := start(t, Options{Orders: 30, Days: 1, ArrivePerMinute: 60, Now: clock})
	from, to := s.Range()
	require.WithinDuration(t, clock(), to, time.Minute)
	ahead.Add(int64(time.Minute))
	after, _ := c.refunds(from, to.Add(2*time.Minute))
	require.GreaterOrEqual(t, len(after), 30+50)
	require.Subset(t, slices.Collect(maps.Keys(s.Truth())), after)

	s.StopArriving()
	orders := len(s.Truth())
	ahead.Add(int64(time.Minute))
	require.Len(t, s.Truth(), orders)
	require.True(t, source.Change(s.source, s.merchant.Orders()[0].AsID, (*merchant.Order).Remarked))
	require.WithinDuration(t, clock(), s.merchant.Orders()[0].Modified, 10*time.Second)
}
