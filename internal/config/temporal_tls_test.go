package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"refundsync/internal/testkit"
)

// frontend is what of a Temporal server a client meets first. It notes who came.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	apiKey string // "": asks for none

	mu      sync.Mutex
	clients []string // serial numbers of clients' certificates
}

func (f *frontend) GetSystemInfo(ctx context.Context, _ *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.apiKey != "" && strings.Join(headers.Get("authorization"), "") != "Bearer "+f.apiKey {
		return nil, status.Error(codes.Unauthenticated, "Request unauthorized.")
	}
	if from, ok := peer.FromContext(ctx); ok {
		if info, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
			f.clients = append(f.clients, info.State.PeerCertificates[0].SerialNumber.String())
		}
	}
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (f *frontend) setAPIKey(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.apiKey = key
}

// listen serves the frontend on loopback, with TLS unless encryption is nil.
func (f *frontend) listen(t *testing.T, encryption *tls.Config) (address string) {
	t.Helper()
	var options []grpc.ServerOption
	if encryption != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(encryption)))
	}
	server := grpc.NewServer(options...)
	workflowservice.RegisterWorkflowServiceServer(server, f)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// temporalEnvironment sets these variables and clears Temporal's others.
func temporalEnvironment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TEMPORAL_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "absent.toml"))
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// dialAsSet connects as the environment says.
func dialAsSet(t *testing.T) (client.Client, error) {
	t.Helper()
	options, err := FromProcess().TemporalOptions()
	require.NoError(t, err)
	options.ConnectionOptions.GetSystemInfoTimeout = time.Minute // a busy machine may take longer than the SDK's 5 seconds
	c, err := DialTemporal(t.Context(), options)
	if err != nil {
		return nil, err
	}
	t.Cleanup(c.Close)
	return c, nil
}

func serverTLS(server tls.Certificate, clients ...tls.Certificate) *tls.Config {
	encryption := &tls.Config{Certificates: []tls.Certificate{server}}
	if len(clients) > 0 {
		encryption.ClientAuth, encryption.ClientCAs = tls.RequireAndVerifyClientCert, testkit.CertificatePool(clients...)
	}
	return encryption
}

func TestTemporalConnections(t *testing.T) {
	const key = "k3y-of-temporal-cloud"
	local, named := testkit.NewCertificate(t, "127.0.0.1"), testkit.NewCertificate(t, "temporal.example.com")
	ours, stranger := testkit.NewCertificate(t, "worker"), testkit.NewCertificate(t, "stranger")
	expired := testkit.NewCertificate(t, "127.0.0.1", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	mutual := serverTLS(local, ours)
	both := map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(local))}
	with := func(variables ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, some := range variables {
			for name, value := range some {
				all[name] = value
			}
		}
		return all
	}
	byPath := func(certificate tls.Certificate) map[string]string {
		return map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": testkit.File(t, testkit.CertificatePEM(certificate)), "TEMPORAL_TLS_CLIENT_KEY_PATH": testkit.File(t, testkit.KeyPEM(t, certificate))}
	}
	byData := map[string]string{"TEMPORAL_TLS_CLIENT_CERT_DATA": string(testkit.CertificatePEM(ours)), "TEMPORAL_TLS_CLIENT_KEY_DATA": string(testkit.KeyPEM(t, ours))}

	for _, test := range []struct {
		name        string
		apiKey      string
		server      *tls.Config
		environment map[string]string
		fails       []string // nil where it connects
	}{
		{"clear text", "", nil, nil, nil},
		{"blank variables, as compose files pass them", "", nil, map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "", "TEMPORAL_TLS_SERVER_NAME": " ", "TEMPORAL_API_KEY": ""}, nil},
		{"CA by path", "", serverTLS(local), both, nil},
		{"CA by data", "", serverTLS(local), map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_DATA": string(testkit.CertificatePEM(local))}, nil},
		{"name in the certificate", "", serverTLS(named), map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(named)), "TEMPORAL_TLS_SERVER_NAME": "temporal.example.com"}, nil},
		{"mTLS by path", "", mutual, with(both, byPath(ours)), nil},
		{"mTLS by data", "", mutual, with(both, byData), nil},
		{"API key", key, serverTLS(local), with(both, map[string]string{"TEMPORAL_API_KEY": key}), nil},
		{"API key from a file", key, serverTLS(local), with(both, map[string]string{"TEMPORAL_API_KEY_FILE": testkit.File(t, []byte(key+"\n"))}), nil},
		{"API key in clear text on this machine", key, nil, map[string]string{"TEMPORAL_API_KEY": key, "TEMPORAL_TLS": "false"}, nil},

		{"unknown CA", "", serverTLS(local), map[string]string{"TEMPORAL_TLS": "true"}, []string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH", "unknown authority"}},
		{"another name", "", serverTLS(named), map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(named))}, []string{"TEMPORAL_TLS_SERVER_NAME"}},
		{"expired", "", serverTLS(expired), map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(expired))}, []string{"expired", "clock"}},
		{"TLS 1.1", "", &tls.Config{Certificates: []tls.Certificate{local}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, both, []string{"protocol version"}},
		{"clear text to a server with TLS", "", serverTLS(local), nil, []string{"TEMPORAL_TLS=true"}},
		{"TLS to a server without", "", nil, both, []string{"it does not speak TLS"}},
		{"no client certificate", "", mutual, both, []string{"TEMPORAL_TLS_CLIENT_CERT_PATH"}},
		{"a stranger's client certificate", "", mutual, with(both, byPath(stranger)), []string{"TEMPORAL_TLS_CLIENT_CERT_PATH"}},
		{"another API key", key, serverTLS(local), with(both, map[string]string{"TEMPORAL_API_KEY": "0ld-k3y"}), []string{"TEMPORAL_API_KEY", "unauthorized"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := (&frontend{apiKey: test.apiKey}).listen(t, test.server)
			temporalEnvironment(t, with(test.environment, map[string]string{"TEMPORAL_ADDRESS": address}))
			_, err := dialAsSet(t)
			if test.fails == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, address)
			for _, text := range test.fails {
				assert.ErrorContains(t, err, text)
			}
			for _, secret := range []string{key, "0ld-k3y", "PRIVATE KEY"} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestTemporalOptionsRefused(t *testing.T) {
	const key = "k3y-of-temporal-cloud"
	ours, another := testkit.NewCertificate(t, "worker"), testkit.NewCertificate(t, "worker")
	profiles := func(text string) string { return testkit.File(t, []byte("[profile.default]\n"+text)) }
	for _, test := range []struct {
		name        string
		environment map[string]string
		says        string
	}{
		{"API key in clear text", map[string]string{"TEMPORAL_ADDRESS": "10.0.0.7:7233", "TEMPORAL_API_KEY": key, "TEMPORAL_TLS": "false"}, "TEMPORAL_TLS=true"},
		{"API key in clear text, by the file", map[string]string{"TEMPORAL_CONFIG_FILE": profiles("address = \"t.example.com:7233\"\napi_key = \"" + key + "\"\n[profile.default.tls]\ndisabled = true\n")}, "TEMPORAL_TLS=true"},
		{"another key in clear text", map[string]string{"TEMPORAL_ADDRESS": "t.example.com:7233", "TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer " + key}, "TEMPORAL_TLS=true"},
		{"API key twice", map[string]string{"TEMPORAL_API_KEY": key, "TEMPORAL_API_KEY_FILE": testkit.File(t, []byte(key))}, "TEMPORAL_API_KEY is set too"},
		{"no such file of the API key", map[string]string{"TEMPORAL_API_KEY_FILE": "/nowhere/" + key}, "TEMPORAL_API_KEY_FILE"},
		{"no verification", map[string]string{"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION": "true"}, "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported"},
		{"no verification, by the file", map[string]string{"TEMPORAL_CONFIG_FILE": profiles("[profile.default.tls]\ndisable_host_verification = true\n")}, "is not supported"},
		{"a certificate without its key", map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": testkit.File(t, testkit.CertificatePEM(ours))}, "other must be present"},
		{"another's key", map[string]string{"TEMPORAL_TLS_CLIENT_CERT_DATA": string(testkit.CertificatePEM(ours)), "TEMPORAL_TLS_CLIENT_KEY_DATA": string(testkit.KeyPEM(t, another))}, "private key does not match"},
		{"no CA in the file", map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, []byte("none"))}, "CA"},
	} {
		t.Run(test.name, func(t *testing.T) {
			temporalEnvironment(t, test.environment)
			_, err := FromProcess().TemporalOptions()
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), key)
			require.NotContains(t, err.Error(), "PRIVATE KEY")
		})
	}
}

// Keys and certificates are exchanged beneath a worker that runs.
func TestTemporalSecretsAreReadAgain(t *testing.T) {
	t.Run("API key", func(t *testing.T) {
		local := testkit.NewCertificate(t, "127.0.0.1")
		server := &frontend{apiKey: "first"}
		file := testkit.File(t, []byte("first"))
		temporalEnvironment(t, map[string]string{
			"TEMPORAL_ADDRESS": server.listen(t, serverTLS(local)), "TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(local)), "TEMPORAL_API_KEY_FILE": file,
		})
		c, err := dialAsSet(t)
		require.NoError(t, err)
		server.setAPIKey("second")
		_, err = c.WorkflowService().GetSystemInfo(t.Context(), &workflowservice.GetSystemInfoRequest{})
		require.Equal(t, codes.Unauthenticated, status.Code(err), "%v", err)
		require.NoError(t, os.WriteFile(file, []byte("second\n"), 0o600))
		_, err = c.WorkflowService().GetSystemInfo(t.Context(), &workflowservice.GetSystemInfoRequest{})
		require.NoError(t, err)
	})
	t.Run("client certificate", func(t *testing.T) {
		local := testkit.NewCertificate(t, "127.0.0.1")
		first := testkit.NewCertificate(t, "worker")
		second := testkit.NewCertificate(t, "worker", func(c *x509.Certificate) { c.SerialNumber.SetInt64(2) })
		server := &frontend{}
		certificate, key := testkit.File(t, testkit.CertificatePEM(first)), testkit.File(t, testkit.KeyPEM(t, first))
		temporalEnvironment(t, map[string]string{
			"TEMPORAL_ADDRESS": server.listen(t, serverTLS(local, first, second)), "TEMPORAL_TLS_SERVER_CA_CERT_PATH": testkit.File(t, testkit.CertificatePEM(local)),
			"TEMPORAL_TLS_CLIENT_CERT_PATH": certificate, "TEMPORAL_TLS_CLIENT_KEY_PATH": key,
		})
		options, err := FromProcess().TemporalOptions()
		require.NoError(t, err)
		options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
		for _, pair := range []tls.Certificate{first, second} {
			require.NoError(t, os.WriteFile(certificate, testkit.CertificatePEM(pair), 0o600))
			require.NoError(t, os.WriteFile(key, testkit.KeyPEM(t, pair), 0o600))
			c, err := client.DialContext(t.Context(), options) // as a connection that is made anew
			require.NoError(t, err)
			c.Close()
		}
		require.Equal(t, []string{"1", "2"}, server.clients)
	})
}
