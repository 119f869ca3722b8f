package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironmentIsPrintedAndServed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader, writer := io.Pipe()
	file := filepath.Join(t.TempDir(), "sim.env")
	cmd := newCommand()
	cmd.SetArgs([]string{"--orders", "20", "--days", "1", "--env-file", file, "--fault", "kingdee-hang=0.5", "--fault", "source-hang=0.25"})
	cmd.SetOut(writer)
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()

	// The environment is one write, so one read gets all of it.
	buffer := make([]byte, 1<<16)
	n, err := reader.Read(buffer)
	require.NoError(t, err)
	printed := string(buffer[:n])
	for line := range strings.Lines(printed) {
		require.Regexp(t, `^[A-Z_]+=\S*\n$`, line)
	}
	url := regexp.MustCompile(`KINGDEE_URL=(.*)/k3cloud/`).FindStringSubmatch(printed)
	require.NotNil(t, url)
	response, err := http.Get(url[1] + "/_sim/state")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	response, err = http.Get(url[1] + "/_sim/faults")
	require.NoError(t, err)
	shown, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, string(shown), `"kingdee-hang":0.5,`)
	require.Contains(t, string(shown), `"source-hang":0.25,`)

	cancel()
	require.NoError(t, <-done)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, printed, string(written))
}

func TestMistakesInFlags(t *testing.T) {
	for name, args := range map[string][]string{
		"time":         {"--from", "2024-03-01"},
		"auth":         {"--auth", "magic"},
		"orders":       {"--orders", "-1"},
		"address":      {"--listen", "127.0.0.1:none"},
		"env file":     {"--orders", "10", "--env-file", t.TempDir()},
		"data file":    {"--orders", "10", "--data", t.TempDir()},
		"fault":        {"--fault", "earthquake=0.1"},
		"probability":  {"--fault", "kingdee-hang=often"},
		"unknown flag": {"--fast"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := newCommand()
			cmd.SetArgs(args)
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			require.Error(t, cmd.ExecuteContext(context.Background()))
		})
	}
}
