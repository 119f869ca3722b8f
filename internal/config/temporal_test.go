package config

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

func TestTemporalOptions(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.pem")
	tests := []struct {
		name        string
		environment map[string]string
		address     string
		message     string
	}{
		{"nothing set", map[string]string{"TEMPORAL_NAMESPACE": ""}, "localhost:7233", ""},
		{"address", map[string]string{"TEMPORAL_ADDRESS": "temporal.example.com:7233"}, "temporal.example.com:7233", ""},
		{"address by DNS", map[string]string{"TEMPORAL_ADDRESS": "dns:///temporal.example.com:7233"}, "dns:///temporal.example.com:7233", ""},
		{"address without port", map[string]string{"TEMPORAL_ADDRESS": "temporal.example.com"}, "", "missing port"},
		{"address as a URL", map[string]string{"TEMPORAL_ADDRESS": "http://temporal.example.com:7233"}, "", "too many colons"},
		{"no such certificate", map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": absent, "TEMPORAL_TLS_CLIENT_KEY_PATH": absent}, "", "absent.pem"},
		{"no such profile", map[string]string{"TEMPORAL_PROFILE": "production"}, "", "production"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "absent.toml"))
			t.Setenv("TEMPORAL_PROFILE", "")
			t.Setenv("TEMPORAL_ADDRESS", "")
			t.Setenv("TEMPORAL_NAMESPACE", "returns")
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			options, err := FromProcess().TemporalOptions()
			if test.message != "" {
				require.ErrorContains(t, err, test.message)
				assert.ErrorContains(t, err, "TEMPORAL_ADDRESS")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.address, options.HostPort)
			namespace := "returns"
			if _, ok := test.environment["TEMPORAL_NAMESPACE"]; ok {
				namespace = "default"
			}
			assert.Equal(t, namespace, options.Namespace)
		})
	}
}

func TestTemporalIsSentPlainBytesWithoutTLS(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "absent.toml"))
	options, err := FromProcess().TemporalOptions()
	require.NoError(t, err)
	assert.IsType(t, &client.GrpcCompressionNone{}, options.ConnectionOptions.GrpcCompression)

	t.Setenv("TEMPORAL_TLS", "true")
	options, err = FromProcess().TemporalOptions()
	require.NoError(t, err)
	assert.Nil(t, options.ConnectionOptions.GrpcCompression, "the SDK's own default, gzip")
}
