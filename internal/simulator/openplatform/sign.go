package openplatform

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// sign computes the signature of a call: MD5 of the secret and of all parameters but the
// signature, sorted by name, in lower-case hex. Parameters without a value are not signed.
func sign(secret string, form map[string]string) string {
	var signed strings.Builder
	signed.WriteString(secret)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name != "sign" && form[name] != "" {
			signed.WriteString(name + form[name])
		}
	}
	sum := md5.Sum([]byte(signed.String()))
	return hex.EncodeToString(sum[:])
}
