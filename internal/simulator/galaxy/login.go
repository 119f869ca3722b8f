package galaxy

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// loginReply is the reply to each of the three logins.
type loginReply struct {
	Message         *string       `json:"Message"`
	MessageCode     string        `json:"MessageCode"`
	LoginResultType int           `json:"LoginResultType"` // 1 is success
	Context         *loginContext `json:"Context"`
	KDSVCSessionID  *string       `json:"KDSVCSessionId"`
	IsSuccessByAPI  bool          `json:"IsSuccessByAPI"`
}

type loginContext struct {
	UserLocale string `json:"UserLocale"`
	DBID       string `json:"DBid"`
	SessionID  string `json:"SessionId"`
	UserName   string `json:"UserName"`
}

// login answers a login by its name in lower case.
func (t *Tenant) login(w http.ResponseWriter, r *http.Request, name string, body requestBody) {
	c := t.options.Credentials
	lcid := strconv.Itoa(c.LCID)
	given := body.texts()
	var method string
	var accepted bool
	switch name {
	case "validateuser":
		method = "ValidateUser"
		accepted = slices.Equal(given, []string{c.AcctID, c.Username, c.Password, lcid})
	case "loginbyappsecret":
		method = "LoginByAppSecret"
		accepted = len(given) == 5 && slices.Equal(given, []string{c.AcctID, c.Username, c.AppID, given[3], lcid}) &&
			t.accepts(given[3], func(secret string) string { return secret })
	case "loginbysign":
		method = "LoginBySign"
		accepted = len(given) == 6 && isSeconds(given[3]) &&
			slices.Equal(given, []string{c.AcctID, c.Username, c.AppID, given[3], given[4], lcid}) &&
			t.accepts(given[4], func(secret string) string {
				signer := c
				signer.AppSecret = secret
				return signer.loginSign(given[3])
			})
	default:
		writeFrameworkError(w, "找不到服务："+name)
		return
	}
	t.count(method)
	if !t.faults.Before(w, r, wire) {
		return
	}
	pause(t.options.CallLatency)
	if !accepted {
		message := "用户名或密码错误，或第三方系统登录授权未通过"
		t.writeJSON(w, loginReply{Message: &message, MessageCode: "LoginFailed"})
		return
	}
	s := t.sessions.open(w)
	t.writeJSON(w, loginReply{
		MessageCode:     "CheckPasswordPolicy",
		LoginResultType: 1,
		Context:         &loginContext{UserLocale: "zh-CN", DBID: c.AcctID, SessionID: s.id, UserName: c.Username},
		KDSVCSessionID:  &s.id,
		IsSuccessByAPI:  true,
	})
}

// loginSign is the signature of LoginBySign for a time in seconds.
func (c Credentials) loginSign(timestamp string) string {
	parts := []string{c.AcctID, c.Username, c.AppID, c.AppSecret, timestamp}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// isSeconds tells a time in seconds from one in milliseconds.
func isSeconds(timestamp string) bool {
	n, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && n > 0 && n < 1e11
}
