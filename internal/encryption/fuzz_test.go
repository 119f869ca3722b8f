package encryption

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"

	"refundsync/internal/fault"
)

// Nobody can forge a payload without the key.
func FuzzDecode(f *testing.F) {
	c := codec(f, key("k1", 'a'))
	encoded, err := c.Encode([]*commonpb.Payload{payload(`"order"`)})
	require.NoError(f, err)
	// Another process, as those of the fuzzer, encrypts the same otherwise.
	genuine := encoded[0]
	f.Add("binary/encrypted", "k1", string(genuine.GetMetadata()[compressionMetadata]), genuine.GetData())
	f.Add("binary/encrypted", "k1", "deflate", genuine.GetData())
	f.Add("json/plain", "", "", []byte("1"))
	f.Fuzz(func(t *testing.T, encoding, id, compression string, data []byte) {
		forged := &commonpb.Payload{Metadata: map[string][]byte{
			"encoding": []byte(encoding), keyIDMetadata: []byte(id), compressionMetadata: []byte(compression),
		}, Data: data}
		decoded, err := c.Decode([]*commonpb.Payload{forged})
		if err == nil {
			require.Equal(t, `"order"`, string(decoded[0].GetData()))
			return
		}
		require.NotNil(t, fault.As(err))
	})
}

func FuzzDecompress(f *testing.F) {
	f.Add(compress([]byte("order order order")))
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := decompress(data)
		if err == nil {
			require.LessOrEqual(t, len(plain), longest)
		}
	})
}
