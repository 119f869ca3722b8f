// Package encryption hides orders from whoever runs the Temporal server or reads its
// database: our processes compress and encrypt payloads before they send them, and
// decrypt those that they receive.
//
// An encrypted payload has the encoding binary/encrypted and the id of its key in its
// metadata, as in Temporal's samples. Its data is a nonce of 12 bytes, followed by the
// original payload in its protobuf form, encrypted with AES-256-GCM.
package encryption

import (
	"strings"

	"refundsync/internal/text"
)

// KeyBytes is the length of a key: AES-256.
const KeyBytes = 32

// Key is a secret with an id, by which a payload names the key that it was encrypted
// with. Printed, logged or marshalled, it shows only the id.
type Key struct {
	ID     string
	Secret []byte
}

// String gives the id.
func (k Key) String() string { return k.ID }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// MarshalText is String, for JSON and for what zap reflects.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// None stands for clear text. As the first key of a key ring it stops encryption; the
// other keys still decrypt. As the last it accepts clear text from before there was a
// key.
var None = Key{ID: "none"}

// Keys is a key ring. The first key encrypts, unless it is [None], and all of them
// decrypt. An empty key ring encrypts nothing.
type Keys []Key

// Encrypt reports whether there is a key to encrypt with.
func (k Keys) Encrypt() bool { return len(k) > 0 && k[0].ID != None.ID }

// ClearText reports whether clear text is accepted. Where everything is encrypted, only
// somebody without a key can have written it.
func (k Keys) ClearText() bool {
	return len(k) == 0 || k[0].ID == None.ID || k[len(k)-1].ID == None.ID
}

// String gives the ids in their order.
func (k Keys) String() string {
	ids := make([]string, len(k))
	for i, key := range k {
		ids[i] = key.ID
	}
	return strings.Join(ids, ", ")
}

// GoString is String, for %#v.
func (k Keys) GoString() string { return k.String() }

// check returns an error for a key ring that can't be used.
func (k Keys) check() error {
	seen := map[string]bool{}
	for i, key := range k {
		switch {
		case key.ID == None.ID && (i > 0 && i < len(k)-1 || len(key.Secret) > 0):
			return text.Errorf("%q must come first or last and have no secret", key.ID)
		case key.ID == None.ID:
		case len(key.Secret) != KeyBytes:
			return text.Errorf("key %q has %d bytes, not %d", key.ID, len(key.Secret), KeyBytes)
		case seen[key.ID]:
			return text.Errorf("there are two keys %q", key.ID)
		}
		seen[key.ID] = true
	}
	return nil
}
