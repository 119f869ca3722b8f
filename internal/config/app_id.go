package config

import (
	"encoding/base64"
	"strings"
)

// signingKeyBytes is the length of the mask that all of Kingdee's SDKs apply to the key
// in an application's id: the key can't be longer.
const signingKeyBytes = 32

// isSigningAppID reports whether the id is <digits>_<base64>: the second half is the
// key of one of the two signatures.
func isSigningAppID(id string) bool {
	client, half, _ := strings.Cut(id, "_")
	key, err := base64.StdEncoding.DecodeString(half)
	return client != "" && err == nil && len(key) > 0 && len(key) <= signingKeyBytes
}
