package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit/postgres"
)

// onPostgres reports whether the tests use the server of docker-compose.yml, on a
// PostgreSQL of this machine, instead of the dev server.
func onPostgres() bool {
	switch value := os.Getenv("REFUNDSYNC_E2E_SERVER"); value {
	case "":
		return false
	case "postgres":
		return true
	default:
		panic("REFUNDSYNC_E2E_SERVER must be postgres or unset, not " + value)
	}
}

// serveShared is nil for the dev server.
var serveShared = func() func(context.Context, []string) (string, func() error, error) {
	if !onPostgres() {
		return nil
	}
	return func(ctx context.Context, dynamicConfig []string) (string, func() error, error) {
		folder, err := buildPostgres()
		if err != nil {
			return "", nil, err
		}
		server, err := postgres.Start(ctx, postgres.Options{Root: "..", Bin: folder, DynamicConfig: dynamicConfig})
		if err != nil {
			return "", nil, err
		}
		return server.Address, server.Stop, nil
	}
}()

// buildPostgres builds the server's programs, which takes minutes the first time.
var buildPostgres = sync.OnceValues(func() (string, error) {
	if err := buildPrograms(); err != nil {
		return "", err
	}
	return binFolder, postgres.Build(context.Background(), "..", binFolder, os.Stderr)
})

func postgresPrograms(t *testing.T) string {
	t.Helper()
	folder, err := buildPostgres()
	require.NoError(t, err)
	return folder
}

// postgresFolder returns a folder that PostgreSQL's own user may use, unlike t.TempDir,
// with a name short enough for a socket in it.
func postgresFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "refundsync-pg")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	return folder
}

func startKillablePostgres(t *testing.T) killable {
	t.Helper()
	options := postgres.Options{Root: "..", Bin: postgresPrograms(t), Folder: postgresFolder(t)}
	server := startPostgres(t, options)
	return killable{
		address: server.Address, namespace: "default",
		kill:    func(t *testing.T) { require.NoError(t, server.Crash()) },
		restart: func(t *testing.T) { server = startPostgres(t, options) },
	}
}

func requirePostgres(t *testing.T) {
	t.Helper()
	// This restores PostgreSQL's own backups; the dev server has none.
	if !onPostgres() {
		t.Skip("it needs PostgreSQL: make e2e-postgres")
	}
}

func startPostgres(t *testing.T, options postgres.Options) *postgres.Server {
	t.Helper()
	server, err := postgres.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// A server whose address is in use does not start, and does not disturb the other one.
func TestPostgresServerIsOurOwn(t *testing.T) {
	t.Parallel()
	requirePostgres(t)
	options := postgres.Options{Root: "..", Bin: postgresPrograms(t), Folder: postgresFolder(t)}
	stranger := startPostgres(t, options)
	ports, err := os.ReadFile(filepath.Join(options.Folder, "state.json"))
	require.NoError(t, err)
	other := postgresFolder(t)
	require.NoError(t, os.WriteFile(filepath.Join(other, "state.json"), ports, 0o600))

	_, err = postgres.Start(t.Context(), postgres.Options{Root: "..", Bin: postgresPrograms(t), Folder: other})
	require.Error(t, err)
	require.NoError(t, stranger.Psql(t.Context(), "temporal", "SELECT 1").Run())
}

// The server's role owns its two databases, can't even connect to another, and has no
// other rights.
func TestPostgresRoleOwnsItsDatabasesAlone(t *testing.T) {
	t.Parallel()
	requirePostgres(t)
	server := startPostgres(t, postgres.Options{Root: "..", Bin: postgresPrograms(t)})
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

// The password of the server's role is changed during a run: workers wait while the
// server restarts, and continue.
func TestPostgresPasswordIsChanged(t *testing.T) {
	t.Parallel()
	requirePostgres(t)
	server := startPostgres(t, postgres.Options{Root: "..", Bin: postgresPrograms(t)})
	connect := func(password string) error {
		cmd := server.Psql(t.Context(), "temporal", "SELECT 1")
		cmd.Env = append(cmd.Env, "PGHOST=127.0.0.1", "PGUSER=temporal", "PGPASSWORD="+password)
		return cmd.Run()
	}
	w := newWorldAt(t, simulator.Options{Orders: 60}, server.Address, "default").inSmallSteps(t)
	w.startWorker(t)
	w.beginHeld(t, 10)
	const first, second = "first-changed-password", "second-changed-password"
	require.NoError(t, server.ChangePassword(t.Context(), first))
	require.NoError(t, connect(first))
	require.NoError(t, server.ChangePassword(t.Context(), second))
	require.NoError(t, connect(second))
	require.Error(t, connect(first), "the old one is no longer valid")
	w.ReleaseSaves()
	requireTruth(t, w, w.sync(t)) // joins the run
}
