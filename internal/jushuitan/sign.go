package jushuitan

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/text"
)

// SignMethod is a value of the system parameter sign_method.
type SignMethod string

const (
	SignMD5        SignMethod = "md5"         // MD5(secret + text + secret)
	SignHMAC       SignMethod = "hmac"        // HMAC-MD5
	SignHMACSHA256 SignMethod = "hmac-sha256" // HMAC-SHA256
)

// Sign computes the parameter sign: the parameters sorted by name in byte
// order, each name followed by its value with nothing between, before URL
// encoding, as upper-case hex. The parameter sign itself and parameters
// without a value are left out. It returns an error if the method is not one
// of the three. Source: Taobao Open Platform, "API 签名算法".
func Sign(method SignMethod, secret string, params map[string]string) (string, error) {
	joined := joined(params)
	var digest []byte
	switch method {
	case SignMD5:
		sum := md5.Sum([]byte(secret + joined + secret))
		digest = sum[:]
	case SignHMAC:
		mac := hmac.New(md5.New, []byte(secret))
		mac.Write([]byte(joined))
		digest = mac.Sum(nil)
	case SignHMACSHA256:
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(joined))
		digest = mac.Sum(nil)
	default:
		return "", text.Errorf("unknown sign method %q: want md5, hmac or hmac-sha256", string(method))
	}
	return strings.ToUpper(hex.EncodeToString(digest)), nil
}

// withoutBlank copies params without those that have an empty or blank value:
// the gateway leaves them out when it checks the signature, so they are
// neither signed nor sent.
func withoutBlank(params map[string]string) map[string]string {
	kept := make(map[string]string, len(params))
	for name, value := range params {
		if strings.TrimSpace(value) != "" {
			kept[name] = value
		}
	}
	return kept
}

// SignOpen computes the sign of Jushuitan's open platform: the MD5 of the secret and the
// parameters sorted by name, each name followed by its value with nothing between, before
// URL encoding, as lower-case hex. The parameter sign itself and parameters without a value
// are left out. Source: openweb.jushuitan.com, document docId=70.
func SignOpen(secret string, params map[string]string) string {
	sum := md5.Sum([]byte(secret + joined(params)))
	return hex.EncodeToString(sum[:])
}

// joined are the parameters as they are signed.
func joined(params map[string]string) string {
	params = withoutBlank(params)
	delete(params, "sign")
	var joined strings.Builder
	for _, name := range slices.Sorted(maps.Keys(params)) {
		joined.WriteString(name)
		joined.WriteString(params[name])
	}
	return joined.String()
}
