package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/devserver"
	"refundsync/internal/syncworker"
	"refundsync/internal/testkit"
)

// shared is the Temporal server of these tests.
var shared = &testkit.Temporal{SearchAttributes: syncworker.SearchAttributes(), Serve: serveShared}

// newNamespace makes a namespace for a test.
func newNamespace(t *testing.T) (address, namespace string) {
	t.Helper()
	return shared.Namespace(t)
}

// startDevServer starts a dev server for one test that needs other settings, or
// ends it.
func startDevServer(t *testing.T, options devserver.Options) *devserver.Server {
	t.Helper()
	options.SearchAttributes = syncworker.SearchAttributes()
	return testkit.StartTemporal(t, options)
}

// killable is a Temporal server that can be killed, and started again with the same
// state at the same address.
type killable struct {
	address, namespace string
	kill, restart      func(t *testing.T)
}

func startKillable(t *testing.T) killable {
	t.Helper()
	if onPostgres() {
		return startKillablePostgres(t)
	}
	testkit.SkipIfShort(t)
	options := devserver.Options{DBFile: filepath.Join(t.TempDir(), "temporal.db"), SearchAttributes: syncworker.SearchAttributes()}
	var server *devserver.Server
	start := func(t *testing.T) {
		var err error
		server, err = devserver.Start(t.Context(), options)
		require.NoError(t, err)
	}
	start(t)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	_, port, err := net.SplitHostPort(server.Address)
	require.NoError(t, err)
	options.Port, err = strconv.Atoi(port)
	require.NoError(t, err)
	return killable{
		address: server.Address, namespace: server.Namespace,
		kill: func(t *testing.T) {
			process, err := os.FindProcess(server.PID())
			require.NoError(t, err)
			require.NoError(t, process.Kill())
			<-server.Done()
			require.ErrorContains(t, server.Stop(), "exited by itself") // and releases the file
		},
		restart: start,
	}
}
