package kingdee

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestLogins(t *testing.T) {
	for auth, test := range map[Auth]struct{ method, golden string }{
		AuthAppSecret: {"LoginByAppSecret", "login_by_app_secret.json"},
		AuthSign:      {"LoginBySign", "login_by_sign.json"},
		AuthPassword:  {"ValidateUser", "validate_user.json"},
	} {
		t.Run(string(auth), func(t *testing.T) {
			var paths []string
			server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
				paths = append(paths, r.URL.Path)
				assert.Empty(t, r.Header.Get("X-Api-Signature"), "a login takes the place of the signature")
				if methodOf(r) == "BatchSave" {
					cookie, err := r.Cookie("kdservice-sessionid")
					if assert.NoError(t, err) {
						assert.Equal(t, "s1", cookie.Value)
					}
					write(w, savedReply)
					return
				}
				assert.Equal(t, golden(t, test.golden), body)
				http.SetCookie(w, &http.Cookie{Name: "kdservice-sessionid", Value: "s1", Path: "/"})
				write(w, loggedInReply)
			})
			config := vectorConfig(server.URL)
			config.Auth = auth
			c := newClient(t, config)
			for range 2 {
				_, err := c.BatchSave(t.Context(), oneBill)
				require.NoError(t, err)
			}
			save := "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc"
			assert.Equal(t, []string{
				"/k3cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService." + test.method + ".common.kdsvc", save, save,
			}, paths, "one login serves many calls")
		})
	}
}

func TestLoginWithoutCookies(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if methodOf(r) != "BatchSave" {
			write(w, loggedInReply)
			return
		}
		cookie, err := r.Cookie("kdservice-sessionid")
		if assert.NoError(t, err) {
			assert.Equal(t, "from-the-body", cookie.Value)
		}
		write(w, savedReply)
	})
	config := vectorConfig(server.URL)
	config.Auth = AuthPassword
	_, err := newClient(t, config).BatchSave(t.Context(), oneBill)
	require.NoError(t, err)
}

func TestLoginRefused(t *testing.T) {
	for name, test := range map[string]struct {
		reply   string
		class   fault.Class
		reason  string
		message string
		code    string
	}{
		"wrong password": {
			`{"Message":"用户名或密码错误","LoginResultType":0}`, fault.Final, "login_failed", "用户名或密码错误", "0"},
		"a type as text": {
			`{"Message":"x","LoginResultType":"-5"}`, fault.Final, "login_failed", "x", "-5"},
		"no message": {
			`{"Message":null,"LoginResultType":-1}`, fault.Final, "login_failed", "Kingdee gave no reason", "-1"},
		"session lost means credentials": {
			lostReply, fault.Final, "login_failed", "会话信息已丢失，请重新登录", "1"},
		"a failed validation": {
			`{"Result":{"ResponseStatus":{"Errors":[{"Message":"账号已锁定"}],"MsgCode":11}}}`, fault.Final, "login_failed", "账号已锁定", "11"},
		"call limit": {
			`{"Result":{"ResponseStatus":{"Errors":[{"Message":"x"}],"MsgCode":14}}}`, fault.RateLimited, "call_limit", "x", "14"},
		"administrator": {
			`{"Result":{"ResponseStatus":{"Errors":[{"Message":"不允许"}],"MsgCode":15}}}`, fault.Final, "administrator_forbidden", "不允许", "15"},
		"licence": {
			`{"Result":{"ResponseStatus":{"Errors":[{"Message":"许可已过期"}],"MsgCode":"7"}}}`, fault.Final, "licence", "许可已过期", "7"},
		"the secrets quoted": {
			`{"Message":"pass&word 0123456789abcdef0123456789abcdef","LoginResultType":0}`, fault.Final, "login_failed", "*** ***", "0"},
		"a framework error that quotes the password": {
			`response_error:{"Message":"ValidateUser(pass&word)"}`, fault.Retry, "exception", "ValidateUser(***)", ""},
		"no login reply": {
			`{}`, fault.Retry, "malformed_reply", "reply not understood: it has no LoginResultType", ""},
		"an array": {
			`[]`, fault.Retry, "malformed_reply", "reply not understood: unexpected type of “”", ""},
		"no JSON": {
			`{"LoginResultType":1`, fault.Retry, "malformed_reply", "reply not understood: it is not JSON", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var calls []string
			server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
				calls = append(calls, methodOf(r))
				write(w, test.reply)
			})
			config := vectorConfig(server.URL)
			config.Auth = AuthPassword
			_, err := newClient(t, config).BatchSave(t.Context(), oneBill)
			f := requireFault(t, err, test.class, test.reason)
			assert.Equal(t, test.message, f.What().String())
			assert.Equal(t, test.code, f.Code)
			assert.Equal(t, []string{"ValidateUser"}, calls, "no second login, and no save without one")
			if test.class == fault.Final {
				assert.Contains(t, f.Advice.String(), "KINGDEE_USERNAME")
			}
		})
	}
}
