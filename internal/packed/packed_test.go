package packed

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Law: Unpack reverses Pack.
func TestUnpackGivesBackWhatWasPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "object"))
		require.NoError(t, err)
		back, err := Unpack(Pack(raw))
		require.NoError(t, err)
		require.Equal(t, raw, back)
	})
}

func TestUnpackRefusesWhatWasNeverPacked(t *testing.T) {
	good := Pack([]byte(`{"qty":1}`))
	for name, packed := range map[string][]byte{
		"nothing":                       nil,
		"no gzip":                       []byte("hello"),
		"cut":                           good[:len(good)-3],
		"another content":               append(good[:len(good)-8:len(good)-8], make([]byte, 8)...),
		"no JSON in it":                 Pack([]byte("words")),
		"more than any reply, unpacked": Pack([]byte(`"` + strings.Repeat(" ", longest) + `"`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Unpack(packed)
			require.Error(t, err)
		})
	}
}
