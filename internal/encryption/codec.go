package encryption

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	// encoding marks encrypted payloads, as in Temporal's samples.
	encoding = "binary/encrypted"
	// keyIDMetadata holds the id of the key.
	keyIDMetadata = "encryption-key-id"
	// compressionMetadata names the compression of a payload that was compressed.
	compressionMetadata = "encryption-compression"
	compressionDeflate  = "deflate"
)

// The reasons of the faults with which Decode fails.
const (
	// ReasonUnknownKey: the key of a payload is not in the key ring.
	ReasonUnknownKey = "unknown_encryption_key"
	// ReasonUndecryptable: the payload was changed after it was encrypted, or another
	// key has the id of its key.
	ReasonUndecryptable = "undecryptable_payload"
	// ReasonClearText: the payload is not encrypted, though all should be.
	ReasonClearText = "clear_text_payload"
)

// Codec encrypts payloads with the first key of a key ring and decrypts them with the
// key that they name. The zero value has no key: it encrypts nothing and returns an
// error for encrypted payloads. Printed, it shows the ids of its keys.
type Codec struct {
	keys    Keys
	ciphers map[string]cipher.AEAD // by the key's id
	// clearText accepts clear text whatever the keys say.
	clearText bool
}

var _ converter.PayloadCodec = Codec{}

// NewCodec returns an error for a key that doesn't have KeyBytes, and for a duplicate
// id.
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
		// Nonces are random. Two equal ones would give both payloads away, so a key is
		// good for some 2^32 payloads; see docs/encryption.md.
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

// Encode encrypts the payloads if there is a key. Those that are encrypted already stay
// as they are. The error is protobuf's, for a payload that can't be marshalled.
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
	// The JSON of an order shrinks to a third; what is compressed already does not.
	if small := compress(plain); len(small) < len(plain) {
		plain = small
		metadata[compressionMetadata] = []byte(compressionDeflate)
	}
	return &commonpb.Payload{
		Metadata: metadata,
		Data:     c.ciphers[active].Seal(nil, nil, plain, additionalData(metadata)),
	}, nil
}

// AcceptClearText gives a codec with the same keys that leaves clear text as it is, for
// readers that only display.
func (c Codec) AcceptClearText() Codec {
	c.clearText = true
	return c
}

// Decode decrypts the payloads. Clear text stays as it is if there is no key or the key
// ring accepts it; otherwise it is refused. The error is a retryable [fault.Error],
// since a setting is at fault, with one of the reasons above.
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

// additionalData authenticates the metadata with the data, so that neither can be
// changed without the other.
func additionalData(metadata map[string][]byte) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s", encoding, metadata[keyIDMetadata], metadata[compressionMetadata])
}

// unknownKey bounds the id, which can be anything: the payload says it.
func (c Codec) unknownKey(id string) error {
	id = fmt.Sprintf("%.64q", id)
	err := text.Errorf("the content is encrypted with key %s, and there is no key here", id)
	if known := c.String(); known != "" {
		err = text.Errorf("the content is encrypted with key %s, which is not among the keys here: %s", id, known)
	}
	return &fault.Error{
		Class:  fault.Retry,
		Reason: ReasonUnknownKey,
		Advice: text.New("add key %s to REFUNDSYNC_ENCRYPTION_KEYS or its file, then restart", id),
		Delay:  retryDelay,
		Err:    err,
	}
}

func refusedClearText() error {
	return &fault.Error{
		Class:  fault.Retry,
		Reason: ReasonClearText,
		Advice: text.New("if it is older than encryption, put none at the end of REFUNDSYNC_ENCRYPTION_KEYS until Temporal no longer keeps it; otherwise find out who wrote it"),
		Delay:  retryDelay,
		Err:    text.Errorf("the content is in clear text, though everything should be encrypted: somebody without a key may have written it"),
	}
}

func undecryptable(id string, err error) error {
	return &fault.Error{
		Class:  fault.Retry,
		Reason: ReasonUndecryptable,
		Advice: text.New("check that key %q in REFUNDSYNC_ENCRYPTION_KEYS has the value that it was encrypted with; if so, the content was changed", id),
		Delay:  retryDelay,
		Err:    text.Errorf("decrypting with key %q failed: %w", id, err),
	}
}
