package jushuitan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/testkit/golden"
)

// receipts stands for the sources of the open platform.
var receipts = &catalog.Interface{
	Name: "/open/aftersale/received/query", Transport: catalog.Open,
	Source: &catalog.Source{
		Key: "io_id", Modified: "modified", From: "modified_begin", To: "modified_end", LongestSpan: 7 * 24 * time.Hour, LargestPage: 50,
		IDs:       map[string]catalog.IDs{"io_id": {Parameter: "io_ids", Most: 50}, "so_id": {Parameter: "so_ids", Most: 50}},
		Narrowing: map[string]string{"io_ids": "io_id", "so_ids": "so_id"},
	},
	Fields: map[catalog.Place][]catalog.Field{
		catalog.Request: {
			{Name: "page_index", Type: catalog.Integer}, {Name: "page_size", Type: catalog.Integer}, {Name: "date_type", Type: catalog.Integer},
			{Name: "modified_begin", Type: catalog.Text}, {Name: "modified_end", Type: catalog.Text}, {Name: "shop_id", Type: catalog.Text},
			{Name: "is_get_total", Type: catalog.Bool},
			{Name: "so_ids", Type: catalog.List}, {Name: "io_ids", Type: catalog.List, Of: catalog.Integer},
		},
		catalog.Header: {{Name: "io_id", Chinese: "退仓单号"}, {Name: "so_id", Chinese: "线上订单号"}},
	},
}

const emptyOpenPage = `{"code":0,"msg":"执行成功","data":{"page_index":1,"page_size":50,"data_count":0,"page_count":0,"has_next":false,"datas":[]}}`

// fixedTokens gives one token after the other: each rejection of the first brings the next.
type fixedTokens struct {
	tokens   []string
	err      error // of Token
	refused  error // of Rejected
	rejected []string
}

func (f *fixedTokens) Token(context.Context) (string, error) { return f.tokens[0], f.err }

func (f *fixedTokens) Rejected(_ context.Context, token string) error {
	f.rejected = append(f.rejected, token)
	if token == f.tokens[0] && len(f.tokens) > 1 {
		f.tokens = f.tokens[1:]
	}
	return f.refused
}

var openNow = time.Unix(1704164645, 0)

func openApp(url string) OpenApp { return OpenApp{URL: url, Key: "test_key", Secret: testSecret} }

// openPlatform starts an HTTP server and a client for it.
func openPlatform(t *testing.T, tokens Tokens, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(dated(openNow.UTC().Format(http.TimeFormat), handler))
	t.Cleanup(server.Close)
	client, err := New(Config{
		Open: &Open{OpenApp: openApp(server.URL), Tokens: tokens}, CallsPerSecond: rate.Inf, Now: func() time.Time { return openNow },
	})
	require.NoError(t, err)
	return client
}

func receiptParams() map[string]string {
	return map[string]string{
		"page_index": "1", "page_size": "50", "date_type": "0", "is_get_total": "true", "shop_id": "", "so_ids": "A<1>, 中文",
		"io_ids": "9007199254740993,2", "modified_begin": "2024-01-02 00:00:00", "modified_end": "2024-01-02 06:00:00",
	}
}

func TestOpenRequestOnTheWire(t *testing.T) {
	var wire string
	client := openPlatform(t, &fixedTokens{tokens: []string{"test_token"}}, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		wire = fmt.Sprintf("%s %s\nContent-Type: %s\nAccept: %s\n\n%s\n", r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Accept"), body)
		_, _ = io.WriteString(w, emptyOpenPage)
	})
	_, err := client.List(t.Context(), receipts, receiptParams())
	require.NoError(t, err)
	golden.Equal(t, "open_request.golden", wire)
}

func TestBizHasTheDocumentedTypes(t *testing.T) {
	biz, err := encodeBiz(receipts, receiptParams())
	require.NoError(t, err)
	require.Equal(t, `{"date_type":0,"io_ids":[9007199254740993,2],"is_get_total":true,"modified_begin":"2024-01-02 00:00:00",`+
		`"modified_end":"2024-01-02 06:00:00","page_index":1,"page_size":50,"so_ids":["A<1>","中文"]}`, biz)
	for name, value := range map[string]string{"status": "Confirmed", "page_index": "one", "io_ids": "1,x", "is_get_total": "perhaps", "date_type": "01"} {
		_, err := encodeBiz(receipts, map[string]string{name: value})
		f := fault.As(err)
		require.NotNil(t, f, "%s=%s: %v", name, value, err)
		require.Equal(t, "bad_parameter", f.Reason)
		require.Equal(t, name, f.Field)
	}
}

func TestOpenCodes(t *testing.T) {
	for code, want := range map[string]struct {
		class   fault.Class
		reason  string
		setting string // that the advice names
	}{
		"10":    {fault.Final, "bad_signature", "JUSHUITAN_OPEN_APP_SECRET"},
		"100":   {fault.Retry, "bad_token", "JUSHUITAN_OPEN_APP_KEY"},
		"110":   {fault.Final, "ip_not_allowed", "IP"},
		"120":   {fault.Final, "bad_signature", "JUSHUITAN_OPEN_APP_SECRET"},
		"130":   {fault.Final, "bad_argument", "source.parameters"},
		"140":   {fault.Final, "bad_timestamp", "NTP"},
		"150":   {fault.Retry, "service_unavailable", "request_id"},
		"160":   {fault.Retry, "service_unavailable", "request_id"},
		"170":   {fault.Final, "bad_argument", "source.parameters"},
		"180":   {fault.Final, "bad_timestamp", "NTP"},
		"190":   {fault.Final, "no_permission", "JUSHUITAN_OPEN_APP_KEY"},
		"199":   {fault.RateLimited, "call_limit", "JUSHUITAN_CALLS_PER_SECOND"},
		"200":   {fault.RateLimited, "call_limit", "JUSHUITAN_CALLS_PER_SECOND"},
		"10015": {fault.Final, "bad_argument", "source.parameters"},
		"-4":    {fault.Final, "bad_argument", "source.parameters"},
		"21024": {fault.Final, "not_self_built", "JUSHUITAN_OPEN_ACCESS_TOKEN"},
		"25":    {fault.Retry, "unknown_code", "request_id"},
	} {
		t.Run(code, func(t *testing.T) {
			client := openPlatform(t, &fixedTokens{tokens: []string{"only"}},
				replyWith(http.StatusOK, `{"code":`+code+`,"issuccess":false,"msg":"它的原话","data":null,"request_id":"r1"}`))
			_, err := client.List(t.Context(), receipts, receiptParams())
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, want.class, f.Class)
			require.Equal(t, want.reason, f.Reason)
			require.Equal(t, code, f.Code)
			require.Contains(t, f.Advice.String(), want.setting)
			for _, part := range []string{"Jushuitan", receipts.Name, "它的原话", "request_id r1"} {
				require.Contains(t, f.Error(), part)
			}
		})
	}
}

// What can't be read is never an empty page, by this envelope either.
func TestOpenReplies(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		orders int // -1 is a failure
	}{
		"none":                  {emptyOpenPage, 0},
		"success by issuccess":  {`{"issuccess":true,"data":{"data_count":1,"has_next":"false","datas":[{"io_id":1}]}}`, 1},
		"counts as text":        {`{"code":"0","data":{"page_index":"1","data_count":"1","page_count":"1","datas":[{"io_id":"1"}]}}`, 1},
		"no data":               {`{"code":0,"msg":"执行成功","data":null}`, -1},
		"no datas":              {`{"code":0,"data":{"page_index":1,"has_next":false}}`, -1},
		"a text":                {`{"code":0,"msg":"系统繁忙","data":{"data_count":0,"datas":[]}}`, -1},
		"counts contradict it":  {`{"code":0,"data":{"page_index":1,"page_size":50,"data_count":3,"page_count":1,"datas":[]}}`, -1},
		"another page":          {`{"code":0,"data":{"page_index":2,"data_count":60,"page_count":2,"datas":[{"io_id":1}]}}`, -1},
		"cut":                   {emptyOpenPage[:60], -1},
		"failure beside a page": {`{"code":0,"issuccess":false,"data":{"data_count":0,"datas":[]}}`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := openPlatform(t, &fixedTokens{tokens: []string{"only"}}, replyWith(http.StatusOK, c.body)).List(t.Context(), receipts, receiptParams())
			if c.orders < 0 {
				require.NotNil(t, fault.As(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Len(t, page.Datas, c.orders)
			require.True(t, openNow.Equal(page.Clock.Date))
		})
	}
}

func TestARejectedTokenIsRenewedOnce(t *testing.T) {
	accepting := func(good string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("access_token") == good {
				_, _ = io.WriteString(w, emptyOpenPage)
				return
			}
			_, _ = fmt.Fprintf(w, `{"code":100,"msg":"token %s 无效"}`, r.FormValue("access_token"))
		}
	}
	for name, c := range map[string]struct {
		tokens   fixedTokens
		rejected []string
		reason   string // "" for success
	}{
		"accepted":              {fixedTokens{tokens: []string{"good"}}, nil, ""},
		"the next is accepted":  {fixedTokens{tokens: []string{"old", "good"}}, []string{"old"}, ""},
		"the next is not":       {fixedTokens{tokens: []string{"old", "older", "good"}}, []string{"old"}, "bad_token"},
		"there is no other":     {fixedTokens{tokens: []string{"old"}}, []string{"old"}, "bad_token"},
		"it can't be renewed":   {fixedTokens{tokens: []string{"old"}, refused: errors.New("no worker")}, []string{"old"}, "no_token"},
		"it must be authorised": {fixedTokens{tokens: []string{"old"}, refused: &fault.Error{Class: fault.Final, Reason: NotSelfBuilt}}, []string{"old"}, NotSelfBuilt},
		"none can be had":       {fixedTokens{tokens: []string{""}, err: errors.New("no worker")}, nil, "no_token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openPlatform(t, &c.tokens, accepting("good")).List(t.Context(), receipts, receiptParams())
			require.Equal(t, c.rejected, c.tokens.rejected)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, c.reason, f.Reason)
			require.NotContains(t, f.Error(), "token old", "tokens are secret")
		})
	}
}

func TestATransportThatIsNotSet(t *testing.T) {
	client, err := New(Config{})
	require.NoError(t, err)
	for source, setting := range map[*catalog.Interface]string{refunds: "JUSHUITAN_URL", receipts: "JUSHUITAN_OPEN_APP_KEY"} {
		_, err := client.List(t.Context(), source, nil)
		f := fault.As(err)
		require.NotNil(t, f, "%v", err)
		require.Equal(t, "no_access", f.Reason)
		require.Contains(t, f.Advice.String(), setting)
	}
}

// A look-up goes by the interface's own names, bounds and types.
func TestLookUpOnTheOpenPlatform(t *testing.T) {
	var bizzes []string
	client := openPlatform(t, &fixedTokens{tokens: []string{"only"}}, func(w http.ResponseWriter, r *http.Request) {
		bizzes = append(bizzes, r.FormValue("biz"))
		_, _ = io.WriteString(w, `{"code":0,"data":{"page_index":1,"data_count":1,"page_count":1,"has_next":false,"datas":[{"io_id":7,"modified":"2024-01-02 03:04:05"}]}}`)
	})
	changed := time.Date(2024, 1, 2, 3, 4, 5, 0, beijing)
	found, err := LookUp{Interface: receipts, Field: "io_id", IDs: []string{"7"}, ChangedAt: changed}.Find(t.Context(), client)
	require.NoError(t, err)
	require.Len(t, found.Orders, 1)
	require.Equal(t, []string{`{"date_type":0,"io_ids":[7],"is_get_total":true,"modified_begin":"2024-01-02 03:04:04",` +
		`"modified_end":"2024-01-09 03:04:03","page_index":1,"page_size":50}`}, bizzes)

	_, err = LookUp{Interface: receipts, Field: "as_id", IDs: []string{"7"}}.Find(t.Context(), client)
	require.ErrorContains(t, err, "io_id（退仓单号）, so_id（线上订单号）")
}
