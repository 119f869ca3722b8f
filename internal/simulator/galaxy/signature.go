package galaxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"refundsync/internal/simulator/faults"
)

// obfuscation is the constant with which the vendor's SDKs XOR the client secret.
const obfuscation = "0054f397c6234378b09ca7d3e5debce7"

// authenticate returns the session of a request: the one of its cookies, or a new one if
// that is stale and the headers are signed. A login is not renewed.
func (t *Tenant) authenticate(w http.ResponseWriter, r *http.Request) (*session, reply) {
	signed := r.Header.Get("X-Kd-Appkey") != "" || r.Header.Get("X-Api-Signature") != "" || r.Header.Get("X-Kd-Signature") != ""
	if signed {
		if err := t.checkSignature(r); err != nil {
			return nil, failed(msgNoPermission, "签名验证失败："+err.Error())
		}
	}
	if s := t.sessions.find(r); s != nil {
		refused := !signed && t.sessions.hasServed(s) && t.faults.Strikes(faults.KingdeeSessionRefused)
		if !refused && !t.faults.Strikes(faults.KingdeeSessionLost) {
			return s, nil
		}
		t.sessions.end(s)
		if refused {
			return nil, t.sessionRefusal()
		}
	}
	if signed {
		return t.sessions.open(w), nil
	}
	return nil, failed(msgSessionLost, lostText)
}

// checkSignature checks every signed header. It does not compare the timestamp with the
// clock: whether the vendor does so is unknown.
func (t *Tenant) checkSignature(r *http.Request) error {
	c := t.options.Credentials
	clientID, clientSecret, err := splitAppID(c.AppID)
	if err != nil {
		return err
	}
	header := r.Header.Get
	timestamp, nonce := header("x-api-timestamp"), header("x-api-nonce")
	if _, err := strconv.ParseInt(timestamp, 10, 64); err != nil {
		return fmt.Errorf("x-api-timestamp")
	}
	if nonce == "" {
		return fmt.Errorf("x-api-nonce")
	}
	appData, err := base64.StdEncoding.DecodeString(header("X-Kd-Appdata"))
	if err != nil {
		return fmt.Errorf("X-Kd-Appdata")
	}
	// The Java SDK writes the header names in another case than the Python SDK.
	if !strings.EqualFold(header("x-api-signheaders"), "x-api-timestamp,x-api-nonce") {
		return fmt.Errorf("x-api-signheaders")
	}
	for _, check := range []struct{ name, want string }{
		{"X-Api-ClientID", clientID},
		{"X-Api-Auth-Version", "2.0"},
		{"X-Api-Signature", apiSignature(clientSecret, r.URL.EscapedPath(), timestamp, nonce)},
		{"X-Kd-Appkey", c.AppID},
	} {
		if header(check.name) != check.want {
			return fmt.Errorf("%s", check.name)
		}
	}
	if !t.accepts(header("X-Kd-Signature"), func(secret string) string { return hexDigest(secret, c.AppID+string(appData)) }) {
		return fmt.Errorf("X-Kd-Signature")
	}
	return t.checkAppData(string(appData))
}

// checkAppData checks account, user, language and organisation. The SDKs send
// organisation 0 if none is set.
func (t *Tenant) checkAppData(appData string) error {
	c := t.options.Credentials
	account := c.AcctID + "," + c.Username + "," + strconv.Itoa(c.LCID) + ","
	organisation, found := strings.CutPrefix(appData, account)
	if !found || organisation != "" && organisation != "0" && organisation != c.OrgNumber {
		return fmt.Errorf("X-Kd-Appdata")
	}
	return nil
}

// splitAppID returns the client id and the client secret that an app id contains.
func splitAppID(appID string) (clientID, clientSecret string, err error) {
	clientID, half, found := strings.Cut(appID, "_")
	secret, err := base64.StdEncoding.DecodeString(half)
	if !found || err != nil || len(secret) > len(obfuscation) {
		return "", "", fmt.Errorf("app id %q is not <client id>_<base64 of 24 bytes>", appID)
	}
	for i := range secret {
		secret[i] ^= obfuscation[i]
	}
	return clientID, base64.StdEncoding.EncodeToString(secret), nil
}

// apiSignature is the gateway's signature over the path.
func apiSignature(clientSecret, path, timestamp, nonce string) string {
	return hexDigest(clientSecret, "POST\n"+url.QueryEscape(path)+"\n\n"+
		"x-api-nonce:"+nonce+"\nx-api-timestamp:"+timestamp+"\n")
}

// hexDigest is base64 over the hexadecimal text of an HMAC-SHA256.
func hexDigest(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(mac.Sum(nil))))
}
