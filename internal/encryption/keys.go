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

// None stands for clear text. As the first of a key ring it has nothing encrypted any
// more; the keys behind it decrypt what is encrypted already. As the last it has
// clear text read that is from before there was a key.
var None = Key{ID: "none"}

// Keys is a key ring. The first key encrypts, unless it is [None], and each of them
// decrypts. An empty one encrypts nothing.
type Keys []Key

// Encrypt reports whether there is a key to encrypt with.
func (k Keys) Encrypt() bool { return len(k) > 0 && k[0].ID != None.ID }

// ClearText reports whether clear text is read. Where everything is encrypted, only
// somebody without a key can have written any.
func (k Keys) ClearText() bool {
	return len(k) == 0 || k[0].ID == None.ID || k[len(k)-1].ID == None.ID
}

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
	for i, key := range k {
		switch {
		case key.ID == None.ID && (i > 0 && i < len(k)-1 || len(key.Secret) > 0):
			return fmt.Errorf("%[1]q 不是密钥，只能排在最前或最后。 %[1]q is no key, and stands first or last", key.ID)
		case key.ID == None.ID:
		case len(key.Secret) != KeyBytes:
			return fmt.Errorf("密钥 %[1]q 是 %[2]d 字节，应为 %[3]d 字节。 Key %[1]q has %[2]d bytes, not %[3]d", key.ID, len(key.Secret), KeyBytes)
		case seen[key.ID]:
			return fmt.Errorf("密钥 %[1]q 出现两次。 There are two keys %[1]q", key.ID)
		}
		seen[key.ID] = true
	}
	return nil
}
