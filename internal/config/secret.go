package config

import (
	"fmt"
	"strings"
)

// masked shows only whether a secret is set.
func masked(secret string) string {
	if secret == "" {
		return ""
	}
	return "***"
}

// String masks the secrets.
func (j Jushuitan) String() string {
	type plain Jushuitan // without this method
	for _, secret := range []*string{&j.Qimen.AppSecret, &j.Qimen.Session, &j.Open.AppSecret, &j.Open.AccessToken, &j.Open.RefreshToken} {
		*secret = masked(*secret)
	}
	return fmt.Sprintf("%+v", plain(j))
}

// GoString is String, for %#v.
func (j Jushuitan) GoString() string { return j.String() }

// MarshalText is String, for JSON and for what zap reflects.
func (j Jushuitan) MarshalText() ([]byte, error) { return []byte(j.String()), nil }

// String masks the secrets, including the key in AppID.
func (k Kingdee) String() string {
	type plain Kingdee // without this method
	k.Password, k.AppSecret = masked(k.Password), masked(k.AppSecret)
	if client, key, found := strings.Cut(k.AppID, "_"); found {
		k.AppID = client + "_" + masked(key)
	}
	return fmt.Sprintf("%+v", plain(k))
}

// GoString is String, for %#v.
func (k Kingdee) GoString() string { return k.String() }

// MarshalText is String, for JSON and for what zap reflects.
func (k Kingdee) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
