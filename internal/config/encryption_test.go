package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/encryption"
)

// keyText is a key in base64.
const (
	keyText  = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	keyBytes = "0123456789abcdef0123456789abcdef"
)

func TestLoadEncryption(t *testing.T) {
	want := encryption.Keys{{ID: "2024-06", Secret: []byte(keyBytes)}, {ID: "2024-03", Secret: []byte(keyBytes)}}
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("2024-06:"+keyText+"\r\n\n2024-03:"+keyText+"\n"), 0o600))
	for name, variables := range map[string]map[string]string{
		"in the environment": {"REFUNDSYNC_ENCRYPTION_KEYS": "2024-06:" + keyText + ", 2024-03:" + keyText},
		"in a file":          {"REFUNDSYNC_ENCRYPTION_KEYS_FILE": file},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, variables)
			keys, err := FromProcess().LoadEncryption()
			require.NoError(t, err)
			require.Equal(t, want, keys)
			for _, shown := range []string{fmt.Sprint(keys), fmt.Sprintf("%+v %#v", keys, keys), fmt.Sprintf("%+v", Settings{Encryption: keys})} {
				require.Contains(t, shown, "2024-06, 2024-03")
				require.NotContains(t, shown, "48 49 50", "bytes of a key")
				require.NotContains(t, shown, "0x30")
			}
		})
	}
	setenv(t, nil)
	keys, err := FromProcess().LoadEncryption()
	require.NoError(t, err)
	require.Empty(t, keys, "off by default")
	setenv(t, map[string]string{"REFUNDSYNC_ENCRYPTION_KEYS": "none,2024-06:" + keyText})
	keys, err = FromProcess().LoadEncryption()
	require.NoError(t, err)
	require.Equal(t, encryption.Keys{encryption.None, want[0]}, keys)
}

func TestEncryptionKeysThatAreWrong(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) map[string]string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return map[string]string{"REFUNDSYNC_ENCRYPTION_KEYS_FILE": path}
	}
	for _, c := range []struct {
		name      string
		variables map[string]string
		wrong     string
	}{
		{"no such file", map[string]string{"REFUNDSYNC_ENCRYPTION_KEYS_FILE": filepath.Join(folder, "absent")}, "can't read the file"},
		{"an empty file", write("empty", "\n"), "is empty"},
		{"none as a key's name", map[string]string{"REFUNDSYNC_ENCRYPTION_KEYS": "none:" + keyText}, "none must have no key"},
		{"none between keys", map[string]string{"REFUNDSYNC_ENCRYPTION_KEYS": "k1:" + keyText + ",none,k2:" + keyText}, "none must come first or last"},
		{"not a key in the file", write("mistaken", "k1:s3cret"), "key k1 is not 32 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			setenv(t, c.variables)
			_, err := FromProcess().LoadEncryption()
			require.ErrorContains(t, err, c.wrong)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestLoadCodecServer(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		name, keys, token, origin string
		wantOrigin                string
		wrong                     []string
	}{
		{"over TLS", "k1:" + keyText, token, "https://Temporal.example.com/", "https://temporal.example.com", nil},
		{"on this machine", "k1:" + keyText, token, "http://localhost:8233", "http://localhost:8233", nil},
		{"nothing set", "", "", "", "", []string{"REFUNDSYNC_ENCRYPTION_KEYS", "REFUNDSYNC_CODEC_TOKEN", "REFUNDSYNC_CODEC_UI_ORIGIN"}},
		{"no key to decrypt with", "none", token, "http://localhost:8233", "", []string{"REFUNDSYNC_ENCRYPTION_KEYS"}},
		{"a short token", "k1:" + keyText, "s3cret", "http://localhost:8233", "", []string{"REFUNDSYNC_CODEC_TOKEN"}},
		{"any origin", "k1:" + keyText, token, "*", "", []string{"REFUNDSYNC_CODEC_UI_ORIGIN"}},
		{"a page of it", "k1:" + keyText, token, "https://temporal.example.com/namespaces", "", []string{"REFUNDSYNC_CODEC_UI_ORIGIN"}},
		{"clear text over the internet", "k1:" + keyText, token, "http://temporal.example.com", "", []string{"REFUNDSYNC_CODEC_UI_ORIGIN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			setenv(t, map[string]string{
				"REFUNDSYNC_ENCRYPTION_KEYS": c.keys, "REFUNDSYNC_CODEC_TOKEN": c.token, "REFUNDSYNC_CODEC_UI_ORIGIN": c.origin,
			})
			server, keys, err := FromProcess().LoadCodecServer()
			require.Equal(t, c.wrong, names(problems(t, err)))
			if err != nil {
				require.NotContains(t, err.Error(), "s3cret")
				return
			}
			require.Equal(t, CodecServer{Token: token, UIOrigin: c.wantOrigin}, server)
			require.Equal(t, "k1", keys.String())
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", server, server, server), token)
		})
	}
}
