package config

import (
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/certtest"
)

func TestKingdeeCAFile(t *testing.T) {
	one, two := certtest.New(t, "127.0.0.1"), certtest.New(t, "127.0.0.1")
	for _, test := range []struct {
		name    string
		content []byte
		wrong   string // "" where the file is fine
	}{
		{"one", certtest.PEM(one), ""},
		{"two, and a remark", append(append([]byte("company CA\n"), certtest.PEM(one)...), certtest.PEM(two)...), ""},
		{"a key beside it", append(certtest.KeyPEM(t, one), certtest.PEM(one)...), ""},
		{"a key alone", certtest.KeyPEM(t, one), "holds no certificate"},
		{"DER", one.Certificate[0], "holds no certificate"},
		{"empty", nil, "holds no certificate"},
		{"broken", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("broken")}), "Certificate 1 in it can't be understood"},
		{"too large", make([]byte, maxSmallFile+1), "over 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv("KINGDEE_CA_FILE", certtest.File(t, test.content))
			settings, err := FromProcess().Load()
			if test.wrong != "" {
				require.ErrorContains(t, err, "KINGDEE_CA_FILE")
				require.ErrorContains(t, err, test.wrong)
				return
			}
			require.NoError(t, err)
			_, err = one.Leaf.Verify(x509.VerifyOptions{Roots: settings.Kingdee.RootCAs})
			require.NoError(t, err)
		})
	}
	setenv(t, complete())
	t.Setenv("KINGDEE_CA_FILE", filepath.Join(t.TempDir(), "absent.pem"))
	_, err := FromProcess().Load()
	require.ErrorContains(t, err, "absent.pem")
}

// The system's CAs stay: the same worker may reach others through them.
func TestKingdeeCAFileAddsToTheSystems(t *testing.T) {
	system, err := x509.SystemCertPool()
	require.NoError(t, err)
	added := certtest.New(t, "company-ca")
	system.AddCert(added.Leaf)
	setenv(t, complete())
	t.Setenv("KINGDEE_CA_FILE", certtest.File(t, certtest.PEM(added)))
	settings, err := FromProcess().Load()
	require.NoError(t, err)
	require.True(t, system.Equal(settings.Kingdee.RootCAs))
}
