package galaxy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPublishedSignatures(t *testing.T) {
	clientID, clientSecret, err := splitAppID(credentials.AppID)
	require.NoError(t, err)
	require.Equal(t, "123456", clientID)
	require.Equal(t, "cXJ2cCN1fn8qfHl/eX14aDNiajc0YTNr", clientSecret)
	require.Equal(t, "MDAyOTM2NjVjNDMxYjA5OWE2MWZkZDUxN2MxNGUyY2UyN2JkMmI3NmQ3N2ZiMzc3NGY3ZGE1YzMwZWEwZmRjNQ==",
		apiSignature(clientSecret, formPath+"BatchSave.common.kdsvc", "1700000000", "1700000000"))
	require.Equal(t, "OWVhMjg2MWZkMWI0ZjRlYjZlMDkwNjhiYjI2OTkxNjVkNjJkOGYzODIxZmI5YWM5MGUyMzNmNWRjNTcwMDgwYg==",
		hexDigest(credentials.AppSecret, credentials.AppID+"5f0000000000a1,demo,2052,100"))
}

func TestMalformedAppID(t *testing.T) {
	for _, appID := range []string{"", "123456", "123456_not base64", "1_" + strings.Repeat("QUJD", 20)} {
		_, _, err := splitAppID(appID)
		require.Error(t, err, appID)
	}
}

// readable is a query that any caller may make.
const readable = `{"data":{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo"}}`

func TestSignedHeadersAreChecked(t *testing.T) {
	path := formPath + "ExecuteBillQuery.common.kdsvc"
	appData := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	resign := func(text string) string { return hexDigest(credentials.AppSecret, credentials.AppID+text) }
	cases := []struct {
		name   string
		change func(h http.Header)
		fault  string // the header at fault; "" is accepted
	}{
		{"as the Python SDK sends them", func(http.Header) {}, ""},
		{"as the Java SDK sends them", func(h http.Header) {
			h.Set("x-api-signheaders", "X-Api-TimeStamp,X-Api-Nonce")
			h.Set("x-api-timestamp", "1700000000123")
			h.Set("x-api-nonce", "1700000000123")
			h.Set("X-Api-Signature", apiSignature("cXJ2cCN1fn8qfHl/eX14aDNiajc0YTNr", path, "1700000000123", "1700000000123"))
		}, ""},
		{"organisation 0", func(h http.Header) {
			h.Set("X-Kd-Appdata", appData("5f0000000000a1,demo,2052,0"))
			h.Set("X-Kd-Signature", resign("5f0000000000a1,demo,2052,0"))
		}, ""},
		{"timestamp changed", func(h http.Header) { h.Set("x-api-timestamp", "1700000001") }, "X-Api-Signature"},
		{"timestamp no number", func(h http.Header) { h.Set("x-api-timestamp", "now") }, "x-api-timestamp"},
		{"no nonce", func(h http.Header) { h.Del("x-api-nonce") }, "x-api-nonce"},
		{"another client", func(h http.Header) { h.Set("X-Api-ClientID", "654321") }, "X-Api-ClientID"},
		{"another version", func(h http.Header) { h.Set("X-Api-Auth-Version", "1.0") }, "X-Api-Auth-Version"},
		{"fewer headers signed", func(h http.Header) { h.Set("x-api-signheaders", "x-api-nonce") }, "x-api-signheaders"},
		{"no api signature", func(h http.Header) { h.Del("X-Api-Signature") }, "X-Api-Signature"},
		{"no kd signature", func(h http.Header) { h.Del("X-Kd-Signature") }, "X-Kd-Signature"},
		{"another app", func(h http.Header) { h.Set("X-Kd-Appkey", "1_x") }, "X-Kd-Appkey"},
		{"appdata changed", func(h http.Header) { h.Set("X-Kd-Appdata", appData("5f0000000000a1,admin,2052,100")) }, "X-Kd-Signature"},
		{"appdata no base64", func(h http.Header) { h.Set("X-Kd-Appdata", "%") }, "X-Kd-Appdata"},
		{"another user, signed", func(h http.Header) {
			h.Set("X-Kd-Appdata", appData("5f0000000000a1,admin,2052,100"))
			h.Set("X-Kd-Signature", resign("5f0000000000a1,admin,2052,100"))
		}, "X-Kd-Appdata"},
		{"unknown organisation, signed", func(h http.Header) {
			h.Set("X-Kd-Appdata", appData("5f0000000000a1,demo,2052,999"))
			h.Set("X-Kd-Signature", resign("5f0000000000a1,demo,2052,999"))
		}, "X-Kd-Appdata"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			f.headers = signedHeaders(path)
			c.change(f.headers)
			body := f.post(path, readable)
			if c.fault == "" {
				require.Equal(t, "[]", body)
				return
			}
			var rows [][]resultReply
			require.NoError(t, json.Unmarshal([]byte(body), &rows), body)
			status := rows[0][0].Result.ResponseStatus
			require.Equal(t, msgNoPermission, status.MsgCode)
			require.Equal(t, "签名验证失败："+c.fault, status.Errors[0].Message)
		})
	}
}

// login returns the body of a login.
func login(parameters ...any) string {
	body, err := json.Marshal(map[string]any{"parameters": parameters})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestLogins(t *testing.T) {
	c := credentials
	sign := c.loginSign("1700000000")
	cases := []struct {
		name, method, body string
		accepted           bool
	}{
		{"password", "ValidateUser", login(c.AcctID, "demo", "pass", 2052), true},
		{"lcid as text", "validateuser", login(c.AcctID, "demo", "pass", "2052"), true},
		{"parameters as a string", "ValidateUser", `{"parameters":"[\"5f0000000000a1\",\"demo\",\"pass\",2052]"}`, true},
		{"wrong password", "ValidateUser", login(c.AcctID, "demo", "Pass", 2052), false},
		{"wrong account", "ValidateUser", login("5f", "demo", "pass", 2052), false},
		{"too few parameters", "ValidateUser", login(c.AcctID, "demo", "pass"), false},
		{"app secret", "LoginByAppSecret", login(c.AcctID, "demo", c.AppID, c.AppSecret, 2052), true},
		{"wrong app secret", "LoginByAppSecret", login(c.AcctID, "demo", c.AppID, "x", 2052), false},
		{"sign", "LoginBySign", login(c.AcctID, "demo", c.AppID, 1700000000, sign, 2052), true},
		{"sign of another time", "LoginBySign", login(c.AcctID, "demo", c.AppID, 1700000001, sign, 2052), false},
		{"time in milliseconds", "LoginBySign", login(c.AcctID, "demo", c.AppID, 1700000000123, c.loginSign("1700000000123"), 2052), false},
		{"sign in upper case", "LoginBySign", login(c.AcctID, "demo", c.AppID, 1700000000, strings.ToUpper(sign), 2052), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			f.headers = http.Header{}
			var reply struct {
				LoginResultType int
				Message         string
				KDSVCSessionID  string `json:"KDSVCSessionId"`
			}
			require.NoError(t, json.Unmarshal([]byte(f.post(authPath+c.method+".common.kdsvc", c.body)), &reply))
			require.Equal(t, c.accepted, reply.LoginResultType == 1)
			if !c.accepted {
				require.NotEmpty(t, reply.Message)
				require.Empty(t, f.cookies)
				return
			}
			cookies := map[string]string{}
			for _, cookie := range f.cookies {
				cookies[cookie.Name] = cookie.Value
			}
			require.Equal(t, map[string]string{sessionCookie: reply.KDSVCSessionID, aspNetCookie: reply.KDSVCSessionID}, cookies)
			require.Equal(t, "[]", f.post(formPath+"ExecuteBillQuery.common.kdsvc", readable))
		})
	}
}

// The values are sorted, joined and hashed.
func TestLoginSign(t *testing.T) {
	c := Credentials{AcctID: "b", Username: "a", AppID: "d", AppSecret: "c"}
	// SHA-256 of "1abcd".
	require.Equal(t, "dfd07794efd5dd62dbd75e29471040774cb05882192d5d194714ee13239ec2db", c.loginSign("1"))
}

// lost is the reply for a lost session, word for word.
const lost = `{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":1}}}`

func (f *fixture) logIn() {
	f.t.Helper()
	f.headers = http.Header{}
	f.post(authPath+"ValidateUser.common.kdsvc", login(credentials.AcctID, "demo", "pass", 2052))
}

func TestLostSession(t *testing.T) {
	cases := []struct {
		name string
		lose func(f *fixture)
	}{
		{"never logged in", func(f *fixture) { f.cookies = nil }},
		{"unknown cookie", func(f *fixture) { f.cookies = []*http.Cookie{{Name: sessionCookie, Value: "x"}} }},
		{"expired by hand", func(f *fixture) { require.Equal(f.t, 1, f.tenant.ExpireSessions()) }},
		{"20 minutes idle", func(f *fixture) { f.clock = f.clock.Add(20*time.Minute + time.Second) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			f.logIn()
			c.lose(f)
			require.Equal(t, lost, f.post(formPath+"BatchSave.common.kdsvc", `{"formid":"SAL_RETURNSTOCK","data":{}}`))
			require.Equal(t, "[["+lost+"]]", f.post(formPath+"ExecuteBillQuery.common.kdsvc", readable))
		})
	}
}

func TestSessionStaysValidWhileUsed(t *testing.T) {
	f := start(t, func(o *Options) { o.SessionLifetime = time.Minute })
	f.logIn()
	for range 3 {
		f.clock = f.clock.Add(time.Minute)
		require.Equal(t, "[]", f.post(formPath+"ExecuteBillQuery.common.kdsvc", readable))
	}
	require.Equal(t, 1, f.tenant.State(false).Sessions)
}

func TestSignedHeadersRenewAStaleSession(t *testing.T) {
	f := start(t, nil)
	require.Equal(t, "[]", f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo"}`))
	first := f.cookies[0].Value
	f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo"}`)
	require.Equal(t, first, f.cookies[0].Value, "a session that lives is kept")
	f.tenant.ExpireSessions()
	require.Equal(t, "[]", f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo"}`))
	require.NotEqual(t, first, f.cookies[0].Value)
}

func TestSessionMayComeAsAHeader(t *testing.T) {
	f := start(t, nil)
	f.logIn()
	f.headers.Set("kdservice-sessionid", f.cookies[0].Value)
	f.cookies = nil
	require.Equal(t, "[]", f.post(formPath+"ExecuteBillQuery.common.kdsvc", readable))
}

func TestSessionServesOneRequestAtATime(t *testing.T) {
	f := start(t, nil)
	f.logIn()
	busy := f.tenant.sessions.byID[f.cookies[0].Value]
	require.True(t, busy.take()) // a request in flight

	status := f.save(model("R1"))
	require.Equal(t, msgNetworkConflict, status.MsgCode)
	require.Equal(t, "“demo”使用业务单据：“销售退货单”业务操作-“[销售退货单-BatchSave]”冲突，请稍候再使用。", status.Errors[0].Message)
	require.Contains(t, f.post(formPath+"ExecuteBillQuery.common.kdsvc", readable), `[[{"Result":`)
	require.Equal(t, map[string]int{"session_in_use": 2}, f.tenant.State(false).Violations)

	other := *f
	other.logIn()
	require.True(t, other.save(model("R2")).IsSuccess, "another session is free")

	f.tenant.sessions.release(busy)
	require.True(t, f.save(model("R1")).IsSuccess)
	require.Equal(t, 2, f.tenant.State(false).Violations["session_in_use"])
}

func TestInvalidCalls(t *testing.T) {
	f := start(t, nil)
	for _, c := range []struct{ name, path, body string }{
		{"unknown method", formPath + "Push.common.kdsvc", `{}`},
		{"unknown login", authPath + "LoginByMagic.common.kdsvc", `{}`},
		{"no JSON", formPath + "BatchSave.common.kdsvc", `formid=SAL_RETURNSTOCK`},
		{"a list", formPath + "BatchSave.common.kdsvc", `[]`},
	} {
		require.True(t, strings.HasPrefix(f.post(c.path, c.body), `response_error:{"Message":"`), c.name)
	}
	for _, path := range []string{"/k3cloud/", formPath + "BatchSave"} {
		response, err := f.client.Post(f.url+path, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusNotFound, response.StatusCode, path)
	}
	response, err := f.client.Get(f.url + formPath + "BatchSave.common.kdsvc")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestCallsAreCounted(t *testing.T) {
	f := start(t, nil)
	f.logIn()
	for _, name := range []string{"batchSave", "BatchSave", "BATCHSAVE"} {
		f.form(name, `{"Model":[`+model(fmt.Sprint("R", name))+`]}`)
	}
	require.Equal(t, map[string]int{"ValidateUser": 1, "BatchSave": 3}, f.tenant.State(false).Calls)
}
