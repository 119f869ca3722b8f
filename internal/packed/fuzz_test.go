package packed

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzUnpack(f *testing.F) {
	f.Add(Pack([]byte(`{"as_id":"7"}`)))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, err := Unpack(data)
		if err != nil {
			return
		}
		require.True(t, json.Valid(raw))
		again, err := Unpack(Pack(raw))
		require.NoError(t, err)
		require.Equal(t, raw, again)
	})
}
