package e2e

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/devserver"
	"refundsync/internal/pgserver"
)

func buildForPostgres(ctx context.Context, programs string, log io.Writer) error {
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

func requirePostgres(t *testing.T) {
	t.Helper()
	// What is restored here is PostgreSQL's own; the dev server has none.
	if !onPostgres() {
		t.Skip("it needs PostgreSQL: make e2e-postgres")
	}
}

func startPostgres(t *testing.T, options pgserver.Options) *pgserver.Server {
	t.Helper()
	server, err := pgserver.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// A server whose address somebody else has does not start, and leaves the other
// alone.
func TestPostgresServerIsOurOwn(t *testing.T) {
	t.Parallel()
	requirePostgres(t)
	options := pgserver.Options{Root: "..", Bin: bin, Folder: postgresFolder(t)}
	stranger := startPostgres(t, options)
	ports, err := os.ReadFile(filepath.Join(options.Folder, "state.json"))
	require.NoError(t, err)
	other := postgresFolder(t)
	require.NoError(t, os.WriteFile(filepath.Join(other, "state.json"), ports, 0o600))

	_, err = pgserver.Start(t.Context(), pgserver.Options{Root: "..", Bin: bin, Folder: other})
	require.Error(t, err)
	require.NoError(t, stranger.Psql(t.Context(), "temporal", "SELECT 1").Run())
	require.False(t, refused(stranger.Address))
}

// The server's role owns its two databases, may not even connect to another, and
// has no right beyond.
func TestPostgresRoleOwnsItsDatabasesAlone(t *testing.T) {
	t.Parallel()
	requirePostgres(t)
	server := startPostgres(t, pgserver.Options{Root: "..", Bin: bin})
	for query, want := range map[string]string{
		"SELECT datname FROM pg_database WHERE has_database_privilege('temporal', oid, 'CONNECT') AND datallowconn ORDER BY 1":       "temporal\ntemporal_visibility",
		"SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = 'temporal' ORDER BY 1":                    "temporal\ntemporal_visibility",
		"SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = 'temporal'": "f",
		"SELECT count(*) FROM pg_auth_members WHERE member = 'temporal'::regrole":                                                    "0",
		"SELECT usename FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname LIKE 'temporal%' GROUP BY 1":         "temporal",
		"SELECT count(*) FROM pg_hba_file_rules WHERE type <> 'local' AND auth_method <> 'scram-sha-256'":                            "0",
		"SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname = 'temporal'":                                                     "SCRAM-SHA-256",
	} {
		out, err := server.Psql(t.Context(), "postgres", query).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, want, strings.TrimSpace(string(out)), query)
	}
}

// The password of the server's role is changed while a run is under way: workers
// wait while the server is started again, and go on.
func TestPostgresPasswordIsChanged(t *testing.T) {
	t.Parallel()
	requirePostgres(t)
	server := startPostgres(t, pgserver.Options{Root: "..", Bin: bin})
	connect := func(password string) error {
		cmd := server.Psql(t.Context(), "temporal", "SELECT 1")
		cmd.Env = append(cmd.Env, "PGHOST=127.0.0.1", "PGUSER=temporal", "PGPASSWORD="+password)
		return cmd.Run()
	}
	w := slowly(t, newWorldAt(t, longRun, server.Address))
	w.startWorker(t)
	w.begin(t)
	w.waitForBills(t, 10)
	const first, second = "first-changed-password", "second-changed-password"
	require.NoError(t, server.ChangePassword(t.Context(), first))
	require.NoError(t, connect(first))
	require.NoError(t, server.ChangePassword(t.Context(), second))
	require.NoError(t, connect(second))
	require.Error(t, connect(first), "the old one is valid no more")
	require.Less(t, len(w.State().Kingdee.Bills), len(w.savable()), "the run is still under way")
	requireTruth(t, w, w.sync(t, 3)) // joins the run
}
