// Package encryption keeps orders out of sight of whoever runs the Temporal
// server or reads its database: payloads are compressed and encrypted before they
// leave a process of ours, and decrypted after they came in.
//
// An encrypted payload has the encoding binary/encrypted and the id of its key in
// its metadata, as in Temporal's own samples. Its data is a nonce of 12 bytes and
// what AES-256-GCM makes of the original payload, in its protobuf form.
package encryption

import (
	"fmt"
	"strings"
)

// KeyBytes is the length of a key: AES-256.
const KeyBytes = 32

// Key is a secret with a name, by which a payload says what it was encrypted
// with. Printed, logged or marshalled it shows the name alone.
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

// Keys is a key ring. The first key encrypts, each of them decrypts. An empty one
// encrypts nothing.
type Keys []Key

// String gives the ids, the first one first.
func (k Keys) String() string {
	ids := make([]string, len(k))
	for i, key := range k {
		ids[i] = key.ID
	}
	return strings.Join(ids, ", ")
}

// GoString is String, for %#v.
func (k Keys) GoString() string { return k.String() }

// check finds what makes a key ring unusable.
func (k Keys) check() error {
	seen := map[string]bool{}
	for _, key := range k {
		switch {
		case len(key.Secret) != KeyBytes:
			return fmt.Errorf("密钥 %[1]q 是 %[2]d 字节，应为 %[3]d 字节。 Key %[1]q has %[2]d bytes, not %[3]d", key.ID, len(key.Secret), KeyBytes)
		case seen[key.ID]:
			return fmt.Errorf("密钥 %[1]q 出现两次。 There are two keys %[1]q", key.ID)
		}
		seen[key.ID] = true
	}
	return nil
}
