package jushuitan

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestVendorCodes(t *testing.T) {
	type want struct {
		class   fault.Class
		reason  string
		delay   time.Duration
		setting string // that the advice names
	}
	limited := want{fault.RateLimited, "call_limit", 5 * time.Second, "JUSHUITAN_CALLS_PER_SECOND"}
	unavailable := want{fault.Retry, "service_unavailable", 0, "request_id"}
	final := func(reason, setting string) want { return want{fault.Final, reason, 0, setting} }
	argument := final("bad_argument", "source.parameters")

	for _, test := range []struct {
		code, subCode string
		want          want
	}{
		{"4", "", limited}, {"5", "", limited}, {"6", "", limited}, {"7", "", limited}, {"8", "", limited},
		{"7", "isp.call-limited", limited},
		{"199", "", want{fault.RateLimited, "call_limit", 2 * time.Second, "JUSHUITAN_CALLS_PER_SECOND"}},
		{"200", "", want{fault.RateLimited, "call_limit", time.Minute, "JUSHUITAN_CALLS_PER_SECOND"}},
		{"10", "", unavailable}, {"15", "", unavailable},
		{"15", "isp.remote-connection-timeout", unavailable},
		{"15", "isv.invalid-parameter", argument},
		{"999", "isp.unknown-error", unavailable},
		{"0", "isp.unknown-error", unavailable}, {"", "isv.missing-parameter", argument},
		{"isp.remote-service-timeout", "", unavailable}, {"isv.invalid-parameter", "", argument},
		{"11", "", final("no_permission", "JUSHUITAN_APP_KEY")},
		{"12", "", final("no_permission", "JUSHUITAN_CUSTOMER_ID")},
		{"13", "", final("no_permission", "JUSHUITAN_APP_KEY")},
		{"42", "", final("no_permission", "JUSHUITAN_APP_KEY")},
		{"21", "", final("bad_method", "JUSHUITAN_URL")},
		{"22", "isv.invalid-method", final("bad_method", "JUSHUITAN_TARGET_APP_KEY")},
		{"23", "", final("bad_protocol", "JUSHUITAN_URL")},
		{"24", "", final("bad_signature", "JUSHUITAN_APP_SECRET")},
		{"25", "", final("bad_signature", "JUSHUITAN_SIGN_METHOD")},
		{"26", "", final("bad_session", "JUSHUITAN_SESSION")},
		{"27", "", final("bad_session", "JUSHUITAN_SESSION")},
		{"28", "", final("bad_app_key", "JUSHUITAN_APP_KEY")},
		{"29", "", final("bad_app_key", "JUSHUITAN_APP_KEY")},
		{"30", "", final("bad_timestamp", "NTP")},
		{"31", "", final("bad_timestamp", "NTP")},
		{"32", "", final("bad_protocol", "JUSHUITAN_URL")},
		{"33", "", final("bad_protocol", "JUSHUITAN_URL")},
		{"34", "", final("bad_protocol", "JUSHUITAN_URL")},
		{"40", "", argument}, {"41", "", argument}, {"43", "", argument},
		{"41", "", final("bad_argument", "JUSHUITAN_CUSTOMER_ID")},
		{"100", "", final("bad_session", "JUSHUITAN_SESSION")},
		{"120", "", final("bad_signature", "JUSHUITAN_APP_SECRET")},
		{"130", "", argument},
		{"140", "", final("bad_argument", "NTP")},
		{"170", "", argument},
		{"180", "", final("bad_timestamp", "NTP")},
		{"ApiCallLimit", "", limited},
		{"isv.access-limited-by-api-access-count", "", limited},
		{"15", "isv.access-limited-by-app-access-count", limited},
		{"999", "accesscontrol.limited-by-app-api-access-count", limited},
		{"530", "isp.system-busy", limited},
		{"15", "isp.call-limited", limited},
		{"110", "", final("ip_not_allowed", "IP")},
		{"190", "", final("no_permission", "JUSHUITAN_APP_KEY")},
		{"12345", "", want{fault.Retry, "unknown_code", 0, "request_id"}},
		{"-1", "", want{fault.Retry, "unknown_code", 0, "request_id"}},
		{"S003", "", want{fault.Retry, "unknown_code", 0, "request_id"}},
	} {
		for envelope, body := range map[string]string{
			"qimen":    `{"response":{"flag":"failure","code":%s,"sub_code":"%s","message":"它的原话","request_id":"r1"}}`,
			"platform": `{"error_response":{"code":%s,"sub_code":"%s","msg":"它的原话","request_id":"r1"}}`,
		} {
			t.Run(envelope+" "+test.code+" "+test.subCode, func(t *testing.T) {
				client := gateway(t, replyWith(http.StatusOK, fmt.Sprintf(body, `"`+test.code+`"`, test.subCode)))
				_, err := client.List(t.Context(), refunds, seedParams())
				f := fault.As(err)
				require.NotNil(t, f, "%v", err)
				require.Equal(t, test.want.class, f.Class)
				require.Equal(t, test.want.reason, f.Reason)
				require.Equal(t, test.want.delay, f.Delay)
				require.Equal(t, test.code, f.Code)
				require.Contains(t, f.Advice.String(), test.want.setting)
				for _, part := range []string{"Jushuitan", "jushuitan.refund.list.query", "它的原话", "request_id r1", test.subCode} {
					require.Contains(t, f.Error(), part)
				}
			})
		}
	}
}

func TestWhatCountsAsFailure(t *testing.T) {
	const rest = `"page_index":1,"has_next":false,"datas":[]`
	for _, test := range []struct {
		name, body string
		failed     bool
	}{
		{"nothing said", `{"response":{` + rest + `}}`, false},
		{"flag success", `{"response":{"flag":"success",` + rest + `}}`, false},
		{"code 0", `{"response":{"code":0,` + rest + `}}`, false},
		{"code 0 as text", `{"response":{"code":"0",` + rest + `}}`, false},
		{"code and sub_code empty", `{"response":{"code":"","sub_code":"",` + rest + `}}`, false},
		{"all null", `{"response":{"flag":null,"code":null,"sub_code":null,"issuccess":null,` + rest + `}}`, false},
		{"issuccess true", `{"response":{"issuccess":"true",` + rest + `}}`, false},
		{"error_response null", `{"error_response":null,"response":{` + rest + `}}`, false},
		{"flag failure", `{"response":{"flag":"failure",` + rest + `}}`, true},
		{"flag failure, no code", `{"response":{"flag":"failure"}}`, true},
		{"code as a number", `{"response":{"code":50,` + rest + `}}`, true},
		{"sub_code alone", `{"response":{"sub_code":"isv.x",` + rest + `}}`, true},
		{"issuccess false", `{"response":{"issuccess":false,` + rest + `}}`, true},
		{"issuccess 0", `{"response":{"issuccess":0,` + rest + `}}`, true},
		{"issuccess unreadable", `{"response":{"issuccess":"perhaps",` + rest + `}}`, true},
		{"error_response empty", `{"error_response":{}}`, true},
		{"error_response is text", `{"error_response":"boom"}`, true},
		{"error_response beside orders", `{"error_response":{"code":7},"response":{` + rest + `}}`, true},
		{"failure without a root object", `{"flag":"failure","code":25,"message":"m"}`, true},
		{"code beside the root object", `{"code":25,"response":{` + rest + `}}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := gateway(t, replyWith(http.StatusOK, test.body)).List(t.Context(), refunds, seedParams())
			if !test.failed {
				require.NoError(t, err)
				return
			}
			f := fault.As(err)
			require.NotNil(t, f)
			require.NotEqual(t, "malformed_reply", f.Reason)
			require.NotEqual(t, f.Message == "", f.Err == nil, "what happened is said once")
		})
	}
}

// Jushuitan's own codes below 100 clash with the gateway's.
func TestTenIsTheEnvelopes(t *testing.T) {
	for body, want := range map[string]string{
		`{"response":{"code":10,"issuccess":false,"msg":"验证失败！无效签名"}}`:         "bad_signature",
		`{"code":"10","msg":"无效签名","data":null}`:                               "bad_signature",
		`{"response":{"flag":"failure","code":10,"message":"不可用"}}`:            "service_unavailable",
		`{"error_response":{"code":10,"msg":"Service Currently Unavailable"}}`: "service_unavailable",
	} {
		t.Run(body, func(t *testing.T) {
			_, err := gateway(t, replyWith(http.StatusOK, body)).List(t.Context(), refunds, seedParams())
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, want, f.Reason)
		})
	}
}

func TestCallLimitWaitsAsLongAsThePlatformSays(t *testing.T) {
	for message, want := range map[string]time.Duration{
		"This ban will last for 1 more seconds":       2 * time.Second,
		"This ban will last for 31062 more seconds":   31063 * time.Second,
		"this ban will last 1 seconds":                2 * time.Second,
		"请在 30 秒后重试":                                  31 * time.Second,
		"This ban will last for 86400 more seconds":   longestWait,
		"This ban will last for 99999999 more second": longestWait,
		"ban will last for 99999999999999999999":      longestWait,
		"请稍后再试":                                       limitDelay,
	} {
		t.Run(message, func(t *testing.T) {
			client := gateway(t, replyWith(http.StatusOK, `{"error_response":{"code":7,"msg":"App Call Limited",`+
				`"sub_code":"accesscontrol.limited-by-api-access-count","sub_msg":"`+message+`"}}`))
			_, err := client.List(t.Context(), refunds, seedParams())
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, fault.RateLimited, f.Class)
			require.Equal(t, want, f.Delay)
		})
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	var sign string
	client := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		sign = r.URL.Query().Get("sign")
		_, _ = fmt.Fprintf(w, `{"error_response":{"code":"%s","msg":"sign %s, secret %s, session %s"}}`,
			sign, sign, testSecret, testSession)
	})
	_, err := client.List(t.Context(), refunds, seedParams())
	require.Error(t, err)
	require.NotEmpty(t, sign)
	for _, secret := range []string{sign, testSecret, testSession} {
		require.NotContains(t, fmt.Sprintf("%+v %#v", err, fault.As(err)), secret)
	}
	require.ErrorContains(t, err, "sign ***, secret ***, session ***")
}

func TestLongVendorTextIsCut(t *testing.T) {
	client := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"error_response":{"code":15,"msg":"`+strings.Repeat("错", 100_000)+`"}}`)
	})
	_, err := client.List(t.Context(), refunds, seedParams())
	f := fault.As(err)
	require.NotNil(t, f, "%v", err)
	require.Equal(t, strings.Repeat("错", 500)+"…", f.Message)
}
