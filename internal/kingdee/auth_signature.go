package kingdee

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// appIDMask hides the second half of an AppID. It is the same constant in all
// of Kingdee's SDKs, not a secret.
const appIDMask = "0054f397c6234378b09ca7d3e5debce7"

// signer makes the headers that replace a login. There are two signatures: one over the
// path for the gateway, one over the account for the product.
type signer struct {
	clientID, clientSecret string
	appID, appSecret       string
	appData                string
}

// errAppID is for an AppID that is not of the form 123456_QUJDREVG….
var errAppID = errors.New("AppID is not two parts joined by _, the second in base64")

// splitAppID gives the parts of an AppID: the client's id, and its secret, which the
// AppID holds masked.
func splitAppID(appID string) (clientID, clientSecret string, err error) {
	clientID, half2, _ := strings.Cut(appID, "_")
	masked, err := base64.StdEncoding.DecodeString(half2)
	if err != nil || clientID == "" || len(masked) == 0 || len(masked) > len(appIDMask) {
		return "", "", errAppID
	}
	for i := range masked {
		masked[i] ^= appIDMask[i]
	}
	return clientID, base64.StdEncoding.EncodeToString(masked), nil
}

func newSigner(c Config) (signer, error) {
	clientID, clientSecret, err := splitAppID(c.AppID)
	if err != nil {
		return signer{}, err
	}
	return signer{
		clientID:     clientID,
		clientSecret: clientSecret,
		appID:        c.AppID,
		appSecret:    c.AppSecret,
		appData:      strings.Join([]string{c.AcctID, c.Username, strconv.Itoa(c.LCID), c.OrgNumber}, ","),
	}, nil
}

// sign sets the headers of a POST to path, the full path of the URL.
func (s signer) sign(h http.Header, path string, at time.Time) {
	// The nonce is the timestamp in Kingdee's SDKs too.
	timestamp := strconv.FormatInt(at.Unix(), 10)
	// The empty line stands for the query parameters: there are none.
	signed := "POST\n" + escapePath(path) + "\n\nx-api-nonce:" + timestamp + "\nx-api-timestamp:" + timestamp + "\n"

	h.Set("X-Api-ClientID", s.clientID)
	h.Set("X-Api-Auth-Version", "2.0")
	h.Set("x-api-timestamp", timestamp)
	h.Set("x-api-nonce", timestamp)
	h.Set("x-api-signheaders", "x-api-timestamp,x-api-nonce")
	h.Set("X-Api-Signature", signature(s.clientSecret, signed))
	h.Set("X-Kd-Appkey", s.appID)
	h.Set("X-Kd-Appdata", base64.StdEncoding.EncodeToString([]byte(s.appData)))
	h.Set("X-Kd-Signature", signature(s.appSecret, s.appID+s.appData))
}

// signature is base64 over the hexadecimal text of the hash, not over the hash
// itself.
func signature(secret, signed string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(mac.Sum(nil))))
}

// escapePath percent-encodes a path, slashes included.
func escapePath(path string) string {
	return strings.ReplaceAll(url.QueryEscape(path), "+", "%20")
}
