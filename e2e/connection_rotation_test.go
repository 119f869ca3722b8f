package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// credentials are what a program presents to Temporal, in files.
type credentials struct {
	key, certificate, certificateKey string
}

func newCredentials(t *testing.T) credentials {
	t.Helper()
	folder := t.TempDir()
	return credentials{filepath.Join(folder, "key"), filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")}
}

func (c credentials) write(t *testing.T, key string, certificate tls.Certificate) credentials {
	t.Helper()
	require.NoError(t, os.WriteFile(c.key, []byte(key), 0o600))
	require.NoError(t, os.WriteFile(c.certificate, testkit.CertificatePEM(certificate), 0o600))
	require.NoError(t, os.WriteFile(c.certificateKey, testkit.KeyPEM(t, certificate), 0o600))
	return c
}

func (w *world) withCredentials(c credentials) *world {
	return w.with("TEMPORAL_API_KEY_FILE", c.key).with("TEMPORAL_TLS_CLIENT_CERT_PATH", c.certificate).with("TEMPORAL_TLS_CLIENT_KEY_PATH", c.certificateKey)
}

// The API key, the client certificate and the server's own certificate are rotated during
// a run: the server accepts old and new for a while, the worker with the old ones is
// stopped, or finds the new ones in its files, and then the old ones are revoked.
func TestConnectionToTemporalIsChangedWithoutAStop(t *testing.T) {
	t.Parallel()
	named := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject.CommonName = name }
	}
	for _, c := range []struct {
		name  string
		files bool
	}{{"by a second worker", false}, {"in the files of the worker", true}} {
		t.Run(c.name, func(t *testing.T) {
			if !c.files {
				testkit.SkipUnlessLong(t)
			}
			parallelIfLong(t)
			oldServer, newServer := testkit.NewCertificate(t, "127.0.0.1", named("old server")), testkit.NewCertificate(t, "127.0.0.1", named("new server"))
			oldClient, newClient := testkit.NewCertificate(t, "old"), testkit.NewCertificate(t, "new")
			w := newWorld(t, simulator.Options{Orders: 60}).inSmallSteps(t)
			temporal := guardTemporal(t, w.env["TEMPORAL_ADDRESS"], door{oldServer, []tls.Certificate{oldClient}, []string{"old-key"}})
			w.env["TEMPORAL_ADDRESS"] = temporal.Listener.Addr().String()
			// The new CA is trusted first, beside the old one.
			both := testkit.File(t, bytes.Join([][]byte{testkit.CertificatePEM(oldServer), testkit.CertificatePEM(newServer)}, nil))
			w.env["TEMPORAL_TLS_SERVER_CA_CERT_PATH"] = both
			before := w.withCredentials(newCredentials(t).write(t, "old-key", oldClient))
			files := newCredentials(t).write(t, "old-key", oldClient)
			w = w.withCredentials(files)

			first := w.startWorker(t)
			run := w.beginHeld(t, 10)
			temporal.change(door{oldServer, []tls.Certificate{oldClient, newClient}, []string{"old-key", "new-key"}})
			if c.files {
				files.write(t, "new-key", newClient)
			} else {
				w = w.withCredentials(newCredentials(t).write(t, "new-key", newClient))
				w.startWorker(t)
				first.stop()
				first.waitFor(t, `"draining"`)
				w.handOver(t, run.GetID(), func() { first.waitForEnd(t) })
			}
			temporal.change(door{newServer, []tls.Certificate{newClient}, []string{"new-key"}})
			w.ReleaseSaves()

			requireTruth(t, w, w.sync(t)) // joins the run
			require.Equal(t, []string{"new new-key"}, temporal.callers())
			for setting, stale := range map[string]*world{
				"TEMPORAL_API_KEY":                 w.with("TEMPORAL_API_KEY_FILE", before.env["TEMPORAL_API_KEY_FILE"]),
				"TEMPORAL_TLS_CLIENT_CERT_PATH":    before,
				"TEMPORAL_TLS_SERVER_CA_CERT_PATH": w.with("TEMPORAL_TLS_SERVER_CA_CERT_PATH", testkit.File(t, testkit.CertificatePEM(oldServer))),
			} {
				e := stale.starter(t, 1, "check")
				assert.Contains(t, e.stdout, setting, "what is out of date is named")
			}
		})
	}
}
