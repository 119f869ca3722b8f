package robot

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/alert"
	"refundsync/internal/fault"
	"refundsync/internal/testkit/golden"
	"refundsync/internal/testkit/nettest"
	"refundsync/internal/version"
)

// at is 2024-03-01 17:00:00 Beijing time.
var at = time.Unix(1709283600, 0).UTC()

// key stands for the key that is part of a robot's address.
const key = "0123456789-key-of-the-robot"

func notice() alert.Notice {
	return alert.Notice{
		Flow: "refund_to_return", Title: "售后单 → 退货单 <A&B>", At: at,
		Firing: []alert.Trouble{{
			Cause: alert.OrdersParked, Since: at,
			Parked: map[string]int{"unknown_material": 2, "missing_value": 1}, Waiting: 5,
		}},
	}
}

// call is what a robot was sent.
type call struct {
	url         *url.URL
	contentType string
	body        string
}

// listen answers as the handler does and records what came.
func listen(t *testing.T, handler http.HandlerFunc) (address string, calls *[]call) {
	t.Helper()
	calls = &[]call{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, version.UserAgent(), r.Header.Get("User-Agent"))
		*calls = append(*calls, call{r.URL, r.Header.Get("Content-Type"), string(body)})
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func robot(t *testing.T, config Config) *Robot {
	t.Helper()
	config.Now = func() time.Time { return at }
	config.Timeout = time.Minute // a busy machine may take longer than a robot may
	r, err := New(config)
	require.NoError(t, err)
	return r
}

func TestWireBodies(t *testing.T) {
	for _, c := range []struct {
		name, path, secret, answer string
		kind                       Kind
		query                      url.Values
		want                       Answer
	}{
		{"wecom", "/cgi-bin/webhook/send?key=" + key, "", `{"errcode":0,"errmsg":"ok"}`, WeCom,
			url.Values{"key": {key}}, Answer{"0", "ok"}},
		{"dingtalk", "/robot/send?access_token=" + key, "", `{"errcode":0,"errmsg":"ok"}`, DingTalk,
			url.Values{"access_token": {key}}, Answer{"0", "ok"}},
		// printf '1709283600000\nSEC0123456789abcdef' | openssl dgst -sha256 -hmac SEC0123456789abcdef -binary | base64
		{"dingtalk_signed", "/robot/send?access_token=" + key, "SEC0123456789abcdef", `{"errcode":0,"errmsg":"ok"}`, DingTalk,
			url.Values{"access_token": {key}, "timestamp": {"1709283600000"}, "sign": {"tBlBa3D5K3B/OFqcc2UncPh3v6iZb/h7GAlXXNntKrU="}}, Answer{"0", "ok"}},
		{"feishu", "/open-apis/bot/v2/hook/" + key, "", `{"code":0,"msg":"success","data":{},"StatusCode":0,"StatusMessage":"success"}`, Feishu,
			url.Values{}, Answer{"0", "success"}},
		// openssl dgst -sha256 with the key '1709283600\nfeishu-secret-0123' over nothing, in base64; it is in the golden file.
		{"feishu_signed", "/open-apis/bot/v2/hook/" + key, "feishu-secret-0123", `{"StatusCode":0,"StatusMessage":"success"}`, Feishu,
			url.Values{}, Answer{"0", "success"}},
		{"webhook", "/hooks/" + key + "?token=x", "", "", Webhook,
			url.Values{"token": {"x"}}, Answer{"HTTP 200", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, calls := listen(t, reply(200, c.answer))
			answer, err := robot(t, Config{Kind: c.kind, URL: address + c.path, Secret: c.secret}).Send(t.Context(), notice())
			require.NoError(t, err)
			require.Equal(t, c.want, answer)
			require.Len(t, *calls, 1)
			sent := (*calls)[0]
			assert.Equal(t, "application/json; charset=utf-8", sent.contentType)
			path, _, _ := strings.Cut(c.path, "?")
			assert.Equal(t, path, sent.url.Path)
			assert.Equal(t, c.query, sent.url.Query())

			golden.Equal(t, c.name+".json", sent.body+"\n")
		})
	}
}

// HTTP 200 can be a refusal, and some refusals pass by themselves.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   Kind
		status int
		body   string
		class  fault.Class
		reason string
		delay  time.Duration
	}{
		{"wecom wrong key", WeCom, 200, `{"errcode":93000,"errmsg":"invalid webhook url, hint: [1_2], from ip: 1.2.3.4"}`, fault.Final, "robot_address", 0},
		{"wecom too many", WeCom, 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, fault.RateLimited, "robot_call_limit", time.Minute},
		{"wecom busy", WeCom, 200, `{"errcode":-1,"errmsg":"system busy"}`, fault.Retry, "robot_refused", 0},
		{"wecom of a proxy", WeCom, 200, `<html></html>`, fault.Retry, "robot_reply", 0},
		{"wecom without a code", WeCom, 200, `{}`, fault.Retry, "robot_reply", 0},
		{"dingtalk signature", DingTalk, 200, `{"errcode":310000,"errmsg":"sign not match"}`, fault.Final, "robot_security", 0},
		{"dingtalk token", DingTalk, 200, `{"errcode":300005,"errmsg":"token is not exist"}`, fault.Final, "robot_address", 0},
		{"dingtalk too many", DingTalk, 200, `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, fault.RateLimited, "robot_call_limit", time.Minute},
		{"dingtalk throttled by its gateway", DingTalk, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`, fault.Retry, "robot_reply", 0},
		{"feishu signature", Feishu, 200, `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`, fault.Final, "robot_security", 0},
		{"feishu keyword", Feishu, 200, `{"code":19024,"msg":"Key Words Not Found"}`, fault.Final, "robot_security", 0},
		{"feishu older form", Feishu, 200, `{"StatusCode":19001,"StatusMessage":"param invalid"}`, fault.Final, "robot_address", 0},
		{"feishu too many", Feishu, 200, `{"code":11232,"data":{},"msg":"frequency limited psm[x]appID[1500]"}`, fault.RateLimited, "robot_call_limit", time.Minute},
		{"feishu with a status of its own", Feishu, 400, `{"code":9499,"msg":"Bad Request","data":{}}`, fault.Final, "robot_message", 0},
		{"server error", Feishu, 502, `<html></html>`, fault.Retry, "robot_http_status", 0},
		{"success in a server error", WeCom, 500, `{"errcode":0,"errmsg":"ok"}`, fault.Retry, "robot_http_status", 0},
		{"webhook gone", Webhook, 404, ``, fault.Final, "robot_http_status", 0},
		{"webhook elsewhere", Webhook, 307, ``, fault.Final, "robot_redirect", 0},
		{"webhook too many", Webhook, 429, ``, fault.RateLimited, "robot_call_limit", time.Minute},
		{"webhook down", Webhook, 503, ``, fault.Retry, "robot_http_status", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, calls := listen(t, reply(c.status, c.body))
			_, err := robot(t, Config{Kind: c.kind, URL: address + "/send?key=" + key}).Send(t.Context(), notice())
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			assert.Equal(t, c.class, f.Class)
			assert.Equal(t, c.reason, f.Reason)
			assert.Equal(t, c.delay, f.Delay)
			assert.Len(t, *calls, 1)
		})
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	for header, want := range map[string]time.Duration{"120": 2 * time.Minute, "1": time.Minute, "86400": 10 * time.Minute, "soon": time.Minute} {
		address, _ := listen(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := robot(t, Config{Kind: Webhook, URL: address}).Send(t.Context(), notice())
		require.Equal(t, want, fault.As(err).Delay, header)
	}
}

// Whatever a robot or the network says, no error shows the key or the secret.
func TestErrorsHoldNoSecret(t *testing.T) {
	const secret = "SEC0123456789abcdef"
	echo := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"errcode":300005,"code":300005,"errmsg":"`+r.URL.String()+` `+secret+`","msg":"`+r.URL.Path+secret+`"}`)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"echo": echo,
		"cut":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere"+r.URL.String(), http.StatusTemporaryRedirect)
		},
	} {
		for _, kind := range []Kind{WeCom, DingTalk, Feishu, Webhook} {
			address, _ := listen(t, handler)
			answer, err := robot(t, Config{Kind: kind, URL: address + "/hook/" + key + "?key=" + key, Secret: secret}).Send(t.Context(), notice())
			text := answer.Message
			if err != nil {
				text = err.Error()
				require.Contains(t, text, systems[kind].String())
			}
			assert.NotContains(t, text, key, name)
			assert.NotContains(t, text, secret, name)
		}
	}
	for _, kind := range []Kind{WeCom, DingTalk, Feishu, Webhook} {
		synctest.Test(t, func(t *testing.T) {
			server := nettest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // only then is the lost connection noticed
				<-r.Context().Done()
			}))
			r, err := New(Config{Kind: kind, URL: nettest.URL + "/hook/" + key + "?key=" + key, Secret: secret})
			require.NoError(t, err)
			r.client.Transport = &http.Transport{DialContext: server.Dial}
			begun := time.Now()
			_, err = r.Send(t.Context(), notice())
			require.True(t, fault.Is(err, fault.Retry), "%v", err)
			require.NotContains(t, err.Error(), key)
			require.NotContains(t, err.Error(), secret)
			require.Equal(t, defaultTimeout, time.Since(begun))
		})
	}
	_, err := robot(t, Config{Kind: WeCom, URL: "http://127.0.0.1:1/send?key=" + key}).Send(t.Context(), notice())
	require.True(t, fault.Is(err, fault.Retry), "%v", err)
	require.NotContains(t, err.Error(), key)
}

func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address, _ := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := robot(t, Config{Kind: WeCom, URL: address}).Send(ctx, notice())
	require.ErrorIs(t, err, context.Canceled)
}

func TestLongMessagesAreCut(t *testing.T) {
	address, calls := listen(t, reply(200, `{"errcode":0}`))
	long := notice()
	long.Title = strings.Repeat("售后单", 2000)
	_, err := robot(t, Config{Kind: WeCom, URL: address}).Send(t.Context(), long)
	require.NoError(t, err)
	require.LessOrEqual(t, len((*calls)[0].body), wecomLongest+100)
	require.NotContains(t, (*calls)[0].body, `�`)

	require.Equal(t, "售…", cut("售后单", 8), "no character is broken")
	require.Equal(t, "售后单", cut("售后单", 9))
}

func TestWhatCanNotBeARobot(t *testing.T) {
	for name, config := range map[string]Config{
		"unknown kind": {Kind: "slack", URL: "https://example.com"},
		"no address":   {Kind: WeCom},
		"half address": {Kind: WeCom, URL: "/" + key},
	} {
		_, err := New(config)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), key)
	}
}
