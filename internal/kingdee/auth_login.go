package kingdee

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	authService   = "Kingdee.BOS.WebApi.ServicesStub.AuthService."
	sessionCookie = "kdservice-sessionid"
)

// logIn logs the session in, if it needs a login and has none.
func (c *Client) logIn(ctx context.Context, s *session) error {
	if c.config.Auth == AuthSignature || s.loggedIn {
		return nil
	}
	method, parameters := loginRequest(c.config, c.config.Now())
	body, err := encode(map[string]any{"parameters": parameters})
	if err != nil {
		return err
	}
	raw, err := c.post(ctx, s, method, authService, body)
	// The credential (password, secret or sign) is the last but one.
	s.sent = append(s.sent, fmt.Sprint(parameters[len(parameters)-2]))
	if err != nil {
		return err
	}
	id, err := decodeLogin(method, raw)
	if err != nil {
		return err
	}
	if id != "" && !s.hasCookie(c.base, sessionCookie) {
		// A gateway in between may drop the cookies; the body has the id as well.
		s.http.Jar.SetCookies(c.base, []*http.Cookie{{Name: sessionCookie, Value: id, Path: "/"}})
	}
	s.loggedIn = true
	return nil
}

// loginRequest gives the method of AuthService and its positional parameters.
func loginRequest(c Config, at time.Time) (method string, parameters []any) {
	switch c.Auth {
	case AuthAppSecret:
		return "LoginByAppSecret", []any{c.AcctID, c.Username, c.AppID, c.AppSecret, c.LCID}
	case AuthSign:
		timestamp := strconv.FormatInt(at.Unix(), 10)
		return "LoginBySign", []any{c.AcctID, c.Username, c.AppID, timestamp, loginSign(c, timestamp), c.LCID}
	default:
		return "ValidateUser", []any{c.AcctID, c.Username, c.Password, c.LCID}
	}
}

// loginSign is the SHA-256 of the five values, sorted by bytes and joined.
func loginSign(c Config, timestamp string) string {
	values := []string{c.AcctID, c.Username, c.AppID, c.AppSecret, timestamp}
	slices.Sort(values)
	sum := sha256.Sum256([]byte(strings.Join(values, "")))
	return hex.EncodeToString(sum[:])
}

// decodeLogin gives the session's id, if the reply has one. LoginResultType 1 is
// success, anything else a refusal.
func decodeLogin(method string, raw []byte) (sessionID string, err error) {
	status, err := findStatus(raw)
	if err != nil {
		return "", malformed(method, err)
	}
	if status != nil {
		f := status.failure(method, status.Errors)
		// A final failure that is not about the account's rights is about the
		// credentials. So is a lost session: Kingdee says so of unknown credentials.
		rights := []string{licence.reason, noPermission.reason, administratorForbidden.reason}
		if f.Class == fault.SessionLost || f.Class == fault.Final && !slices.Contains(rights, f.Reason) {
			f.Class, f.Reason, f.Advice = loginFailed.class, loginFailed.reason, loginFailed.advice
		}
		return "", f
	}
	var reply struct {
		LoginResultType looseInt
		Message         looseText
		KDSVCSessionID  looseText `json:"KDSVCSessionId"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return "", malformed(method, err)
	}
	if !reply.LoginResultType.Known {
		return "", malformed(method, text.Errorf("it has no LoginResultType"))
	}
	if reply.LoginResultType.Value == 1 {
		return string(reply.KDSVCSessionID), nil
	}
	f := loginFailed.quoting(method, string(reply.Message))
	f.Code = strconv.Itoa(reply.LoginResultType.Value)
	return "", f
}
