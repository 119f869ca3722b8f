package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadyURL(t *testing.T) {
	for address, want := range map[string]string{
		":9464":          "http://127.0.0.1:9464/readyz",
		"0.0.0.0:9464":   "http://127.0.0.1:9464/readyz",
		"[::]:9464":      "http://127.0.0.1:9464/readyz",
		"127.0.0.1:9464": "http://127.0.0.1:9464/readyz",
		"[::1]:9464":     "http://[::1]:9464/readyz",
		"worker:9464":    "http://worker:9464/readyz",
	} {
		url, err := readyURL(address)
		require.NoError(t, err, address)
		require.Equal(t, want, url, address)
	}
	_, err := readyURL("")
	require.ErrorContains(t, err, "REFUNDSYNC_HTTP_ADDRESS")
}

// The command succeeds only if the worker is ready, and otherwise says why.
func TestHealthcheck(t *testing.T) {
	code, body := http.StatusOK, `{"ready":true}`
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(worker.Close)
	t.Setenv("REFUNDSYNC_HTTP_ADDRESS", strings.TrimPrefix(worker.URL, "http://"))

	require.NoError(t, execute(t, "healthcheck"))
	require.NoError(t, execute(t, "healthcheck", worker.URL+"/readyz"))
	code, body = http.StatusServiceUnavailable, `{"ready":false,"problems":["no Temporal"]}`
	require.ErrorContains(t, execute(t, "healthcheck"), "no Temporal")
	// A port that was free may be taken by now; port 1 never is.
	t.Setenv("REFUNDSYNC_HTTP_ADDRESS", "127.0.0.1:1")
	require.ErrorContains(t, execute(t, "healthcheck"), "refused")
}

func execute(t *testing.T, args ...string) error {
	t.Helper()
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&bytes.Buffer{})
	cmd.SetErr(&bytes.Buffer{})
	return cmd.ExecuteContext(t.Context())
}
