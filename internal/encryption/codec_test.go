package encryption

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
)

// key is a key made of one letter.
func key(id string, letter byte) Key {
	return Key{ID: id, Secret: bytes.Repeat([]byte{letter}, KeyBytes)}
}

func codec(t testing.TB, keys ...Key) Codec {
	t.Helper()
	c, err := NewCodec(keys)
	require.NoError(t, err)
	return c
}

func payload(text string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}
}

func TestNewCodecRefusesKeys(t *testing.T) {
	_, err := NewCodec(Keys{{ID: "k1", Secret: []byte("short")}})
	require.ErrorContains(t, err, `key "k1" has 5 bytes, not 32`)
	_, err = NewCodec(Keys{key("k1", 'a'), key("k1", 'b')})
	require.ErrorContains(t, err, `there are two keys "k1"`)
	for _, keys := range []Keys{{key("k1", 'a'), None, key("k2", 'b')}, {key("none", 'a')}} {
		_, err = NewCodec(keys)
		require.ErrorContains(t, err, `"none" must come first or last and have no secret`)
	}
}

// With none before the keys, nothing is encrypted any more, and what is encrypted
// stays readable.
func TestEncryptionIsStopped(t *testing.T) {
	encrypted, err := codec(t, key("k1", 'a')).Encode([]*commonpb.Payload{payload("order")})
	require.NoError(t, err)
	stopped := codec(t, None, key("k1", 'a'))
	require.False(t, stopped.Enabled())
	decoded, err := stopped.Decode(encrypted)
	require.NoError(t, err)
	require.True(t, proto.Equal(payload("order"), decoded[0]))
	encoded, err := stopped.Encode(decoded)
	require.NoError(t, err)
	require.True(t, proto.Equal(payload("order"), encoded[0]))
	_, err = codec(t, None).Decode(encrypted)
	require.ErrorContains(t, err, `add key "k1"`)
}

// Somebody who writes to the database without a key can't pass off clear text as
// encrypted, unless the key ring accepts clear text.
func TestClearTextIsRefused(t *testing.T) {
	clear := []*commonpb.Payload{payload("order")}
	_, err := codec(t, key("k1", 'a')).Decode(clear)
	require.Equal(t, ReasonClearText, fault.As(err).Reason)
	require.Equal(t, fault.Retry, fault.As(err).Class)
	require.ErrorContains(t, err, "put none at the end of REFUNDSYNC_ENCRYPTION_KEYS")
	require.NotContains(t, err.Error(), "order")
	for name, reading := range map[string]Codec{
		"none behind the keys":  codec(t, key("k1", 'a'), None),
		"none before the keys":  codec(t, None, key("k1", 'a')),
		"for those who look on": codec(t, key("k1", 'a')).AcceptClearText(),
	} {
		decoded, err := reading.Decode(clear)
		require.NoError(t, err, name)
		require.Equal(t, clear, decoded, name)
	}
	reading := codec(t, key("k1", 'a'), None)
	require.True(t, reading.Enabled())
	decoded, err := codec(t, key("k1", 'a')).Decode([]*commonpb.Payload{nil})
	require.NoError(t, err, "what is absent is no clear text")
	require.Nil(t, decoded[0])
}

func TestEncrypted(t *testing.T) {
	order := payload(`"` + strings.Repeat("红色 XL SKU-0001 ", 100) + `"`)
	encoded, err := codec(t, key("k2", 'b'), key("k1", 'a')).Encode([]*commonpb.Payload{order, payload(`1`)})
	require.NoError(t, err)
	for _, p := range encoded {
		require.Equal(t, "binary/encrypted", string(p.GetMetadata()["encoding"]))
		require.Equal(t, "k2", string(p.GetMetadata()["encryption-key-id"]), "the first key encrypts")
		require.NotContains(t, string(p.GetData()), "SKU")
	}
	require.Equal(t, "deflate", string(encoded[0].GetMetadata()["encryption-compression"]))
	require.Less(t, len(encoded[0].GetData()), len(order.GetData())/10, "compressed before it is encrypted")
	require.NotContains(t, encoded[1].GetMetadata(), "encryption-compression", "what does not shrink is left as it is")

	again, err := codec(t, key("k2", 'b')).Encode(encoded)
	require.NoError(t, err)
	require.Equal(t, encoded, again, "what is encrypted is not encrypted again")
	other, err := codec(t, key("k2", 'b')).Encode([]*commonpb.Payload{order})
	require.NoError(t, err)
	require.NotEqual(t, encoded[0].GetData(), other[0].GetData(), "a nonce of its own")
}

func TestNoKeyEncryptsNothing(t *testing.T) {
	for name, c := range map[string]Codec{"zero": {}, "empty key ring": codec(t)} {
		require.False(t, c.Enabled(), name)
		plain := []*commonpb.Payload{payload(`1`)}
		for _, convert := range []func([]*commonpb.Payload) ([]*commonpb.Payload, error){c.Encode, c.Decode} {
			same, err := convert(plain)
			require.NoError(t, err, name)
			require.Equal(t, plain, same, name)
		}
	}
}

func TestUndecryptable(t *testing.T) {
	encoded, err := codec(t, key("2024-03", 'a')).Encode([]*commonpb.Payload{payload(`"order"`)})
	require.NoError(t, err)
	change := func(change func(*commonpb.Payload)) *commonpb.Payload {
		changed := proto.Clone(encoded[0]).(*commonpb.Payload)
		change(changed)
		return changed
	}
	for _, c := range []struct {
		name    string
		codec   Codec
		payload *commonpb.Payload
		reason  string
		says    []string
	}{
		{"no key at all", Codec{}, encoded[0], ReasonUnknownKey, []string{`key "2024-03"`, "no key here", `add key "2024-03" to REFUNDSYNC_ENCRYPTION_KEYS`}},
		{"another key", codec(t, key("2024-06", 'b')), encoded[0], ReasonUnknownKey, []string{"the keys here: 2024-06", `add key "2024-03"`}},
		{"another value under the same id", codec(t, key("2024-03", 'b')), encoded[0], ReasonUndecryptable, []string{`check that key "2024-03"`}},
		{"the id of a long-winded stranger", codec(t, key("2024-03", 'a')),
			change(func(p *commonpb.Payload) { p.Metadata["encryption-key-id"] = bytes.Repeat([]byte("x\n"), 1<<20) }), ReasonUnknownKey, []string{`x\nx`}},
		{"compression that was not there", codec(t, key("2024-03", 'a')),
			change(func(p *commonpb.Payload) { p.Metadata["encryption-compression"] = []byte("deflate") }), ReasonUndecryptable, []string{"was changed"}},
		{"cut short", codec(t, key("2024-03", 'a')),
			change(func(p *commonpb.Payload) { p.Data = p.Data[:5] }), ReasonUndecryptable, []string{"was changed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.codec.Decode([]*commonpb.Payload{c.payload})
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, fault.Retry, f.Class)
			require.Equal(t, c.reason, f.Reason)
			require.Positive(t, f.Delay)
			for _, text := range c.says {
				require.ErrorContains(t, err, text)
			}
			require.Less(t, len(err.Error()), 1000)
			require.NotContains(t, err.Error(), "order")
		})
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	keys := Keys{{ID: "k1", Secret: []byte("s3cret-s3cret-s3cret-s3cret-s3cr")}}
	c := codec(t, keys...)
	for _, value := range []any{keys, keys[0], c, &c, struct{ Codec Codec }{c}} {
		asJSON, err := json.Marshal(value)
		require.NoError(t, err)
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v", value, value, value), string(asJSON)} {
			require.NotContains(t, shown, "s3cret")
			require.NotContains(t, shown, "115 51 99", "the secret's bytes")
			require.NotContains(t, shown, "0x73")
			require.NotContains(t, shown, "czNjcmV0", "the secret in base64")
		}
	}
}

// Law: a key ring decrypts any payload that one of its keys encrypted, whatever their
// order.
func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keys := Keys{}
		for i := range rapid.IntRange(1, 5).Draw(r, "keys") {
			keys = append(keys, key(fmt.Sprintf("k%d", i), byte(i)))
		}
		var plain, encoded []*commonpb.Payload
		for i := range rapid.IntRange(0, 6).Draw(r, "payloads") {
			p := &commonpb.Payload{
				Metadata: map[string][]byte{"encoding": []byte(rapid.SampledFrom([]string{"json/plain", "binary/null", "binary/plain"}).Draw(r, "encoding"))},
				Data:     rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(r, "data"),
			}
			plain = append(plain, p)
			if rapid.Bool().Draw(r, fmt.Sprintf("clear text %d", i)) {
				encoded = append(encoded, p)
				continue
			}
			// Each was encrypted when another key was the first.
			then, err := NewCodec(rapid.Permutation(keys).Draw(r, "keys then"))
			require.NoError(r, err)
			one, err := then.Encode([]*commonpb.Payload{p})
			require.NoError(r, err)
			encoded = append(encoded, one...)
		}
		now, err := NewCodec(append(rapid.Permutation(keys).Draw(r, "keys now"), None))
		require.NoError(r, err)
		decoded, err := now.Decode(encoded)
		require.NoError(r, err)
		require.Len(r, decoded, len(plain))
		for i := range plain {
			require.True(r, proto.Equal(plain[i], decoded[i]))
		}
	})
}

// Law: any change of a bit of an encrypted payload is detected.
func TestTamperingIsFound(t *testing.T) {
	c := codec(t, key("k1", 'a'), key("k2", 'b'))
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Repeat(rapid.String().Draw(r, "text"), rapid.IntRange(1, 50).Draw(r, "times"))
		encoded, err := c.Encode([]*commonpb.Payload{payload(text)})
		require.NoError(r, err)
		p := encoded[0]
		switch rapid.IntRange(0, 2).Draw(r, "change") {
		case 0:
			i := rapid.IntRange(0, len(p.Data)-1).Draw(r, "byte")
			p.Data[i] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		case 1:
			p.Metadata["encryption-key-id"] = []byte("k2")
		case 2:
			if _, compressed := p.Metadata["encryption-compression"]; compressed {
				delete(p.Metadata, "encryption-compression")
			} else {
				p.Metadata["encryption-compression"] = []byte("deflate")
			}
		}
		_, err = c.Decode(encoded)
		require.Equal(r, ReasonUndecryptable, fault.As(err).Reason)
	})
}

func TestDecompressionIsBounded(t *testing.T) {
	_, err := decompress(compress(make([]byte, longest+1)))
	require.ErrorContains(t, err, "more than")
	plain, err := decompress(compress(make([]byte, longest)))
	require.NoError(t, err)
	require.Len(t, plain, longest)
}

// order resembles an order in transit: JSON with many repeated names and values that
// differ.
func order(lines int) *commonpb.Payload {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(`{"flow":"refund_to_return","pick_version":"4be012","order":{"id":"700000346","bill_number":"700000346","fields":{"as_date":"2024-03-02 10:11:12","shop_name":"天猫旗舰店","items":[`)
	for i := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku_id":"SKU-%06d","name":"纯棉短袖 T 恤","qty":%d,"r_qty":%[2]d,"price":%d.%02d,"type":"退货"}`,
			random.IntN(1e6), 1+random.IntN(3), random.IntN(500), random.IntN(100))
	}
	b.WriteString(`]}}}`)
	return payload(b.String())
}

func BenchmarkCodec(b *testing.B) {
	for _, lines := range []int{1, 10, 100} {
		plain := []*commonpb.Payload{order(lines)}
		c := codec(b, key("k1", 'a'))
		b.Run(fmt.Sprintf("%d lines", lines), func(b *testing.B) {
			var encoded []*commonpb.Payload
			for b.Loop() {
				encoded, _ = c.Encode(plain)
				if _, err := c.Decode(encoded); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(proto.Size(plain[0])), "B-before")
			b.ReportMetric(float64(proto.Size(encoded[0])), "B-after")
		})
	}
}
