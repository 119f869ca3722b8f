package qimen

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sign computes the signature for a call with these parameters. Everything but the
// signature itself is signed, including sign_method. It returns false if the method is
// not one of the gateway's three.
func sign(method, secret string, params map[string]string) (string, bool) {
	var signed strings.Builder
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if name != "sign" && strings.TrimSpace(params[name]) != "" {
			signed.WriteString(name + params[name])
		}
	}
	var sum []byte
	switch method {
	case "md5":
		digest := md5.Sum([]byte(secret + signed.String() + secret))
		sum = digest[:]
	case "hmac":
		mac := hmac.New(md5.New, []byte(secret))
		mac.Write([]byte(signed.String()))
		sum = mac.Sum(nil)
	case "hmac-sha256":
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed.String()))
		sum = mac.Sum(nil)
	default:
		return "", false
	}
	return fmt.Sprintf("%X", sum), true
}
