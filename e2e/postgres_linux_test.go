package e2e

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/devserver"
	"refundsync/internal/pgserver"
)

func buildForPostgres(ctx context.Context, programs string, log func(string)) error {
	return pgserver.Build(ctx, "..", programs, log)
}

func serveOnPostgres(ctx context.Context, programs string, options devserver.Options) (address string, stop func() error, err error) {
	server, err := pgserver.Start(ctx, pgserver.Options{Root: "..", Bin: programs, Folder: options.DBFile, DynamicConfig: options.DynamicConfig})
	if err != nil {
		return "", nil, err
	}
	return server.Address, server.Stop, nil
}

// postgresFolder is one that PostgreSQL's own user may use, which t.TempDir is
// not, and whose name is short enough for a socket in it.
func postgresFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "refundsync-pg")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	return folder
}
