package e2e

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/devserver"
	"refundsync/internal/syncworker"
)

// serverVariable says which Temporal server the tests start, each its own: the
// development server, or with "postgres" the one of docker-compose.yml, on a
// PostgreSQL of this machine.
const serverVariable = "REFUNDSYNC_E2E_SERVER"

func onPostgres() bool { return os.Getenv(serverVariable) == "postgres" }

// checkServerVariable refuses what is neither.
func checkServerVariable() error {
	if value := os.Getenv(serverVariable); value != "" && !onPostgres() {
		return fmt.Errorf("%s must be postgres or unset, not %q", serverVariable, value)
	}
	return nil
}

// temporalServer is one that was started here. stop ends it, once.
type temporalServer struct {
	address string
	stop    func() error
}

// startServer starts a Temporal server for one test.
func startServer(t *testing.T) temporalServer {
	t.Helper()
	return startServerWith(t, devserver.Options{})
}

// startServerWith is startServer with options; on PostgreSQL, DynamicConfig alone
// counts.
func startServerWith(t *testing.T, options devserver.Options) temporalServer {
	t.Helper()
	server, err := serve(t.Context(), bin, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.stop()) })
	return server
}

// serve starts a server whose state is in DBFile, or on PostgreSQL in a folder of
// that name; "" keeps none. programs is the folder of the programs under test.
func serve(ctx context.Context, programs string, options devserver.Options) (temporalServer, error) {
	var server temporalServer
	if onPostgres() {
		address, stop, err := serveOnPostgres(ctx, programs, options)
		if err != nil {
			return server, err
		}
		server = temporalServer{address, stop}
	} else {
		options.SearchAttributes = syncworker.SearchAttributes()
		dev, err := devserver.Start(ctx, options)
		if err != nil {
			return server, err
		}
		server = temporalServer{dev.Address, dev.Stop}
	}
	server.stop = sync.OnceValue(server.stop)
	return server, nil
}
