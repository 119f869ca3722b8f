package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newCertificate makes a certificate that signs itself, for this machine or for
// another name, valid for the hour around now or as the change says.
func newCertificate(t *testing.T, name string, changes ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{name},
		IsCA:         true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	for _, change := range changes {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func certificatePEM(certificate tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
}

func keyPEM(t *testing.T, certificate tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certificateFile(t *testing.T, certificate tls.Certificate) string {
	t.Helper()
	return fileWith(t, certificatePEM(certificate))
}

func fileWith(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestKingdeeCAFile(t *testing.T) {
	one, two := newCertificate(t, "127.0.0.1"), newCertificate(t, "127.0.0.1")
	for _, test := range []struct {
		name    string
		content []byte
		wrong   string // "" where the file is fine
	}{
		{"one", certificatePEM(one), ""},
		{"two, and a remark", append(append([]byte("company CA\n"), certificatePEM(one)...), certificatePEM(two)...), ""},
		{"a key beside it", append(keyPEM(t, one), certificatePEM(one)...), ""},
		{"a key alone", keyPEM(t, one), "holds no certificate"},
		{"DER", one.Certificate[0], "holds no certificate"},
		{"empty", nil, "holds no certificate"},
		{"broken", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("broken")}), "Certificate 1 in it can't be understood"},
		{"too large", make([]byte, maxSmallFile+1), "over 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv("KINGDEE_CA_FILE", fileWith(t, test.content))
			settings, err := Load()
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
	_, err := Load()
	require.ErrorContains(t, err, "absent.pem")
}

// The system's CAs stay: the same worker may reach others through them.
func TestKingdeeCAFileAddsToTheSystems(t *testing.T) {
	system, err := x509.SystemCertPool()
	require.NoError(t, err)
	added := newCertificate(t, "company-ca")
	system.AddCert(added.Leaf)
	setenv(t, complete())
	t.Setenv("KINGDEE_CA_FILE", certificateFile(t, added))
	settings, err := Load()
	require.NoError(t, err)
	require.True(t, system.Equal(settings.Kingdee.RootCAs))
}
