package config

import (
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"strings"

	"refundsync/internal/encryption"
	"refundsync/internal/text"
)

// CodecServer says who may use the codec server. Printed, logged or marshalled, it does
// not show the token.
type CodecServer struct {
	// Token is what people and programs sign in with.
	Token string
	// UIOrigin is the only origin whose pages may send requests, as scheme://host:port.
	UIOrigin string
}

// String masks the token.
func (s CodecServer) String() string {
	return "{Token:" + masked(s.Token) + " UIOrigin:" + s.UIOrigin + "}"
}

// GoString is String, for %#v.
func (s CodecServer) GoString() string { return s.String() }

// MarshalText is String, for JSON and for what zap reflects.
func (s CodecServer) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// shortestToken is the length of a token that can't be guessed, in characters.
const shortestToken = 32

// LoadEncryption reads only the keys, for commands that call neither system. The error
// is like that of Load.
func (e Environment) LoadEncryption() (encryption.Keys, error) {
	env, c := e.read()
	c.secretFiles(env, keysName)
	c.misspelt("REFUNDSYNC_")
	keys := c.encryption(env)
	return keys, errors.Join(c.problems...)
}

// LoadCodecServer reads the settings of the codec server, which needs keys too. The
// error is like that of Load.
func (e Environment) LoadCodecServer() (CodecServer, encryption.Keys, error) {
	env, c := e.read()
	c.secretFiles(env, keysName, tokenName)
	c.misspelt("REFUNDSYNC_")
	keys := c.encryption(env)
	if none := len(keys) == 1 && !keys.Encrypt(); (len(keys) == 0 || none) && len(c.problems) == 0 {
		c.required(keysName, "")
	}
	server := CodecServer{
		Token:    c.required(tokenName, env[tokenName]),
		UIOrigin: c.origin("REFUNDSYNC_CODEC_UI_ORIGIN", env["REFUNDSYNC_CODEC_UI_ORIGIN"]),
	}
	if server.Token != "" && len(server.Token) < shortestToken {
		c.wrong(tokenName, text.New("it is too short"))
	}
	return server, keys, errors.Join(c.problems...)
}

// origin checks the URL of an origin and normalises it as browsers do.
func (c *checker) origin(name, value string) string {
	value = strings.TrimSuffix(value, "/")
	before := len(c.problems)
	c.address(name, value, "")
	if parsed, err := url.Parse(value); len(c.problems) == before && err == nil {
		if parsed.Path != "" {
			c.wrong(name, text.New("it must have no path"))
		}
		value = parsed.Scheme + "://" + strings.ToLower(parsed.Host)
	}
	return value
}

const (
	keysName  = "REFUNDSYNC_ENCRYPTION_KEYS"
	tokenName = "REFUNDSYNC_CODEC_TOKEN"
)

// keyID matches the id before the colon.
var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// encryption parses the keys, separated by commas or line breaks, where none may come
// first or last. Problems never show a key.
func (c *checker) encryption(env values) encryption.Keys {
	var keys encryption.Keys
	seen := map[string]bool{}
	for _, entry := range strings.FieldsFunc(env[keysName], func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if entry == encryption.None.ID {
			keys = append(keys, encryption.None)
			continue
		}
		if len(keys) > 1 && keys[len(keys)-1].ID == encryption.None.ID {
			c.wrong(keysName, text.New("none must come first or last"))
			return nil
		}
		// Without a colon it may be a key, which must not be shown.
		id, encoded, named := strings.Cut(entry, ":")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case !named || !keyID.MatchString(id):
			c.wrong(keysName, text.New("a key has no id, or an id that is not 1 to 64 letters, digits, dots, dashes and underscores"))
			return nil
		case err != nil || len(secret) != encryption.KeyBytes:
			c.wrong(keysName, text.New("key %s is not 32 bytes in base64", id))
			return nil
		case id == encryption.None.ID:
			c.wrong(keysName, text.New("none must have no key: write it alone, first to stop encryption or last to accept clear text"))
			return nil
		case seen[id]:
			c.wrong(keysName, text.New("there are two keys %s", id))
			return nil
		}
		seen[id] = true
		keys = append(keys, encryption.Key{ID: id, Secret: secret})
	}
	return keys
}
