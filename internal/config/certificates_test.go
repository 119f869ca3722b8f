package config

import (
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit"
)

func TestKingdeeCAFile(t *testing.T) {
	one, two := testkit.NewCertificate(t, "127.0.0.1"), testkit.NewCertificate(t, "127.0.0.1")
	for _, test := range []struct {
		name    string
		content []byte
		wrong   string // "" where the file is fine
	}{
		{"one", testkit.CertificatePEM(one), ""},
		{"two, and a remark", append(append([]byte("company CA\n"), testkit.CertificatePEM(one)...), testkit.CertificatePEM(two)...), ""},
		{"a key beside it", append(testkit.KeyPEM(t, one), testkit.CertificatePEM(one)...), ""},
		{"a key alone", testkit.KeyPEM(t, one), "contains no PEM certificate"},
		{"DER", one.Certificate[0], "contains no PEM certificate"},
		{"empty", nil, "contains no PEM certificate"},
		{"broken", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("broken")}), "can't parse certificate 1 in it"},
		{"too large", make([]byte, maxSmallFile+1), "over 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv("KINGDEE_CA_FILE", testkit.File(t, test.content))
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

// The system's CAs stay trusted: the worker needs them for other servers.
func TestKingdeeCAFileAddsToTheSystems(t *testing.T) {
	system, err := x509.SystemCertPool()
	require.NoError(t, err)
	added := testkit.NewCertificate(t, "company-ca")
	system.AddCert(added.Leaf)
	setenv(t, complete())
	t.Setenv("KINGDEE_CA_FILE", testkit.File(t, testkit.CertificatePEM(added)))
	settings, err := FromProcess().Load()
	require.NoError(t, err)
	require.True(t, system.Equal(settings.Kingdee.RootCAs))
}
