package encryption

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	// encoding names what this package makes, as Temporal's samples do.
	encoding = "binary/encrypted"
	// keyIDMetadata holds the id of the key.
	keyIDMetadata = "encryption-key-id"
	// compressionMetadata is there if the payload was compressed, and says how.
	compressionMetadata = "encryption-compression"
	compressionDeflate  = "deflate"
)

// The reasons of the faults with which Decode fails.
const (
	// ReasonUnknownKey: the key of a payload is not in the key ring.
	ReasonUnknownKey = "unknown_encryption_key"
	// ReasonUndecryptable: the payload was changed since it was encrypted, or its
	// key is another one of the same id.
	ReasonUndecryptable = "undecryptable_payload"
	// ReasonClearText: the payload is not encrypted, where all should be.
	ReasonClearText = "clear_text_payload"
)

// Codec encrypts payloads with the first key of a key ring and decrypts them with
// whichever they name. The zero value has no key: it encrypts nothing, and says so
// where a payload is encrypted. Printed it shows the ids of its keys.
type Codec struct {
	keys    Keys
	ciphers map[string]cipher.AEAD // by the key's id
	// clearText has it read whatever the keys say.
	clearText bool
}

var _ converter.PayloadCodec = Codec{}

// NewCodec returns an error for a key that is not of KeyBytes, or an id that comes
// twice.
func NewCodec(keys Keys) (Codec, error) {
	if err := keys.check(); err != nil {
		return Codec{}, err
	}
	c := Codec{keys: keys, ciphers: map[string]cipher.AEAD{}}
	for _, key := range keys {
		if key.ID == None.ID {
			continue
		}
		block, err := aes.NewCipher(key.Secret)
		if err != nil {
			return Codec{}, err
		}
		// Nonces are random. Two alike would give both texts away, so a key is good
		// for some 2^32 payloads; see docs/encryption.md.
		if c.ciphers[key.ID], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return Codec{}, err
		}
	}
	return c, nil
}

// Enabled reports whether there is a key to encrypt with.
func (c Codec) Enabled() bool { return c.keys.Encrypt() }

// String gives the ids of the keys.
func (c Codec) String() string { return c.keys.String() }

// GoString is String, for %#v.
func (c Codec) GoString() string { return c.String() }

// Encode encrypts the payloads, if there is a key. Those that are encrypted
// already stay as they are. The error is protobuf's, about what is no payload.
func (c Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if !c.Enabled() {
		return payloads, nil
	}
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if isEncrypted(payload) {
			encoded[i] = payload
			continue
		}
		var err error
		if encoded[i], err = c.encrypt(payload); err != nil {
			return nil, err
		}
	}
	return encoded, nil
}

func (c Codec) encrypt(payload *commonpb.Payload) (*commonpb.Payload, error) {
	plain, err := proto.Marshal(payload)
	if err != nil {
		return nil, err
	}
	active := c.keys[0].ID
	metadata := map[string][]byte{
		converter.MetadataEncoding: []byte(encoding),
		keyIDMetadata:              []byte(active),
	}
	// Much of an order's JSON shrinks to a third; what is compressed already does not.
	if small := compress(plain); len(small) < len(plain) {
		plain = small
		metadata[compressionMetadata] = []byte(compressionDeflate)
	}
	return &commonpb.Payload{
		Metadata: metadata,
		Data:     c.ciphers[active].Seal(nil, nil, plain, additionalData(metadata)),
	}, nil
}

// AcceptClearText is a codec with the same keys that leaves clear text as it is, for
// those who only look.
func (c Codec) AcceptClearText() Codec {
	c.clearText = true
	return c
}

// Decode decrypts the payloads. Clear text stays as it is where there is no key, or
// the key ring takes it, and is refused elsewhere. The error is a [fault.Error] that
// may be tried again, since it lies in a setting: its reason is one of those above.
func (c Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if payload == nil || !isEncrypted(payload) && (c.clearText || c.keys.ClearText()) {
			decoded[i] = payload
			continue
		}
		if !isEncrypted(payload) {
			return nil, refusedClearText()
		}
		var err error
		if decoded[i], err = c.decrypt(payload); err != nil {
			return nil, err
		}
	}
	return decoded, nil
}

func (c Codec) decrypt(payload *commonpb.Payload) (*commonpb.Payload, error) {
	metadata := payload.GetMetadata()
	id := string(metadata[keyIDMetadata])
	aead, known := c.ciphers[id]
	if !known {
		return nil, c.unknownKey(id)
	}
	plain, err := aead.Open(nil, nil, payload.GetData(), additionalData(metadata))
	if err == nil && string(metadata[compressionMetadata]) == compressionDeflate {
		plain, err = decompress(plain)
	}
	original := &commonpb.Payload{}
	if err == nil {
		err = proto.Unmarshal(plain, original)
	}
	if err != nil {
		return nil, undecryptable(id, err)
	}
	return original, nil
}

func isEncrypted(payload *commonpb.Payload) bool {
	return string(payload.GetMetadata()[converter.MetadataEncoding]) == encoding
}

// additionalData ties the metadata to the data, so that neither can be changed
// without the other.
func additionalData(metadata map[string][]byte) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s", encoding, metadata[keyIDMetadata], metadata[compressionMetadata])
}

// unknownKey bounds the id, which is whatever the payload says.
func (c Codec) unknownKey(id string) error {
	id = fmt.Sprintf("%.64q", id)
	have := c.String()
	if have == "" {
		have = "没有 none"
	}
	return &fault.Error{
		Class:  fault.Retry,
		Reason: ReasonUnknownKey,
		Message: strings.Join([]string{
			fmt.Sprintf("内容用密钥 %s 加密，这里没有它（现有：%s）。", id, have),
			fmt.Sprintf("The content is encrypted with key %s, which is not known here (known: %s)", id, have),
		}, " "),
		Advice: text.Literal(fmt.Sprintf("把密钥 %[1]s 加入 REFUNDSYNC_ENCRYPTION_KEYS 或其文件，再重新启动。 Add key %[1]s to REFUNDSYNC_ENCRYPTION_KEYS or its file, then start again", id)),
		Delay:  retryDelay,
	}
}

func refusedClearText() error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  ReasonClearText,
		Message: "内容没有加密，而这里的一切都应加密：可能是没有密钥的人写的。 The content is in clear text, where all is encrypted: somebody without a key may have written it",
		Advice: text.Literal("若它是加密启用之前的内容，在 REFUNDSYNC_ENCRYPTION_KEYS 末尾加上 none，直到 Temporal 不再保留它；否则请查明是谁写的。" +
			" If it is from before encryption was turned on, put none at the end of REFUNDSYNC_ENCRYPTION_KEYS until Temporal has forgotten it; otherwise find out who wrote it"),
		Delay: retryDelay,
	}
}

func undecryptable(id string, err error) error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  ReasonUndecryptable,
		Message: fmt.Sprintf("用密钥 %[1]q 解密失败。 Decrypting with key %[1]q fails: %[2]v", id, err),
		Advice: text.Literal(fmt.Sprintf("核对 REFUNDSYNC_ENCRYPTION_KEYS 里 %[1]q 的值与加密时的相同；若相同，则内容被改动过。"+
			" See that the value of %[1]q is the one that it was encrypted with; if it is, the content was changed", id)),
		Delay: retryDelay,
		Err:   err,
	}
}
